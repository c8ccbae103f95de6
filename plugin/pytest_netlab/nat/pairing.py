"""Pair the two observations of a forwarded packet: the hot loop of learning.

A hash join on what NAT leaves alone. Packets may have equal keys: IP id 0 and the same
payload, retransmissions that kept their id, duplicate acknowledgements. Those go by
what other packets of their flow became, then by likeness (nat/disambiguation.py), and
what is equal even so by rank: the n-th observation here is the n-th observation there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.wire import octets

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.observations import Observations

    Index = npt.NDArray[np.int32]

NOBODY: Final = -1  # no counterpart yet, no known way
SPENT: Final = -2  # had a counterpart that turned out to be another packet

# Compiled, these are integers of C; Python sees them by this.
globals().update(NOBODY=NOBODY, SPENT=SPENT)


class Pairing:
    """What is known of the flows of two points, and who is whose counterpart.

    `known` is near way -> far way, `owned` says that a far way is some near way's; both
    grow with the flow tables. `near` and `far` are the observations to be paired,
    `near_counterparts` and `far_counterparts` the index of each one's counterpart among
    the other's. From `fresh` on they are new.
    """

    if TYPE_CHECKING:
        known: memoryview
        owned: memoryview
        near_way: memoryview
        far_way: memoryview
        near_mate: memoryview
        far_mate: memoryview
        near_key: memoryview
        far_key: memoryview
        near_row: memoryview
        far_row: memoryview
        slots: memoryview
        near_next: memoryview
        near_tail: memoryview
        far_head: memoryview
        far_tail: memoryview
        far_next: memoryview
        queue: memoryview
        last: memoryview
        behind: memoryview
        near_fresh: int
        far_fresh: int

    def __init__(self) -> None:
        """Know nothing."""
        self._known = np.empty(0, dtype=np.int32)
        self._owned = np.empty(0, dtype=np.int32)
        self._queue = np.empty(0, dtype=np.int32)
        self._last = np.empty(0, dtype=np.int32)
        self._kept: list[object] = []
        self.reserve(2, 2)

    def reserve(self, near_ways: int, far_ways: int) -> None:
        """Make room for this many ways."""
        self._known = longer(self._known, near_ways, NOBODY)
        self._owned = longer(self._owned, far_ways, 0)
        self._queue = longer(self._queue, far_ways, NOBODY)
        self._last = longer(self._last, far_ways, NOBODY)
        self.known, self.owned = octets.ints(self._known), octets.ints(self._owned)
        self.queue, self.last = octets.ints(self._queue), octets.ints(self._last)

    def begin(
        self, near: Observations, far: Observations, fresh: tuple[int, int]
    ) -> None:
        """Take the observations to be paired; those from `fresh` on are new."""
        self.near, self.far = near, far
        self.near_counterparts = np.full(len(near) + 1, NOBODY, dtype=np.int32)
        self.far_counterparts = np.full(len(far) + 1, NOBODY, dtype=np.int32)
        self.near_way, self.far_way = octets.ints(near.way), octets.ints(far.way)
        self.near_mate = octets.ints(self.near_counterparts)
        self.far_mate = octets.ints(self.far_counterparts)
        self.near_fresh, self.far_fresh = fresh

    def match(
        self, near_rows: Index, far_rows: Index, *, header: bool, patient: bool
    ) -> list[tuple[list[int], list[int]]]:
        """Pair among these rows by their keys; return what stays ambiguous.

        Args:
            near_rows: indices into the near observations, ascending.
            far_rows: indices into the far observations, ascending.
            header: pair by headers only.
            patient: leave new observations alone that contradict what is known.

        """
        size = 1 << max(2 * len(near_rows), 2).bit_length()
        key = "header_key" if header else "key"
        near_key, far_key = getattr(self.near, key), getattr(self.far, key)
        arrays = [
            np.full(count, NOBODY, dtype=np.int32)
            for count in (size, *[len(near_rows) + 1] * 4, *[len(far_rows) + 1] * 2)
        ]
        self._kept = [near_key, far_key, near_rows, far_rows, *arrays]
        self.near_key, self.far_key = octets.words(near_key), octets.words(far_key)
        self.near_row, self.far_row = octets.ints(near_rows), octets.ints(far_rows)
        self.slots = octets.ints(arrays[0])
        self.near_next, self.near_tail = octets.ints(arrays[1]), octets.ints(arrays[2])
        self.far_head, self.far_tail = octets.ints(arrays[3]), octets.ints(arrays[4])
        self.far_next, self.behind = octets.ints(arrays[5]), octets.ints(arrays[6])
        near_count, far_count, waits = len(near_rows), len(far_rows), int(patient)
        with cython.nogil:
            _enter(self, near_count, size - 1)
            _look_up(self, far_count, size - 1)
            _take_unique(self, near_count, waits)
            ambiguous = _settle_all(self, near_count, waits)
        return self._ambiguous(near_count) if ambiguous else []

    def _ambiguous(self, count: int) -> list[tuple[list[int], list[int]]]:
        """Return the rows of each group that flows alone did not settle."""
        found = []
        for head in range(count):
            if self.near_tail[head] == NOBODY or self.far_head[head] == NOBODY:
                continue
            near, far = self._left(head)
            if near and far and not _is_plain(self, head):
                found.append((near, far))
        return found

    def _left(self, head: int) -> tuple[list[int], list[int]]:
        """Return the rows of a group that have no counterpart."""
        near, far = [], []
        here, there = head, self.far_head[head]
        while here != NOBODY:
            if self.near_mate[self.near_row[here]] == NOBODY:
                near.append(self.near_row[here])
            here = self.near_next[here]
        while there != NOBODY:
            if self.far_mate[self.far_row[there]] == NOBODY:
                far.append(self.far_row[there])
            there = self.far_next[there]
        return near, far

    def take(self, near: int, far: int) -> None:
        """Make two observations one packet's, and learn what its flow became."""
        _take(self, near, far)

    def far_way_of(self, near_way: int) -> int:
        """Return what is known of a way, else NOBODY."""
        return self.known[near_way]

    def is_owned(self, far_way: int) -> bool:
        """Tell whether a far way belongs to a known one."""
        return bool(self.owned[far_way])


def longer(array: npt.NDArray[np.int32], size: int, fill: int) -> Index:
    """Return the array with room for at least this many, at least doubled."""
    if len(array) >= size:
        return array
    grown = np.full(max(size, 2 * len(array), 64), fill, dtype=np.int32)
    grown[: len(array)] = array
    return grown


def _enter(join: Pairing, count: int, mask: int) -> None:
    """Enter the near rows; those of one key hang behind the first of them."""
    for here in range(count):
        key = join.near_key[join.near_row[here]]
        slot = key & mask
        while join.slots[slot] != NOBODY:
            head = join.slots[slot]
            if join.near_key[join.near_row[head]] == key:
                join.near_next[join.near_tail[head]] = here
                join.near_tail[head] = here
                break
            slot = (slot + 1) & mask
        if join.slots[slot] == NOBODY:
            join.slots[slot] = here
            join.near_tail[here] = here


def _look_up(join: Pairing, count: int, mask: int) -> None:
    """Hang each far row behind the near row that is first of its key."""
    for there in range(count):
        key = join.far_key[join.far_row[there]]
        slot = key & mask
        while join.slots[slot] != NOBODY:
            head = join.slots[slot]
            if join.near_key[join.near_row[head]] == key:
                if join.far_head[head] == NOBODY:
                    join.far_head[head] = there
                else:
                    join.far_next[join.far_tail[head]] = there
                join.far_tail[head] = there
                break
            slot = (slot + 1) & mask


def _take_unique(join: Pairing, count: int, waits: int) -> None:
    """Pair where a key has one row on either side: those teach the flows."""
    for head in range(count):
        there = join.far_head[head]
        if there == NOBODY or join.far_next[there] != NOBODY:
            continue
        if join.near_next[head] == NOBODY:
            near, far = join.near_row[head], join.far_row[there]
            if not (waits and _contradicts(join, near, far)):
                _take(join, near, far)


def _settle_all(join: Pairing, count: int, waits: int) -> int:
    """Pair where keys repeat, as far as flows tell; return how many are left over."""
    ambiguous = 0
    for head in range(count):
        there = join.far_head[head]
        if there == NOBODY:
            continue
        if join.near_next[head] != NOBODY or join.far_next[there] != NOBODY:
            _settle(join, head)
            if _is_plain(join, head):
                _pair_by_rank(join, head, waits)
            else:
                ambiguous += 1
    return ambiguous


def _settle(join: Pairing, head: int) -> None:
    """Pair rows of one key whose flow is known, first come, first served."""
    there = join.far_head[head]
    while there != NOBODY:
        way = join.far_way[join.far_row[there]]
        if join.queue[way] == NOBODY:
            join.queue[way] = there
        else:
            join.behind[join.last[way]] = there
        join.last[way] = there
        join.behind[there] = NOBODY
        there = join.far_next[there]
    here = head
    while here != NOBODY:
        near = join.near_row[here]
        way = join.known[join.near_way[near]]
        if way != NOBODY and join.queue[way] != NOBODY:
            there = join.queue[way]
            join.queue[way] = join.behind[there]
            _take(join, near, join.far_row[there])
        here = join.near_next[here]
    there = join.far_head[head]
    while there != NOBODY:
        join.queue[join.far_way[join.far_row[there]]] = NOBODY
        there = join.far_next[there]


def _is_plain(join: Pairing, head: int) -> bool:
    """Return whether what is left of a group is of one way on either side."""
    way = NOBODY
    here, there = head, join.far_head[head]
    while here != NOBODY:
        near = join.near_row[here]
        if join.near_mate[near] == NOBODY:
            if way != NOBODY and join.near_way[near] != way:
                return False
            way = join.near_way[near]
        here = join.near_next[here]
    way = NOBODY
    while there != NOBODY:
        far = join.far_row[there]
        if join.far_mate[far] == NOBODY:
            if way != NOBODY and join.far_way[far] != way:
                return False
            way = join.far_way[far]
        there = join.far_next[there]
    return True


def _pair_by_rank(join: Pairing, head: int, waits: int) -> None:
    """Pair what is left of a group in order."""
    here, there = head, join.far_head[head]
    while NOBODY not in (here, there):
        near, far = join.near_row[here], join.far_row[there]
        if join.near_mate[near] != NOBODY:
            here = join.near_next[here]
        elif join.far_mate[far] != NOBODY:
            there = join.far_next[there]
        elif waits and _contradicts(join, near, far):
            return
        else:
            _take(join, near, far)


def _contradicts(join: Pairing, near: int, far: int) -> bool:
    """Return whether two observations, one new, are known to be of two flows.

    The true counterpart of one of them may be on its way: the two points are read in
    turns.
    """
    if near < join.near_fresh and far < join.far_fresh:
        return False
    known = join.known[join.near_way[near]]
    if known == NOBODY:
        return join.owned[join.far_way[far]] != 0
    return known != join.far_way[far]


def _take(join: Pairing, near: int, far: int) -> None:
    """Make two observations one packet's, and learn what its flow became."""
    join.near_mate[near] = far
    join.far_mate[far] = near
    here, there = join.near_way[near], join.far_way[far]
    if join.known[here] == NOBODY:
        join.known[here] = there
    if join.known[here ^ 1] == NOBODY:
        join.known[here ^ 1] = there ^ 1
    join.owned[there] = 1
    join.owned[there ^ 1] = 1
