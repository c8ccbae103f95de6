"""Learn each flow's mapping from the pairs, and flag pairs that break an invariant.

The hot loop after pairing; `flagged` describes what it finds. A mapping ends by a FIN
or RST that either point saw, once a SYN follows, or by idle time: then its keys are
free for another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.nat.mapping import packet_changes, steps
from pytest_netlab.nat.pairing import observations
from pytest_netlab.nat.pairing.hash_join import longer
from pytest_netlab.wire import octets, tcp

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.pairing.observations import Observations

    Index = npt.NDArray[np.int32]

_NONE = -1

# What may be wrong with a mapping; `packet_changes` has the other bits.
CHANGED: Final = 128  # the flow was mapped to something else before
SHARED: Final = 256  # another flow is mapped to the same tuple
UNDO: Final = 512  # and this is a reply, which was not reverse-translated

# What a pair may do rightly: it begins another mapping, after one that ended.
RENEWED: Final = 2048  # of the flow, which was mapped to something else before
TAKEN_OVER: Final = 4096  # to a tuple that another flow was mapped to
CLOSED: Final = 8192  # and a FIN or RST had ended that one's connection

IDLE: Final = 30_000_000_000  # ns; Linux's shortest timeout, nf_conntrack_udp_timeout

_COLUMNS = 8  # of a flow
_WRONG = 7  # columns of what is wrong with a pair
_CLOSING = tcp.FIN | tcp.RST
_OF_STEP, _BYTE = steps.OF_STEP, 255
_OPENED, _SHUT = 1, 2  # what a conversation's last SYN, FIN and RST said

# Cython makes C integers of these; this keeps them visible to Python.
globals().update(CHANGED=CHANGED, SHARED=SHARED, UNDO=UNDO)
globals().update(RENEWED=RENEWED, TAKEN_OVER=TAKEN_OVER, CLOSED=CLOSED)


class MappingTable:
    """The flows that crossed the host, by the pairs that were entered.

    `flows` has a column per flow: its near and far conversation, how many pairs it has,
    of one pair (the initiator's first, else the first) the two uniflows and whether
    the packet travelled outwards, how many pairs are doubtful, and how many were sent
    by the near conversation's initiator. `there` is near uniflow -> far, `back` far ->
    near: the mappings of now.

    Of each flow, in `times`, `last` is the near time of its last pair, and
    `near_began`, `far_began` are the rows, from 1, of the pair that made it the mapping
    of its conversations: 0 if none did. Pairs from before them may be entered late.
    `near_state` and `far_state` have what each one's SYN, FIN and RST said.
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
        doubtful: memoryview
        forth: memoryview
        wanted: memoryview
        last: memoryview
        near_began: memoryview
        far_began: memoryview
        near_state: memoryview
        far_state: memoryview
        idle: int
        waited: int
        step_counts: memoryview
        step_examples: memoryview

    def __init__(self, idle: int = IDLE, hops: int | None = 1) -> None:
        """Start without a flow.

        Args:
            idle: ns without a pair after which a mapping may have ended.
            hops: by how much the ttl must be lowered; None: as usual (`steps`).

        """
        self.steps = steps.Steps(hops)
        self.step_counts = octets.i64_view(self.steps.counts)
        self.step_examples = octets.i64_view(self.steps.examples)
        self.count, self.idle = 0, idle
        self.near_read = self.far_read = -1  # rows whose SYN, FIN and RST are known
        self._there = np.empty(0, dtype=np.int32)
        self._back = np.empty(0, dtype=np.int32)
        self._near_state = np.empty(0, dtype=np.uint8)
        self._far_state = np.empty(0, dtype=np.uint8)
        self.flows = np.zeros((_COLUMNS, 0), dtype=np.int32)
        self.times = np.zeros((3, 0), dtype=np.int64)
        self._slots = np.empty(0, dtype=np.int32)
        self._wanted = np.zeros(4, dtype=np.int32)
        self.wanted = octets.i32_view(self._wanted)
        self.size = 0
        self._reserve(2, 2, 64)

    def _reserve(self, near_uniflows: int, far_uniflows: int, pairs: int) -> None:
        """Grow the arrays to this many uniflows, and by one flow for each pair."""
        self._there = longer(self._there, near_uniflows, _NONE)
        self._back = longer(self._back, far_uniflows, _NONE)
        self.there = octets.i32_view(self._there)
        self.back = octets.i32_view(self._back)
        self._near_state = longer(self._near_state, near_uniflows >> 1)
        self._far_state = longer(self._far_state, far_uniflows >> 1)
        self.near_state = octets.u8_view(self._near_state)
        self.far_state = octets.u8_view(self._far_state)
        needed = self.count + pairs
        if self.flows.shape[1] < needed:
            self.flows = longer(self.flows, needed)
            self.times = longer(self.times, needed)
        self.last = octets.i64_view(self.times[0])
        self.near_began = octets.i64_view(self.times[1])
        self.far_began = octets.i64_view(self.times[2])
        self.near_flow = octets.i32_view(self.flows[0])
        self.far_flow = octets.i32_view(self.flows[1])
        self.pairs = octets.i32_view(self.flows[2])
        self.near_uniflow = octets.i32_view(self.flows[3])
        self.far_uniflow = octets.i32_view(self.flows[4])
        self.outward = octets.i32_view(self.flows[5])
        self.doubtful = octets.i32_view(self.flows[6])
        self.forth = octets.i32_view(self.flows[7])
        if self.size < 2 * needed:
            self.size = 1 << (2 * needed).bit_length()
            self._slots = np.full(self.size, _NONE, dtype=np.int32)
            self.slots = octets.i32_view(self._slots)
            _rehash(self)

    def enter(
        self,
        near: Observations,
        far: Observations,
        rows: tuple[Index, Index],
        sure: npt.NDArray[np.uint8],
        uniflows: tuple[int, int],
    ) -> tuple[Index, npt.NDArray[np.int64]]:
        """Enter pairs, ascending by their near row.

        Args:
            near: observations inside, of which all but the paired come again.
            far: observations outside, likewise.
            rows: of the pairs, near and far.
            sure: of each pair, 0 if the packets may as well be those of two flows: it
                is counted, and neither teaches a mapping nor breaks one.
            uniflows: how many there are, near and far.

        Returns:
            the flow of each pair, and an (n, 7) array of what is wrong or renewed:
            index of the pair, a set of the bits above, near and far uniflow, what near
            became before, what became far before, and a renewed mapping's idle ns.

        """
        count = len(rows[0])
        self._reserve(*uniflows, count)
        flow = np.empty(count + 1, dtype=np.int32)
        wrong = np.empty((count + 1) * _WRONG, dtype=np.int64)
        args = _Arrays(near, far)
        args.near_rows = octets.i32_view(rows[0])
        args.far_rows = octets.i32_view(rows[1])
        args.sure = octets.u8_view(sure)
        args.flow, args.wrong = octets.i32_view(flow), octets.i64_view(wrong)
        args.near_fresh = args.near_next = near.after(self.near_read)
        args.far_next = far.after(self.far_read)
        with cython.nogil:
            flagged = _enter(self, args, count)
        self.near_read = _last_read(near.row, args.near_next, self.near_read)
        self.far_read = _last_read(far.row, args.far_next, self.far_read)
        return flow[:count], wrong[: flagged * _WRONG].reshape(-1, _WRONG)


def _last_read(rows: npt.NDArray[np.int64], count: int, before: int) -> int:
    """Return the last row of those that were read by now."""
    return max(before, int(rows[count - 1])) if count else before


class _Arrays:
    """The arrays of one call, as bare memory, and how far their facts were read.

    Near observations from `near_fresh` on are new; those before may be entered late.
    """

    if TYPE_CHECKING:
        near_rows: memoryview
        far_rows: memoryview
        sure: memoryview
        flow: memoryview
        wrong: memoryview
        near_fresh: int
        near_next: int
        far_next: int

    def __init__(self, near: Observations, far: Observations) -> None:
        """Take the memory of observations, which the caller keeps."""
        self.near_uniflow = octets.i32_view(near.uniflow)
        self.far_uniflow = octets.i32_view(far.uniflow)
        self.near_facts = octets.u64_view(near.facts)
        self.far_facts = octets.u64_view(far.facts)
        self.near_options = octets.u64_view(near.options)
        self.far_options = octets.u64_view(far.options)
        self.near_row, self.far_row = (
            octets.i64_view(near.row),
            octets.i64_view(far.row),
        )
        self.near_ts = octets.i64_view(near.ts)


def _enter(table: MappingTable, args: _Arrays, count: int) -> int:
    """Enter every pair; return how many are wrong."""
    flagged = 0
    for pair in range(count):
        near, far = args.near_rows[pair], args.far_rows[pair]
        here, there = args.near_uniflow[near], args.far_uniflow[far]
        _read_to(table, args, near, far)
        left = packet_changes.left_inside(args.near_facts[near], args.far_facts[far])
        flow = _flow(table, here, there, left)
        args.flow[pair] = flow
        if args.sure[pair]:
            bits = packet_changes.compare(args.near_facts[near], args.far_facts[far])
            if args.near_options[near] != args.far_options[far]:
                bits |= packet_changes.OPTIONS
            bits |= _map(table, args, pair, flow)
            _count_step(table, args, pair, flow)
            if bits:
                _note(table, args, pair, bits, flagged)
                flagged += 1
        else:
            table.doubtful[flow] += 1
        _touch(table, args, flow, near)
    return flagged


def _count_step(table: MappingTable, args: _Arrays, pair: int, flow: int) -> None:
    """Count by how much the ttl of a pair was lowered; keep the first of each step."""
    near, far = args.near_rows[pair], args.far_rows[pair]
    here, there = args.near_facts[near], args.far_facts[far]
    left = packet_changes.left_inside(here, there)
    slot = steps.slot_of(here, there, left)
    table.step_counts[slot] += 1
    if table.step_counts[slot] <= _OF_STEP:
        packed = flow << 8 | (here if left else there) & _BYTE
        counts, examples = table.step_counts, table.step_examples
        rows = args.near_row[near], args.far_row[far]
        steps.keep(counts, examples, slot, rows[0], rows[1], packed)


def _read_to(table: MappingTable, args: _Arrays, near: int, far: int) -> None:
    """Read what the SYN, FIN and RST of both sides say, up to a pair.

    Also of packets without a counterpart: a lost FIN closes a connection as well.
    """
    while args.near_next <= near:
        _hear(
            table.near_state,
            args.near_uniflow[args.near_next] >> 1,
            args.near_facts[args.near_next],
        )
        args.near_next += 1
    while args.far_next <= far:
        _hear(
            table.far_state,
            args.far_uniflow[args.far_next] >> 1,
            args.far_facts[args.far_next],
        )
        args.far_next += 1


def _hear(state: memoryview, conversation: int, facts: int) -> None:
    """Note that a packet opens or closes its conversation, if it does."""
    if facts >> observations.TCP_FLAGS & _CLOSING:
        state[conversation] = _SHUT
    elif facts >> observations.OPENS & 1:
        state[conversation] |= _OPENED


def _touch(table: MappingTable, args: _Arrays, flow: int, near: int) -> None:
    """Note when a flow had its last pair: if that is not late, clocks may step back."""
    if near >= args.near_fresh or args.near_ts[near] > table.last[flow]:
        table.last[flow] = args.near_ts[near]


def _note(
    table: MappingTable, args: _Arrays, pair: int, bits: int, flagged: int
) -> None:
    """Write down what is wrong with a pair, or what it renews."""
    at = _WRONG * flagged
    args.wrong[at] = pair
    args.wrong[at + 1] = bits
    for place in range(4):
        args.wrong[at + 2 + place] = table.wanted[place]
    args.wrong[at + 6] = table.waited


def _map(table: MappingTable, args: _Arrays, pair: int, flow: int) -> int:
    """Check that the mapping is one function, one-to-one, and reversed for replies.

    RFC 4787 REQ-11 (deterministic), REQ-3 (no overloading).
    """
    near = args.near_uniflow[args.near_rows[pair]]
    far = args.far_uniflow[args.far_rows[pair]]
    reply = 0
    if table.there[near] == _NONE and (
        table.there[near ^ 1] != _NONE or table.back[far ^ 1] != _NONE
    ):
        near, far, reply = near ^ 1, far ^ 1, 1
    table.wanted[0] = table.wanted[3] = near
    table.wanted[1] = table.wanted[2] = far
    table.waited = 0
    bits = 0
    if table.there[near] != far or table.back[far] != near:
        bits = _remap(table, args, pair, flow, reply)
    if not bits & (CHANGED | SHARED):
        _open(table, args, pair, bits)
    return bits


def _open(table: MappingTable, args: _Arrays, pair: int, bits: int) -> None:
    """Forget that a connection was closed if a pair opens the next one.

    Not a late one: the next may have been closed since.
    """
    near, far = args.near_rows[pair], args.far_rows[pair]
    opens = args.near_facts[near] >> observations.OPENS & 1
    if near >= args.near_fresh and (opens or bits):
        table.near_state[args.near_uniflow[near] >> 1] &= _OPENED
        table.far_state[args.far_uniflow[far] >> 1] &= _OPENED


def _remap(table: MappingTable, args: _Arrays, pair: int, flow: int, reply: int) -> int:
    """Map a pair's keys to each other, if what either was mapped to has ended."""
    near, far = table.wanted[0], table.wanted[1]
    before, owner = table.there[near], _owner(table, far)
    changed = before not in (_NONE, far)
    shared = owner != _NONE and owner >> 1 != near >> 1
    old = _find(table, near >> 1, before >> 1) if changed else _NONE
    holder = _find(table, owner >> 1, far >> 1) if shared else _NONE
    if (changed or shared) and _is_earlier(table, args, pair, flow, old, holder):
        return 0
    bits = 0
    if shared:
        table.wanted[3] = owner
        bits = _end(table, args, pair, holder, SHARED, TAKEN_OVER)
    if changed:
        table.wanted[2] = before
        ended = _end(table, args, pair, old, CHANGED, RENEWED)
        bits = (bits & ~CLOSED if ended & RENEWED else bits) | ended
    _set(table, bits, reply)
    wrong = bits & (CHANGED | SHARED)
    if wrong == 0 and (bits or table.near_began[flow] == 0):
        table.near_began[flow] = args.near_row[args.near_rows[pair]] + 1
        table.far_began[flow] = args.far_row[args.far_rows[pair]] + 1
    return bits | UNDO if wrong and reply else bits


def _set(table: MappingTable, bits: int, reply: int) -> None:
    """Set those directions of the mapping that no bit says are wrong.

    A mapping that begins is oriented as its first pair.
    """
    near, far = table.wanted[0], table.wanted[1]
    if reply and bits & (RENEWED | TAKEN_OVER):
        near, far = near ^ 1, far ^ 1
    if not bits & CHANGED:
        table.there[near], table.there[near ^ 1] = far, _NONE
    if not bits & SHARED:
        table.back[far], table.back[far ^ 1] = near, _NONE


def _end(
    table: MappingTable, args: _Arrays, pair: int, old: int, wrong: int, right: int
) -> int:
    """Return the wrong bit if a mapping has not ended when a pair contradicts it.

    Otherwise the right one, and CLOSED if it ended by FIN or RST. A pair that is wrong
    keeps the mapping alive: it is no idle one.
    """
    near = args.near_rows[pair]
    waited = max(args.near_ts[near] - table.last[old], 0)
    is_closed = (
        table.near_state[table.near_flow[old]] | table.far_state[table.far_flow[old]]
    ) & _SHUT != 0
    if not (is_closed and _is_opened(table, args, pair)) and waited < table.idle:
        if not _is_over(table, old):
            _touch(table, args, old, near)
            return wrong
        is_closed = True
    table.waited = waited
    return right | CLOSED if is_closed else right


def _is_opened(table: MappingTable, args: _Arrays, pair: int) -> bool:
    """Return whether a SYN of a pair's connection was seen, be it only on one side."""
    near, far = args.near_rows[pair], args.far_rows[pair]
    if args.near_facts[near] >> observations.OPENS & 1:
        return True
    state = table.near_state[args.near_uniflow[near] >> 1]
    return (state | table.far_state[args.far_uniflow[far] >> 1]) & _OPENED != 0


def _is_over(table: MappingTable, flow: int) -> bool:
    """Return whether a flow was a mapping, and one of its keys has another one now."""
    near, far = table.near_flow[flow], table.far_flow[flow]
    target = table.there[2 * near]
    if target == _NONE:
        target = table.there[2 * near + 1]
    owner = _owner(table, 2 * far)
    return table.near_began[flow] != 0 and (target >> 1 != far or owner >> 1 != near)


def _owner(table: MappingTable, far: int) -> int:
    """Return the near uniflow that became a far one, by either direction's pairs."""
    if table.back[far] != _NONE or table.back[far ^ 1] == _NONE:
        return table.back[far]
    return table.back[far ^ 1] ^ 1


def _is_earlier(
    table: MappingTable, args: _Arrays, pair: int, flow: int, old: int, holder: int
) -> bool:
    """Return whether a pair is of a former mapping, and from before the present one.

    It may be entered late, or have crossed the host first and been seen second; an
    ICMP error tells of a packet that was sent before.
    """
    if table.near_began[flow] == 0:
        return False
    if args.near_facts[args.near_rows[pair]] >> observations.ERROR & 1:
        return True
    return _is_before(table, args, pair, old) and _is_before(table, args, pair, holder)


def _is_before(table: MappingTable, args: _Arrays, pair: int, flow: int) -> bool:
    """Return whether a pair was seen before a flow became a mapping, on either side."""
    if flow == _NONE:
        return True
    near = args.near_row[args.near_rows[pair]] + 1
    far = args.far_row[args.far_rows[pair]] + 1
    return near < table.near_began[flow] or far < table.far_began[flow]


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
    table.forth[flow] += forth
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
