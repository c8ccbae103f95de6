"""Try every rule on each flow that is not as expected; the first that fits explains it.

Knows flows in symbols (c1, host:81) and what differs; no capture and no host.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_netlab.causes import (
    alg,
    alteration,
    blindness,
    ends,
    forwarding,
    interception,
    neighbours,
    path,
    routing,
    translation,
)
from pytest_netlab.causes.facts import Case, named
from pytest_netlab.host import HostChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_netlab.causes.facts import Cause, Evidence
    from pytest_netlab.trace import FlowFact

# First those that the host's rules prove, then what packets show; special ones first.
RULES = (
    interception.copied,
    interception.address_taken,
    routing.misrouted,
    neighbours.wrong,
    interception.synproxied,
    translation.republished,
    translation.stale,
    translation.mistranslated,
    translation.reverse_translation,
    translation.proxied,
    translation.unmasqueraded_hairpin,
    translation.leaked,
    translation.missourced,
    translation.masqueraded,
    path.changed,
    alg.unhelped,
    blindness.redirected,
    interception.intercepted,
    alteration.corrupted,
    forwarding.table_full,
    forwarding.rejected,
    forwarding.black_hole,
    forwarding.too_large,
    alteration.reidentified,
    forwarding.not_forwarded,
    alteration.twice,
    alteration.reordered,
    ends.sender_differs,
    alteration.header_changed,
    translation.remapped,
    neighbours.strayed,
    blindness.unseen,
    interception.wrong_responder,
    forwarding.not_returned,
    forwarding.partly_forwarded,
    forwarding.let_through,
    forwarding.unanswered,
)


def explain(
    expected: Sequence[FlowFact],
    observed: Sequence[FlowFact],
    host: HostChange | None = None,
    evidence: Sequence[Evidence] = (),
) -> list[Cause]:
    """Return one cause for every flow that was not observed as expected.

    Flows are matched by name and order.

    Args:
        expected: the golden's flows.
        observed: the run's flows.
        host: how the host differs from the golden's, if that is known: then a cause
            cites the rule or setting.
        evidence: the differences of packets, of all flows.

    """
    known = host or HostChange()
    causes: dict[str, Cause] = {}
    for name in dict.fromkeys(fact.name for fact in (*expected, *observed)):
        of_flow = [difference for difference in evidence if difference.flow == name]
        wanted = [fact for fact in expected if fact.name == name]
        found = [fact for fact in observed if fact.name == name]
        for want, got in zip_longest(wanted, found):
            if want is None:
                if not _is_explained(got, causes):
                    case = Case(
                        want=got, got=got, evidence=of_flow, flows=observed, host=known
                    )
                    causes.setdefault(name, _unexpected(case))
                continue
            case = Case(
                want=want,
                got=got or _nothing_of(want),
                evidence=of_flow,
                flows=observed,
                host=known,
            )
            if got is None:
                lost = path.changed(case) or interception.address_taken(case)
                lost = lost or neighbours.strayed(case)
                lost = lost or forwarding.untouched(case, len(found))
                causes.setdefault(name, lost)
            elif (want != got or of_flow) and (cause := _cause(case)):
                causes.setdefault(name, cause)
    return list(causes.values())


def _nothing_of(want: FlowFact) -> FlowFact:
    """Return an expected flow of which no packet was seen."""
    return replace(
        want,
        sender=None,
        target=None,
        kind="none",
        disposition="dropped",
        answered=False,
        returned=False,
        key=None,
    )


def unseen(point: str, want: str, got: str) -> Cause:
    """Return the cause for a point that only one of two captures has."""
    text = (
        f"{point} was {want} when the golden was recorded and is {got} here: what "
        "nobody looked at may be anything, so nothing is said of it"
    )
    return named("blind", "every flow", text)


def _cause(case: Case) -> Cause | None:
    """Return the cause of the first rule that fits; None if only details differ."""
    for rule in RULES:
        cause = rule(case)
        if cause is not None:
            return cause
    if case.want == case.got:
        return None
    text = f"expected {_described(case.want)}, got {_described(case.got)}"
    return case.cause("flow differs", text)


def _unexpected(case: Case) -> Cause:
    """Return the cause of a flow that is not expected: what it is a copy of, if any."""
    if cause := interception.copied_aside(case):
        return cause
    text = f"nothing like it is expected: {_described(case.got)}"
    return case.cause("unexpected flow", text)


def _is_explained(got: FlowFact, causes: Mapping[str, Cause]) -> bool:
    """Return whether the cause of another flow explains an extra flow already.

    These are a proxy's own connection, replies that were not translated back, and
    packets that left with another IP id.
    """
    names = {cause.name for cause in causes.values()}
    past = {"reply not undone", "hairpin without masquerade"}
    known = any(got.name in cause.explains for cause in causes.values())
    return (
        (got.initiator.node == "bridge" and "proxied" in names)
        or (got.kind == "none" and bool(names & past))
        or known
    )


def _described(fact: FlowFact) -> str:
    sent = f", sent on as {fact.sender} -> {fact.target}" if fact.target else ""
    answer = "answered" if fact.answered else "unanswered"
    ends = f"{fact.initiator} -> {fact.responder}"
    return f"{ends} ({fact.kind}, {fact.disposition}, {answer}{sent})"
