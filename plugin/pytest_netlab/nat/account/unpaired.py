"""Packets without a counterpart: which flow each belongs to, and where it was going.

Knows mappings, and no reason why a packet was not seen on the other side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat.pairing import duplicates
from pytest_netlab.nat.pairing.observations import DOUBLED, TCP_FLAGS
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.mapping.table import MappingTable
    from pytest_netlab.nat.pairing.observations import Observations
    from pytest_netlab.nat.side import SideReader
    from pytest_netlab.nat.translations import Side

    Numbers = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

_OTHER: dict[Side, Side] = {"inside": "outside", "outside": "inside"}


@dataclass(frozen=True)
class Unpaired:
    """Packets of one side without a counterpart, as columns of equal length.

    Attributes:
        side: which saw them.
        seen: the observations, in capture order.
        flow: number in the mapping table of each one's flow; -1 where no packet of its
            conversation has a counterpart.
        outward: it travelled from the inside to the outside; valid iff there is a flow.

    """

    side: Side
    seen: Observations
    flow: Numbers
    outward: Mask

    @property
    def upstream(self) -> Mask:
        """Return which packets were on their way to the host, not from it."""
        return self.outward if self.side == "inside" else ~self.outward

    @cached_property
    def flags(self) -> Numbers:
        """Return TCP's flags FIN, SYN and RST of each; 0 of other protocols."""
        mask = np.uint64(tcp.FIN | tcp.SYN | tcp.RST)
        return (self.seen.facts >> np.uint64(TCP_FLAGS) & mask).astype(np.int64)

    def take(self, which: Mask) -> Unpaired:
        """Return some of them."""
        index = np.flatnonzero(which)
        seen = self.seen.take(index)
        return Unpaired(self.side, seen, self.flow[index], self.outward[index])


class Directions:
    """Which flow a packet of either side belongs to, and where its uniflow travels."""

    def __init__(self, table: MappingTable, readers: dict[Side, SideReader]) -> None:
        """Take the flows that crossed the host, and what read both sides."""
        flows = table.flows[:, : table.count].astype(np.int64)
        near_began, far_began = table.times[1:, : table.count]
        self._uniflows: dict[Side, Numbers] = {"inside": flows[3], "outside": flows[4]}
        self._outward = flows[5]
        self._owners: dict[Side, _Owners] = {
            "inside": _Owners(readers["inside"].table.count, flows[0], near_began),
            "outside": _Owners(readers["outside"].table.count, flows[1], far_began),
        }

    def flow_of(self, side: Side, uniflows: Numbers, rows: Numbers) -> Numbers:
        """Return the number in the mapping table of each packet's flow; -1: none."""
        return self._owners[side].of(uniflows >> 1, rows)

    def outward(self, side: Side, uniflows: Numbers, flows: Numbers) -> Mask:
        """Return which uniflows, of these flows, travel from inside to outside."""
        if not len(self._outward):
            return np.zeros(len(uniflows), dtype=np.bool_)
        turned = (self._uniflows[side][flows] ^ uniflows) & 1
        outward: Mask = (self._outward[flows] ^ turned).astype(np.bool_)
        return outward

    def counterpart(self, side: Side, uniflow: int, flow: int) -> int:
        """Return what a uniflow became on the other side, in this flow."""
        here, there = self._uniflows[side][flow], self._uniflows[other(side)][flow]
        return int(there ^ ((here ^ uniflow) & 1))


class _Owners:
    """The flows of each conversation of one side, by when they began."""

    def __init__(self, count: int, conversations: Numbers, began: Numbers) -> None:
        self._latest = np.full(max(count, 1), -1, dtype=np.int64)
        self._latest[conversations] = np.arange(len(conversations))
        others = self._latest[conversations] != np.arange(len(began))
        several = np.isin(conversations, conversations[others])
        self._flows: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for flow in np.flatnonzero(several).tolist():
            self._flows[int(conversations[flow])].append((int(began[flow]), flow))
        for flows in self._flows.values():
            flows.sort()

    def of(self, conversations: Numbers, rows: Numbers) -> Numbers:
        """Return the flow of each packet, of several the one that was mapped then."""
        found: Numbers = self._latest[conversations]
        if not self._flows:
            return found
        several = np.isin(conversations, list(self._flows))
        for at in np.flatnonzero(several).tolist():
            flows = self._flows[int(conversations[at])]
            place = bisect_right(flows, (int(rows[at]) + 1, len(self._latest)))
            found[at] = flows[max(place - 1, 0)][1]
        return found


def unpaired(reader: SideReader, side: Side, directions: Directions) -> Unpaired:
    """Return the packets of a side without a counterpart; without duplicates.

    Args:
        reader: what read the side, to its end.
        side: which it is.
        directions: of the flows that crossed the host.

    """
    seen = _once(reader.unpaired(), reader.rows)
    uniflows = seen.uniflow.astype(np.int64)
    flow = directions.flow_of(side, uniflows, seen.row)
    return Unpaired(side, seen, flow, directions.outward(side, uniflows, flow))


def _once(seen: Observations, rows: int) -> Observations:
    """Return the observations without duplicates of a packet that was captured twice.

    A datagram without an id of its own may be a transmission that only looks the same;
    it is a duplicate where half of the capture was captured twice.
    """
    doubled = seen.facts >> np.uint64(DOUBLED) & np.uint64(1) > 0
    if 3 * int(doubled.sum()) < rows:
        doubled &= duplicates.numbered(seen)
    left = seen.take(np.flatnonzero(~doubled))
    again = duplicates.second(left) & duplicates.numbered(left)
    return left.take(np.flatnonzero(~again))


def other(side: Side) -> Side:
    """Return the other side."""
    return _OTHER[side]
