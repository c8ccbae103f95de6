"""One line a packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.wire import (
    arp,
    assigned,
    ethernet,
    icmp,
    icmpv6,
    ipv4,
    ipv6,
    render,
    tcp,
    udp,
)

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"
A6, B6 = "2001:db8::1", "2001:db8::2"
MAC, ALL = "02:42:ac:11:00:02", "ff:ff:ff:ff:ff:ff"
UDP = ipv4.build(A, B, 17, udp.build(A, B, 9, 53, b"abc"))
ECHO = ipv4.build(A, B, 1, icmp.build_echo(8, 7, 1, bytes(56)))
LINES = {
    "c1.5 > 10.0.0.1.80: Flags [S], seq 1, win 9, length 0": ipv4.build(
        A, B, 6, tcp.build(A, B, 5, 80, seq=1, window=9, flags=tcp.SYN)
    ),
    "10.0.0.1.80 > c1.5: Flags [P.], seq 1, ack 2, win 9, length 2": ipv4.build(
        B, A, 6, tcp.build(B, A, 80, 5, b"ok", seq=1, ack=2, window=9, flags=0x18)
    ),
    "c1.9 > 10.0.0.1.53: UDP, length 3": UDP,
    "c1 > 10.0.0.1: ICMP echo request, id 7, seq 1, length 64": ECHO,
    "10.0.0.1 > c1: ICMP unreachable, code 3, quotes udp c1.9 > 10.0.0.1.53, "
    "length 39": ipv4.build(B, A, 1, icmp.build_error(3, 3, UDP)),
    "10.0.0.1 > c1: ICMP time exceeded, code 0, quotes proto 1 c1 > 10.0.0.1 id 7, "
    "length 92": ipv4.build(B, A, 1, icmp.build_error(11, 0, ECHO)),
    "c1 > 10.0.0.1: ICMP type 13, code 0, length 8": ipv4.build(
        A, B, 1, icmp.build(13)
    ),
    "c1 > 10.0.0.1: proto 47, length 4": ipv4.build(A, B, 47, b"abcd"),
    "c1 > 10.0.0.1: proto 17, frag 8, length 8 [fragment]": ipv4.build(
        A, B, 17, bytes(8), frag_offset=8
    ),
    "c1 > 10.0.0.1: proto 17, no header [malformed]": ipv4.build(A, B, 17, b"abc"),
}


@pytest.mark.parametrize("line", LINES)
def test_ip(decoded: Decoder, line: str) -> None:
    """What tcpdump would say, with names for addresses."""
    assert f"IP {line}" == render(decoded(LINES[line]), {A: "c1"})


def test_ipv6(decoded: Decoder) -> None:
    """The version is the first word."""
    message = icmpv6.build_echo(A6, B6, 129, 7, 1)
    expected = f"IP6 {A6} > {B6}: ICMP6 echo reply, id 7, seq 1, length 8"

    assert expected == render(decoded(ipv6.build(A6, B6, 58, message)))


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        (1, f"ARP, Request who-has {B} tell {A}"),
        (2, f"ARP, Reply {A} is-at {MAC}"),
        (8, "ARP, operation 8"),
    ],
)
def test_arp(decoded: Decoder, operation: int, line: str) -> None:
    """Questions and answers."""
    message = arp.build(operation, A, B, MAC, ALL)
    frame = ethernet.build(MAC, ALL, message, ethertype=assigned.ARP)

    assert line == render(decoded(frame, 1))


def test_what_is_not_known(decoded: Decoder) -> None:
    """A type and a length are better than nothing."""
    frame = ethernet.build(MAC, ALL, b"?", ethertype=0x88B5, vlan=3)

    assert (
        render(decoded(frame, 1)) == "vlan 3, ethertype 0x88b5, length 19 [undecoded]"
    )
    assert render(decoded(b"?", 147, 9)) == "unknown, length 9 [truncated, undecoded]"


def test_wrong_checksums_are_said(decoded: Decoder) -> None:
    """Both of them."""
    datagram = bytearray(UDP)
    datagram[8] ^= 1
    datagram[-1] ^= 1
    line = render(decoded(bytes(datagram)))

    assert line.endswith("length 3 [ip checksum bad, l4 checksum bad]")
