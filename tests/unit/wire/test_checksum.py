"""Checksums: the sum, and the judgement of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.wire import Checksum, assigned, checksum, ipv4, ipv6, tcp, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.16.211.1", "172.17.0.5"
A6, B6 = "2001:db8::1", "2001:db8::2"
ROUTING = bytes((assigned.TCP, 0, 4, 1, 0, 0, 0, 0))


@given(st.binary(max_size=70))
def test_compute_agrees_with_dpkt(octets: bytes) -> None:
    """The big-integer remainder is the ones' complement sum, odd lengths too."""
    assert dpkt.in_cksum(octets) == checksum.compute(octets)


@given(st.binary(min_size=1, max_size=40))
def test_words_are_zero_only_if_every_byte_is(octets: bytes) -> None:
    """Minus zero is not zero."""
    assert (not any(octets)) == (checksum.ones_complement_sum(octets) == 0)


def _stored(datagram: bytes, at: int, value: int) -> bytes:
    """Return the datagram with another checksum at this offset."""
    return datagram[:at] + value.to_bytes(2, "big") + datagram[at + 2 :]


def test_a_right_tcp_checksum_is_good(decoded: Decoder) -> None:
    """What build makes, decode accepts."""
    row = decoded(ipv4.build(A, B, 6, tcp.build(A, B, 1, 2)))

    assert row["l4_checksum"] == Checksum.GOOD
    assert row["ip_checksum"] == Checksum.GOOD


def test_a_partial_checksum_is_the_folded_pseudo_header(decoded: Decoder) -> None:
    """0x2b57 was seen on a real veth for this pair, TCP, 40 bytes."""
    segment = tcp.build(A, B, 1, 2, options=bytes(20))
    datagram = ipv4.build(A, B, 6, _stored(segment, 16, 0x2B57))

    assert len(segment) == 40
    assert decoded(datagram)["l4_checksum"] == Checksum.PARTIAL


@pytest.mark.parametrize("value", [0, 0xD4A8, 0x2B58, 0xFFFF])
def test_any_other_checksum_is_bad(decoded: Decoder, value: int) -> None:
    """The complement of a partial checksum is as wrong as any other."""
    segment = _stored(tcp.build(A, B, 1, 2, options=bytes(20)), 16, value)

    assert decoded(ipv4.build(A, B, 6, segment))["l4_checksum"] == Checksum.BAD


def test_a_wrong_ip_checksum_is_bad(decoded: Decoder) -> None:
    """One bit in the header is enough."""
    datagram = bytearray(ipv4.build(A, B, 6, tcp.build(A, B, 1, 2)))
    datagram[8] ^= 1

    assert decoded(bytes(datagram))["ip_checksum"] == Checksum.BAD


def test_udp_over_ipv4_may_go_without(decoded: Decoder) -> None:
    """0 means sent without, and is not judged."""
    datagram = _stored(udp.build(A, B, 1, 2, b"x"), 6, 0)

    assert decoded(ipv4.build(A, B, 17, datagram))["l4_checksum"] == Checksum.ZERO


def test_udp_over_ipv6_may_not(decoded: Decoder) -> None:
    """RFC 8200 section 8.1."""
    datagram = _stored(udp.build(A6, B6, 1, 2, b"x"), 6, 0)

    assert decoded(ipv6.build(A6, B6, 17, datagram))["l4_checksum"] == Checksum.BAD


def test_a_snapped_packet_has_no_judgement(decoded: Decoder) -> None:
    """A checksum over bytes that are not here cannot be judged."""
    datagram = ipv4.build(A, B, 6, tcp.build(A, B, 1, 2, b"x" * 9))
    row = decoded(datagram[:-1], wirelen=len(datagram))

    assert row["l4_checksum"] == Checksum.ABSENT
    assert row["ip_checksum"] == Checksum.GOOD


def test_a_fragment_has_no_judgement(decoded: Decoder) -> None:
    """Nor can one over bytes in another packet."""
    segment = tcp.build(A, B, 1, 2, b"x" * 28)
    row = decoded(ipv4.build(A, B, 6, segment[:40], mf=True, df=False))

    assert row["l4_checksum"] == Checksum.ABSENT


def test_an_all_zero_message_is_bad(decoded: Decoder) -> None:
    """Its sum is zero, but the right checksum of zeros is 0xffff."""
    assert decoded(ipv4.build(A, B, 1, bytes(16)))["l4_checksum"] == Checksum.BAD


def test_a_pending_source_route_has_no_judgement(decoded: Decoder) -> None:
    """The checksum covers the last hop's address, which is not the destination."""
    rest = ROUTING + tcp.build(A6, B6, 1, 2)
    arrived = ROUTING[:3] + b"\0" + ROUTING[4:] + tcp.build(A6, B6, 1, 2)
    row = decoded(ipv6.build(A6, B6, ipv6.ROUTING, rest))
    last = decoded(ipv6.build(A6, B6, ipv6.ROUTING, arrived))

    assert row["l4_checksum"] == Checksum.ABSENT
    assert last["l4_checksum"] == Checksum.GOOD
