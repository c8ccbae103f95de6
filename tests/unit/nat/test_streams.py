"""Captures read in chunks teach what whole ones do; cuts, clocks."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, C2, HOST, HOST01, Packet, capture, routed

from pytest_netlab.capture import Capture, Interface, read, write
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.nat import Translations, learn, read_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.nat import Flow

DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
YEAR_NS = 31_536_000 * 10**9


def translated(key: Tuple5) -> Tuple5:
    """Return the key behind a masquerade that keeps the port."""
    return key._replace(src=HOST)


def datagrams(count: int) -> list[Packet]:
    """Return datagrams of two containers, each of its own."""
    return [
        Packet(
            key=DNS._replace(src=(C1, C2)[i % 2], sport=5000 + i % 7),
            data=i.to_bytes(4, "big"),
            ip_id=i % 65536,
        )
        for i in range(count)
    ]


def crossed(packets: Sequence[Packet]) -> list[Packet]:
    """Return the packets on the outside, the second container's port remapped."""
    return [
        routed(
            p, translated(p.key)._replace(sport=p.key.sport + 20000 * (p.key.src == C2))
        )
        for p in packets
    ]


def chunks(whole: Capture, size: int) -> Iterator[Capture]:
    """Yield a capture in pieces."""
    for first in range(0, len(whole), size):
        yield whole.select(range(first, min(first + size, len(whole))))


def told(found: Translations) -> list[tuple[object, ...]]:
    """Return what chunks tell as well: no rows."""

    def row(flow: Flow) -> tuple[object, ...]:
        ends = flow.kind, flow.disposition, flow.initiated, flow.inside, flow.outside
        return (*ends, flow.answered, flow.returned, flow.packets)

    return sorted(map(row, found.flows), key=str)


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a step end after a few packets."""
    monkeypatch.setattr(read_schedule, "_STEP", 20)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("offset", [0, 2 * 10**9, -YEAR_NS])
def test_chunks_teach_the_same(size: int, offset: int) -> None:
    """Whatever the size of the chunks, and however far the clocks are apart."""
    near = datagrams(300)
    lost = [p for i, p in enumerate(crossed(near)) if i % 11]
    inside, outside = capture(near), capture(lost, start=YEAR_NS * 2 + offset)

    found = learn(chunks(inside, size), chunks(outside, size))

    assert told(found) == told(learn(inside, outside))
    assert (found.violations, found.pairs) == ((), None)
    assert sum(flow.packets for flow in found.flows) == len(lost)


@pytest.mark.parametrize(
    ("alike", "lost"),
    [([20, 43], [20]), ([21, 22, 34, 40], [21, 22])],
)
def test_twins_on_their_way(alike: list[int], lost: list[int]) -> None:
    """What waits for its twin does not take another flow's, which comes later."""
    near = datagrams(100)
    for number in alike:
        near[number] = replace(near[number], data=b"same", ip_id=0)
    far = [p for i, p in enumerate(crossed(near)) if i not in lost]
    inside, outside = capture(near), capture(far)

    found = learn(chunks(inside, 7), chunks(outside, 13))

    assert found.violations == ()
    assert told(found) == told(learn(inside, outside))


def test_a_side_that_began_long_before() -> None:
    """What only one capture has in front does not hide the rest."""
    near = datagrams(400)
    far = crossed(near)[350:]

    found = learn(chunks(capture(near), 10), chunks(capture(far), 10))

    assert sum(flow.packets for flow in found.flows) == 50


def test_violations_in_chunks() -> None:
    """Broken invariants are told with the numbers of their packets."""
    near = datagrams(100)
    far = crossed(near)
    far[60] = replace(far[60], tos=8)
    far[70] = replace(far[70], ttl=60)

    found = learn(chunks(capture(near), 9), chunks(capture(far), 13))

    assert [(b.field, b.inside_row, b.outside_row) for b in found.violations] == [
        ("tos", 60, 60),
        ("ttl", 70, 70),
    ]
    assert found.violations[1].got == "60"


def test_altered_in_chunks() -> None:
    """A packet that was altered is known by the rest of it, in chunks as well."""
    near = datagrams(100)
    far = crossed(near)
    far[60] = replace(far[60], data=b"\0\0\0\1")

    found = learn(chunks(capture(near), 9), chunks(capture(far), 13))

    assert found.unpaired == {}
    assert sum(flow.packets for flow in found.flows) == 100


def cut(whole: Capture, size: int) -> Capture:
    """Return a capture with this snaplen."""
    frames = [f._replace(data=f.data[:size]) for f in whole.frames()]
    return Capture.from_frames(frames, [Interface(name="tap", snaplen=size)])


@pytest.mark.parametrize("sides", [(True, False), (False, True), (True, True)])
def test_snaplen(sides: tuple[bool, bool]) -> None:
    """Where a payload was cut, headers must do."""
    near = [replace(p, data=p.data * 20) for p in datagrams(40)]
    whole = capture(near), capture(crossed(near))
    ends = [cut(w, 60) if side else w for w, side in zip(whole, sides, strict=True)]

    found = learn(*ends)

    assert found.pairs is not None
    assert found.pairs.tolist() == [[row, row] for row in range(40)]
    assert found.violations == ()


def test_fragments_cut_anew() -> None:
    """Connection tracking may cut a datagram at other places than its sender did."""
    first = Packet(key=DNS, data=b"x" * 64, mf=True, df=False, ip_id=5)
    far = replace(routed(first, translated(DNS)), data=b"x" * 32)

    found = learn(capture([first]), capture([far]))

    assert [(flow.disposition, flow.translated) for flow in found.flows] == [
        ("forwarded", translated(DNS))
    ]
    assert [bad.field for bad in found.violations if bad.field != "l4_checksum"] == []


def test_hashes_left_out() -> None:
    """Without payload hashes headers pair, and flows settle what they do not."""
    near = [replace(p, ip_id=i % 50) for i, p in enumerate(datagrams(200))]
    files = io.BytesIO(), io.BytesIO()
    for file, packets in zip(files, (near, crossed(near)), strict=True):
        write(file, capture(packets))
        file.seek(0)
    inside, outside = (read(file, payload_hash=False) for file in files)

    found = learn(inside, outside)

    assert not inside.payload_hash.any()
    assert found.pairs is not None
    assert found.pairs.tolist() == [[row, row] for row in range(200)]
