"""Causes in who took the packets: the host itself, another station, or both.

A rule keeps them (REDIRECT, TPROXY, SYNPROXY) or copies them (TEE, dup), a node's
address is the host's own, or another address answers than the one that was asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.causes import clues
from pytest_netlab.causes.facts import Clue
from pytest_netlab.causes.neighbours import odd_hops
from pytest_netlab.checks.forbidden import MADE
from pytest_netlab.flows import TCP, Role
from pytest_netlab.host import Rule
from pytest_netlab.host.firewall import effects
from pytest_netlab.trace import CanonicalFlow, Packet
from pytest_netlab.trace.build import OWN

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case, Cause, Evidence
    from pytest_netlab.host import Fact, Question
    from pytest_netlab.host.routing.next_hops import NextHop
    from pytest_netlab.trace import End, FlowFact

_SHIFTED = {"tcp_seq", "tcp_ack"}


def address_taken(case: Case) -> Cause | None:
    """Find a node's address that the host has too: it answers, or drops, for it."""
    want, got = case.want, case.got
    is_forwarded = want.disposition == "forwarded"
    reached = got.target and got.returned if is_forwarded else got.answered
    if reached:
        return None
    there = {f"{end.node}" for end in (want.responder, want.target) if end}
    taken = (hop for hop in case.host.hops if _is_taken(hop))
    ends = {*there, f"{want.initiator.node}"}
    hop = next((one for one in taken if one.to in ends), None)
    if hop is None:
        return None
    if hop.to in there:
        how = f"it keeps what {want.initiator} sends to {hop.to}"
        how += ", and answers it" * got.answered
    else:
        how = f"it drops what {hop.to} sends, as if somebody had forged it"
    text = f"{hop.to}'s address is the host's own here, so {how}"
    return case.cause("address taken", text, _own(hop))


def _is_taken(hop: NextHop) -> bool:
    return hop.node == "host" and hop.kind == "local" and hop.to not in OWN


def _own(hop: NextHop) -> Clue:
    """Cite a local route: the kernel's own follows from an address."""
    words = hop.route.split()
    address, device = words[1], words[words.index("dev") + 1]
    if "proto kernel" in hop.route:
        remedy = f"ip address del {address}/32 dev {device}"
        return Clue(f"{address} is an address of {device} (`{hop.route}`)", remedy)
    remedy = f"ip route del {hop.route}"
    return Clue(f"a route says so, and no link has it: `{hop.route}`", remedy)


def intercepted(case: Case) -> Cause | None:
    """Find a flow that a rule hands to the host itself."""
    want, got = case.want, case.got
    if want.disposition != "forwarded" or got.target or got.key is None:
        return None
    why = _ruled(case, effects.intercepts) or _ruled(case, _leads_to_the_host)
    if not why:
        return None
    how = "and answers it" if got.answered else "and nobody there answers"
    text = f"the host keeps what {want.initiator} sends to {want.responder}, {how}"
    return case.cause("intercepted", text, why)


def _leads_to_the_host(fact: Fact) -> bool:
    """Return whether a rule translates destinations to an address of the host."""
    if not isinstance(fact, Rule) or not effects.translates_destination(fact):
        return False
    words = (word for one in fact.actions for word in one.tokens)
    return any(_is_host(word.partition(":")[0]) for word in words)


def _is_host(word: str) -> bool:
    return word in OWN or word.startswith("127.")


def synproxied(case: Case) -> Cause | None:
    """Find a handshake that the host answers before it asks the target."""
    want = case.want
    if want.proto != TCP or want.disposition != "forwarded":
        return None
    fields = {one.field for one in case.evidence}
    why = _ruled(case, effects.answers_handshakes)
    shows = MADE in fields and bool(fields & _SHIFTED)
    if not shows and not (why and fields):
        return None
    target = want.target or want.responder
    text = (
        f"the host answers {want.initiator}'s handshake itself, and only then begins "
        f"one of its own with {target}"
    )
    look = Clue("look for SYNPROXY and synproxy rules")
    return case.cause("intercepted", text, why or look)


def copied(case: Case) -> Cause | None:
    """Find packets that left once more, to another station than their own end."""
    rule = _ruled(case, effects.copies)
    to = _second(case) or (_another(case) if rule else "")
    if not to:
        return None
    if not rule and next(odd_hops(case), None):
        return None  # that is where they went, and nobody doubled them
    text = f"the host sends a copy of {case.want.name} to {to}"
    return case.cause("copied", text, rule or _copier(case))


def copied_aside(case: Case) -> Cause | None:
    """Find an unexpected flow that is a copy of another's packets."""
    extra = case.got
    whole = next((one.found for one in case.evidence), None)
    if not isinstance(whole, CanonicalFlow):
        return None
    stations = {one.fields.via for one in whole.packets}
    of = next((one for one in case.flows if _has_ends(one, extra)), None)
    rule = _ruled(case, effects.copies)
    if of is None or (None in stations and not rule):
        return None
    to = " and ".join(sorted(filter(None, stations)))
    text = f"the host sends packets of {of.name} once more"
    text += f", to {to}" * bool(to)
    if point := next((one.point for one in whole.packets), ""):
        text += f", at {point}"
    return case.cause("copied", text, rule or _copier(case))


def _second(case: Case) -> str:
    """Return to whom packets of an expected flow left once more; "" for nobody."""
    want, got = case.want, case.got
    doubled = got.copies > want.copies or any(map(_is_second, case.evidence))
    if want.disposition == "local" and got.disposition == "forwarded":
        doubled = True
    return next(filter(None, map(_via, case.evidence)), "") if doubled else ""


def _another(case: Case) -> str:
    """Return the second neighbour of a conversation, in words; "" for none."""
    named = (one for one in case.evidence if one.field == "neighbour")
    return next((one.got.removeprefix("that of ") for one in named), "")


def _is_second(difference: Evidence) -> bool:
    found = difference.found
    is_duplicate = isinstance(found, Packet) and found.what.role is Role.DUPLICATE
    return is_duplicate or difference.field == MADE


def _via(difference: Evidence) -> str:
    """Return the neighbour that a packet went to instead of its own end."""
    found = difference.found
    if difference.field == "via":
        return f"{found or ''}"
    extra = isinstance(found, Packet) and difference.expected is None
    return found.fields.via or "" if extra and isinstance(found, Packet) else ""


def _copier(case: Case) -> Clue:
    return clues.first(
        case=case,
        otherwise="look for TEE and dup rules, and for a mirror (tc)",
    )


def _has_ends(one: FlowFact, extra: FlowFact) -> bool:
    """Return whether a flow has packets between the ends of another, either way."""
    if one is extra or (one.proto, one.echo) != (extra.proto, extra.echo):
        return False
    ends = {extra.initiator, extra.responder}
    return ends in ({one.initiator, one.responder}, {one.sender, one.target})


def wrong_responder(case: Case) -> Cause | None:
    """Find an answer that came from another address than the one that was asked."""
    want, got = case.want, case.got
    if not want.answered or (got.answered and got.returned):
        return None
    other = next((one for one in case.flows if _answers(one, case)), None)
    if other is None:
        return None
    why = clues.first(
        _ruled(case, effects.translates_source),
        _ruled(case, effects.writes_source),
        case=case,
        otherwise="look at rules that change the source of what the host sends, and "
        "at the source address that its route names",
    )
    who = _named(want.responder, other.responder)
    text = f"{want.initiator} asked {want.responder}, and {who} answered instead"
    cause = case.cause("wrong responder", text, why)
    return replace(cause, explains=frozenset({other.name}))


def _answers(one: FlowFact, case: Case) -> bool:
    """Return whether a flow that nobody expects has answers for this flow's initiator.

    Its target may have been the one to answer: then replies were not translated back.
    """
    want = case.want
    alike = (one.proto, one.echo, one.initiator)
    ends = {want.responder, want.target}
    same = alike == (want.proto, want.echo, want.initiator)
    return same and one.responder not in ends and one.answered and one.unasked


def _named(asked: End, answered: End) -> str:
    same = asked.node == answered.node
    return f"{answered}" if same else f"{answered.node}"


def _ruled(case: Case, wanted: Question) -> Clue:
    return clues.acted(case, wanted) or clues.new(case, wanted)
