"""Which packets are the same packet: by what NAT leaves alone, never by clock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    OUT,
    SYN,
    SYN_OPTIONS,
    Packet,
    capture,
    error,
    routed,
)

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.nat import learn

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture
    from pytest_netlab.wire import Direction

PING = Tuple5(ICMP, C1, 7, HOST01, 7)
WEB = Tuple5(TCP, C1, 40000, HOST01, 80)
DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
PING6 = Tuple5(ICMP6, "fd00::2", 7, "2001:db8::1", 7)


def pair(inside: Capture, outside: Capture) -> list[tuple[int, int]]:
    """Return (inside row, outside row) of every packet seen on both sides."""
    found = learn(inside, outside).pairs
    return [] if found is None else sorted(map(tuple, found.tolist()))


def snat(key: Tuple5, port: int | None = None) -> Tuple5:
    """Return the key with the host's address, and perhaps another port or id."""
    key = key._replace(src=HOST, sport=key.sport if port is None else port)
    return key._replace(dport=key.sport) if key.proto == ICMP else key


@pytest.mark.parametrize(
    ("packet", "key"),
    [
        (Packet(key=PING, data=b"ping", ip_id=9), snat(PING, 99)),
        (Packet(key=PING6, data=b"ping"), PING6._replace(src="2001:db8::9")),
        (Packet(key=WEB, flags=SYN, options=SYN_OPTIONS, ip_id=9), snat(WEB, 50000)),
        (Packet(key=DNS, data=b"query", ip_id=9), snat(DNS, 50000)),
        (Packet(key=PING._replace(proto=47), body=b"gre"), PING._replace(proto=47)),
    ],
    ids=["icmp", "icmp6", "tcp", "udp", "gre"],
)
def test_translated(packet: Packet, key: Tuple5) -> None:
    """Addresses, ports, ids, ttl and MACs may differ: it is the same packet."""
    assert pair(capture([packet]), capture([routed(packet, key)])) == [(0, 0)]


@pytest.mark.parametrize(
    "change",
    [
        {"ip_id": 10},
        {"seq": 2},
        {"ack": 5},
        {"flags": SYN},
        {"data": b"other"},
        {"data": b"longer"},
    ],
    ids=str,
)
def test_another_segment(change: dict[str, object]) -> None:
    """What NAT may not change tells one segment from another."""
    packet = Packet(key=WEB, data=b"bytes", ip_id=9)
    other = replace(packet, **change)  # type: ignore[arg-type]

    assert pair(capture([packet]), capture([other])) == []


@pytest.mark.parametrize(
    "change", [{"seq": 2}, {"reply": True}, {"data": b"pong"}, {"ip_id": 3}], ids=str
)
def test_another_echo(change: dict[str, object]) -> None:
    """Type, sequence number and data tell one echo from another."""
    packet = Packet(key=PING, data=b"ping")
    other = replace(packet, **change)  # type: ignore[arg-type]

    assert pair(capture([packet]), capture([other])) == []


def test_padding() -> None:
    """A short frame that a link padded is the same packet."""
    packet = Packet(key=DNS, data=b"x", ip_id=1)
    padded = replace(routed(packet, snat(DNS)), tail=bytes(17))

    assert pair(capture([packet]), capture([padded])) == [(0, 0)]


def test_interleaving_and_clocks() -> None:
    """Order across flows and the captures' clocks do not matter."""
    ping, dns = Packet(key=PING, ip_id=1), Packet(key=DNS, ip_id=2)
    inside = capture([ping, dns], start=1)
    outside = capture([routed(dns), routed(ping)], start=10**18)

    assert pair(inside, outside) == [(0, 1), (1, 0)]


def test_repeats_pair_by_rank() -> None:
    """The n-th of equal observations here is the n-th there, a surplus stays alone."""
    ack = Packet(key=WEB, ip_id=5)
    inside, outside = capture([ack] * 3), capture([routed(ack, snat(WEB))] * 2)

    assert pair(inside, outside) == [(0, 0), (1, 1)]


def test_options_come_before_rank() -> None:
    """Of equal segments of a known flow, those with the same options are the same."""
    syn = Packet(key=WEB, flags=SYN, ip_id=7)
    answers = [
        Packet(key=WEB.reply, ack=1, options=stamp * 4, reply=True)
        for stamp in (b"\x01", b"\x02", b"\x03")
    ]
    crossed = [replace(one, key=snat(WEB).reply) for one in answers]
    inside = capture([syn, *(routed(one, WEB.reply) for one in answers)])

    lost_first = capture([routed(syn, snat(WEB)), *crossed[1:]])
    lost_second = capture([routed(syn, snat(WEB)), crossed[0], crossed[2]])

    assert pair(inside, lost_first) == [(0, 0), (2, 1), (3, 2)]
    assert pair(inside, lost_second) == [(0, 0), (1, 1), (3, 2)]


def test_options_that_were_changed_go_by_rank() -> None:
    """A host that strips options of every copy has sent each of them on."""
    syn = Packet(key=WEB, flags=SYN, ip_id=7)
    copies = [Packet(key=WEB, ack=1, options=stamp * 4) for stamp in (b"\x01", b"\x02")]
    bare = [replace(routed(one, snat(WEB)), options=b"") for one in copies]

    assert pair(capture([syn, *copies]), capture([routed(syn, snat(WEB)), *bare])) == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_error() -> None:
    """An ICMP error pairs by what it says, its quote having been translated."""
    translated = Packet(key=DNS, data=b"query", ip_id=3)
    near = error(HOST01, translated, ip_id=8)
    far = error(HOST01, routed(translated, snat(DNS, 50000)), ip_id=8)

    assert pair(capture([near]), capture([far])) == [(0, 0)]


@pytest.mark.parametrize("kind", [(3, 1), (11, 0), (3, 3)])
def test_another_error(kind: tuple[int, int]) -> None:
    """Type, code and the quoted IP id tell one error from another."""
    near = error(HOST01, Packet(key=DNS, ip_id=3))
    far = error(HOST01, Packet(key=DNS, ip_id=3 + (kind == (3, 3))), kind=kind)

    assert pair(capture([near]), capture([far])) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_alike_of_two_containers(order: tuple[int, int]) -> None:
    """Equal packets with IP id 0 go by likeness: the port that NAT kept."""
    queries = [
        Packet(key=DNS, data=b"same"),
        Packet(key=DNS._replace(src=C2, sport=6666), data=b"same"),
    ]
    outside = [routed(queries[i], snat(queries[i].key)) for i in order]

    assert [(0, order.index(0)), (1, order.index(1))] == pair(
        capture(queries), capture(outside)
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_alike_published(order: tuple[int, int]) -> None:
    """Likewise for DNAT: each client keeps its address and port."""
    inside = [
        Packet(key=Tuple5(UDP, src, 5555, C1, 53), data=b"same")
        for src in (HOST01, "172.16.211.3")
    ]
    outside = [
        replace(inside[i], key=inside[i].key._replace(dst=HOST, dport=5300))
        for i in order
    ]

    assert [(0, order.index(0)), (1, order.index(1))] == pair(
        capture(inside), capture(outside)
    )


def test_flow_known_from_other_packets() -> None:
    """What a flow became elsewhere decides, whatever is more alike or earlier."""
    c1, c2 = Packet(key=PING, data=b"1"), Packet(key=PING._replace(src=C2), data=b"2")
    out1, out2 = snat(PING), snat(c2.key, 99)
    same1, same2 = (replace(p, data=b"same", seq=2) for p in (c1, c2))
    inside = capture([c1, c2, same2, same1])
    outside = capture(
        [routed(c1, out1), routed(c2, out2), routed(same1, out1), routed(same2, out2)]
    )

    assert pair(inside, outside) == [(0, 0), (1, 1), (2, 3), (3, 2)]


def test_lost_copy_does_not_shift_others() -> None:
    """A packet lost on the way does not hand its twin to another flow."""
    known = Packet(key=PING, data=b"1")
    lost, other = (
        Packet(key=PING._replace(src=src), data=b"same", seq=2) for src in (C1, C2)
    )
    inside = capture([known, lost, other])
    outside = capture([routed(known, snat(PING)), routed(other, snat(other.key, 99))])

    assert pair(inside, outside) == [(0, 0), (2, 1)]


def test_owned_by_another_flow() -> None:
    """A twin that a known flow must have sent is not handed to a likelier stranger."""
    known = Packet(key=PING, data=b"1")
    missed, other = (
        Packet(key=PING._replace(src=src), data=b"same", seq=2) for src in (C1, C2)
    )
    inside = capture([known, other])
    outside = capture(
        [
            routed(known, snat(PING)),
            routed(missed, snat(PING)),
            routed(other, snat(other.key, 99)),
        ]
    )

    assert pair(inside, outside) == [(0, 0), (1, 2)]


def test_replies_known_from_requests() -> None:
    """What a request became tells what its equal-looking answers belong to."""
    c1, c2 = Packet(key=PING, data=b"1"), Packet(key=PING._replace(src=C2), data=b"2")
    out1, out2 = snat(PING, 98), snat(c2.key, 7)
    answer1, answer2 = (
        Packet(key=translated.reply, data=b"same", reply=True)
        for translated in (out1, out2)
    )
    inside = capture(
        [c1, c2, routed(answer1, c1.key.reply), routed(answer2, c2.key.reply)]
    )
    outside = capture([routed(c1, out1), routed(c2, out2), answer2, answer1])

    assert pair(inside, outside) == [(0, 0), (1, 1), (2, 3), (3, 2)]


def test_mapping_that_changes_is_still_paired() -> None:
    """Equal packets of a flow are paired even if its mapping changed."""
    first, second = Packet(key=DNS, data=b"1"), Packet(key=DNS, data=b"2")
    inside = capture([first, second, second])
    outside = capture(
        [routed(first, snat(DNS))] + [routed(second, snat(DNS, 50000))] * 2
    )

    assert pair(inside, outside) == [(0, 0), (1, 1), (2, 2)]


def test_arrived_on_both_sides() -> None:
    """Taps that know directions tell two arrivals from one forwarded packet."""
    to_host = Packet(key=PING._replace(dst=HOST), direction=IN)
    also_to_host = Packet(key=PING._replace(src=HOST01, dst=HOST), direction=IN)

    assert pair(capture([to_host]), capture([also_to_host])) == []
    assert pair(
        capture([to_host]), capture([replace(also_to_host, direction=OUT)])
    ) == [(0, 0)]


@pytest.mark.parametrize(("near", "far"), [(IN, OUT), (OUT, IN)])
def test_directions(near: Direction, far: Direction) -> None:
    """What goes in on one side and out on the other was forwarded, both ways."""
    packet = Packet(key=PING)
    inside = capture([replace(packet, direction=near)])

    assert pair(inside, capture([replace(packet, direction=far)])) == [(0, 0)]
    assert pair(inside, capture([replace(packet, direction=near)])) == []


@pytest.mark.parametrize(
    ("key", "ttl", "expected"),
    [
        (Tuple5(UDP, "172.17.0.1", 9, HOST01, 53), 64, [(0, 0)]),
        (Tuple5(UDP, C1, 9, "172.17.0.5", 53), 64, [(0, 0)]),
        (Tuple5(UDP, "172.17.0.1", 9, "172.17.0.5", 53), 64, []),
        (Tuple5(UDP, "172.17.0.1", 9, "172.17.0.5", 53), 63, [(0, 0)]),
    ],
    ids=["new source", "new target", "both new", "both new, routed"],
)
def test_sent_anew(key: Tuple5, ttl: int, expected: list[tuple[int, int]]) -> None:
    """A datagram with both ends new and a fresh ttl is a proxy's, no forwarded one."""
    packet = Packet(key=DNS, data=b"same")

    assert pair(capture([packet]), capture([replace(packet, key=key, ttl=ttl)])) == (
        expected
    )


def test_one_unknown_direction() -> None:
    """Where any direction is unknown none is used."""
    packet = Packet(key=PING, direction=IN)
    unsure = capture([packet, Packet(key=DNS)])

    assert pair(unsure, capture([packet])) == [(0, 0)]
    assert pair(capture([packet]), unsure) == [(0, 0)]


def test_not_forwardable() -> None:
    """What belongs to a link has no invariants, on neither side."""
    seen = capture([Packet(key=DNS._replace(dst="224.0.0.251"))])

    assert pair(seen, seen) == []


def test_many_alike() -> None:
    """Equal datagrams of many flows, in another order, each find their own twin."""
    packets = [Packet(key=DNS._replace(sport=port)) for port in range(1, 301)]
    inside = capture(packets)
    outside = capture([routed(p, snat(p.key)) for p in reversed(packets)])

    assert [(i, 299 - i) for i in range(300)] == pair(inside, outside)
