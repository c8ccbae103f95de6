"""Super-frames and fragments, which are played in pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import Packet
from tests.unit.replay.network import DNS, WEB, Net, after, garbled, played

BIG = Packet(key=WEB, data=bytes(range(250)) * 20, ip_id=7)


@pytest.mark.parametrize("piece", range(4))
def test_one_piece_is_altered(piece: int) -> None:
    """Of a super-frame's segments the one is told that was altered, and in what."""
    net = Net(after(piece, lambda one: [garbled(one)]))

    found = played([BIG, replace(BIG, ip_id=20)], net)

    assert [(one.packet, one.detail) for one in found.findings] == [
        (1, "tcp checksum, tcp options or payload")
    ]
    assert found.delivered == 2


@pytest.mark.parametrize("piece", range(4))
def test_altered_and_doubled(piece: int) -> None:
    """What comes altered, and then as it was, is told, and nothing breaks."""
    net = Net(after(piece, lambda one: [garbled(one), one]))

    found = played([BIG, replace(BIG, ip_id=20)], net)

    assert found.delivered == 2
    assert "altered" in [one.what for one in found.findings]


def test_fragment_that_was_seen_twice() -> None:
    """A fragment that the capture has twice is sent once, and may come twice."""
    first = Packet(key=DNS, data=bytes(range(64)), mf=True, df=False, ip_id=5)
    later = replace(first, body=bytes(8), frag_offset=72, mf=False)

    found = played([first, later, later], Net(after(1, lambda one: [one, one])))

    assert found.delivered == 1
    assert [one.what for one in found.findings] in ([], ["duplicated"])


def test_piece_that_is_altered_and_early() -> None:
    """A segment that comes altered, and before another, is compared with itself."""
    held: list[bytes] = []
    count = iter(range(100))

    def early(one: bytes) -> list[bytes]:
        number = next(count)
        if number == 0:
            held.append(one)
            return []
        return [garbled(one), *held] if number == 1 else [one]

    found = played([BIG], Net(early))

    assert [one.detail for one in found.findings] == [
        "tcp checksum, tcp options or payload"
    ]
