"""Causes in what was rewritten: nothing, to something else, or not back for replies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.causes import clues, routing
from pytest_netlab.causes.facts import Clue
from pytest_netlab.causes.remedies import undo
from pytest_netlab.flows import WITH_PORTS
from pytest_netlab.host import Published
from pytest_netlab.host.firewall import effects
from pytest_netlab.host.tracking.conntrack import NAMES
from pytest_netlab.trace import End, PortTranslation, Symbol
from pytest_netlab.trace.build import OWN
from pytest_netlab.trace.values import map_symbols, symbols_in

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case, Cause, Evidence, Name
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.host.tracking.connections import Connection
    from pytest_netlab.trace import FlowFact

_EPHEMERAL, _ANY = ("port", "id"), Symbol("any", 0)
_ENDS = ("source", "destination", "rewrite", "id")


def republished(case: Case) -> Cause | None:
    """Find a DNAT rule that maps the port elsewhere, or another port to the target."""
    want = case.want
    if want.kind != "dnat" or case.got.kind == "dnat":
        return None
    port, target = f"{want.responder.port}", f"{want.target}"
    gone = Published(port, target) in map(effects.published, case.host.missing)
    asked = _as_asked(case)
    for rule in case.host.extra:
        now = effects.published(rule)
        if now is None:
            continue
        same_port, same_target = now.port == port, now.target == target
        elsewhere = same_port and not same_target and asked.concerns(rule)
        if elsewhere or (gone and same_target and not same_port):
            text = f"{want.responder} no longer leads to {want.target}: {rule.text}"
            node = want.target.node if want.target else ""
            found = case.cause(_wrong(node, now.node), text)
            return replace(found, remedy=undo(case.host, rule))
    return None


def _as_asked(case: Case) -> Case:
    """Return the case of packets as they come, before anything is translated."""
    want = case.want
    flow = replace(want, sender=want.initiator, target=want.responder)
    return replace(case, want=flow, got=flow)


def stale(case: Case) -> Cause | None:
    """Find a conntrack entry that is older than the rules, and does not follow them."""
    want, got = case.want, case.got
    if want.kind not in ("dnat", "snat", "hairpin"):
        return None
    if (got.target, got.sender) == (want.target, want.sender):
        return None
    changed = (*case.host.missing, *case.host.extra)
    if any(effects.concerns_translation(one) and case.concerns(one) for one in changed):
        return None  # rules that differ explain the flow without an old entry
    found = next(filter(lambda known: _is_stale(known, case), case.host.older), None)
    if found is None:
        return None
    text = "connection tracking follows an entry that is older than the capture"
    why = f"{found}; without it the rules decide again"
    return case.cause("stale conntrack", text, Clue(why, _delete(case.got.key)))


def _delete(key: Tuple5 | None) -> str:
    """Return the command that deletes a connection's entry."""
    if key is None:
        return ""
    return f"conntrack -D -p {NAMES[key.proto]} -s {key.src} -d {key.dst}"


def _is_stale(known: Connection, case: Case) -> bool:
    """Return whether an entry is of this flow, and translates it unlike the golden.

    An entry of a protocol without ports is taken to be of an ICMP echo.
    """
    want, (original, back) = case.want, known
    ports = original.proto in WITH_PORTS
    asked = End(original.dst, original.dport if ports else None)
    if (want.proto, want.echo) != (original.proto, not ports):
        return False
    translated = End(back.dst), End(back.src, back.sport if ports else None)
    return want.goes(End(original.src), asked) and translated != (
        want.sender,
        want.target,
    )


def mistranslated(case: Case) -> Cause | None:
    """Find a flow that was translated to another target."""
    want, got = case.want, case.got
    if want.kind != "dnat" or not want.target or not got.target:
        return None
    if got.target == want.target:
        return None
    rule = clues.new(case, effects.translates_destination)
    why = rule or Clue("the DNAT rule in nat/DOCKER names another destination")
    text = f"{want.responder} was translated to {got.target} instead of {want.target}"
    wrong = _wrong(want.target.node, got.target.node)
    return case.cause(wrong, text, why)


def reverse_translation(case: Case) -> Cause | None:
    """Find replies that were not reverse-translated."""
    want = case.want
    if want.kind not in ("snat", "dnat", "hairpin"):
        return None
    seen_reply = next(
        (
            difference.got
            for difference in case.evidence
            if difference.field == "undone"
        ),
        "",
    )
    seen = seen_reply or _past(case)
    if not seen:
        return None
    why = clues.first(
        clues.new(case, effects.untracks),
        clues.setting(case, "bridge_nf"),
        clues.gone(case, effects.in_nat),
        case=case,
        otherwise="the reply's packets were not tracked: look at the raw table",
    )
    text = f"replies of {want.target} are not translated back: {seen}"
    return case.cause("reply not undone", text, why)


def _past(case: Case) -> str:
    """Return how replies bypassed the translation; "" if they did not."""
    want, got = case.want, case.got
    if got.returned:
        return ""
    direct = case.between(want.initiator, want.target)
    if want.kind == "dnat" and any(fact.answered for fact in direct):
        return f"they left as {want.target}'s own"
    untracked = clues.new(case, effects.untracks)
    return "they were not tracked" if untracked and got.answered else ""


def proxied(case: Case) -> Cause | None:
    """Find docker-proxy: same bytes, another connection, the bridge as client."""
    want, got = case.want, case.got
    legs = [
        fact
        for fact in case.flows
        if fact.initiator.node == "bridge" and fact.responder == want.target
    ]
    if want.kind != "dnat" or not (got.disposition == "proxied" or legs):
        return None
    client = legs[0].initiator if legs else got.sender
    if client == want.sender:
        return None
    why = clues.first(
        clues.unpublished(case),
        clues.new(case, effects.untracks),
        clues.new(case, effects.in_nat),
        clues.reordered(case, effects.in_nat),
        case=case,
        otherwise="the DNAT rule in nat/PREROUTING -> DOCKER did not match",
    )
    text = (
        f"docker-proxy carried it: {want.target} sees {client} as its client instead "
        f"of {want.sender}"
    )
    return case.cause("proxied", text, why)


def unmasqueraded_hairpin(case: Case) -> Cause | None:
    """Find a hairpin flow that kept its source: the target answers it directly."""
    want = case.want
    if want.kind not in ("none", "hairpin") or want.responder.node != "host":
        return None
    direct = next((fact for fact in case.flows if _is_direct(fact, case)), None)
    rule = clues.gone(case, effects.masquerades)
    if direct is None or (not rule and case.got == want):
        return None
    why = rule or Clue("no MASQUERADE rule in nat/POSTROUTING matched")
    text = (
        f"{direct.responder} sees {want.initiator} itself as its client and answers "
        f"it directly, past the translation"
    )
    return case.cause("hairpin without masquerade", text, why)


def _is_direct(fact: FlowFact, case: Case) -> bool:
    """Return whether a flow is what the host sent on of this one, its source kept."""
    want = case.want
    alike = (fact.proto, fact.initiator) == (want.proto, want.initiator)
    there = fact.responder
    local = fact.disposition == "local" and there.node not in OWN
    return alike and local and there.port is not None


def leaked(case: Case) -> Cause | None:
    """Find a container's own address on the uplink."""
    want, got = case.want, case.got
    # If no packet was paired, the inside half and the leaked half are two flows.
    halves = (fact.disposition for fact in case.between(want.initiator, want.responder))
    escaped = got.disposition == "forwarded" or "leaked" in halves
    if want.kind != "snat" or got.kind != "none" or not escaped:
        return None
    why = clues.first(
        clues.gone(case, effects.masquerades),
        clues.new(case, effects.untracks),
        clues.new(case, effects.in_postrouting),
        clues.reordered(case, effects.in_postrouting),
        case=case,
        otherwise="no MASQUERADE rule in nat/POSTROUTING matched",
    )
    text = (
        f"{got.initiator} left on the uplink with its own address instead of "
        f"{want.sender}"
    )
    return case.cause("leaked", text, why)


def missourced(case: Case) -> Cause | None:
    """Find SNAT to another address."""
    want, got = case.want, case.got
    if want.kind != "snat" or got.kind != "snat" or got.sender == want.sender:
        return None
    rule = clues.new(case, effects.translates_source) or routing.source(case)
    why = rule or Clue("look at POSTROUTING")
    text = f"{want.initiator} left as {got.sender} instead of {want.sender}"
    return case.cause("wrong source", text, why)


def masqueraded(case: Case) -> Cause | None:
    """Find a flow whose client's address was translated, and should have been kept."""
    want, got = case.want, case.got
    was, now = want.sender, got.sender
    if was is None or now is None or was.node != want.initiator.node:
        return None
    if now == was or got.target != want.target or got.disposition != "forwarded":
        return None
    why = clues.first(
        clues.acted(case, effects.translates_source),
        clues.new(case, effects.translates_source),
        clues.new(case, effects.writes_source),
        clues.new(case, effects.in_postrouting),
        clues.gone(case, effects.in_postrouting),
        clues.reordered(case, effects.in_postrouting),
        case=case,
        otherwise="look at MASQUERADE and SNAT rules in nat/POSTROUTING",
    )
    text = f"{want.target} sees {now} as its client instead of {was}"
    is_own = now.node in OWN
    cause = case.cause("masqueraded" if is_own else "wrong source", text, why)
    back = case.between(now, got.target)  # replies, of which nobody undid it
    return replace(cause, explains=frozenset(one.name for one in back if one.unasked))


def remapped(case: Case) -> Cause | None:
    """Find a port or id that was changed though it could have been kept.

    Where the golden keeps the client's address, that is all that differs of its source.
    """
    if replace(case.got, kind=case.want.kind) != case.want:
        return None
    for difference in case.evidence:
        found = difference.found
        if isinstance(found, PortTranslation) and found.violation:
            return _port_translation(case, found.violation, difference.field)
        now = _other_symbol(difference)
        if now is not None:
            return _port_translation(case, "remapped although free", now.kind)
    return None


def _other_symbol(difference: Evidence) -> Symbol | None:
    """Return the new port or id of an end that differs in nothing else."""
    was, now = (
        next((one for one in symbols_in(value) if one.kind in _EPHEMERAL), None)
        for value in (difference.expected, difference.found)
    )
    if difference.field not in _ENDS or now is None or was == now:
        return None
    alike = _without_symbols(difference.expected) == _without_symbols(difference.found)
    return now if alike or difference.field == "rewrite" else None


def _without_symbols(value: object) -> object:
    return map_symbols(value, lambda one: _ANY if one.kind in _EPHEMERAL else one)


def _port_translation(case: Case, violation: Name, field: str) -> Cause:
    what = "port" if field == "port" else "ICMP id"
    why = clues.first(
        clues.acted(case, effects.translates_source),
        clues.new(case, effects.translates_source),
        case=case,
        otherwise="no rule asks for it: look for --random, --to-ports in nat",
    )
    how = {
        "remapped although free": "was changed although nobody else held it",
        "remapped out of its class": "was changed to one of another class",
    }
    text = f"the {what} {how.get(violation, 'was changed')}"
    return case.cause(violation, text, why)


def _wrong(want: str | Symbol, got: str | Symbol) -> Name:
    """Return the cause's name for a target on another node, or at another port."""
    return "wrong port" if want == got else "wrong target"
