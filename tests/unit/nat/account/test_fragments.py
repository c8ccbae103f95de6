"""Later fragments that one side saw and the other did not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.traffic import C1, HOST, HOST01, START_NS, Packet, capture, routed

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import UDP, FlowTable, Tuple5
from pytest_netlab.nat.account.fragments import Datagrams, LostFragment
from pytest_netlab.wire import udp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEY = Tuple5(UDP, C1, 5555, HOST01, 53)
OUTSIDE = KEY._replace(src=HOST, sport=1024)
SECOND = 10**9
HOUR = 3600 * SECOND


def fragments(key: Tuple5, ident: int, size: int = 160, mtu: int = 48) -> list[Packet]:
    """Return a datagram in fragments of `mtu` octets above IP."""
    body = udp.build(key.src, key.dst, key.sport, key.dport, b"x" * size)
    return [
        Packet(
            key=key,
            ip_id=ident,
            df=False,
            body=body[at : at + mtu],
            frag_offset=at,
            mf=at + mtu < len(body),
        )
        for at in range(0, len(body), mtu)
    ]


def lost(
    here: Sequence[Packet],
    there: Sequence[Packet],
    start: int = START_NS,
    counterpart: int = 0,
) -> list[LostFragment]:
    """Return later fragments that one side saw and the other, later, did not."""
    sides = []
    for packets, begin in ((here, START_NS), (there, start)):
        seen, table = capture(packets, begin), FlowTable()
        uniflows = [table.add(block.columns, block.rows) for block in seen.blocks()]
        sides.append(Datagrams(seen, np.concatenate(uniflows)))
    found = sides[0].lost(
        sides[1], lambda _: counterpart, lambda ts: ts + start - START_NS
    )
    return sorted(found)


def at(bursts: Iterable[tuple[int, Sequence[Packet]]]) -> Datagrams:
    """Return the datagrams of a capture of bursts, each at a time."""
    frames = [
        Frame(0, ts, one.frame, len(one.frame)) for ts, burst in bursts for one in burst
    ]
    seen, table = Capture.from_frames(frames, [Interface(name="tap")]), FlowTable()
    uniflows = [table.add(block.columns, block.rows) for block in seen.blocks()]
    return Datagrams(seen, np.concatenate(uniflows))


def beyond(packets: Sequence[Packet]) -> list[Packet]:
    """Return fragments behind a NAT that changes source and port."""
    ports = OUTSIDE.sport.to_bytes(2, "big")
    return [
        replace(
            routed(one, OUTSIDE),
            body=one.body if one.frag_offset else ports + (one.body or b"")[2:],
        )
        for one in packets
    ]


@pytest.mark.parametrize("absent", [(), (1,), (2, 3), (3,)])
def test_fragments_that_did_not_cross(absent: tuple[int, ...]) -> None:
    """A later fragment without a counterpart is told with its first one."""
    inside = fragments(KEY, 7) + fragments(KEY, 8)
    crossed = beyond([one for row, one in enumerate(inside) if row not in absent])

    assert lost(inside, crossed) == [LostFragment(row, 0, 0, False) for row in absent]  # noqa: FBT003 - a tuple
    assert lost(crossed, inside) == []


def test_any_order() -> None:
    """Fragments come in any order, also the first one last."""
    inside = fragments(KEY, 7)
    inside.reverse()

    assert lost(inside, beyond(inside)[::-1]) == []
    assert [one.row for one in lost(inside, beyond(inside[2:]))] == [0, 1]


@pytest.mark.parametrize("mtu", [24, 32, 64, 96, 160])
def test_fragmented_anew(mtu: int) -> None:
    """A router that fragments for another MTU loses nothing, unless octets lack."""
    inside, crossed = fragments(KEY, 7), fragments(OUTSIDE, 7, mtu=mtu)

    assert lost(inside, crossed) == []
    assert lost(crossed, inside) == []
    assert [one.row for one in lost(inside, crossed[:-1])][-1] == len(inside) - 1


@pytest.mark.parametrize(
    ("there", "counterpart"),
    [([], 0), (fragments(OUTSIDE, 9), 0), (fragments(OUTSIDE, 7), -1)],
    ids=["nothing", "another IP id", "no flow"],
)
def test_whole_datagrams(there: list[Packet], counterpart: int) -> None:
    """Of a datagram that the other side does not know, that is told."""
    found = lost(fragments(KEY, 7), there or [Packet(key=OUTSIDE)], 0, counterpart)

    assert [one.row for one in found] == [1, 2, 3]
    assert all(one.whole for one in found)


def test_without_the_first_fragment() -> None:
    """Fragments whose first one was not seen are of nobody."""
    assert lost(fragments(KEY, 7)[1:], beyond(fragments(KEY, 7)[:1])) == []


def test_duplicates() -> None:
    """A fragment that comes twice is of one datagram."""
    inside = fragments(KEY, 7)

    twice = [inside[row] for row in (0, 1, 0, 2, 1, 3)]

    assert lost(inside, beyond(twice)) == []
    assert lost(twice, beyond(inside)) == []


@pytest.mark.parametrize("ahead", [0, HOUR, -HOUR])
def test_id_used_again(ahead: int) -> None:
    """Of several datagrams with one id, the nearest in time is compared."""
    inside = fragments(KEY, 7)
    crossed = beyond(inside)
    times = [START_NS, START_NS + 3 * SECOND, START_NS + 6 * SECOND]
    later = [ts + ahead + 1000 for ts in times]
    here = at([(ts, inside) for ts in times])
    there = at(zip(later, (crossed, crossed[:2], crossed), strict=True))
    found = here.lost(there, lambda uniflow: uniflow, lambda ts: ts + ahead)

    assert [(one.row, one.first, one.whole) for one in found] == [
        (6, 4, False),
        (7, 4, False),
    ]
