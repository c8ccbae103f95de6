"""One capture point as it is read: chunks, what is still alone, and what is kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.traffic import (
    C1,
    C2,
    HOST01,
    IN,
    MACS,
    OUT,
    START_NS,
    TICK_NS,
    UNKNOWN,
    Packet,
    capture,
)

from pytest_netlab.capture.ahead import Ahead
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.nat import side
from pytest_netlab.nat.side import SideReader, UnpairedPackets, index_of
from pytest_netlab.wire import Direction, arp, ethernet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat.side import Source

DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
ONE, TWO = (Packet(key=DNS._replace(src=src), data=b"query") for src in (C1, C2))
NOBODY = Packet(key=DNS._replace(dst="224.0.0.251"))
ARP = ethernet.build(
    *MACS, arp.build(arp.REQUEST, C1, C2, MACS[0], MACS[1]), ethertype=0x806
)
PACKETS = [ONE, NOBODY, TWO, ONE, TWO, TWO, ONE]


def chunks(whole: Capture, size: int = 2) -> Iterator[Capture]:
    """Yield a capture in pieces."""
    for first in range(0, len(whole), size):
        yield whole.select(range(first, min(first + size, len(whole))))


def started(source: Source, ingress: int = 0) -> SideReader:
    """Return a point that has begun to read."""
    point = SideReader(source)
    point.start(ingress)
    return point


def read(point: SideReader, times: int = 99) -> list[int]:
    """Read so many chunks, or all; return how many packets each had."""
    found: list[int] = []
    while point.alive and len(found) < times:
        found.append(point.read())
    return found


def carry(point: SideReader, alone: Sequence[int], bound: int = 99) -> None:
    """Carry of what is pending those at these indices."""
    pending, _ = point.pending()
    point.carry(pending.take(np.array(alone, dtype=np.intp)), bound)


@pytest.fixture(params=["whole", "chunks"])
def source(request: pytest.FixtureRequest) -> Source:
    """Return the packets as one capture, and in chunks of two."""
    whole = capture(PACKETS)
    return whole if request.param == "whole" else chunks(whole)


def test_sightings(source: Source) -> None:
    """Packets keep their numbers and conversations, however they are read."""
    point = started(source)
    sizes = read(point)
    pending, fresh = point.pending()

    assert sum(sizes) == point.rows == 7
    assert fresh == 0
    assert pending.row.tolist() == [0, 2, 3, 4, 5, 6]
    assert pending.uniflow.tolist() == [0, 2, 0, 2, 2, 0]
    assert point.table.count == 2
    point.stop()


def test_whole() -> None:
    """A capture in memory is read at once, and its rows keep their ways."""
    whole = capture(PACKETS)
    point = started(whole)

    assert point.whole is whole
    assert read(point) == [7]
    assert np.concatenate(point.uniflows).tolist() == [0, -1, 2, 0, 2, 2, 0]


def test_chunks() -> None:
    """Of chunks none is kept, and each is a turn."""
    point = started(chunks(capture(PACKETS)))

    assert point.whole is None
    assert read(point) == [2, 2, 2, 1]
    assert point.uniflows == []


def test_front() -> None:
    """The front is the time of the latest packet that was read."""
    point = started(chunks(capture(PACKETS)))
    fronts = []
    while point.read():
        fronts.append((point.front - START_NS) // TICK_NS)

    assert fronts == [1, 3, 5, 6]


@pytest.mark.parametrize("nothing", [[], iter(())], ids=["list", "iterator"])
def test_no_chunks(nothing: Source) -> None:
    """Without a chunk there is nothing to read."""
    point = started(nothing)

    assert not point.alive
    assert not point.knows_directions
    assert point.read() == point.rows == 0
    assert len(point.pending()[0]) == len(point.unpaired_left().capture) == 0
    point.stop()


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_capture_of_no_packets(in_chunks: bool) -> None:  # noqa: FBT001 - a table
    """A capture without packets is read and taught nothing."""
    empty = capture([])
    point = started([empty] if in_chunks else empty)

    assert (point.alive, point.read(), point.alive) == (True, 0, False)
    assert len(point.pending()[0]) == 0
    assert point.read() == 0
    point.stop()


def test_pending() -> None:
    """What was carried comes first; from there on all is new, and only once."""
    point = started(chunks(capture(PACKETS)))
    read(point, 2)
    carry(point, [0, 2])
    read(point, 1)
    pending, fresh = point.pending()

    assert (pending.row.tolist(), fresh) == ([0, 3, 4, 5], 2)
    again, fresh = point.pending()
    assert (again.row.tolist(), fresh) == ([0, 3], 2)
    point.stop()


@pytest.mark.parametrize(
    ("uniflows", "expected"),
    [
        ([IN, OUT], True),
        ([IN, UNKNOWN], False),
        ([UNKNOWN], False),
        ([], True),
    ],
)
def test_knows_directions(uniflows: list[Direction], expected: bool) -> None:  # noqa: FBT001 - a table
    """A tap knows directions if it knows that of each packet of IP."""
    packets = [Packet(key=DNS, direction=way) for way in uniflows]

    assert SideReader(capture([*packets, ARP])).knows_directions == expected
    assert SideReader([capture([*packets, ARP])]).knows_directions == expected


def test_knows_directions_by_the_first_chunk() -> None:
    """Of chunks the first one tells, and is read all the same."""
    known, unknown = capture([Packet(key=DNS, direction=IN)]), capture([ONE])
    points = started([known, unknown]), started([unknown, known])

    assert [point.knows_directions for point in points] == [True, False]
    assert [read(point) for point in points] == [[1, 1], [1, 1]]
    for point in points:
        point.stop()


def test_ingress() -> None:
    """The direction into the host is a part of what packets are known by."""
    seen = capture([Packet(key=DNS, direction=IN)])
    points = [started(seen, way) for way in (0, Direction.INBOUND, Direction.OUTBOUND)]
    for point in points:
        read(point)

    assert len({int(point.pending()[0].key[0]) for point in points}) == 3


@pytest.mark.parametrize(("limit", "threads"), [(8, 0), (7, 1)], ids=["small", "large"])
def test_thread(limit: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large capture is looked at in a thread of its own, which ends with the read."""
    monkeypatch.setattr(side, "_LARGE", limit)
    before = set(threading.enumerate())
    made: list[Ahead[object]] = []

    class Known(Ahead[object]):
        def __init__(self, items: Iterator[object]) -> None:
            super().__init__(items)
            made.append(self)

    monkeypatch.setattr(side, "Ahead", Known)
    point = started(capture(PACKETS))
    read(point)
    point.stop()

    assert len(made) == threads
    assert set(threading.enumerate()) <= before


def test_stopped_half_way() -> None:
    """Chunks are made in a thread, which is gone once nobody wants more."""
    before = set(threading.enumerate())
    point = started(chunks(capture(PACKETS * 10)))
    point.read()
    point.stop()

    assert set(threading.enumerate()) <= before


def test_not_started() -> None:
    """Who never started may be stopped."""
    SideReader(capture(PACKETS)).stop()


def test_carried_of_a_capture() -> None:
    """In memory all that is alone waits, however much it is."""
    point = started(capture(PACKETS))
    read(point)
    carry(point, [0, 1, 2, 4], bound=1)

    assert point.carried.row.tolist() == [0, 2, 3, 5]
    assert point.unpaired_left().capture is point.whole
    assert point.unpaired_left().rows.tolist() == [0, 2, 3, 5]
    assert point.unpaired_left().numbers.tolist() == [0, 2, 3, 5]
    assert point.unpaired_left().uniflows.tolist() == [0, 2, 0, 2]


@pytest.mark.parametrize(
    ("bound", "expected"), [(0, []), (1, [5]), (3, [2, 3, 5]), (4, [0, 2, 3, 5])]
)
def test_carried_of_a_stream(bound: int, expected: list[int]) -> None:
    """Of a stream the latest wait, and the others are given up, not forgotten."""
    point = started(chunks(capture(PACKETS)))
    read(point)
    carry(point, [0, 1, 2, 4], bound)
    left = point.unpaired_left()

    assert point.carried.row.tolist() == expected
    assert left.numbers.tolist() == [0, 2, 3, 5]
    assert left.uniflows.tolist() == [0, 2, 0, 2]
    assert left.rows.tolist() == [0, 1, 2, 3]
    assert left.capture.ts.tolist() == [START_NS + n * TICK_NS for n in (0, 2, 3, 5)]
    point.stop()


def test_who_found_its_counterpart_later() -> None:
    """What waited and was paired is no stray, whose copy is kept all the same."""
    point = started(chunks(capture(PACKETS), 4))
    read(point, 1)
    carry(point, [0, 1, 2])
    read(point)
    carry(point, [1, 4])
    left = point.unpaired_left()

    assert left.numbers.tolist() == [2, 5]
    assert left.rows.tolist() == [1, 3]
    assert left.uniflows.tolist() == [2, 2]
    assert (
        left.capture.src[left.rows].tolist()
        == [
            capture([TWO]).src[0].tolist(),
        ]
        * 2
    )
    point.stop()


def test_strays_are_copied_once() -> None:
    """A packet that waits for several steps is copied when it comes up, not again."""
    point = started(chunks(capture(PACKETS)))
    for _ in range(4):
        read(point, 1)
        carry(point, list(range(len(point.carried) + sum(map(len, point._new)))))

    assert point.unpaired_left().numbers.tolist() == [0, 2, 3, 4, 5, 6]
    assert len(point.unpaired_left().capture) == 6
    point.stop()


@pytest.mark.parametrize("kept", [0, 1, 3, 6])
def test_only_so_many_strays(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a stream the columns of the first strays are kept, up to a bound."""
    monkeypatch.setattr(side, "_KEPT_ROWS", kept)
    point = started(chunks(capture(PACKETS), 3))
    while point.alive:
        read(point, 1)
        carry(point, list(range(len(point.carried) + sum(map(len, point._new)))))
    left = point.unpaired_left()

    assert left.numbers.tolist() == [0, 2, 3, 4, 5, 6][:kept]
    assert len(left.capture) == len(left.rows) == kept
    assert point.carried.row.tolist() == [0, 2, 3, 4, 5, 6]
    point.stop()


def test_strays_of_a_stream_have_no_bytes() -> None:
    """The columns are kept, the bytes are not: their buffer is used again."""
    point = started(chunks(capture(PACKETS)))
    read(point)
    waiting = [chunk[0].bytes for _, chunk in point._recent]
    carry(point, [0])
    left = point.unpaired_left()

    assert waiting == [b""] * 4
    assert left.capture.payload_len.tolist() == [5]
    assert left.capture[0].bytes == b""
    point.stop()


def test_strays_by_number_and_conversation() -> None:
    """A row of the kept columns is some packet of the stream, of some conversation."""
    rows = np.array([1, 4, 6])
    uniflows = np.array([0, 3, 1], dtype=np.int32)
    left = UnpairedPackets(capture(PACKETS), rows, np.array([10, 40, 60]), uniflows)

    assert [left.number(row) for row in (1, 4, 6)] == [10, 40, 60]
    assert left.by_conversation() == {0: [1, 6], 1: [4]}


@pytest.mark.parametrize(
    ("number", "expected"), [(0, 0), (2, 1), (6, 5), (1, -1), (7, -1), (-1, -1)]
)
def test_index(number: int, expected: int) -> None:
    """A packet is found by its number; one that is not there has no index."""
    point = started(capture(PACKETS))
    read(point)

    assert index_of(point.pending()[0], number) == expected


def test_index_of_nothing() -> None:
    """Among no observations there is none."""
    assert index_of(started(capture([])).pending()[0], 0) == -1
