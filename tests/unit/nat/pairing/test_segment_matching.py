"""TCP segments of which one side saw others: paired by the bytes they carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, Packet, capture, routed
from tests.unit.nat.conftest import begun, counterparts, made, segments

from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.nat.clocks.clock import Alignment
from pytest_netlab.nat.pairing import segment_matching
from pytest_netlab.nat.pairing.observations import Observations
from pytest_netlab.nat.pairing.segment_matching import Gap, pair_ranges
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.nat.pairing.hash_join import Pairing

    Spans = Sequence[tuple[int, int]]

WEB = Tuple5(TCP, C1, 40000, HOST01, 80)
SENT = WEB._replace(src=HOST)
LAST = 1 << 32


def known(near: Spans, far: Spans) -> Pairing:
    """Return a pairing of one flow, of which the first observations are one packet."""
    pairing = begun(segments(0, near), segments(4, far))
    pairing.take(0, 0)
    return pairing


def paired(near: Spans, far: Spans, *, final: bool = True) -> list[tuple[int, int]]:
    """Return the pairs of spans (first byte, size), which count from 0 here."""
    found, _ = pair_ranges(known(near, far), final=final)
    return [(here - 1, there - 1) for here, there in found]


THREE = [(1000, 100), (1100, 100), (1200, 100)]


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [
        ([(1000, 300)], THREE, [(0, 0), (0, 1), (0, 2)]),
        (THREE, [(1000, 300)], [(0, 0), (1, 0), (2, 0)]),
        ([(1000, 200), (1200, 100)], THREE, [(0, 0), (0, 1)]),
        ([(1000, 300)], [THREE[0], THREE[2]], [(0, 0), (0, 1)]),
        ([(1000, 300), (1300, 50)], [(1000, 350)], [(0, 0), (1, 0)]),
        (
            [(1000, 150), (1150, 150)],
            THREE,
            [(0, 0), (0, 1), (1, 1), (1, 2)],
        ),
        ([(1000, 100)], [(900, 300)], [(0, 0)]),
        ([(5000, 9), (1000, 100)], [(900, 300)], [(1, 0)]),
    ],
    ids=[
        "GSO",
        "GRO",
        "in part",
        "lost",
        "re-cut",
        "other borders",
        "inside",
        "later",
    ],
)
def test_overlaps(
    near: Spans,
    far: Spans,
    expected: list[tuple[int, int]],
    final: bool,  # noqa: FBT001 - a table
) -> None:
    """Spans are pairs if one of them was wholly seen on the other side."""
    assert paired(near, far, final=final) == expected


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ([(1000, 100)], [(1050, 100)]),
        ([(1000, 100)], [(950, 100)]),
        ([(1000, 300)], [(900, 150), (1250, 150)]),
    ],
)
def test_seen_in_part(near: Spans, far: Spans) -> None:
    """Until the end, the rest of what was seen in part may be on its way."""
    assert paired(near, far, final=False) == []
    assert paired(near, far) == [(0, row) for row in range(len(far))]


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ([(1000, 100)], [(1100, 100)]),
        ([(1000, 100)], [(900, 100)]),
        ([(1000, 100), (1200, 100)], [(1100, 100)]),
        ([(1000, 100)], [(1000, 100)]),
        ([(1000, 100)], []),
        ([], [(1000, 100)]),
        ([], []),
    ],
    ids=["behind", "before", "between", "the same", "near only", "far only", "none"],
)
def test_no_overlap(near: Spans, far: Spans) -> None:
    """Neighbours share no byte, and the same bytes in other packets are no offload."""
    assert paired(near, far) == []


@pytest.mark.parametrize("start", [LAST - 1, LAST - 100, LAST - 150, LAST - 300, 0])
def test_sequence_numbers_wrap(start: int) -> None:
    """Bytes are counted modulo 2^32 (RFC 9293 3.4), on both sides."""
    parts = [((start + at) % LAST, 100) for at in (0, 100, 200)]

    assert paired([(start, 300)], parts) == [(0, 0), (0, 1), (0, 2)]
    assert paired(parts, [(start, 300)]) == [(0, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize("start", [50, 1 << 31, LAST - 1])
def test_bytes_before_the_first(start: int) -> None:
    """What comes before the first span that was seen is not four billion behind it."""
    parts = [((start + at) % LAST, 100) for at in (0, 100)]
    whole = ((start - 100) % LAST, 300)

    assert paired([*parts, whole], [whole, ((start - 100) % LAST, 200)]) == [
        (2, 1),
        (0, 0),
        (1, 0),
    ]


def test_spans_out_of_order() -> None:
    """A segment that came late is where its bytes are, on either side."""
    late = [THREE[2], THREE[0], THREE[1]]

    assert sorted(paired([(1000, 300)], late)) == [(0, 0), (0, 1), (0, 2)]
    assert sorted(paired(late, [(1000, 300)])) == [(0, 0), (1, 0), (2, 0)]


def test_sent_again() -> None:
    """A segment that came twice is once a part of the super-frame."""
    found = paired([(1000, 200)], [(1000, 100), (1000, 100), (1100, 100)])

    assert found == [(0, 0), (0, 2)]


def test_sent_again_later() -> None:
    """Of two transmissions of a segment the one that came at its time is the part."""
    near = segments(0, [(1000, 200), (1000, 100)])
    far = segments(4, [(1000, 99), (1000, 99), (1100, 100)])
    near.ts[:], far.ts[:] = [0, 10, 90], [0, 91, 10, 11]
    pairing = begun(near, far)
    pairing.take(0, 0)
    alignment = Alignment.of(near.ts[:1], far.ts[:1])

    found, _ = pair_ranges(pairing, lambda: alignment, final=True)

    assert sorted(found) == [(1, 2), (1, 3), (2, 1)]


def test_gap() -> None:
    """What no piece carries of a frame is said, in sequence numbers that wrap."""
    pairing = known([(LAST - 100, 300)], [(LAST - 100, 100), (100, 100)])

    assert pair_ranges(pairing, final=True)[1] == [Gap(0, 1, 0, 100)]
    pairing = known([(LAST - 100, 300)], [(LAST - 100, 100), (100, 100)])
    assert pair_ranges(pairing, final=False) == ([(1, 1), (1, 2)], [])


def test_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A super-frame is so many segments and no more: whoever sends more attacks."""
    monkeypatch.setattr(segment_matching, "_MOST", 2)

    assert paired([(1000, 300)], THREE) == [(0, 0), (0, 1)]
    assert paired(THREE, [(1000, 300)]) == [(0, 0), (1, 0), (2, 0)]


def test_enough() -> None:
    """64 KiB in the smallest segments that hosts make (RFC 879) are not too many."""
    count = 256
    parts = [(1000 + 256 * i, 256) for i in range(count)]

    assert len(paired([(1000, 256 * count)], parts)) == count


def test_mates() -> None:
    """Who was paired has a mate, so that nobody takes it for lost."""
    pairing = known([(1000, 300), (2000, 9)], THREE)
    pair_ranges(pairing, final=True)

    assert counterparts(pairing) == [0, 3, -1]
    assert pairing.far_counterparts[:4].tolist() == [0, 1, 1, 1]


def test_who_has_a_mate_already() -> None:
    """What paired as a packet is no part of a super-frame."""
    pairing = known([(1000, 300), (1000, 100)], THREE)
    pairing.take(2, 1)

    assert pair_ranges(pairing, final=True)[0] == [(1, 2), (1, 3)]


@pytest.mark.parametrize("side", [0, 1], ids=["near", "far"])
def test_no_data(side: int) -> None:
    """Whatever carries no bytes of TCP is left alone."""
    pairing = known([(1000, 300)], THREE)
    (pairing.near, pairing.far)[side].facts[:] = 0

    assert pair_ranges(pairing, final=True)[0] == []


def test_flow_that_is_not_known() -> None:
    """Only a mapping tells whose bytes they are."""
    pairing = begun(segments(0, [(1000, 300)]), segments(4, THREE))

    assert pair_ranges(pairing, final=True)[0] == []


def test_ways_apart() -> None:
    """Both directions, and other flows, may use the same sequence numbers."""
    near, far = segments(0, [(1000, 300)]), segments(4, THREE)
    others = [segments(way, [(1000, 200)]) for way in (5, 6)]
    pairing = begun(near, Observations.joined([*others, far]))
    pairing.take(0, 4)

    assert pair_ranges(pairing, final=True)[0] == [(1, 5), (1, 6), (1, 7)]


def test_replies() -> None:
    """What is known of requests tells where the replies' bytes are."""
    near = Observations.joined([made([0]), segments(1, [(1000, 300)])])
    far = Observations.joined([made([4]), segments(5, THREE)])
    pairing = begun(near, far)
    pairing.take(0, 0)

    assert pair_ranges(pairing, final=True)[0] == [(2, 2), (2, 3), (2, 4)]


def stream(sizes: Sequence[int], first: int = 1000) -> list[Packet]:
    """Return segments of a connection that carry so many bytes each."""
    found = []
    for number, size in enumerate(sizes):
        data = bytes(i % 251 for i in range(first, first + size))
        packet = Packet(key=WEB, seq=first, ack=7, data=data, ip_id=100 + number)
        found.append(replace(packet, flags=tcp.ACK))
        first += size
    return found


ACK = Packet(key=WEB.reply, seq=7, ack=1000, ip_id=9)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ([4344], [1448, 1448, 1448]),
        ([1448] * 3, [4344]),
        ([2896, 1448], [1448] * 3),
        ([2000, 3000], [1448, 1448, 1448, 656]),
        ([4000], [4000]),
    ],
    ids=["GSO", "GRO", "GSO in part", "other borders", "the same"],
)
def test_byte_ranges(near: list[int], far: list[int]) -> None:
    """A super-frame is the packets that carry its bytes, whatever their ids."""
    inside = [routed(ACK), *stream(near)]
    outside = [replace(ACK, key=SENT.reply)]
    whole = {(p.seq, len(p.data)): p.ip_id for p in inside}
    outside += [  # only what is the same packet has the same id
        replace(routed(p, SENT), ip_id=whole.get((p.seq, len(p.data)), 500 + i))
        for i, p in enumerate(stream(far))
    ]

    found = learn(capture(inside), capture(outside))

    rows_in = {row for row, _ in found.flows[0].pairs}
    rows_out = {row for _, row in found.flows[0].pairs}
    assert (rows_in, rows_out) == (set(range(len(inside))), set(range(len(outside))))
    assert found.violations == ()
    assert [flow.disposition for flow in found.flows] == ["forwarded"]


def test_a_lost_segment_of_a_super_frame() -> None:
    """The rest of it is still paired; what was lost stays alone."""
    outside = [replace(ACK, key=SENT.reply)]
    outside += [routed(p, SENT) for p in stream([1448] * 3)]
    del outside[2]

    found = learn(capture([routed(ACK), *stream([4344])]), capture(outside))

    assert found.flows[0].pairs == ((0, 0), (1, 1), (1, 2))
