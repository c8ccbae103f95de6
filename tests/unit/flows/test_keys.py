"""Flow keys: what of a packet tells its flow, and which packets are of none."""

from __future__ import annotations

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    HOST01,
    Packet,
    capture,
    error,
)
from tests.unit.flows.conftest import (
    A6,
    B6,
    DNS,
    NO_FLOW,
    PING,
    PING6,
    WEB,
    WEB6,
    error6,
    icmp6_frame,
    icmp_packet,
)

from pytest_netlab.flows import (
    ICMP,
    ICMP6,
    TCP,
    Tuple5,
    is_error,
    key_of,
    quoted_key,
    uniflow_of,
)
from pytest_netlab.wire import assigned


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


@pytest.mark.parametrize("key", [PING, WEB, DNS, PING6, WEB6])
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

    assert [key_of(packets, row) for row in (0, 1)] == [
        Tuple5(ICMP, C1, 0, HOST01, 0),
        Tuple5(47, C1, 0, HOST01, 0),
    ]


@pytest.mark.parametrize("frame", NO_FLOW.values(), ids=NO_FLOW)
def test_no_key(frame: bytes) -> None:
    """What belongs to a link, to a group, or has no header belongs to no flow."""
    assert key_of(capture([frame]), 0) is None


@pytest.mark.parametrize("kind", [127, 138, 142, 144])
def test_key_of_other_icmp6(kind: int) -> None:
    """ICMPv6 types beside those of neighbour discovery may be forwarded."""
    seen = capture([icmp6_frame(kind)])

    assert key_of(seen, 0) == Tuple5(ICMP6, A6, 0, B6, 0)


@pytest.mark.parametrize(
    "key",
    [
        DNS._replace(dst="223.255.255.255"),
        DNS._replace(src=A6, dst="fe80::1"),
        DNS._replace(src="224.0.0.251"),
    ],
    ids=["last unicast address", "link-local", "from a group"],
)
def test_key_of_unicast(key: Tuple5) -> None:
    """Only the destination makes a packet one to a group."""
    assert key_of(capture([Packet(key=key)]), 0) == key


def test_first_fragment() -> None:
    """The first part of a datagram has the ports, so it has a key."""
    packet = Packet(key=DNS, data=b"x" * 16, mf=True, df=False)

    assert key_of(capture([packet]), 0) == DNS


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        *((error(HOST01, Packet(key=DNS), kind=(k, 0)), True) for k in (3, 4, 5, 11)),
        (error(HOST01, Packet(key=DNS), kind=(12, 0)), True),
        *((error6(Packet(key=WEB6), kind), True) for kind in (1, 2, 3, 4)),
        (Packet(key=PING), False),
        (Packet(key=PING6), False),
        (Packet(key=WEB), False),
        (icmp_packet(assigned.UNREACHABLE), False),
    ],
)
def test_is_error(packet: Packet | bytes, expected: bool) -> None:  # noqa: FBT001 - a table
    """An error is an ICMP message that quotes a packet."""
    assert expected == is_error(capture([packet]), 0)


@pytest.mark.parametrize("key", [DNS, WEB, PING])
def test_error_travels_against_its_quote(key: Tuple5) -> None:
    """An error quotes the packet's own key, and belongs to its flow as a reply."""
    seen = capture([error(BRIDGE, Packet(key=key))])

    assert key == quoted_key(seen, 0)
    assert key.reply == uniflow_of(seen, 0)


@pytest.mark.parametrize("key", [WEB6, PING6])
def test_error6_travels_against_its_quote(key: Tuple5) -> None:
    """Likewise for ICMPv6, whoever sent the error."""
    seen = capture([error6(Packet(key=key))])

    assert key == quoted_key(seen, 0)
    assert key.reply == uniflow_of(seen, 0)


def test_error_has_a_key_of_its_own() -> None:
    """As a packet an error has the addresses of its sender and receiver, no ports."""
    seen = capture([error(BRIDGE, Packet(key=DNS))])

    assert key_of(seen, 0) == Tuple5(ICMP, BRIDGE, 0, C1, 0)


def test_way_of_plain_packet() -> None:
    """What is no error travels as its own key says."""
    assert uniflow_of(capture([Packet(key=WEB)]), 0) == WEB


def test_row() -> None:
    """Each row of a capture has its own key."""
    seen = capture([Packet(key=WEB), NO_FLOW["arp"], error(BRIDGE, Packet(key=DNS))])

    assert [uniflow_of(seen, row) for row in range(3)] == [WEB, None, DNS.reply]
