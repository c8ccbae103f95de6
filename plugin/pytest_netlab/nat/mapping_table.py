"""Learn each flow's mapping from the pairs, and flag pairs that break an invariant.

The hot loop after pairing. It compares the facts that `observations` keeps of a packet;
`flagged` describes the differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.nat import observations
from pytest_netlab.nat.pairing import longer
from pytest_netlab.wire import Checksum, Direction, ipv4, octets

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.observations import Observations

    Index = npt.NDArray[np.int32]

_NONE = -1

# What may be wrong with a pair.
TTL: Final = 1
TOS: Final = 2
FLAGS: Final = 4
OPTIONS: Final = 8
IP_CHECKSUM: Final = 16
L4_CHECKSUM: Final = 32
EMBEDDED: Final = 64
CHANGED: Final = 128  # the flow was mapped to something else before
SHARED: Final = 256  # another flow is mapped to the same tuple
UNDO: Final = 512  # and this is a reply, which was not reverse-translated
URGENT: Final = 1024


_BYTE, _WORD, _THREE, _TWO = 255, 65535, 7, 3
_KEPT_FLAGS = ipv4.DF | ipv4.RESERVED
_ZERO, _BAD = int(Checksum.ZERO), int(Checksum.BAD)
_INBOUND = int(Direction.INBOUND)

# Cython makes C integers of these; this keeps them visible to Python.
globals().update(TTL=TTL, TOS=TOS, FLAGS=FLAGS, OPTIONS=OPTIONS, EMBEDDED=EMBEDDED)
globals().update(IP_CHECKSUM=IP_CHECKSUM, L4_CHECKSUM=L4_CHECKSUM)
globals().update(CHANGED=CHANGED, SHARED=SHARED, UNDO=UNDO, URGENT=URGENT)


class MappingTable:
    """The flows that crossed the host, by the pairs that were entered.

    `flows` has a column per flow: its near and far conversation, how many pairs it has,
    and of one pair (the initiator's first, else the first) the two uniflows and whether
    the packet travelled outwards. `there` is near uniflow -> far, `back` far -> near.
    """

    if TYPE_CHECKING:
        count: int
        there: memoryview
        back: memoryview
        slots: memoryview
        size: int
        near_flow: memoryview
        far_flow: memoryview
        pairs: memoryview
        near_uniflow: memoryview
        far_uniflow: memoryview
        outward: memoryview
        wanted: memoryview

    def __init__(self) -> None:
        """Start without a flow."""
        self.count = 0
        self._there = np.empty(0, dtype=np.int32)
        self._back = np.empty(0, dtype=np.int32)
        self.flows = np.zeros((6, 0), dtype=np.int32)
        self._slots = np.empty(0, dtype=np.int32)
        self._wanted = np.zeros(4, dtype=np.int32)
        self.wanted = octets.i32_view(self._wanted)
        self.size = 0
        self._reserve(2, 2, 64)

    def _reserve(self, near_uniflows: int, far_uniflows: int, pairs: int) -> None:
        """Grow the arrays to this many uniflows, and by one flow for each pair."""
        self._there = longer(self._there, near_uniflows, _NONE)
        self._back = longer(self._back, far_uniflows, _NONE)
        self.there, self.back = (
            octets.i32_view(self._there),
            octets.i32_view(self._back),
        )
        needed = self.count + pairs
        if self.flows.shape[1] < needed:
            grown = np.zeros((6, max(needed, 2 * self.count)), dtype=np.int32)
            grown[:, : self.count] = self.flows[:, : self.count]
            self.flows = grown
        self.near_flow = octets.i32_view(self.flows[0])
        self.far_flow = octets.i32_view(self.flows[1])
        self.pairs = octets.i32_view(self.flows[2])
        self.near_uniflow = octets.i32_view(self.flows[3])
        self.far_uniflow = octets.i32_view(self.flows[4])
        self.outward = octets.i32_view(self.flows[5])
        if self.size < 2 * needed:
            self.size = 1 << (2 * needed).bit_length()
            self._slots = np.full(self.size, _NONE, dtype=np.int32)
            self.slots = octets.i32_view(self._slots)
            _rehash(self)

    def enter(
        self,
        near: Observations,
        far: Observations,
        near_rows: Index,
        far_rows: Index,
        uniflows: tuple[int, int],
    ) -> tuple[Index, npt.NDArray[np.int64]]:
        """Enter pairs, ascending by their near row.

        Returns:
            the flow of each pair, and an (n, 6) array of what is wrong: index of the
            pair, a set of the bits above, near and far uniflow, and the uniflows that
            were expected: what near became before, and what became far before.

        """
        count = len(near_rows)
        self._reserve(*uniflows, count)
        flow = np.empty(count + 1, dtype=np.int32)
        wrong = np.empty((count + 1) * 6, dtype=np.int64)
        args = _Arrays()
        args.near_uniflow, args.far_uniflow = (
            octets.i32_view(near.uniflow),
            octets.i32_view(far.uniflow),
        )
        args.near_facts, args.far_facts = (
            octets.u64_view(near.facts),
            octets.u64_view(far.facts),
        )
        args.near_options = octets.u64_view(near.options)
        args.far_options = octets.u64_view(far.options)
        args.near_rows, args.far_rows = (
            octets.i32_view(near_rows),
            octets.i32_view(far_rows),
        )
        args.flow, args.wrong = octets.i32_view(flow), octets.i64_view(wrong)
        with cython.nogil:
            flagged = _enter(self, args, count)
        return flow[:count], wrong[: flagged * 6].reshape(-1, 6)


class _Arrays:
    """The arrays of one call, as bare memory."""

    if TYPE_CHECKING:
        near_uniflow: memoryview
        far_uniflow: memoryview
        near_facts: memoryview
        far_facts: memoryview
        near_options: memoryview
        far_options: memoryview
        near_rows: memoryview
        far_rows: memoryview
        flow: memoryview
        wrong: memoryview


def _enter(table: MappingTable, args: _Arrays, count: int) -> int:
    """Enter every pair; return how many are wrong."""
    flagged = 0
    for pair in range(count):
        near, far = args.near_rows[pair], args.far_rows[pair]
        here, there = args.near_uniflow[near], args.far_uniflow[far]
        bits = _compare(args.near_facts[near], args.far_facts[far])
        if args.near_options[near] != args.far_options[far]:
            bits |= OPTIONS
        bits |= _map(table, here, there)
        if bits:
            _note(table, args, pair, bits, flagged)
            flagged += 1
        left = _left_inside(args.near_facts[near], args.far_facts[far])
        args.flow[pair] = _flow(table, here, there, left)
    return flagged


def _note(
    table: MappingTable, args: _Arrays, pair: int, bits: int, flagged: int
) -> None:
    """Write down what is wrong with a pair."""
    at = 6 * flagged
    args.wrong[at] = pair
    args.wrong[at + 1] = bits
    for place in range(4):
        args.wrong[at + 2 + place] = table.wanted[place]


def _compare(near: int, far: int) -> int:
    """Return the bits of what a router changed of a packet that it may not change.

    RFC 1812 5.3.1 (ttl), RFC 2474 (tos), RFC 768 (no UDP checksum), RFC 5508 (errors).
    """
    bits = TTL if _hops(near, far) != 1 else 0
    if (near ^ far) >> observations.TOS & _BYTE:
        bits |= TOS
    if (near ^ far) >> observations.FLAGS & _KEPT_FLAGS:
        bits |= FLAGS
    if (near ^ far) >> observations.URGENT & _WORD:
        bits |= URGENT
    if _is_bad(near, far, observations.IP_CHECKSUM):
        bits |= IP_CHECKSUM
    if _is_bad(near, far, observations.L4_CHECKSUM):
        bits |= L4_CHECKSUM
    if (near | far) >> observations.WRONGLY_EMBEDDED & 1:
        bits |= EMBEDDED
    return bits


def _hops(near: int, far: int) -> int:
    """Return how much the host lowered the ttl, in the order of travel if known."""
    before, after = near & _BYTE, far & _BYTE
    uniflow = near >> observations.DIRECTION & _TWO
    if uniflow == 0:
        return abs(before - after)
    return before - after if uniflow == _INBOUND else after - before


def _is_bad(near: int, far: int, shift: int) -> bool:
    """Return whether a checksum is wrong, or absent on one side only."""
    here, there = near >> shift & _THREE, far >> shift & _THREE
    if _BAD in (here, there):
        return True
    return here != there and _ZERO in (here, there)


def _map(table: MappingTable, near: int, far: int) -> int:
    """Check that the mapping is one function, one-to-one, and reversed for replies.

    RFC 4787 REQ-11 (deterministic), REQ-3 (no overloading).
    """
    bits = 0
    if table.there[near] == _NONE and (
        table.there[near ^ 1] != _NONE or table.back[far ^ 1] != _NONE
    ):
        near, far, bits = near ^ 1, far ^ 1, UNDO
    if table.there[near] == _NONE:
        table.there[near] = far
    if table.back[far] == _NONE:
        table.back[far] = near
    table.wanted[0], table.wanted[1] = near, far
    table.wanted[2], table.wanted[3] = (
        table.there[near],
        table.back[far],
    )
    wrong = 0
    if table.there[near] != far:
        wrong |= CHANGED
    if table.back[far] != near:
        wrong |= SHARED
    return wrong | bits if wrong else 0


def _left_inside(near: int, far: int) -> int:
    """Return whether a packet travelled outwards: by direction if known, else by ttl.

    A router lowers the ttl, but a rule that sets it must not reverse the flow.
    """
    uniflow = near >> observations.DIRECTION & _TWO
    if uniflow:
        return 1 if uniflow == _INBOUND else 0
    return 1 if (near & _BYTE) > (far & _BYTE) else 0


def _flow(table: MappingTable, near: int, far: int, left: int) -> int:
    """Return the number of the flow that joins two conversations; count the pair."""
    flow = _find(table, near >> 1, far >> 1)
    forth = near & 1 == 0
    is_first = table.pairs[flow] == 0
    if is_first or (forth and table.near_uniflow[flow] & 1):
        table.near_uniflow[flow] = near
        table.far_uniflow[flow] = far
        table.outward[flow] = left
    table.pairs[flow] += 1
    return flow


def _find(table: MappingTable, near: int, far: int) -> int:
    """Return the number of the flow of two conversations, new if need be."""
    mask = table.size - 1
    slot = octets.mix(near, far) & mask
    while table.slots[slot] != _NONE:
        flow = table.slots[slot]
        if table.near_flow[flow] == near and table.far_flow[flow] == far:
            return flow
        slot = (slot + 1) & mask
    flow = table.count
    table.slots[slot] = flow
    table.near_flow[flow], table.far_flow[flow] = near, far
    table.pairs[flow] = 0
    table.count += 1
    return flow


def _rehash(table: MappingTable) -> None:
    """Enter all flows into the empty slots."""
    mask = table.size - 1
    for flow in range(table.count):
        slot = octets.mix(table.near_flow[flow], table.far_flow[flow]) & mask
        while table.slots[slot] != _NONE:
            slot = (slot + 1) & mask
        table.slots[slot] = flow
