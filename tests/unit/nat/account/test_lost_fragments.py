"""A later fragment that did not cross is lost, though it belongs to no flow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, Packet, routed, timed

from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.nat import learn

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

KEY = Tuple5(UDP, C1, 5000, HOST01, 6000)
SENT = KEY._replace(src=HOST)
WHOLE = Packet(key=KEY, data=bytes(range(256)) * 8, df=False)
SIZE = 1024


def pieces(ip_id: int) -> list[Packet]:
    """Return a datagram in three fragments with this id."""
    body = WHOLE.datagram[20:]
    whole = replace(WHOLE, ip_id=ip_id)
    return [
        replace(whole, body=body[at : at + SIZE], frag_offset=at, mf=at < SIZE * 2)
        for at in (0, SIZE, SIZE * 2)
    ]


def halves(whole: Capture) -> list[Capture]:
    """Return a capture in two chunks."""
    return [whole.select(range(2)), whole.select(range(2, len(whole)))]


def lost(absent: set[tuple[int, int]], *, chunked: bool) -> list[tuple[int, ...]]:
    """Return the rows that were lost of three datagrams, without these pieces."""
    inside, outside = [], []
    for number in range(3):
        for at, piece in enumerate(pieces(number + 7)):
            ms = number * 10 + at
            inside.append((ms, piece))
            if (number, at) not in absent:
                outside.append((ms + 0.2, routed(piece, SENT)))
    sides: list[Capture] = [timed(inside), timed(outside)]
    if chunked:
        parts = [
            [one.select(range(2)), one.select(range(2, len(one)))] for one in sides
        ]
        found = learn(*parts).account
    else:
        found = learn(*sides).account
    assert {one.status for one in found.losses} <= {"lost"}
    return [one.rows for one in found.losses]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("absent", "rows"),
    [
        (set(), []),
        ({(1, 2)}, [(5,)]),
        ({(1, 1), (1, 2)}, [(4, 5)]),
        ({(1, 0), (1, 1), (1, 2)}, [(3, 4, 5)]),
    ],
    ids=["none", "the last", "both later ones", "the whole datagram"],
)
def test_fragments(
    absent: set[tuple[int, int]], rows: list[tuple[int, ...]], *, chunked: bool
) -> None:
    """By number, each in the flow of its first fragment."""
    assert lost(absent, chunked=chunked) == rows
