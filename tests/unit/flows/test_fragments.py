"""Fragments are of one datagram if addresses, protocol, id and time are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import C1, C2, HOST01, Packet, timed

from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.flows.fragments import fragmented

KEY = Tuple5(UDP, C1, 5000, HOST01, 6000)
WHOLE = Packet(key=KEY, data=bytes(3064), df=False, ip_id=7)  # three of 1,024 octets


def piece(at: int, **changed: object) -> Packet:
    """Return the n-th fragment of a datagram."""
    body = WHOLE.datagram[20:][at * 1024 : (at + 1) * 1024]
    one = replace(WHOLE, body=body, frag_offset=at * 1024, mf=at < 2)
    return replace(one, **changed)  # type: ignore[arg-type]


def found(*pieces: tuple[float, Packet]) -> list[tuple[int, list[int]]]:
    """Return the first fragment's row of each datagram, and all rows."""
    capture = timed(pieces)
    together = fragmented(capture, capture.ts)
    return sorted((one.first, list(one.parts.values())) for one in together)


def test_in_any_order() -> None:
    """Each part once, whichever came first."""
    assert found((0, piece(1)), (1, piece(0)), (2, piece(2)), (3, piece(2))) == [
        (1, [0, 1, 2])
    ]


@pytest.mark.parametrize(
    "change", [{"ip_id": 8}, {"key": KEY._replace(src=C2)}], ids=["id", "source"]
)
def test_others(change: dict[str, object]) -> None:
    """Of another id or source, it is another datagram's; without its first, too."""
    assert found((0, piece(0)), (1, piece(1, **change))) == [(-1, [1]), (0, [0])]


@pytest.mark.parametrize(("at", "datagrams"), [(900, 1), (1100, 2), (31_000, 2)])
def test_an_id_that_is_used_again(at: float, datagrams: int) -> None:
    """The same part once more is a copy within a second, later another datagram's."""
    assert len(found((0, piece(0)), (at, piece(0)))) == datagrams


def test_too_late() -> None:
    """Nobody waits for a fragment for more than half a minute."""
    assert len(found((0, piece(0)), (29_000, piece(1)))) == 1
    assert len(found((0, piece(0)), (31_000, piece(1)))) == 2


def test_whole_packets() -> None:
    """A packet that is no fragment is none of it."""
    assert found((0, WHOLE)) == []
