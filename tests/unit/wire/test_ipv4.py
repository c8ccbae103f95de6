"""IPv4 datagrams, fragments and impossible lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP
from tests.unit.wire.conftest import digest

from pytest_netlab.wire import Status, ethernet, ipv4, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"
MAC = "02:42:ac:11:00:02"
DATAGRAM = ipv4.build(A, B, 47, b"payload", ttl=63, ip_id=0xBEEF, tos=0xB8)


def test_take_apart(decoded: Decoder) -> None:
    """Every field of a header."""
    row = decoded(DATAGRAM)

    assert tuple(row[k] for k in ("ip_version", "src", "dst", "proto")) == (4, A, B, 47)
    assert (row["ttl"], row["tos"], row["ip_id"]) == (63, 0xB8, 0xBEEF)
    assert (row["ip_flags"], row["frag_offset"], row["status"]) == (2, 0, 0)


def test_an_unknown_transport_is_all_payload(decoded: Decoder) -> None:
    """GRE has no columns, but a length and a digest to pair it by."""
    row = decoded(DATAGRAM)

    assert tuple(
        row[key] for key in ("l4_offset", "payload_offset", "payload_len")
    ) == (20, 20, 7)
    assert digest(b"payload") == row["payload_hash"]


@given(
    st.integers(0, 255), st.integers(0, 0xFFFF), st.booleans(), st.binary(max_size=12)
)
def test_put_together(ttl: int, ident: int, df: bool, options: bytes) -> None:  # noqa: FBT001
    """The same bytes as scapy makes, the checksum included."""
    padded = options + bytes(-len(options) % 4)
    theirs = IP(src=A, dst=B, proto=47, ttl=ttl, id=ident, flags=df << 1, chksum=None)
    theirs = IP(bytes(theirs / b"data"))
    head = bytes((0x45 + len(padded) // 4,)) + bytes(theirs)[1:2]
    total = (24 + len(padded)).to_bytes(2, "big")
    expected = head + total + bytes(theirs)[4:20] + padded + b"data"
    ours = ipv4.build(A, B, 47, b"data", ttl=ttl, ip_id=ident, df=df, options=options)

    assert ipv4.fill_header(expected) == ours


def test_a_first_fragment_has_ports(decoded: Decoder) -> None:
    """And the length of what is in this packet."""
    whole = udp.build(A, B, 5, 6, b"x" * 40)
    row = decoded(ipv4.build(A, B, 17, whole[:24], mf=True, df=False))

    assert tuple(row[key] for key in ("status", "ip_flags", "sport", "dport")) == (
        Status.FRAGMENT,
        1,
        5,
        6,
    )
    assert row["payload_len"] == 16


def test_a_later_fragment_has_none(decoded: Decoder) -> None:
    """Its first bytes are payload, whatever they look like."""
    row = decoded(ipv4.build(A, B, 17, b"y" * 24, frag_offset=24, df=False))

    assert tuple(
        row[key] for key in ("status", "frag_offset", "l4_offset", "sport")
    ) == (Status.FRAGMENT, 24, 0, 0)
    assert (24, digest(b"y" * 24)) == (row["payload_len"], row["payload_hash"])


def test_total_length_zero_reaches_to_the_end(decoded: Decoder) -> None:
    """The kernel writes 0 above 64 KiB (BIG TCP)."""
    datagram = ipv4.build(A, B, 47, bytes(70_000))
    row = decoded(datagram)

    assert datagram[2:4] == b"\0\0"
    assert (row["payload_len"], row["status"]) == (70_000, 0)


@pytest.mark.parametrize("total", [1, 19, 28, 0xFFFF])
def test_a_total_length_that_lies(decoded: Decoder, total: int) -> None:
    """It is malformed, and nothing is read behind the frame."""
    datagram = DATAGRAM[:2] + total.to_bytes(2, "big") + DATAGRAM[4:]
    row = decoded(datagram)

    assert row["status"] == Status.MALFORMED
    assert int(row["payload_len"]) <= 7


@pytest.mark.parametrize("first", [0x44, 0x55, 0x05, 0x4F])
def test_a_first_byte_that_lies(decoded: Decoder, first: int) -> None:
    """A wrong version, or a header shorter than one, or longer than the frame."""
    frame = ethernet.build(MAC, MAC, bytes((first,)) + DATAGRAM[1:])
    row = decoded(frame, 1)

    assert (row["status"], row["ip_version"]) == (Status.MALFORMED, 0)


@pytest.mark.parametrize("size", range(27))
def test_every_cut(decoded: Decoder, size: int) -> None:
    """A snapped datagram keeps what was captured, and its length on the wire."""
    row = decoded(DATAGRAM[:size], wirelen=len(DATAGRAM))

    assert row["status"] == Status.TRUNCATED
    assert (4 if size >= 20 else 0) == row["ip_version"]
    assert (7 if size >= 20 else 0) == row["payload_len"]
    assert row["payload_hash"] == 0
