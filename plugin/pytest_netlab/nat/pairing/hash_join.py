"""Pair the two observations of a forwarded packet: the hot loop of learning.

A hash join on what NAT does not change. Packets may have equal keys: IP id 0 and the
same payload, retransmissions that kept their id, duplicate acknowledgements. Those are
paired by what other packets of their flow became, then by rank: the n-th observation
here is the n-th there. Of a known flow, equal options come before rank: copies of a
SYN-ACK, whose IP id is 0, have timestamps of their own, and the host may have lost the
first of them. Where the sides have more of one key than the other, or several flows
have it, nat/pairing/disambiguation.py decides.
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
    from typing import TypeVar

    import numpy.typing as npt

    from pytest_netlab.nat.pairing.observations import Observations

    T = TypeVar("T", bound=np.generic)
    Index = npt.NDArray[np.int32]

NOBODY: Final = -1  # no counterpart yet, no known uniflow
SPENT: Final = -2  # had a counterpart that turned out to be another packet
LOOKAHEAD: Final = 16  # far rows that a near one is compared with, before rank decides

# Cython makes C integers of these; this keeps them visible to Python.
globals().update(NOBODY=NOBODY, SPENT=SPENT, LOOKAHEAD=LOOKAHEAD)


class Pairing:
    """The pairs of two points' observations, and what their flows became.

    `known` is near uniflow -> far uniflow, `owned` says that a far uniflow is mapped
    to already; both grow with the flow tables, as does `guessed`: what a near uniflow
    became is known from doubtful pairs only. `near` and `far` are the observations
    to be paired, `near_counterparts` and `far_counterparts` have the index of each
    one's counterpart; `doubts` is 1 for near ones that may have another. From
    `near_fresh` and `far_fresh` on observations are new. `changed` is 1 once a uniflow
    became something else than before.
    """

    if TYPE_CHECKING:
        known: memoryview
        owned: memoryview
        guessed: memoryview
        doubt: memoryview
        near_uniflow: memoryview
        far_uniflow: memoryview
        near_other: memoryview
        far_other: memoryview
        near_key: memoryview
        far_key: memoryview
        near_row: memoryview
        far_row: memoryview
        near_options: memoryview
        far_options: memoryview
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
        changed: int

    def __init__(self) -> None:
        """Start without a known flow."""
        self._known = np.empty(0, dtype=np.int32)
        self._owned = np.empty(0, dtype=np.int32)
        self._guessed = np.empty(0, dtype=np.int32)
        self._queue = np.empty(0, dtype=np.int32)
        self._last = np.empty(0, dtype=np.int32)
        self._kept: list[object] = []
        self._later: dict[int, list[int]] = {}
        self.changed = 0
        self.reserve(2, 2)

    def reserve(self, near_uniflows: int, far_uniflows: int) -> None:
        """Grow the arrays to this many uniflows."""
        self._known = longer(self._known, near_uniflows, NOBODY)
        self._owned = longer(self._owned, far_uniflows, 0)
        self._guessed = longer(self._guessed, near_uniflows, 0)
        self._queue = longer(self._queue, far_uniflows, NOBODY)
        self._last = longer(self._last, far_uniflows, NOBODY)
        self.known, self.owned = (
            octets.i32_view(self._known),
            octets.i32_view(self._owned),
        )
        self.guessed = octets.i32_view(self._guessed)
        self.queue, self.last = (
            octets.i32_view(self._queue),
            octets.i32_view(self._last),
        )

    def begin(
        self, near: Observations, far: Observations, fresh: tuple[int, int]
    ) -> None:
        """Take the observations to be paired; those from `fresh` on are new."""
        self.near, self.far = near, far
        self.near_counterparts = np.full(len(near) + 1, NOBODY, dtype=np.int32)
        self.far_counterparts = np.full(len(far) + 1, NOBODY, dtype=np.int32)
        self.doubts = np.zeros(len(near) + 1, dtype=np.int32)
        self.doubt = octets.i32_view(self.doubts)
        self.near_uniflow, self.far_uniflow = (
            octets.i32_view(near.uniflow),
            octets.i32_view(far.uniflow),
        )
        self.near_other = octets.i32_view(self.near_counterparts)
        self.far_other = octets.i32_view(self.far_counterparts)
        self.near_options, self.far_options = (
            octets.u64_view(near.options),
            octets.u64_view(far.options),
        )
        self.near_fresh, self.far_fresh = fresh

    def match(
        self, near_rows: Index, far_rows: Index, *, header: bool, patient: bool
    ) -> list[tuple[list[int], list[int]]]:
        """Pair among these rows by their keys; return what stays ambiguous.

        Args:
            near_rows: indices into the near observations, ascending.
            far_rows: indices into the far observations, ascending.
            header: pair by headers only.
            patient: do not pair new observations that contradict what is known.

        """
        size = 1 << max(2 * len(near_rows), 2).bit_length()
        key = "header_key" if header else "key"
        near_key, far_key = getattr(self.near, key), getattr(self.far, key)
        arrays = [
            np.full(count, NOBODY, dtype=np.int32)
            for count in (size, *[len(near_rows) + 1] * 4, *[len(far_rows) + 1] * 2)
        ]
        self._kept = [near_key, far_key, near_rows, far_rows, *arrays]
        self.near_key, self.far_key = (
            octets.u64_view(near_key),
            octets.u64_view(far_key),
        )
        self.near_row, self.far_row = (
            octets.i32_view(near_rows),
            octets.i32_view(far_rows),
        )
        self.slots = octets.i32_view(arrays[0])
        self.near_next, self.near_tail = (
            octets.i32_view(arrays[1]),
            octets.i32_view(arrays[2]),
        )
        self.far_head, self.far_tail = (
            octets.i32_view(arrays[3]),
            octets.i32_view(arrays[4]),
        )
        self.far_next, self.behind = (
            octets.i32_view(arrays[5]),
            octets.i32_view(arrays[6]),
        )
        near_count, far_count, waits = len(near_rows), len(far_rows), int(patient)
        with cython.nogil:
            _enter(self, near_count, size - 1)
            _look_up(self, far_count, size - 1)
            _take_unique(self, near_count, waits)
            ambiguous = _resolve_all(self, near_count, waits)
        return self._ambiguous(near_count) if ambiguous else []

    def _ambiguous(self, count: int) -> list[tuple[list[int], list[int]]]:
        """Return the rows of each group that known flows and rank do not resolve."""
        found = []
        for head in range(count):
            there = self.far_head[head]
            if self.near_tail[head] == NOBODY or there == NOBODY:
                continue
            if self.near_next[head] == NOBODY and self.far_next[there] == NOBODY:
                continue  # one on either side: paired, or waiting for the next step
            near, far = self._left(head)
            if near and far and not (len(near) == len(far) and _is_plain(self, head)):
                found.append((near, far))
        return found

    def _left(self, head: int) -> tuple[list[int], list[int]]:
        """Return the rows of a group that have no counterpart."""
        near, far = [], []
        here, there = head, self.far_head[head]
        while here != NOBODY:
            if self.near_other[self.near_row[here]] == NOBODY:
                near.append(self.near_row[here])
            here = self.near_next[here]
        while there != NOBODY:
            if self.far_other[self.far_row[there]] == NOBODY:
                far.append(self.far_row[there])
            there = self.far_next[there]
        return near, far

    def take(self, near: int, far: int, *, sure: bool = True) -> None:
        """Pair two observations, and learn what their flow became."""
        is_new = self.known[self.near_uniflow[near]] == NOBODY
        _take(self, near, far)
        if not sure:
            self.doubt[near] = 1
            if is_new:
                _guess(self, self.near_uniflow[near], 1)

    def far_uniflow_of(self, near_uniflow: int) -> int:
        """Return the far uniflow that a near one became; NOBODY if not known."""
        return self.known[near_uniflow]

    def became(self, near_uniflow: int) -> list[int]:
        """Return every far uniflow that a near one is known to have become."""
        first = self.known[near_uniflow]
        later = self._later.get(near_uniflow, [])
        return [] if first == NOBODY else [first, *later]

    def note_changes(self) -> None:
        """Note what uniflows became after what they became first."""
        if not self.changed:
            return
        rows = np.flatnonzero(self.near_counterparts[: len(self.near)] >= 0)
        here = self.near.uniflow[rows]
        there = self.far.uniflow[self.near_counterparts[rows]]
        for row in np.flatnonzero(self._known[here] != there).tolist():
            for turned in (0, 1):
                near, far = int(here[row]) ^ turned, int(there[row]) ^ turned
                later = self._later.setdefault(near, [])
                if far not in later and far != self._known[near]:
                    later.append(far)
        self.changed = 0

    def part(self, near: int, far: int) -> None:
        """Unpair observations that are not one packet; what they taught is a guess."""
        self.near_other[near] = self.far_other[far] = SPENT
        _guess(self, self.near_uniflow[near], 1)

    def is_guessed(self, near_uniflow: int) -> bool:
        """Return whether what a near uniflow became is known from doubtful pairs."""
        return bool(self.guessed[near_uniflow])

    def is_owned(self, far_uniflow: int) -> bool:
        """Return whether a near uniflow is known to have become this far one."""
        return bool(self.owned[far_uniflow])


def longer(array: npt.NDArray[T], size: int, fill: int = 0) -> npt.NDArray[T]:
    """Return the array if its rows are this long, else a copy, at least doubled."""
    length = array.shape[-1]
    if length >= size:
        return array
    shape = (*array.shape[:-1], max(size, 2 * length, 64))
    grown = np.full(shape, fill, dtype=array.dtype)
    grown[..., :length] = array
    return grown


def _enter(join: Pairing, count: int, mask: int) -> None:
    """Hash the near rows; chain those of one key to the first of them."""
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
    """Chain each far row to the first near row of its key."""
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
    """Pair where a key has one row on either side: this teaches what flows became."""
    for head in range(count):
        there = join.far_head[head]
        if there == NOBODY or join.far_next[there] != NOBODY:
            continue
        if join.near_next[head] == NOBODY:
            near, far = join.near_row[head], join.far_row[there]
            if not (waits and _contradicts(join, near, far)):
                if join.guessed[join.near_uniflow[near]]:
                    _confirm(join, near, far)
                _take(join, near, far)


def _confirm(join: Pairing, near: int, far: int) -> None:
    """Replace a guess at what a flow became by what a packet of its own shows."""
    here, there = join.near_uniflow[near], join.far_uniflow[far]
    join.known[here], join.known[here ^ 1] = there, there ^ 1
    _guess(join, here, 0)


def _guess(join: Pairing, uniflow: int, guessed: int) -> None:
    """Note whether it is a guess what a near uniflow, and its reverse, became."""
    join.guessed[uniflow] = guessed
    join.guessed[uniflow ^ 1] = guessed


def _resolve_all(join: Pairing, count: int, waits: int) -> int:
    """Pair repeated keys by flow and rank; return how many groups stay ambiguous."""
    ambiguous = 0
    for head in range(count):
        there = join.far_head[head]
        if there == NOBODY:
            continue
        if join.near_next[head] != NOBODY or join.far_next[there] != NOBODY:
            if not _is_even(join, head):
                ambiguous += 1
                continue
            _resolve(join, head)
            if _is_plain(join, head):
                _pair_by_rank(join, head, waits)
            else:
                ambiguous += 1
    return ambiguous


def _is_even(join: Pairing, head: int) -> bool:
    """Return whether a group has as many unpaired rows on either side."""
    more = 0
    here, there = head, join.far_head[head]
    while here != NOBODY:
        if join.near_other[join.near_row[here]] == NOBODY:
            more += 1
        here = join.near_next[here]
    while there != NOBODY:
        if join.far_other[join.far_row[there]] == NOBODY:
            more -= 1
        there = join.far_next[there]
    return more == 0


def _resolve(join: Pairing, head: int) -> None:
    """Pair rows of one key whose flow is known: equal options, then capture order."""
    _queue(join, head)
    _take_alike(join, head)
    _queue(join, head)
    _take_by_rank(join, head)
    _forget_queues(join, head)


def _queue(join: Pairing, head: int) -> None:
    """Chain the unpaired far rows of each uniflow, in capture order."""
    _forget_queues(join, head)
    there = join.far_head[head]
    while there != NOBODY:
        if join.far_other[join.far_row[there]] != NOBODY:
            there = join.far_next[there]
            continue
        uniflow = join.far_uniflow[join.far_row[there]]
        if join.queue[uniflow] == NOBODY:
            join.queue[uniflow] = there
        else:
            join.behind[join.last[uniflow]] = there
        join.last[uniflow] = there
        join.behind[there] = NOBODY
        there = join.far_next[there]


def _take_alike(join: Pairing, head: int) -> None:
    """Pair each near row with a far one of its flow that has the same options.

    Options keep their order on the way, so what a near row passes over is passed over
    by those after it; a row looks at a few, for a group may be long.
    """
    here = head
    while here != NOBODY:
        near = join.near_row[here]
        uniflow = join.known[join.near_uniflow[near]]
        there = join.queue[uniflow] if uniflow != NOBODY else NOBODY
        left = LOOKAHEAD
        while there != NOBODY and left:
            if join.far_options[join.far_row[there]] == join.near_options[near]:
                join.queue[uniflow] = join.behind[there]
                _take(join, near, join.far_row[there])
                break
            there = join.behind[there]
            left -= 1
        here = join.near_next[here]


def _take_by_rank(join: Pairing, head: int) -> None:
    """Pair each unpaired near row with the first far one that its flow has left."""
    here = head
    while here != NOBODY:
        near = join.near_row[here]
        uniflow = join.known[join.near_uniflow[near]]
        is_free = join.near_other[near] == NOBODY and uniflow != NOBODY
        if is_free and join.queue[uniflow] != NOBODY:
            there = join.queue[uniflow]
            join.queue[uniflow] = join.behind[there]
            _take(join, near, join.far_row[there])
        here = join.near_next[here]


def _forget_queues(join: Pairing, head: int) -> None:
    """Empty the chains of every uniflow that has a far row in this group."""
    there = join.far_head[head]
    while there != NOBODY:
        join.queue[join.far_uniflow[join.far_row[there]]] = NOBODY
        there = join.far_next[there]


def _is_plain(join: Pairing, head: int) -> bool:
    """Return whether a group's unpaired rows are of one uniflow on either side."""
    uniflow = NOBODY
    here, there = head, join.far_head[head]
    while here != NOBODY:
        near = join.near_row[here]
        if join.near_other[near] == NOBODY:
            if uniflow != NOBODY and join.near_uniflow[near] != uniflow:
                return False
            uniflow = join.near_uniflow[near]
        here = join.near_next[here]
    uniflow = NOBODY
    while there != NOBODY:
        far = join.far_row[there]
        if join.far_other[far] == NOBODY:
            if uniflow != NOBODY and join.far_uniflow[far] != uniflow:
                return False
            uniflow = join.far_uniflow[far]
        there = join.far_next[there]
    return True


def _pair_by_rank(join: Pairing, head: int, waits: int) -> None:
    """Pair a group's unpaired rows in order."""
    here, there = head, join.far_head[head]
    while NOBODY not in (here, there):
        near, far = join.near_row[here], join.far_row[there]
        if join.near_other[near] != NOBODY:
            here = join.near_next[here]
        elif join.far_other[far] != NOBODY:
            there = join.far_next[there]
        elif waits and _contradicts(join, near, far):
            return
        else:
            _take(join, near, far)


def _contradicts(join: Pairing, near: int, far: int) -> bool:
    """Return whether two observations, one new, are known to be of two flows.

    The true counterpart of one of them may not be read yet: the two points are read
    in turns.
    """
    if near < join.near_fresh and far < join.far_fresh:
        return False
    known = join.known[join.near_uniflow[near]]
    if known == NOBODY:
        return join.owned[join.far_uniflow[far]] != 0
    return known != join.far_uniflow[far]


def _take(join: Pairing, near: int, far: int) -> None:
    """Pair two observations, and learn what their flow became."""
    join.near_other[near] = far
    join.far_other[far] = near
    join.doubt[near] = join.guessed[join.near_uniflow[near]]
    here, there = join.near_uniflow[near], join.far_uniflow[far]
    if join.known[here] == NOBODY:
        join.known[here] = there
    elif join.known[here] != there:
        join.changed = 1
    if join.known[here ^ 1] == NOBODY:
        join.known[here ^ 1] = there ^ 1
    join.owned[there] = 1
    join.owned[there ^ 1] = 1
