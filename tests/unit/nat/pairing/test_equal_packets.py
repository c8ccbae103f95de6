"""Of equal packets, time says which is which; what it leaves open is doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_netlab.nat.clocks.clock import Alignment
from pytest_netlab.nat.pairing.equal_packets import Seen, assign

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = 1_000_000
AHEAD = 5 * 3600 * 1000 * MS  # the far clock is five hours ahead


def aligned(late: int = 0) -> Alignment:
    """Return an alignment of forty pairs that took 1 ms, or up to `late` ms more."""
    near = np.arange(40, dtype=np.int64) * 100 * MS
    delays = 1 + np.arange(40) % (late + 1)
    found = Alignment.of(near, near + AHEAD + delays * MS)
    assert found is not None
    return found


def at(times: Sequence[float], uniflows: Sequence[int], ahead: int = 0) -> Seen:
    """Return packets of these uniflows at these times, in ms."""
    moved = np.array([round(ms * MS) + ahead for ms in times], dtype=np.int64)
    return Seen(range(len(times)), uniflows, moved)


def told(
    near: Seen, far: Seen, alignment: Alignment | None
) -> list[tuple[int, int, bool]]:
    """Return the pairs, ascending."""
    return sorted(assign(near, far, alignment))


@pytest.mark.parametrize(
    ("crossed", "expected"),
    [([0], [0]), ([1], [1]), ([2], [2]), ([0, 2], [0, 2]), ([1, 2], [1, 2])],
)
def test_which_copies_crossed(crossed: list[int], expected: list[int]) -> None:
    """Of a datagram sent three times, those crossed that came at their time."""
    sent = [1000, 1200, 1600]
    near = at(sent, [0, 0, 0])
    far = at([sent[i] + 1.2 for i in crossed], [4] * len(crossed), AHEAD)

    assert told(near, far, aligned()) == [
        (here, there, True) for there, here in enumerate(expected)
    ]
    assert told(far, near, aligned_back()) == [
        (here, there, True) for here, there in enumerate(expected)
    ]


def aligned_back() -> Alignment:
    """Return the alignment of the same captures, given the other way round."""
    near = np.arange(40, dtype=np.int64) * 100 * MS
    found = Alignment.of(near + AHEAD + MS, near)
    assert found is not None
    return found


def test_copies_closer_than_the_clocks_are() -> None:
    """Nobody can tell which of two crossed that were sent within the spread."""
    near, far = at([1000, 1000.4], [0, 0]), at([1001.3], [4], AHEAD)

    assert [sure for *_, sure in assign(near, far, aligned(late=8))] == [False]


def test_copies_without_clocks() -> None:
    """Without a clock, the first ones crossed, which is a guess; even ones all did."""
    assert told(at([1, 2], [0, 0]), at([1], [4]), None) == [(0, 0, False)]
    assert told(at([1, 2], [0, 0]), at([1, 9], [4, 4]), None) == [
        (0, 0, True),
        (1, 1, True),
    ]


def test_flows_apart_in_time() -> None:
    """Of two flows, each is what came at its time, whatever the order of rows."""
    near = at([1000, 1500], [0, 2])
    far = at([1501.1, 1001.1], [4, 6], AHEAD)

    assert told(near, far, aligned()) == [(0, 1, True), (1, 0, True)]


def test_flows_at_one_time() -> None:
    """Of two flows at one time, the order is a guess."""
    near = at([1000, 1000.1], [0, 2])
    far = at([1001, 1001.1], [4, 6], AHEAD)

    assert told(near, far, aligned()) == [(0, 0, False), (1, 1, False)]
    assert told(near, far, None) == [(0, 0, False), (1, 1, False)]


def test_one_of_two_flows_was_lost() -> None:
    """The flow that came at its time is the one; the other stays alone."""
    near, far = at([1000, 1500], [0, 2]), at([1501], [4], AHEAD)

    assert told(near, far, aligned()) == [(1, 0, True)]


def test_contradictions_are_no_evidence() -> None:
    """A flow that time leads to two others is not known by it."""
    near = at([1000, 2000, 3000], [0, 0, 2])
    far = at([1001, 2001, 3001], [4, 6, 8], AHEAD)

    pairs = told(near, far, aligned())

    assert (2, 2, True) in pairs
    assert all(not sure for here, _, sure in pairs if here < 2)
