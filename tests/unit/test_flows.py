"""Flow keys and conversations: what belongs together, and who began."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    HOST01,
    MACS,
    SYN,
    SYN_ACK,
    Packet,
    capture,
    error,
)

from pytest_netlab.flows import (
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Conversation,
    Tuple5,
    conversations,
    is_error,
    key_of,
    quoted_key,
    way_of,
)
from pytest_netlab.wire import arp, ethernet, icmp, icmpv6, ipv6

PING = Tuple5(ICMP, C1, 7, HOST01, 7)
WEB = Tuple5(TCP, C1, 40000, HOST01, 80)
DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
A6, B6 = "fd00::2", "fd00::1"
LINK = (130, 131, 132, 133, 134, 135, 136, 137, 143)
PING6 = Tuple5(ICMP6, A6, 7, B6, 7)


def icmp_packet(kind: int, src: str = C1, dst: str = HOST01) -> Packet:
    """Return an ICMP message that is no echo."""
    return Packet(key=Tuple5(ICMP, src, 0, dst, 0), body=icmp.build(kind))


def test_reply() -> None:
    """The opposite direction of a key swaps both ends, and twice is the key itself."""
    assert Tuple5(TCP, HOST01, 80, C1, 40000) == WEB.reply
    assert WEB.reply.reply == WEB


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (WEB, f"tcp {C1}.40000 > {HOST01}.80"),
        (DNS, f"udp {C1}.5555 > {HOST01}.53"),
        (PING, f"icmp {C1} > {HOST01} id 7"),
        (PING6, f"icmp6 {A6} > {B6} id 7"),
        (Tuple5(ICMP, C1, 0, HOST01, 0), f"icmp {C1} > {HOST01}"),
        (Tuple5(47, C1, 0, HOST01, 0), f"proto 47 {C1} > {HOST01}"),
    ],
)
def test_text(key: Tuple5, expected: str) -> None:
    """A key reads as tcpdump would write it."""
    assert expected == str(key)


@pytest.mark.parametrize("key", [PING, WEB, DNS, PING6])
def test_key(key: Tuple5) -> None:
    """A packet's key has its addresses, and ports or the echo id twice."""
    assert key == key_of(capture([Packet(key=key)]), 0)


@pytest.mark.parametrize("key", [PING, PING6])
def test_key_of_echo_reply(key: Tuple5) -> None:
    """An echo reply carries the id of its request."""
    packet = Packet(key=key.reply, reply=True)

    assert key.reply == key_of(capture([packet]), 0)


def test_key_without_ports() -> None:
    """What has neither ports nor an echo id has a key with zeros."""
    tunnel = Packet(key=Tuple5(47, C1, 0, HOST01, 0), body=b"gre")
    packets = capture([icmp_packet(13), tunnel])

    assert [
        key.proto for row in (0, 1) if (key := key_of(packets, row)) is not None
    ] == [ICMP, 47]
    assert key_of(packets, 0)[2::2] == (0, 0)  # type: ignore[index]


@pytest.mark.parametrize(
    "frame",
    [
        ethernet.build(
            *MACS, arp.build(arp.REQUEST, C1, BRIDGE, MACS[0], MACS[1]), ethertype=0x806
        ),
        ethernet.build(*MACS, b"?" * 46, ethertype=0x88B5),
        Packet(key=WEB).frame[:40],
        Packet(key=DNS, frag_offset=1480, body=b"later part").frame,
        Packet(key=DNS._replace(dst="224.0.0.251")).frame,
        Packet(key=DNS._replace(dst="255.255.255.255")).frame,
        Packet(key=DNS._replace(src=A6, dst="ff02::fb")).frame,
        *(
            ethernet.build(
                *MACS,
                ipv6.build(A6, B6, ICMP6, icmpv6.build(A6, B6, kind, 0, bytes(20))),
                ethertype=0x86DD,
            )
            for kind in LINK
        ),
    ],
    ids=[
        "arp",
        "canary",
        "cut",
        "later fragment",
        "multicast",
        "broadcast",
        "multicast6",
        *(f"icmp6 type {kind}" for kind in LINK),
    ],
)
def test_no_key(frame: bytes) -> None:
    """What belongs to a link, to a group, or has no header belongs to no flow."""
    seen = capture([frame])

    assert key_of(seen, 0) is None
    assert conversations(seen) == []


def test_first_fragment() -> None:
    """The first part of a datagram has the ports, so it has a key."""
    packet = Packet(key=DNS, data=b"x" * 16, mf=True, df=False)

    assert key_of(capture([packet]), 0) == DNS


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (error(HOST01, Packet(key=DNS)), True),
        (Packet(key=PING), False),
        (Packet(key=WEB), False),
        (icmp_packet(icmp.UNREACHABLE), False),
    ],
    ids=["error", "echo", "tcp", "error that quotes nothing"],
)
def test_is_error(packet: Packet, expected: bool) -> None:  # noqa: FBT001 - a table
    """An error is an ICMP message that quotes a packet."""
    assert expected == is_error(capture([packet]), 0)


@pytest.mark.parametrize("key", [DNS, WEB, PING])
def test_error_travels_against_its_quote(key: Tuple5) -> None:
    """An error quotes the packet's own key, and belongs to its flow as a reply."""
    seen = capture([error(BRIDGE, Packet(key=key))])

    assert key == quoted_key(seen, 0)
    assert key.reply == way_of(seen, 0)


def test_way_of_plain_packet() -> None:
    """What is no error travels as its own key says."""
    assert way_of(capture([Packet(key=WEB)]), 0) == WEB


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (
            [Packet(key=WEB, flags=SYN), Packet(key=WEB.reply, flags=SYN_ACK)],
            Conversation(WEB, (0, 1), answered=True),
        ),
        ([Packet(key=WEB, flags=SYN)] * 2, Conversation(WEB, (0, 1), answered=False)),
        (
            [Packet(key=WEB.reply, flags=SYN_ACK), Packet(key=WEB)],
            Conversation(WEB, (0, 1), answered=True),
        ),
        (
            [Packet(key=PING.reply, reply=True)],
            Conversation(PING, (0,), answered=True),
        ),
        (
            [Packet(key=PING6.reply, reply=True)],
            Conversation(PING6, (0,), answered=True),
        ),
        (
            [Packet(key=WEB.reply, data=b"underway"), Packet(key=WEB)],
            Conversation(WEB.reply, (0, 1), answered=True),
        ),
        (
            [Packet(key=DNS), error(HOST01, Packet(key=DNS))],
            Conversation(DNS, (0,), answered=False, errors=(1,)),
        ),
        (
            [error(HOST01, Packet(key=DNS)), Packet(key=DNS)],
            Conversation(DNS, (1,), answered=False, errors=(0,)),
        ),
        (
            [Packet(key=DNS), error(C1, Packet(key=DNS.reply))],
            Conversation(DNS, (0,), answered=False, errors=(1,)),
        ),
        (
            [error(HOST01, Packet(key=DNS))],
            Conversation(DNS, (), answered=False, errors=(0,)),
        ),
    ],
    ids=[
        "answered",
        "unanswered",
        "began before: SYN-ACK",
        "began before: echo reply",
        "began before: echo reply 6",
        "began before: who knows",
        "error",
        "error first",
        "error about the reply",
        "error alone",
    ],
)
def test_one_conversation(packets: list[Packet], expected: Conversation) -> None:
    """Both directions and the errors about them are one conversation."""
    assert [expected] == conversations(capture(packets))


def test_conversations_in_order() -> None:
    """Conversations come in order of first sight, however they interleave."""
    other = replace(Packet(key=DNS), data=b"x")
    seen = capture([Packet(key=WEB), other, Packet(key=WEB.reply), other])

    assert [found.key for found in conversations(seen)] == [WEB, DNS]
