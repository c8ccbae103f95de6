"""Whose turn it is to be read: whoever is behind, by a clock or by count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.traffic import C1, HOST01, TICK_NS, Packet, capture
from tests.unit.nat.conftest import made

from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.nat import read_schedule
from pytest_netlab.nat.read_schedule import ReadSchedule
from pytest_netlab.nat.side import SideReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture

PACKET = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53))
AHEAD = 10**15  # ns


def chunks(count: int, start: int, size: int = 1) -> Iterator[Capture]:
    """Yield chunks of packets, a tick apart."""
    for number in range(count):
        yield capture([PACKET] * size, start=start + number * size * TICK_NS)


def side(count: int, start: int = 0, size: int = 1) -> SideReader:
    """Return a point that has this many chunks, ready to be read."""
    point = SideReader(chunks(count, start, size))
    point.start(0)
    return point


def order(
    near: SideReader, far: SideReader, reads: ReadSchedule, count: int = 99
) -> str:
    """Return whose turn it was, N or F, with steps of one chunk."""
    found = ""
    while (near.alive or far.alive) and len(found) < count:
        before = near.rows
        reads.read()
        found += "N" if near.rows > before else "F"
    return found


@pytest.fixture(autouse=True)
def _one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a step end after a chunk."""
    monkeypatch.setattr(read_schedule, "_STEP", 1)


def test_one_clock() -> None:
    """Each side is read once; then whichever is behind, the near one if neither is."""
    near, far = side(3), side(3)

    assert order(near, far, ReadSchedule(near, far)) == "NFNFNF"


@pytest.mark.parametrize(
    ("start", "expected"),
    [(2 * TICK_NS, "NFNNNFF"), (-2 * TICK_NS, "NFFFNNN")],
    ids=["near began before", "far began before"],
)
def test_who_began_before_catches_up(start: int, expected: str) -> None:
    """As long as nothing else is known both clocks are taken for one."""
    near, far = side(4, 10 * TICK_NS), side(3, 10 * TICK_NS + start)

    assert order(near, far, ReadSchedule(near, far)) == expected


@pytest.mark.parametrize(
    ("near_count", "far_count", "expected"),
    [(2, 0, "NN"), (0, 2, "FF"), (1, 3, "NFFF"), (3, 1, "NFNN"), (0, 0, "")],
)
def test_a_side_that_ended(near_count: int, far_count: int, expected: str) -> None:
    """Once a side has ended the other is read to its end."""
    near, far = side(near_count), side(far_count)

    assert order(near, far, ReadSchedule(near, far)) == expected


@pytest.mark.parametrize("ahead", [AHEAD, -AHEAD])
def test_offset(ahead: int) -> None:
    """Pairs tell how far the far clock is ahead; the one in the middle counts."""
    near, far = side(3, AHEAD), side(3, AHEAD + ahead)
    reads = ReadSchedule(near, far)
    times = np.array([1, 2, 3, 4, 5])
    apart = np.array([0, ahead, ahead, ahead, 9 * ahead])
    reads.learn_offset(times, times + apart)

    assert order(near, far, reads) == "NFNFNF"


@pytest.mark.parametrize("ahead", [AHEAD, -AHEAD])
def test_no_pair(ahead: int) -> None:
    """Clocks that led to no pair are not believed: both sides are read evenly."""
    near, far = side(3, AHEAD), side(3, AHEAD + ahead)
    reads = ReadSchedule(near, far)
    reads.learn_offset(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    assert order(near, far, reads) == "NFNFNF"


def test_clocks_apart() -> None:
    """Without that, one side is read to its end before the other."""
    near, far = side(3, AHEAD), side(3, 2 * AHEAD)

    assert order(near, far, ReadSchedule(near, far)) == "NFNNFF"


def test_evenly_by_packets() -> None:
    """Evenly means packets, however large the chunks are."""
    near, far = side(2, AHEAD, size=3), side(6, 2 * AHEAD)
    reads = ReadSchedule(near, far)
    reads.learn_offset(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    assert order(near, far, reads) == "NFFFNFFF"


def test_a_step_without_pairs_later_on() -> None:
    """What pairs once told of the clocks is kept when a step has none."""
    near, far = side(3, AHEAD), side(3, 2 * AHEAD)
    reads = ReadSchedule(near, far)
    reads.learn_offset(np.array([0]), np.array([0]))
    reads.learn_offset(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    assert order(near, far, reads) == "NFNNFF"


def test_pairs_after_none() -> None:
    """The first pair ends reading evenly, and the latest pairs count."""
    near, far = side(3, AHEAD), side(3, 2 * AHEAD)
    reads = ReadSchedule(near, far)
    reads.learn_offset(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    reads.learn_offset(np.array([0]), np.array([AHEAD]))
    reads.learn_offset(np.array([0]), np.array([0]))

    assert order(near, far, reads) == "NFNNFF"


@pytest.mark.parametrize(("step", "rows"), [(1, 1), (2, 2), (5, 5), (99, 20)])
def test_step(step: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is so many packets of both sides together, or what is there."""
    monkeypatch.setattr(read_schedule, "_STEP", step)
    near, far = side(10), side(10)
    ReadSchedule(near, far).read()

    assert near.rows + far.rows == rows


def test_step_of_whole_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is not cut for a step."""
    monkeypatch.setattr(read_schedule, "_STEP", 4)
    near, far = side(3, size=3), side(3, size=3)
    ReadSchedule(near, far).read()

    assert (near.rows, far.rows) == (3, 3)


@pytest.mark.parametrize(
    ("waiting", "rows"), [((0, 0), 2), ((4, 0), 2), ((3, 5), 4), ((10, 4), 7)]
)
def test_longer_steps(
    waiting: tuple[int, int], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While many packets wait, steps are longer: each looks at all of them."""
    monkeypatch.setattr(read_schedule, "_STEP", 2)
    near, far = side(10), side(10)
    near.carried, far.carried = (made([0] * count) for count in waiting)
    ReadSchedule(near, far).read()

    assert near.rows + far.rows == rows
