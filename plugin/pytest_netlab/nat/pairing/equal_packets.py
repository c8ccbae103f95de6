"""Which of several equal packets here is which there, by when they were seen.

Knows times and flows; that the packets are equal, others found.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from pytest_netlab.nat.clocks.clock import Alignment

    Times = npt.NDArray[np.int64]

Assigned = tuple[int, int, bool]  # near row, far row, and whether that is certain


class Seen(NamedTuple):
    """Equal packets on one side, in capture order.

    Attributes:
        rows: of the packets.
        uniflows: of each.
        times: of each, in ns.
        numbered: they have an IPv4 id: what is close by is one packet, seen twice.

    """

    rows: Sequence[int]
    uniflows: Sequence[int]
    times: Times
    numbered: bool = False


def assign(near: Seen, far: Seen, alignment: Alignment | None) -> Iterator[Assigned]:
    """Yield pairs of equal packets, and whether each is certain; a surplus is left.

    Of one flow, order decides, and time which copies are missing where one side has
    fewer. Of several flows, a pair is certain if time allows no other: two observations
    are within the spread of the clocks, and neither is near to another one.
    """
    if len(set(near.uniflows)) == 1 and len(set(far.uniflows)) == 1:
        yield from _copies(near, far, alignment)
        return
    certain = _only_in_time(near, far, alignment) if alignment else []
    flows = _consistent([(near.uniflows[i], far.uniflows[j]) for i, j in certain])
    for i, j in certain:
        if flows.get(near.uniflows[i]) == far.uniflows[j]:
            yield near.rows[i], far.rows[j], True
    settled = set(flows), set(flows.values())
    for i, j in _first_of_flows(near, far, settled):
        yield near.rows[i], far.rows[j], False


def _copies(near: Seen, far: Seen, alignment: Alignment | None) -> Iterator[Assigned]:
    """Yield pairs of one flow's equal packets, in order."""
    here, there = len(near.rows), len(far.rows)
    if here == there or alignment is None:
        is_sure = here == there
        for pair in zip(near.rows, far.rows, strict=False):
            yield *pair, is_sure
        return
    close = _close(near, far, alignment)
    for i, j in _in_order(near.times, far.times, alignment):
        yield near.rows[i], far.rows[j], not close[i if here > there else j]


def _close(near: Seen, far: Seen, alignment: Alignment) -> list[bool]:
    """Return, of the side with more packets, which have another one close by.

    Closer than the spread, nobody can tell which of the two it was that crossed.
    """
    times = near.times if len(near.rows) > len(far.rows) else far.times
    if near.numbered:
        return [False] * len(times)
    apart = np.diff(times) <= alignment.spread
    close: list[bool] = (np.append(apart, False) | np.append(False, apart)).tolist()
    return close


def _in_order(
    near: Times, far: Times, alignment: Alignment
) -> Iterator[tuple[int, int]]:
    """Yield indices of pairs: ascending, and as close in time as that allows.

    Of the side with more, one is passed over if the next one fits better.
    """
    expected = _expected(near, alignment).tolist()
    seen = far.tolist()
    if len(expected) < len(seen):
        yield from ((i, j) for j, i in _passing_over(seen, expected))
    else:
        yield from _passing_over(expected, seen)


def _passing_over(
    more: Sequence[int], fewer: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield (index of more, index of fewer) of the times that belong together."""
    at = 0
    for index, time in enumerate(fewer):
        last = len(more) - (len(fewer) - index)
        while at < last and abs(more[at + 1] - time) < abs(more[at] - time):
            at += 1
        yield at, index
        at += 1


def _only_in_time(near: Seen, far: Seen, alignment: Alignment) -> list[tuple[int, int]]:
    """Return indices of observations that are near to each other and to no other."""
    expected, spread = _expected(near.times, alignment), alignment.spread
    order = np.argsort(far.times, kind="stable")
    others, mine = far.times[order], np.sort(expected)
    first = np.searchsorted(others, expected - spread, "left")
    counts = np.searchsorted(others, expected + spread, "right") - first
    found = []
    for i in np.flatnonzero(counts == 1).tolist():
        j = int(order[first[i]])
        low, high = far.times[j] - spread, far.times[j] + spread
        rivals = np.searchsorted(mine, high, "right") - np.searchsorted(mine, low)
        if rivals == 1:
            found.append((i, j))
    return found


def _expected(near: Times, alignment: Alignment) -> Times:
    """Return when, by the far clock, near packets would be seen there at once."""
    moved = near + alignment.base
    return moved - alignment.residual(near, moved)


def _consistent(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return near uniflow -> far uniflow, without those that have several."""
    there: dict[int, set[int]] = defaultdict(set)
    back: dict[int, set[int]] = defaultdict(set)
    for here, beyond in pairs:
        there[here].add(beyond)
        back[beyond].add(here)
    return {
        here: next(iter(beyond))
        for here, beyond in there.items()
        if len(beyond) == 1 and len(back[next(iter(beyond))]) == 1
    }


def _first_of_flows(
    near: Seen, far: Seen, settled: tuple[set[int], set[int]]
) -> Iterator[tuple[int, int]]:
    """Yield indices of the first packets of flows that are not settled, in order."""
    firsts = [
        list(
            {
                uniflow: i
                for i, uniflow in reversed(list(enumerate(one.uniflows)))
                if uniflow not in known
            }.values()
        )
        for one, known in zip((near, far), settled, strict=True)
    ]
    yield from zip(sorted(firsts[0]), sorted(firsts[1]), strict=False)
