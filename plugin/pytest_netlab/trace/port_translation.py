"""Whether NAT kept a flow's source port or ICMP id, and whether it had to.

Linux keeps it while the translated tuple is free; else it draws one of the same port
range (nf_nat_core.c, nf_nat_l4proto_unique_tuple).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.flows import WITH_PORTS
from pytest_netlab.nat.ports import class_of
from pytest_netlab.trace.values import IDS, PortTranslation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow
    from pytest_netlab.trace.canonical import CanonicalTrace
    from pytest_netlab.trace.symbols import Symbols
    from pytest_netlab.trace.values import CanonicalFlow


class Holders:
    """Which flows of a capture use a tuple on one side of the NAT, and since when."""

    def __init__(self, flows: Iterable[Flow], since: Callable[[Flow], int]) -> None:
        """Index the flows; `since` returns the time of a flow's first packet."""
        self._since = since
        self._flows: dict[tuple[str, Tuple5], list[Flow]] = defaultdict(list)
        for flow in flows:
            for side, key in (("inside", flow.inside), ("outside", flow.outside)):
                if key is not None:
                    self._flows[side, key].append(flow)

    def keep(self, wanted: Tuple5, flow: Flow) -> bool:
        """Return whether another flow used this tuple before, where ours is sent on."""
        side = "outside" if flow.initiated == "inside" else "inside"
        others = (
            other
            for key in (wanted, wanted.reply)
            for other in self._flows.get((side, key), ())
            if other is not flow
        )
        return any(self._since(other) <= self._since(flow) for other in others)


def port_translation(
    flow: Flow, holders: Holders, symbols: Symbols
) -> PortTranslation | None:
    """Return what became of a flow's source port or id; None where it was kept.

    Args:
        flow: one of the capture.
        holders: the flows that may use its tuple, unrelated ones included.
        symbols: of this conversation.

    """
    original, translated = flow.original, flow.translated
    if (
        translated is None
        or flow.kind == "proxied"
        or original.sport == translated.sport
    ):
        return None
    if original.proto not in (*WITH_PORTS, *IDS):
        return None
    name = "port" if original.proto in WITH_PORTS else "id"
    wanted = translated._replace(sport=original.sport)
    if original.proto in IDS:
        wanted = wanted._replace(dport=original.dport)
    return PortTranslation(
        field=name,
        original=symbols.bind(name, original.sport),
        mapped=symbols.bind(name, translated.sport),
        in_use=holders.keep(wanted, flow),
        in_port_range=name == "id" or translated.sport in class_of(original.sport),
        wanted=wanted.reply,
        chosen_for=translated._replace(src=original.src, sport=original.sport),
    )


def with_entries(trace: CanonicalTrace, replies: Collection[Tuple5]) -> CanonicalTrace:
    """Return a trace whose tuples are in use by conntrack entries too.

    The entry of a flow that ended before the capture began keeps its tuple for a while.

    Args:
        trace: what was captured.
        replies: reply tuples of conntrack entries.

    """
    return replace(
        trace, flows=tuple(_with_entries(one, replies) for one in trace.flows)
    )


def with_random(
    trace: CanonicalTrace, asks: Callable[[Tuple5], bool]
) -> CanonicalTrace:
    """Return a trace that knows for which flows the host asks for random ports or ids.

    Args:
        trace: what was captured.
        asks: whether it does for such a tuple, the source as it came.

    """
    return replace(trace, flows=tuple(_with_random(one, asks) for one in trace.flows))


def _with_random(flow: CanonicalFlow, asks: Callable[[Tuple5], bool]) -> CanonicalFlow:
    found = flow.translation
    if found is None or found.chosen_for is None or not asks(found.chosen_for):
        return flow
    return replace(flow, translation=replace(found, random=True))


def _with_entries(flow: CanonicalFlow, replies: Collection[Tuple5]) -> CanonicalFlow:
    found = flow.translation
    if found is None or found.in_use or found.wanted not in replies:
        return flow
    return replace(flow, translation=replace(found, in_use=True))
