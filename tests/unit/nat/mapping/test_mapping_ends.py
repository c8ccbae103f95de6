"""When a mapping has ended, and another one may have its key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.crossings import (
    C1_6,
    DNS_KEY,
    HOST01_6,
    SECOND,
    WEB_KEY,
    Seen,
    again,
    datagram,
    echo,
    handshake,
    segment,
    sides,
)
from tests.traffic import C1, C2, HOST01, Packet

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import Translations, learn
from pytest_netlab.wire import tcp

FIN, RST, SYN = tcp.FIN | tcp.ACK, tcp.RST, tcp.SYN
PING = Tuple5(ICMP, C1, 7, HOST01, 7)
WEB6 = Tuple5(TCP, C1_6, 5000, HOST01_6, 80)
FORTH = [Seen(20, segment(1, flags=FIN, ip_id=7))]
CLOSED = [
    *FORTH,
    Seen(25, segment(1, reply=True, flags=FIN, ack=2, ip_id=8)),
    Seen(26, segment(2, ack=2, ip_id=9)),
]
RESET = [Seen(20, segment(1, flags=RST, ack=0, ip_id=0))]
REFUSED = [Seen(20, segment(1, reply=True, flags=RST, ip_id=0))]
FIN_LOST = [FORTH[0]._replace(where="inside")]


def later(
    seen: list[Seen], at: float, port: int = 0, key: Tuple5 = WEB_KEY
) -> list[Seen]:
    """Return packets as sent again later, in another mapping."""
    return [
        one._replace(at=at + one.at, packet=_anew(one.packet, key), port=port)
        for one in seen
    ]


def _anew(packet: Packet, key: Tuple5) -> Packet:
    """Return a packet of another connection: with its key, id and numbers."""
    inwards = packet.key.src == HOST01
    moved = again(packet, packet.ip_id and packet.ip_id + 20_000)
    return replace(moved, key=key.reply if inwards else key, seq=packet.seq + 777_000)


def found_in(seen: list[Seen]) -> Translations:
    """Return what is learned."""
    captured = sides(seen)
    return learn(captured.inside, captured.outside)


def renewals(found: Translations) -> list[tuple[str, int, bool]]:
    """Return side, seconds and reason of each mapping that replaced another."""
    told = [flow.renewal for flow in found.flows if flow.renewal is not None]
    return [(one.shared, round(one.idle / SECOND), one.closed) for one in told]


@pytest.mark.parametrize(
    "end",
    [CLOSED, FORTH, RESET, REFUSED, FIN_LOST],
    ids=["closed", "half", "rst", "refused", "lost"],
)
def test_new_connection_of_one_socket(end: list[Seen]) -> None:
    """A SYN after FIN or RST of either end opens another mapping: RFC 5382 REQ-5."""
    found = found_in([*handshake(), *end, *later(handshake(), 3000, port=61_000)])

    assert found.violations == ()
    assert renewals(found) == [("inside", 3, True)]


@pytest.mark.parametrize("end", [CLOSED, RESET], ids=["closed", "reset"])
def test_new_owner_of_one_port(end: list[Seen]) -> None:
    """Another container has the port outside once the connection has ended."""
    other = WEB_KEY._replace(src=C2)

    found = found_in([*handshake(), *end, *later(handshake(), 5000, key=other)])

    assert found.violations == ()
    assert renewals(found) == [("outside", 5, True)]


@pytest.mark.parametrize("key", [DNS_KEY, DNS_KEY._replace(src=C1_6, dst=HOST01_6)])
@pytest.mark.parametrize(("seconds", "is_renewed"), [(29, False), (31, True)])
def test_idle_time(key: Tuple5, seconds: int, *, is_renewed: bool) -> None:
    """Linux's shortest timeout is 30 s; before it, another port is a violation."""
    found = found_in(
        [
            Seen(0, datagram(1, key=key)),
            Seen(5, datagram(1, key=key, reply=True)),
            Seen(5 + 1000.0 * seconds, datagram(2, key=key), port=61_000),
            Seen(10 + 1000.0 * seconds, datagram(2, key=key, reply=True), port=61_000),
        ]
    )

    assert bool(found.violations) is not is_renewed
    assert renewals(found) == ([("inside", seconds, False)] if is_renewed else [])


@pytest.mark.parametrize("is_late", [True, False])
def test_echo_id_of_another_container(*, is_late: bool) -> None:
    """An id outside is free again after 30 s, not before."""
    other = PING._replace(src=C2)
    at = 31_000.0 if is_late else 2000.0
    found = found_in(
        [
            Seen(0, echo(1, key=PING)),
            Seen(5, echo(1, key=PING, reply=True)),
            Seen(at, echo(2, key=other)),
            Seen(at + 5, echo(2, key=other, reply=True)),
        ]
    )

    assert bool(found.violations) is not is_late
    assert [side for side, _, _ in renewals(found)] == (["outside"] if is_late else [])


@pytest.mark.parametrize("key", [WEB_KEY._replace(src=C2), WEB_KEY._replace(sport=9)])
def test_one_port_of_two_live_connections(key: Tuple5) -> None:
    """No mapping has ended, so that answers could be for either."""
    port = WEB_KEY.sport
    found = found_in([*handshake(), *later(handshake(), 1000, port=port, key=key)])

    assert [bad.field for bad in found.violations][:1] == ["one-to-one"]
    assert renewals(found) == []


def test_two_ports_of_one_live_connection() -> None:
    """A SYN alone does not end a mapping."""
    found = found_in([*handshake(), *later(handshake(), 1000, port=61_000)])

    assert [bad.field for bad in found.violations][:1] == ["mapping"]
    assert renewals(found) == []


def test_reset_of_ipv6() -> None:
    """The same without IP ids."""
    first = later([*handshake(), *RESET], 0, key=WEB6)
    second = later(handshake(), 2000, port=61_000, key=WEB6)
    numbered = [
        one._replace(packet=replace(one.packet, seq=one.packet.seq + 5))
        for one in second
    ]

    found = found_in([*first, *numbered])

    assert found.violations == ()
    assert renewals(found) == [("inside", 2, True)]


def test_same_mapping_again() -> None:
    """A NAT may give the same port again: that is one mapping, and no news."""
    found = found_in([*handshake(), *CLOSED, *later(handshake(), 3000)])

    assert (found.violations, renewals(found)) == ((), [])


def test_third_mapping() -> None:
    """Each mapping is told with the one that it replaced."""
    seen = [Seen(0, datagram(1)), Seen(40_000, datagram(2), port=61_000)]
    seen.append(Seen(100_000, datagram(3), port=62_000))

    found = found_in(seen)

    assert found.violations == ()
    assert renewals(found) == [("inside", 40, False), ("inside", 60, False)]


def test_answer_to_a_mapping_that_ended() -> None:
    """A late answer goes to nobody; sent on to the new owner, it is a violation."""
    other = DNS_KEY._replace(src=C2)
    late = Tuple5(UDP, HOST01, 53, C2, DNS_KEY.sport)
    seen = [
        Seen(0, datagram(1)),
        Seen(40_000, datagram(2, key=other)),
        Seen(40_005, replace(datagram(2, reply=True), key=late)),
    ]

    found = found_in(seen)

    assert found.violations == ()
    assert renewals(found) == [("outside", 40, False)]
