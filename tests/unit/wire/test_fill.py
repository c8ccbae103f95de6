"""Checksums of whole datagrams, filled in."""

from __future__ import annotations

import pytest

from pytest_netlab.wire import fill, icmp, icmpv6, ipv4, ipv6, tcp, udp

A, B = "172.17.0.2", "10.0.0.1"
A6, B6 = "2001:db8::1", "2001:db8::2"
ECHO6 = icmpv6.build_echo(A6, B6, 128, 1, 1)
WHOLE = {
    "tcp": (ipv4.build(A, B, 6, tcp.build(A, B, 1, 2, b"abc")), (10, 36)),
    "udp": (ipv4.build(A, B, 17, udp.build(A, B, 1, 2, b"abc")), (10, 26)),
    "icmp": (ipv4.build(A, B, 1, icmp.build_echo(8, 1, 1, b"abc")), (10, 22)),
    "options": (
        ipv4.build(A, B, 6, tcp.build(A, B, 1, 2), options=b"\1\1\1\1"),
        (10, 40),
    ),
    "gre": (ipv4.build(A, B, 47, b"abcd"), (10,)),
    "tcp6": (ipv6.build(A6, B6, 6, tcp.build(A6, B6, 1, 2)), (56,)),
    "icmpv6": (ipv6.build(A6, B6, 58, ECHO6), (42,)),
    "extension": (
        ipv6.build(A6, B6, 60, bytes((58, 0)) + bytes(6) + ECHO6),
        (50,),
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_wrong_checksums_become_right(name: str) -> None:
    """Whatever was in the fields, and whatever pads the frame behind."""
    datagram, fields = WHOLE[name]
    broken = bytearray(datagram)
    for at in fields:
        broken[at : at + 2] = b"\x12\x34"

    assert datagram == fill(bytes(broken))
    assert datagram + b"pad" == fill(bytes(broken) + b"pad")


def test_udp_without_a_checksum_stays_without() -> None:
    """As the kernel's NAT leaves it."""
    datagram, _ = WHOLE["udp"]
    datagram = datagram[:26] + bytes(2) + datagram[28:]

    assert datagram == fill(datagram)


def test_a_fragment_gets_its_header_only() -> None:
    """The transport's checksum covers bytes that are elsewhere."""
    datagram = ipv4.build(A, B, 6, b"\x55" * 40, mf=True)

    assert datagram == fill(datagram)


@pytest.mark.parametrize("datagram", [b"", b"\x45", b"\x60" + bytes(20)])
def test_less_than_a_datagram_is_refused(datagram: bytes) -> None:
    """A caller's mistake, not a packet from somewhere."""
    with pytest.raises(ValueError, match="less than an IP header"):
        fill(datagram)
