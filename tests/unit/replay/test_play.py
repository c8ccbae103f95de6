"""Conversations in lockstep through a network in memory, which may be at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, TICK_NS, Packet, error
from tests.unit.replay.network import (
    DNS,
    WEB,
    Net,
    after,
    exchange,
    garbled,
    key_of,
    played,
)

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay.arrived import key_of as packed_key_of
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack
from pytest_netlab.wire import fill, tcp

if TYPE_CHECKING:
    from tests.unit.replay.network import Fault


def test_exchange() -> None:
    """Every packet comes out, and the mapping is learned."""
    net = Net()
    net.ports = {5555: 6666}

    found = played(exchange(), net, port=5353)

    assert (found.delivered, found.packets, found.findings) == (4, 4, [])
    assert found.flows[0].original_tuple == Tuple5(UDP, C1, 5555, HOST01, 5353)
    assert found.flows[0].translated_tuple == Tuple5(UDP, HOST, 6666, HOST01, 5353)
    assert str(found) == "4 of 4 packets came out"


def test_protocols() -> None:
    """TCP keeps its numbers; an echo its data, under a mapped id."""
    web = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 80)
    ping = Tuple5(ICMP, "10.1.1.1", 9, "8.8.8.8", 9)
    net = Net()
    net.ports = {9: 10}
    segments = [
        Packet(key=web, flags=tcp.SYN, seq=100, ip_id=1),
        Packet(key=web.reply, flags=tcp.SYN | tcp.ACK, seq=300, ack=101, ip_id=2),
    ]
    echoes = [Packet(key=ping, ip_id=3), Packet(key=ping.reply, reply=True, ip_id=4)]

    found = played(segments + echoes, net)

    assert (found.delivered, found.findings) == (4, [])
    assert found.flows[1].translated_tuple == Tuple5(ICMP, HOST, 10, HOST01, 10)


def test_error_quotes_what_was_on_the_wire() -> None:
    """An ICMP error of the capture is sent with this run's tuple, and comes back."""
    ask = exchange()[0]

    found = played([ask, error("8.8.8.8", ask)], Net())

    assert (found.delivered, found.findings) == (2, [])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (after(1, lambda _: []), [("lost", 2, "")]),
        (after(1, lambda one: [one, one]), [("duplicated", 2, "")]),
        (
            after(2, lambda one: [one[:1] + b"\x08" + one[2:]]),
            [("altered", 3, "tos")],
        ),
        (after(2, lambda one: [one[:-1] + b"X"]), [("altered", 3, "payload")]),
        (
            after(2, lambda one: [one[:8] + b"\x05" + one[9:]]),
            [("altered", 3, "ip checksum"), ("altered", 3, "ttl 59 lower, not 1")],
        ),
        (
            after(2, lambda one: [rewritten(one, pack(key_of(one)._replace(sport=7)))]),
            [("mapping", 3, "udp 172.16.211.128.7 > 172.16.211.1.53, not udp")],
        ),
    ],
    ids=["lost", "doubled", "tos", "payload", "ttl", "mapping"],
)
def test_fault(fault: Fault, expected: list[tuple[str, int, str]]) -> None:
    """What is wrong with one packet is found, and the others go on."""
    found = played(exchange(), Net(fault))

    told = [(one.what, one.packet) for one in found.findings]
    assert told == [(what, number) for what, number, _ in expected]
    for one, (_, _, words) in zip(found.findings, expected, strict=True):
        assert one.detail.startswith(words)
    assert found.delivered == (3 if expected[0][0] == "lost" else 4)


def test_first_packet_lost() -> None:
    """Without a tuple there is nobody to answer: said once, and the next is played."""
    other = exchange(DNS._replace(sport=6000), first=10)

    found = played(exchange() + other, Net(after(0, lambda _: [])))

    assert [(one.what, one.packet) for one in found.findings] == [
        ("lost", 1),
        ("not played", 2),
    ]
    assert found.flows[1].delivered == 4


def test_stranger() -> None:
    """A packet that nobody sent is told."""
    key = Tuple5(UDP, HOST, 1, HOST01, 2)
    stray = Packet(key=key, ip_id=99).datagram

    found = played(exchange(), Net(after(0, lambda one: [stray, one])))

    assert [(one.what, one.flow) for one in found.findings] == [("stray", str(key))]
    assert found.delivered == 4


def test_forged_answer() -> None:
    """What nobody sent is told, though it has the tuple of a conversation."""
    forged = Packet(key=Tuple5(UDP, HOST01, 53, C1, 5555), data=b"forged", ip_id=99)
    net = Net()
    carry = net.client.carry

    def forge(datagram: bytes) -> None:
        if key_of(datagram).sport == 5555:
            net.client.put(forged.datagram)
        carry(datagram)

    net.client.carry = forge
    found = played(exchange()[:1], net)

    assert [(one.what, one.packet) for one in found.findings] == [("stray", 1)]


def test_last_packet_doubled() -> None:
    """A copy of the last packet is found, too."""
    found = played(exchange()[:2], Net(after(1, lambda one: [one, one])))

    assert [(one.what, one.packet) for one in found.findings] == [("duplicated", 2)]


def test_server_begins() -> None:
    """What a server begins waits for what was said before, and finds its client."""
    control = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 21)
    data = Tuple5(TCP, "8.8.8.8", 20, "10.1.1.1", 5000)
    packets = [
        Packet(key=control, flags=tcp.SYN, seq=1, ip_id=1),
        Packet(key=control.reply, flags=tcp.SYN | tcp.ACK, seq=9, ack=2, ip_id=2),
        Packet(key=data, flags=tcp.SYN, seq=5, ip_id=3),
        Packet(key=data.reply, flags=tcp.SYN | tcp.ACK, seq=7, ack=6, ip_id=4),
        Packet(key=control, seq=2, ack=10, data=b"QUIT", ip_id=5),
    ]
    sent: list[int] = []

    def watched(datagram: bytes) -> list[bytes]:
        sent.append(datagram[5])
        return [datagram]

    found = played(packets, Net(watched))

    assert (found.delivered, found.findings) == (5, [])
    assert sent.index(2) < sent.index(3) < sent.index(4)
    assert found.flows[1].original_tuple == Tuple5(TCP, HOST01, 20, HOST, 5000)
    assert found.flows[1].translated_tuple == Tuple5(TCP, HOST01, 20, C1, 5000)


@pytest.mark.parametrize("proto", [UDP, ICMP])
def test_server_begins_without_a_connection(proto: int) -> None:
    """Datagrams and echoes that a server begins come from its end."""
    ask = Packet(key=DNS, data=b"RRQ", ip_id=1)
    ports = (3333, 5555) if proto == UDP else (9, 9)
    key = Tuple5(proto, "8.8.8.8", ports[0], "10.1.1.1", ports[1])
    data = Packet(key=key, data=b"DATA", ip_id=2)
    answer = Packet(key=key.reply, data=b"ACK", reply=proto == ICMP, ip_id=3)
    net = Net()
    sent: list[bytes] = []
    carry = net.server.carry

    def watched(datagram: bytes) -> None:
        sent.append(datagram)
        carry(datagram)

    net.server.carry = watched
    found = played([ask, data, answer], net)

    assert (found.delivered, found.findings) == (3, [])
    assert [key_of(one).sport for one in sent] == [ports[0]]
    assert found.flows[1].original_tuple == Tuple5(
        proto, HOST01, ports[0], HOST, ports[1]
    )


def test_every_ttl_is_wrong() -> None:
    """A ttl that all packets have is no less wrong: the way has so many hops."""
    net = Net(lambda one: [rewritten(one, packed_key_of(one), ttl=one[8] + 1)])

    found = played(exchange(), net)

    assert [str(one).split(" altered: ")[1] for one in found.findings] == [
        "ttl 0 lower, not 1"
    ] * 4


def test_first_packet_with_another_id() -> None:
    """A first packet that something gives another IP id is altered, and teaches."""

    def renumbered(one: bytes) -> list[bytes]:
        made = bytearray(one)
        made[4:6] = b"\xff\xff"
        return [fill(bytes(made))]

    found = played(exchange(), Net(after(0, renumbered)))

    assert [str(one).partition(" altered: ")[2] for one in found.findings] == [
        "ip id, ip checksum"
    ]
    assert found.delivered == 4


def test_first_payload_is_altered() -> None:
    """A first packet with another payload was altered; it is no stranger's."""
    found = played(exchange(), Net(after(0, lambda one: [garbled(one)])))

    assert [(one.what, one.packet) for one in found.findings] == [("altered", 1)]
    assert found.delivered == 4


def test_mended_checksum() -> None:
    """A checksum that was bad, and comes out good, is altered."""
    bad = bytearray(Packet(key=WEB, data=b"data", ip_id=9).frame)
    bad[50:52] = b"\x12\x34"

    found = played([bytes(bad)], Net(lambda one: [fill(one)]))  # type: ignore[list-item]

    assert [one.detail for one in found.findings] == ["tcp checksum"]


def test_pace() -> None:
    """At the capture's own pace a packet is not sent before its time."""
    tick = TICK_NS / 1e9

    found = played(exchange(), Net(), pace=tick / 0.02)  # 20 ms between packets

    assert (found.delivered, found.findings) == (4, [])
    assert 0.06 <= found.seconds < 1


ASK, ASKED = b"PORT 172,17,0,2,195,207", b"PORT 172,16,211,128,195,207"


def helped(one: bytes, *, shifted: bool) -> list[bytes]:
    """Return what a helper makes of a segment, with the numbers behind it or not."""
    if ASK in one:
        made = bytearray(one.replace(ASK, ASKED))
        made[2:4] = len(made).to_bytes(2, "big")
        return [fill(bytes(made))]
    made = bytearray(one)
    if shifted:
        made[24:28] = (int.from_bytes(made[24:28], "big") + 4).to_bytes(4, "big")
    return [fill(bytes(made))]


@pytest.mark.parametrize(
    ("port", "shifted", "altered"),
    [(21, True, []), (21, False, [2]), (80, True, [1, 2])],
    ids=["helper", "not shifted", "no FTP"],
)
def test_helper(port: int, altered: list[int], *, shifted: bool) -> None:
    """FTP's helper is understood, demanded to be consistent, and is FTP's alone."""
    key = WEB._replace(dport=port)
    packets = [
        Packet(key=key, data=ASK, seq=100, ip_id=1),
        Packet(key=key, data=b"QUIT", seq=123, ip_id=2),
    ]

    found = played(packets, Net(lambda one: helped(one, shifted=shifted)))

    assert [one.packet for one in found.findings] == altered
    assert {one.what for one in found.findings} <= {"altered"}
