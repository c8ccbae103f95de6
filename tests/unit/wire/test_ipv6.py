"""IPv6 datagrams and chains of extension headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import IPv6

from pytest_netlab.wire import Checksum, Status, ipv6, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "2001:db8::1", "fe80::2"
DATAGRAM = udp.build(A, B, 5, 6, b"data")
UDP, AH = 17, 51
FRAGMENT_ID = b"\x00\x01\x00\x02"


def _extension(following: int, size: int = 8) -> bytes:
    """Return an options-like extension header of this size."""
    return bytes((following, size // 8 - 1)) + bytes(size - 2)


def _fragment(following: int, offset: int) -> bytes:
    """Return a fragment header with this offset and flag."""
    return bytes((following, 0)) + offset.to_bytes(2, "big") + FRAGMENT_ID


def test_take_apart(decoded: Decoder) -> None:
    """Every field of a header."""
    row = decoded(ipv6.build(A, B, UDP, DATAGRAM, ttl=3, tos=0xB8, flow_label=0xFFFFF))

    assert tuple(row[k] for k in ("ip_version", "src", "dst", "proto")) == (
        6,
        A,
        B,
        UDP,
    )
    assert tuple(row[k] for k in ("ttl", "tos", "sport", "payload_len")) == (
        3,
        0xB8,
        5,
        4,
    )
    assert (row["l4_checksum"], row["ip_checksum"]) == (Checksum.GOOD, Checksum.ABSENT)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFFF))
def test_put_together(ttl: int, tos: int, label: int) -> None:
    """The same bytes as scapy makes."""
    theirs = IPv6(src=A, dst=B, nh=UDP, hlim=ttl, tc=tos, fl=label) / DATAGRAM
    ours = ipv6.build(A, B, UDP, DATAGRAM, ttl=ttl, tos=tos, flow_label=label)

    assert bytes(theirs) == ours


@pytest.mark.parametrize("kind", [ipv6.HOP_BY_HOP, ipv6.ROUTING, ipv6.DESTINATION])
@pytest.mark.parametrize("size", [8, 16, 264])
def test_extensions_are_walked(decoded: Decoder, kind: int, size: int) -> None:
    """The transport is found behind each kind, and proto is the last of the chain."""
    row = decoded(ipv6.build(A, B, kind, _extension(UDP, size) + DATAGRAM))

    assert (UDP, 40 + size, 5, 4) == tuple(
        row[k] for k in ("proto", "l4_offset", "sport", "payload_len")
    )
    assert row["l4_checksum"] == Checksum.GOOD


def test_an_authentication_header_counts_otherwise(decoded: Decoder) -> None:
    """Its length is in 32-bit words, less two (RFC 4302)."""
    header = bytes((UDP, 4)) + bytes(22)
    row = decoded(ipv6.build(A, B, AH, header + DATAGRAM))

    assert (row["proto"], row["l4_offset"], row["dport"]) == (UDP, 64, 6)


def test_a_later_fragment(decoded: Decoder) -> None:
    """Id and offset are read; no transport header is made up."""
    row = decoded(ipv6.build(A, B, ipv6.FRAGMENT, _fragment(UDP, 48) + b"x" * 16))

    assert tuple(row[k] for k in ("status", "proto", "ip_id", "frag_offset")) == (
        Status.FRAGMENT,
        UDP,
        0x00010002,
        48,
    )
    assert (row["l4_offset"], row["payload_len"]) == (0, 16)


def test_a_first_fragment(decoded: Decoder) -> None:
    """It has ports, and more to come."""
    row = decoded(ipv6.build(A, B, ipv6.FRAGMENT, _fragment(UDP, 1) + DATAGRAM))

    assert (row["status"], row["ip_flags"], row["sport"]) == (Status.FRAGMENT, 1, 5)


def test_an_atomic_fragment_is_none(decoded: Decoder) -> None:
    """RFC 6946: offset 0 and nothing more is a whole datagram."""
    row = decoded(ipv6.build(A, B, ipv6.FRAGMENT, _fragment(UDP, 0) + DATAGRAM))

    assert (row["status"], row["l4_checksum"]) == (0, Checksum.GOOD)


def test_a_chain_is_bounded(decoded: Decoder) -> None:
    """Seventeen headers are an attack, not a packet."""
    chain = _extension(ipv6.DESTINATION) * 16 + _extension(UDP) + DATAGRAM
    row = decoded(ipv6.build(A, B, ipv6.DESTINATION, chain))

    assert (row["status"], row["l4_offset"]) == (Status.MALFORMED, 0)


@pytest.mark.parametrize("rest", [b"", b"\x11", b"\x11\x00" + bytes(5), b"\x11\xff"])
def test_an_extension_that_is_not_all_there(decoded: Decoder, rest: bytes) -> None:
    """Whatever is missing, the addresses stay."""
    row = decoded(ipv6.build(A, B, ipv6.DESTINATION, rest))

    assert (row["status"], row["src"], row["l4_offset"]) == (Status.MALFORMED, A, 0)


def test_a_length_of_zero_reaches_to_the_end(decoded: Decoder) -> None:
    """Jumbograms and the kernel's super-frames."""
    row = decoded(ipv6.build(A, B, 47, bytes(70_000)))

    assert (row["payload_len"], row["status"]) == (70_000, 0)


def test_a_length_beyond_the_frame(decoded: Decoder) -> None:
    """It is malformed; the payload ends with the frame."""
    row = decoded(ipv6.build(A, B, 47, b"12345")[:-1])

    assert (row["status"], row["payload_len"]) == (Status.MALFORMED, 4)
