"""Causes in whether packets were sent on at all, and who refused them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.causes import blindness, clues, routing
from pytest_netlab.causes.facts import Clue
from pytest_netlab.flows import ICMP, ICMP6, Role
from pytest_netlab.host.firewall import effects
from pytest_netlab.trace import End, Packet, refusal_text

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case, Cause, Evidence, Name
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import FlowFact


def untouched(case: Case, others: int) -> Cause:
    """Return why an expected flow was not seen at all; `others` like it were.

    With br_netfilter a bridge tracks a packet before its own tap sees it.
    """
    want, host = case.want, case.host
    if host.full:
        return case.cause("table full", _table_full(want, host))
    if others:
        text = f"{want.name} was seen {others} times only: one more never reached it"
        return case.cause("no traffic", text)
    text = f"no packet of {want.name} was seen: the stimulus never reached the host"
    found = blindness.redirected(case) or blindness.untouched(case)
    return found or case.cause("no traffic", text)


def black_hole(case: Case) -> Cause | None:
    """Find a flow of which only large packets vanish, without an ICMP error."""
    want, got = case.want, case.got
    limit = clues.mtu(case.host)
    too_large = got.stuck > limit > 0 or got.stuck > got.passed > 0
    was_lost = got.stuck and not want.stuck
    if not was_lost or not too_large or got.refusal or _was_asked_for_less(case):
        return None
    if not limit and got.stuck < _SMALLEST:
        return None
    found = clues.link(case), clues.new(_errors_of(case), effects.concerns_icmp)
    cited = "; ".join(one.text for one in found if one)
    why = Clue(cited or "look at the MTU of the links", found[1].remedy)
    text = (
        f"packets of {got.stuck} octets and more vanish in the host, and nobody tells "
        f"{want.initiator} to send smaller ones"
    )
    if got.passed:
        text += f", while those up to {got.passed} pass"
    return case.cause("MTU black hole", text, why)


def _errors_of(case: Case) -> Case:
    """Return the ICMP errors about a flow's packets; anybody may send them."""
    proto = ICMP if case.version == IPV4 else ICMP6
    want, got = (
        replace(fact, proto=proto, echo=False, responder=End(""))
        for fact in (case.want, case.got)
    )
    return replace(case, want=want, got=got)


IPV4 = 4
_SMALLEST = 577  # RFC 791: every link passes 576 octets


def _was_asked_for_less(case: Case) -> bool:
    """Return whether an ICMP error asked for smaller packets."""
    return any(map(_asks_for_less, case.evidence))


def _asks_for_less(difference: Evidence) -> bool:
    return isinstance(difference.found, Packet) and difference.found.what.asks_for_less


def too_large(case: Case) -> Cause | None:
    """Find packets that are too large for a link and answered by an ICMP error."""
    if case.got.refusal or not _was_asked_for_less(case):
        return None
    size = next(
        difference.got for difference in case.evidence if _asks_for_less(difference)
    )
    why = clues.link(case) or Clue("look at the MTU of the links")
    text = f"packets are too large for a link, and their sender is told so ({size})"
    return case.cause("rejected", text, why)


def table_full(case: Case) -> Cause | None:
    """Find a flow that could not be tracked, because the conntrack table is full."""
    want, got = case.want, case.got
    if not case.host.full or want.disposition == "local" or got.target:
        return None
    return case.cause("table full", _table_full(want, case.host))


def _table_full(want: FlowFact, host: HostChange) -> str:
    return (
        f"{want.name} was dropped: connection tracking is full ({host.full}); raise "
        "net.netfilter.nf_conntrack_max, or find out who fills it (conntrack.txt)"
    )


def rejected(case: Case) -> Cause | None:
    """Find a refusal, an ICMP error or a reset, and who sent it."""
    want, got = case.want, case.got
    if want.refusal or not got.refusal:
        return None
    rule = clues.acted(case, effects.rejects) or clues.new(case, effects.rejects)
    rule = rule or _barrier(case)
    by_nobody = got.refusal.what.role is Role.RST and not got.target
    if not rule and by_nobody:
        return None  # nobody refused it: the host has no such port
    route = clues.route(case, *_nodes(want.target, want.initiator))
    why = clues.first(rule, route, case=case, otherwise="look at the filter table")
    text = f"{want.initiator} was refused by {refusal_text(got.refusal)}"
    return case.cause("rejected", text, why)


def not_returned(case: Case) -> Cause | None:
    """Find a flow that was sent on correctly, and of which nothing came back."""
    want, got = case.want, case.got
    if not want.returned or got.returned or got.target != want.target:
        return None
    if not got.answered:
        text = f"{want.target} never answered what was sent on to it"
        why = routing.silent(case) or blindness.swallowed(case, got.target)
        why = why or clues.link(case)
        return case.cause("not answered", text, why)
    why = _unforwarded(case, want.initiator, "look at the filter FORWARD chain")
    text = f"{want.target}'s replies reached the host but not {want.initiator}"
    return case.cause("reply not forwarded", text, why)


def not_forwarded(case: Case) -> Cause | None:
    """Find packets that reached the host and were never sent on."""
    want, got = case.want, case.got
    if want.disposition != "forwarded" or got.target:
        return None
    who = "the host itself answered" if got.answered else "nobody answered"
    kept = got.answered and want.kind == "dnat"
    look = "look at net.ipv4.ip_forward and the filter FORWARD chain"
    why = _untranslated(case) if kept else _unforwarded(case, want.target, look)
    text = (
        f"packets from {want.initiator} reached the host but were never sent on to "
        f"{want.target}, {who}"
    )
    return case.cause("not forwarded", text, why)


def let_through(case: Case) -> Cause | None:
    """Find packets that were sent on though the golden's host dropped them."""
    want, got = case.want, case.got
    if want.disposition != "dropped" or got.disposition != "forwarded":
        return None
    case = replace(case, want=got)
    why = clues.first(
        clues.gone(case, effects.bars),
        clues.new(case, effects.accepts),
        clues.setting(case, "bridge_nf", "ip_forward"),
        clues.reordered(case, effects.in_filter),
        case=case,
        otherwise="look for a rule of filter or raw that dropped it there",
    )
    text = f"packets from {got.initiator} were sent on to {got.target or got.responder}"
    return case.cause("let through", f"{text}, which used to be dropped", why)


def partly_forwarded(case: Case) -> Cause | None:
    """Find single packets that were not forwarded, of a flow that was."""
    lost = next((x for x in case.evidence if x.field == "unpaired-forwarded"), None)
    if lost is None or case.got != case.want:
        return None
    there = lost.direction == "original"
    end = case.want.target if there else case.want.initiator
    why = _unforwarded(case, end, "look at rules with a limit or a chance")
    name: Name = "not forwarded" if there else "reply not forwarded"
    which = next((x.got for x in case.evidence if _is_extra(x, lost.direction)), "")
    text = "some packets" + f" ({which})" * bool(which)
    text += f" reached the host and were never sent on to {end}"
    return case.cause(name, text, why)


def _is_extra(difference: Evidence, direction: str) -> bool:
    """Return whether it is a packet that the golden does not have."""
    extra = isinstance(difference.found, Packet) and difference.expected is None
    return extra and difference.direction == direction


def unanswered(case: Case) -> Cause | None:
    """Find a flow to the host itself that the host does not answer."""
    want, got = case.want, case.got
    if want.disposition != "local" or not want.answered or got.answered or got.target:
        return None
    text = f"{want.responder} never answered"
    look = "look at the filter INPUT and OUTPUT chains"
    why = clues.first(
        routing.silent(case),
        _barrier(case),
        blindness.swallowed(case, want.responder),
        blindness.queued(case, want.initiator),
        blindness.kernel(case),
        case=case,
        otherwise=look,
    )
    return case.cause("not answered", text, why)


def _untranslated(case: Case) -> Clue:
    return clues.first(
        clues.unpublished(case),
        clues.new(case, effects.exempts),
        _barrier(case),
        clues.reordered(case, effects.in_nat),
        case=case,
        otherwise=f"no DNAT rule in nat/DOCKER matched {case.want.responder}",
    )


def _unforwarded(case: Case, end: End | None, look: str) -> Clue:
    return clues.first(
        clues.setting(case, "ip_forward"),
        clues.acted(case, effects.bars),
        clues.gone(case, effects.in_filter),
        _barrier(case),
        clues.route(case, *_nodes(end)),
        blindness.swallowed(case, end),
        blindness.queued(case, end),
        clues.reordered(case, effects.in_filter),
        clues.setting(case, "bridge_nf", "tcp_loose", "tcp_liberal"),
        clues.link(case),
        blindness.kernel(case),
        case=case,
        otherwise=look,
    )


def _barrier(case: Case) -> Clue:
    """Cite what stopped packets: what counted them, else what is new."""
    return (
        clues.acted(case, effects.bars)
        or clues.did(case, effects.bars)
        or clues.policy(case, effects.bars)
        or clues.new(case, effects.bars)
    )


def _nodes(*ends: End | None) -> list[str]:
    return [f"{end.node}" for end in ends if end is not None]
