"""Leave out conversations of a run that are not part of its scenario."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace, Packet


def without_unrelated(
    golden: CanonicalTrace, observed: CanonicalTrace
) -> CanonicalTrace:
    """Return the observed trace without conversations that are not compared.

    Left out are flows that the network lost, if the run has more flows of that name
    than the golden, and those of unrelated containers, unless the golden has them.
    """
    spare = Counter(flow.fact.name for flow in observed.flows)
    spare.subtract(flow.fact.name for flow in golden.flows)
    known: dict[str, list[CanonicalFlow]] = {}
    for flow in golden.flows:
        known.setdefault(flow.fact.name, []).append(flow)
    kept = []
    for flow in observed.flows:
        name = flow.fact.name
        wanted = known.get(name, [])
        if spare[name] > 0 and any(_is_unanswered(flow, one) for one in wanted):
            spare[name] -= 1
        elif name in known or not flow.unrelated:
            kept.append(flow)
    return replace(observed, flows=tuple(kept))


def _is_unanswered(flow: CanonicalFlow, wanted: CanonicalFlow) -> bool:
    """Return whether the network lost a flow that began as the golden's.

    The host must have treated it as the golden's: a wrong source gets no answer either.
    """
    wrong = flow.translation and flow.translation.violation
    if not flow.lost or wanted.lost or flow.violations or wrong:
        return False
    began = replace(flow.fact, answered=wanted.fact.answered)
    began = replace(began, returned=wanted.fact.returned, refusal=wanted.fact.refusal)
    packets = {_comparable(one) for one in wanted.packets}
    return began == wanted.fact and all(
        _comparable(one) in packets for one in flow.compared
    )


def _comparable(packet: Packet) -> tuple[object, ...]:
    ends = packet.src, packet.dst
    return packet.point, *ends, packet.what, packet.fields, packet.rewrite
