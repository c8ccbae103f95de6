"""What of a uniflow's sequence space one capture point has seen, against sets."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.traffic import FIN_ACK, HOST01, SYN, SYN_ACK, Packet, capture, error
from tests.unit.flows.conftest import DNS, NO_FLOW, PING, PING6, WEB, icmp_packet

from pytest_netlab.flows import TCP, FlowTable, Streams
from pytest_netlab.wire import tcp
from pytest_netlab.wire.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPACE = tcp.SPACE
GIB = 1 << 30
ISN = 5_000_000
NEAR_THE_END = SPACE - 700


class Segment(NamedTuple):
    """One segment of a uniflow, without bytes."""

    seq: int
    size: int = 0
    flags: int = tcp.ACK
    ack: int = 0
    uniflow: int = 0


def of(segments: Iterable[Segment], blocks: int = 1) -> Streams:
    """Return what was seen of segments that came in so many blocks."""
    streams, every = Streams(), list(segments)
    size = max(1, -(-len(every) // blocks))
    for low in range(0, len(every), size):
        part = every[low : low + size]
        columns = Columns(len(part))
        columns.array("proto")[:] = TCP
        for name, values in (
            ("tcp_seq", [one.seq % SPACE for one in part]),
            ("tcp_ack", [one.ack % SPACE for one in part]),
            ("tcp_flags", [one.flags for one in part]),
            ("payload_len", [one.size for one in part]),
        ):
            columns.array(name)[:] = values
        uniflows = np.array([one.uniflow for one in part], dtype=np.int32)
        streams.add(columns, len(part), uniflows)
    return streams


def seen(packets: Sequence[Packet | bytes]) -> Streams:
    """Return what was seen of packets."""
    table, streams = FlowTable(), Streams()
    for block in capture(packets).blocks():
        streams.add(block.columns, block.rows, table.add(block.columns, block.rows))
    return streams


def data(seq: int, size: int = 100, uniflow: int = 0) -> Segment:
    """Return a segment of data."""
    return Segment(seq, size, uniflow=uniflow)


def from_to(first: int, end: int, size: int = 1 << 20) -> list[Segment]:
    """Return segments in order that cover [first, end)."""
    return [data(seq, min(size, end - seq)) for seq in range(first, end, size)]


def octets_of(parts: Iterable[tuple[int, int]]) -> set[int]:
    """Return the numbers in parts of the sequence space."""
    return {
        number % SPACE
        for first, end in parts
        for number in range(first, first + (end - first) % SPACE)
    }


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([data(1000), data(1100)], []),
        ([data(1000), data(1150, 50)], [(1100, 1150)]),
        ([data(1000), data(1150, 50), data(1100, 50)], []),
        ([data(1000), data(1150, 50), data(1100, 20)], [(1120, 1150)]),
        ([data(1000, 50), data(1100), data(1020, 130)], []),
        ([data(1100), data(1000)], []),
        ([data(1150, 50), data(1000)], [(1100, 1150)]),
        ([data(1150, 50), data(990, 300)], []),
        ([data(1000), data(1000), data(1040, 20)], [(1100, 1200)]),
        ([data(1000, 200), data(1099, 1)], []),
        ([data(1000), Segment(1200)], [(1100, 1200)]),
        ([data(1000), Segment(1100, flags=FIN_ACK)], [(1101, 1200)]),
        ([Segment(999, flags=SYN), data(1000)], [(1100, 1200)]),
        ([Segment(1000, flags=SYN)], [(1001, 1200)]),
        ([data(1000), Segment(1100, 100, flags=tcp.RST)], [(1100, 1200)]),
        ([], [(1000, 1200)]),
        ([data(1000, 200, uniflow=1)], [(1000, 1200)]),
        ([data(1100 + SPACE // 2), data(1000)], [(1100, 1200)]),
        ([data(1100 + SPACE // 2), data(1100)], [(1000, 1100)]),
    ],
    ids=[
        "in order",
        "hole",
        "hole filled",
        "hole filled in part",
        "filled and more",
        "earlier, adjacent",
        "earlier, apart",
        "earlier, over all",
        "sent again",
        "keepalive",
        "acknowledgement covers nothing",
        "FIN",
        "SYN before",
        "SYN",
        "RST",
        "nothing",
        "the other direction",
        "after a stray number",
        "half a space ahead",
    ],
)
@pytest.mark.parametrize("shift", [0, SPACE - 1100, SPACE - 1050, SPACE - 1000])
@pytest.mark.parametrize("blocks", [1, 3])
def test_missing(
    segments: list[Segment], expected: list[tuple[int, int]], shift: int, blocks: int
) -> None:
    """What no segment covered is missing, wherever in the sequence space."""
    moved = [one._replace(seq=one.seq + shift) for one in segments]
    streams = of(moved, blocks)
    found = streams.missing(0, (1000 + shift) % SPACE, (1200 + shift) % SPACE)

    assert found == [
        ((first + shift) % SPACE, (end + shift) % SPACE) for first, end in expected
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 300, 1 << 22, 1 << 26, SPACE // 2 - 100, SPACE // 2]),
            st.integers(0, 60),
            st.integers(0, 30),
            st.sampled_from([tcp.ACK, SYN, SYN_ACK, FIN_ACK, tcp.RST]),
        ),
        max_size=30,
    ),
    st.sampled_from([0, 70, NEAR_THE_END, SPACE - 40]),
    st.integers(1, 4),
)
@settings(max_examples=400, deadline=None)
def test_any_segments(
    made: list[tuple[int, int, int, int]], start: int, blocks: int
) -> None:
    """Of any segments, exactly the octets that none covered are missing."""
    segments = [
        Segment(start + base + offset, size, flags)
        for base, offset, size, flags in made
    ]
    covered = {
        number % SPACE
        for one in segments
        if not one.flags & tcp.RST
        for number in range(
            one.seq,
            one.seq + one.size + bool(one.flags & SYN) + bool(one.flags & tcp.FIN),
        )
    }
    streams = of(segments, blocks)
    for base in {base for base, *_ in made} | {0}:
        first = start + base - 20
        asked = {number % SPACE for number in range(first, first + 150)}
        found = streams.missing(0, first % SPACE, (first + 150) % SPACE)

        assert octets_of(found) == asked - covered
        assert found == sorted(found, key=lambda one: (one[0] - first) % SPACE)


def test_nothing_is_missing_of_nothing() -> None:
    """An empty part misses nothing."""
    assert of([data(1000)]).missing(0, 77, 77) == []


def test_unknown_uniflow() -> None:
    """Of a uniflow without a packet nothing was seen."""
    streams = of([data(1000, uniflow=i) for i in range(2000)])

    for uniflow in (10**7, 2000, -1, -2):
        assert streams.missing(uniflow, 1000, 1003) == [(1000, 1003)]
        assert not streams.acknowledged(uniflow, 1)
        assert streams.base(uniflow) is None
        assert streams.base(uniflow, 1000) is None


def test_more_than_the_space() -> None:
    """Beyond 4 GiB every number was seen, however long the interval became."""
    segments = from_to(ISN, ISN + 5 * GIB)

    assert of(segments).missing(0, ISN + 7, ISN + 6) == []
    assert of(segments[: len(segments) // 2]).missing(0, ISN + 7, ISN + 6) == [
        (ISN + 5 * GIB // 2, ISN)
    ]


def test_length_that_no_segment_has() -> None:
    """What a header claims beyond half a GiB is not believed."""
    streams = of([data(ISN + i, SPACE - 1) for i in range(40)])

    assert streams.missing(0, ISN - 2, ISN + GIB) == [
        (ISN - 2, ISN),
        (ISN + 39 + GIB // 2, ISN + GIB),
    ]


def test_hole_in_the_first_lap() -> None:
    """A hole below 4 GiB stays one until its numbers are used again."""
    hole = ISN + GIB, ISN + GIB + 5
    streams = of(from_to(ISN, hole[0]) + from_to(hole[1], ISN + 3 * GIB))

    assert streams.missing(0, ISN, ISN + 3 * GIB) == [hole]
    assert streams.count < 20


def test_written_intervals() -> None:
    """What is in order, or sent again without a hole, costs no memory."""
    ordered = [data(ISN + 100 * i) for i in range(1000)]
    assert of(ordered + ordered).count == 0

    with_hole = of([*ordered[:500], *ordered[501:], *ordered[300:]])
    assert with_hole.count == 201
    assert with_hole.missing(0, ISN, ISN + 100_000) == []


def test_stray_number() -> None:
    """A segment with a number far off does not make each that follows an interval."""
    ordered = [data(ISN + 100 * i) for i in range(1000)]
    streams = of([*ordered[:500], data(ISN + GIB), *ordered[500:]])

    assert streams.count == 2
    assert streams.missing(0, ISN, ISN + 100_000) == []


@pytest.mark.parametrize("other", [ISN + 1000, ISN + GIB, ISN - 100_000, 77])
def test_ports_used_again(other: int) -> None:
    """A new connection has its own base; the old one's octets remain known."""
    old = [Segment(ISN, flags=SYN), data(ISN + 1), data(ISN + 201)]
    new = [Segment(other, flags=SYN), data(other + 101)]
    streams = of(old + new)

    assert streams.base(0) == other
    assert {streams.base(0, ISN + i) for i in (0, 1, 250)} == {ISN}
    assert {streams.base(0, other + i) for i in (0, 1, 250)} == {other}
    assert streams.missing(0, ISN, ISN + 301) == [(ISN + 101, ISN + 201)]
    assert streams.base(0, 0) == max(ISN, other)
    assert streams.missing(0, other, other + 201) == [(other + 1, other + 101)]


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([Segment(ISN, flags=SYN), data(ISN + 1)], ISN),
        ([Segment(ISN, flags=SYN)] * 2, ISN),
        ([data(ISN + 1), Segment(ISN, flags=SYN)], ISN),
        ([data(ISN + 101), Segment(ISN, flags=SYN)], ISN),
        ([data(ISN + 101), data(ISN + 1)], ISN + 100),
        ([Segment(ISN + 1)], ISN),
        ([Segment(0)], SPACE - 1),
        ([Segment(ISN, flags=tcp.RST)], None),
        ([], None),
    ],
)
def test_base(segments: list[Segment], expected: int | None) -> None:
    """Relative numbers count from the SYN, else from before the first segment."""
    assert of(segments).base(0) == expected


def acks(*numbers: int) -> list[Segment]:
    """Return acknowledgements of the other direction."""
    return [Segment(9, ack=number, uniflow=1) for number in numbers]


@pytest.mark.parametrize(
    ("segments", "acknowledged", "not_acknowledged"),
    [
        (acks(ISN + 100), [ISN, ISN + 1, ISN + 100], [ISN + 101]),
        (acks(ISN + 100, ISN + 300), [ISN + 200], [ISN + 301]),
        (acks(ISN + 300, ISN + 100), [ISN + 200, ISN + 300], [ISN + 301]),
        (
            [Segment(ISN, flags=SYN), Segment(8, 0, SYN_ACK, ISN + 1, 1)],
            [ISN + 1],
            [ISN, ISN + 2],
        ),
        (
            [Segment(ISN, flags=SYN), data(ISN + 201), *acks(ISN + 301)],
            [ISN + 1, ISN + 101, ISN + 301],
            [ISN, ISN + 302],
        ),
        ([data(ISN + 100), *acks(ISN + 200)], [ISN, ISN + 200], [ISN + 201]),
        ([data(ISN)], [], [ISN, ISN + 100]),
        ([Segment(9, 0, tcp.PSH, ISN, 1)], [], [ISN, ISN - 1]),
        ([Segment(9, 0, tcp.RST | tcp.ACK, ISN, 1)], [], [ISN, ISN - 1]),
        ([Segment(9, 0, tcp.ACK, ISN)], [], [ISN]),
    ],
    ids=[
        "all before",
        "moves on",
        "late",
        "SYN",
        "a hole before",
        "captured from the middle",
        "none",
        "no ACK",
        "RST",
        "another direction",
    ],
)
@pytest.mark.parametrize("shift", [0, SPACE - ISN - 50, SPACE - ISN - 1, SPACE - ISN])
def test_acknowledged(
    segments: list[Segment],
    acknowledged: list[int],
    not_acknowledged: list[int],
    shift: int,
) -> None:
    """An acknowledgement is of everything before it, of its connection."""
    streams = of(
        [
            one._replace(seq=one.seq + shift, ack=one.ack + shift if one.ack else 0)
            for one in segments
        ]
    )

    for end in acknowledged:
        assert streams.acknowledged(1, (end + shift) % SPACE)
    for end in not_acknowledged:
        assert not streams.acknowledged(1, (end + shift) % SPACE)


@pytest.mark.parametrize(
    "other", [ISN + 10_000, ISN + 2 * GIB, 77 + 3 * GIB, ISN - GIB]
)
def test_tail_of_an_old_connection(other: int) -> None:
    """What an old connection left unacknowledged, a new one does not acknowledge."""
    old = [Segment(ISN, flags=SYN), data(ISN + 1), data(ISN + 101), *acks(ISN + 101)]
    new = [Segment(other, flags=SYN), *acks(ISN + 101)]  # a challenge ACK, RFC 5961
    new += [Segment(other, flags=SYN), Segment(3, 0, SYN_ACK, other + 1, 1)]
    new += [data(other + 1), *acks(other + 101)]
    streams = of(old + new)

    for end in (ISN + 1, ISN + 101, other + 1, other + 101):
        assert streams.acknowledged(1, end % SPACE)
    for end in (ISN + 201, other + 102, other - 10):
        assert not streams.acknowledged(1, end % SPACE)


def test_stray_acknowledgements() -> None:
    """Of a number far from its connection, nothing but its last octet is believed."""
    opened = [Segment(ISN, flags=SYN), data(ISN + 1), data(ISN + 201)]
    streams = of([*opened, *acks(ISN + GIB // 4, ISN + 101)])

    assert streams.acknowledged(1, ISN + 101)
    assert not streams.acknowledged(1, ISN + 201)
    assert of([*opened, *acks(ISN + 101, ISN + 301, ISN + 201)]).count == 1


def test_asked_in_between() -> None:
    """Packets that are added after a question count in the next one."""
    streams = of([data(1000)])
    assert streams.missing(0, 1000, 1200) == [(1100, 1200)]

    columns = Columns(1)
    for name, value in (("proto", TCP), ("tcp_seq", 1100), ("payload_len", 100)):
        columns.array(name)[:] = value
    streams.add(columns, 1, np.zeros(1, dtype=np.int32))
    assert streams.missing(0, 1000, 1200) == []


def test_acknowledged_beyond_the_space() -> None:
    """Acknowledgements of a long connection stay right beyond 4 GiB."""
    step = 1 << 24
    segments = [Segment(ISN, flags=SYN)]
    for i in range(6 * GIB // step):
        segments += [data(ISN + 1 + i * step, step), *acks(ISN + 1 + (i + 1) * step)]
    streams = of(segments)
    end = ISN + 1 + 6 * GIB

    assert streams.acknowledged(1, end % SPACE)
    assert streams.acknowledged(1, (end - GIB) % SPACE)


@pytest.mark.parametrize("key", [PING, PING6])
def test_echoed(key: object) -> None:
    """Echo messages are known by their number and direction."""
    ping = Packet(key=key)  # type: ignore[arg-type]
    numbers = [1, 2, 5, 0xFFFF, 4, 0x8000]
    packets = [replace(ping, seq=number) for number in numbers]
    streams = seen([*packets, replace(ping, key=ping.key.reply, reply=True, seq=2)])

    assert [seq for seq in range(1 << 16) if streams.echoed(0, seq)] == sorted(numbers)
    assert [seq for seq in range(9) if streams.echoed(1, seq)] == [2]


@given(st.lists(st.integers(0, 0xFFFF)))
@settings(max_examples=30, deadline=None)
def test_any_echoes(numbers: list[int]) -> None:
    """Of any echoes, those that were seen were seen."""
    streams = seen([Packet(key=PING, seq=number) for number in numbers])
    asked = {*numbers, *(number + 1 & 0xFFFF for number in numbers), 0}

    assert {seq for seq in asked if streams.echoed(0, seq)} == set(numbers)


def test_frames() -> None:
    """Segments come with their flow; everything else has no sequence numbers."""
    web = Packet(key=WEB, seq=1001, data=b"hello")
    embedded = Packet(key=WEB, seq=1006, data=b"lost")
    streams = seen(
        [
            *NO_FLOW.values(),
            Packet(key=DNS, data=b"x"),
            icmp_packet(13),
            Packet(key=WEB, flags=SYN, seq=1000),
            Packet(key=WEB.reply, flags=SYN_ACK, seq=7, ack=1001),
            web,
            error(HOST01, embedded),
            Packet(key=WEB.reply, seq=8, ack=1006),
        ]
    )
    uniflow = 4  # behind DNS and the query

    assert streams.missing(uniflow, 1000, 1010) == [(1006, 1010)]
    assert streams.missing(uniflow + 1, 7, 9) == [(8, 9)]
    assert streams.acknowledged(uniflow + 1, 1006)
    assert not streams.acknowledged(uniflow + 1, 1007)
    assert (streams.base(uniflow), streams.base(uniflow + 1)) == (1000, 7)
    assert streams.missing(0, 0, 9) == [(0, 9)]
    assert not streams.echoed(2, 0)


def test_many_uniflows() -> None:
    """Every uniflow has a stream of its own, also when they become many."""
    count = 5000
    segments = [data(ISN + i, uniflow=i) for i in range(count)]
    again = [data(ISN + i + 150, 10, uniflow=i) for i in range(count)]
    streams = of(segments + again, 7)

    for i in range(0, count, 99):
        assert streams.missing(i, ISN + i, ISN + i + 160) == [
            (ISN + i + 100, ISN + i + 150)
        ]


HOSTILE = {
    "every packet a hole": lambda i: data(ISN + 20 * i, 10),
    "backwards": lambda i: data(ISN - 20 * i, 10),
    "half a space ahead": lambda i: data(ISN + i * (SPACE // 2 - 1), 10),
    "random": lambda i: Segment(i * 2_654_435_761, 10, tcp.ACK, i * 97_531_357, 1),
    "connections": lambda i: Segment(i * 2_654_435_761, 1, SYN),
    "long": lambda i: data(i * (1 << 29), 1 << 29),
}


def seconds(hostile: str, count: int) -> float:
    """Return how long so many segments take to add, and to be asked for."""
    segments = [HOSTILE[hostile](i) for i in range(count)]
    begin = time.process_time()
    streams = of(segments)
    for one in segments:
        streams.missing(one.uniflow, one.seq % SPACE, (one.seq + one.size) % SPACE)
        streams.acknowledged(one.uniflow, one.ack % SPACE)
        streams.base(one.uniflow, one.seq % SPACE)
    assert streams.count <= 3 * count
    return time.process_time() - begin


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_sizes(hostile: str) -> None:
    """Eight times as many hostile segments take no more than some eight times as long.

    Quadratic would be 64.
    """
    small = min(seconds(hostile, 2_000) for _ in range(3))
    large = min(seconds(hostile, 16_000) for _ in range(2))

    assert large < 24 * small
