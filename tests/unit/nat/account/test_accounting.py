"""Evidence decides what a packet without a counterpart is, and whose flow it is of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.crossings import (
    Seen,
    datagram,
    echo,
    handshake,
    losses,
    segment,
    sides,
)
from tests.traffic import BRIDGE, C1, C2, HOST01

from pytest_netlab.flows import ICMP, UDP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.wire import tcp

OTHER = Tuple5(UDP, C2, 6000, HOST01, 7000)


def busy(first: float, last: float, step: float = 100) -> list[Seen]:
    """Return datagrams of another flow, all of which cross."""
    count = round((last - first) / step)
    return [Seen(first + n * step, datagram(n, key=OTHER)) for n in range(count)]


def told(seen: list[Seen]) -> dict[str, list[int]]:
    """Return status -> which of the list have it."""
    captured = sides(seen)
    return losses(learn(captured.inside, captured.outside), captured)


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_reset_that_the_host_made(where: str) -> None:
    """A firewall resets both ends: what it sends is not what a capture missed."""
    reset = segment(1, reply=where == "inside", flags=tcp.RST, ip_id=9)

    assert told([*handshake(), Seen(10, reset, where)]) == {}  # type: ignore[arg-type]


def test_answered_before_the_other_capture_began() -> None:
    """Outside the common time nothing shows that a conversation is local."""
    own = Tuple5(ICMP, C1, 5, BRIDGE, 5)
    seen = [
        Seen(0, echo(1, key=own), "inside"),
        Seen(1, echo(1, key=own, reply=True), "inside"),
        *busy(5000, 6000),
    ]
    captured = sides(seen, anchored=False)
    found = learn(captured.inside, captured.outside)

    assert losses(found, captured) == {"not looked for": [0, 1]}
    assert found.account.inside is not None
    assert found.account.inside.before == 2


def test_a_query_and_its_copy_each_missed_once() -> None:
    """Five seconds later it is another transmission, though nothing shows in it."""
    query = datagram(1, ip_id=0)
    seen = [
        Seen(50, query, "inside"),
        Seen(5050, query, "outside"),
        Seen(10, datagram(2)),
        *busy(0, 6000),
    ]

    assert told(seen) == {"lost": [0], "not captured": [1]}


def test_a_clock_that_is_wrong_for_a_packet() -> None:
    """In the order of the others, a datagram without an id is the same one."""
    others = busy(0, 3000)
    before = Seen(1040, datagram(2))
    captured = sides([Seen(1050, datagram(1, ip_id=0)), before, *others])
    outside = captured.outside
    ts = outside.ts.copy()
    ts[captured.rows["outside"].index(0)] += 3600 * 10**9

    assert learn(captured.inside, outside.timed(ts)).account.lost == ()


def test_pieces_of_the_resend_are_not_those_of_the_frame() -> None:
    """A super-frame was lost, and what was sent again came in pieces, 1.2 s later."""
    again = [
        Seen(1220 + n, segment(1 + 100 * n, 100, ip_id=70 + n), "outside")
        for n in range(2)
    ]
    seen = [
        *handshake(),
        Seen(20, segment(1, 200, ip_id=60), "inside"),
        *again,
        *busy(0, 3000),
    ]

    assert told(seen) == {"lost": [3], "not captured": [4, 5]}


def lives(*extra: Seen) -> list[Seen]:
    """Return two connections of one socket, the second by another outside port."""
    first = [*handshake(), Seen(10, segment(1, flags=tcp.FIN | tcp.ACK, ip_id=503))]
    second = [one._replace(at=one.at + 60_000, port=41_000) for one in handshake()]
    ids = [replace(one.packet, ip_id=one.packet.ip_id + 77) for one in second]
    return [
        *first,
        *(one._replace(packet=new) for one, new in zip(second, ids, strict=True)),
        *extra,
    ]


def test_a_super_frame_of_the_second_connection() -> None:
    """Its pieces are looked for where its flow is mapped now."""
    pieces = [
        Seen(60_020.2 + n / 10, segment(1 + 100 * n, 100, ip_id=900 + n), "outside")
        for n in range(3)
    ]
    frame = Seen(60_020, segment(1, 300, ip_id=900), "inside", 41_000)
    seen = lives(frame, *(one._replace(port=41_000) for one in pieces))

    assert told(seen) == {}


def test_a_datagram_in_pieces_after_a_rebinding() -> None:
    """The same of UDP_SEGMENT."""
    whole = replace(datagram(3), data=bytes(300), ip_id=40)
    parts = [replace(whole, data=bytes(100), ip_id=40 + n) for n in range(3)]
    pieces = [
        Seen(60_010.2 + n / 10, one, "outside", 1024) for n, one in enumerate(parts)
    ]
    seen = [
        Seen(0, datagram(1)),
        Seen(60_000, datagram(2), port=1024),
        Seen(60_010, whole, "inside", 1024),
        *pieces,
    ]

    assert told(seen) == {}


def test_each_life_has_its_losses() -> None:
    """A loss is of the mapping that its packet would have had."""
    early = Seen(8, segment(1, 10, ip_id=80), "inside")
    late = Seen(60_020, segment(1, 20, ip_id=81), "inside")
    captured = sides(lives(early, late))
    found = learn(captured.inside, captured.outside)

    lost = sorted(
        (found.flows[one.flow].outside.sport, len(one.rows))  # type: ignore[union-attr]
        for one in found.account.losses
    )
    assert lost == [(40_000, 1), (41_000, 1)]
