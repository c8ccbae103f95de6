"""UDP datagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from tests.unit.wire.conftest import digest

from pytest_netlab.wire import Checksum, Status, ipv4, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"
DATAGRAM = udp.build(A, B, 1234, 53, b"question")


def test_take_apart(decoded: Decoder) -> None:
    """Ports, payload, checksum."""
    row = decoded(ipv4.build(A, B, 17, DATAGRAM))

    assert (row["sport"], row["dport"], row["payload_len"]) == (1234, 53, 8)
    assert digest(b"question") == row["payload_hash"]
    assert (row["l4_checksum"], row["status"]) == (Checksum.GOOD, 0)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=9))
def test_put_together(sport: int, dport: int, data: bytes) -> None:
    """The same bytes as scapy makes."""
    theirs = IP(src=A, dst=B) / UDP(sport=sport, dport=dport) / data

    assert bytes(theirs)[20:] == udp.build(A, B, sport, dport, data)


def test_a_checksum_that_comes_out_as_zero_is_sent_as_ones() -> None:
    """0 on the wire would mean sent without."""
    zero = int.from_bytes(udp.build(A, B, 1, 2, b"\0\0")[6:8], "big")
    datagram = udp.build(A, B, 1, 2, zero.to_bytes(2, "big"))

    assert datagram[6:8] == b"\xff\xff"


def test_bytes_behind_its_own_length_are_no_payload(decoded: Decoder) -> None:
    """IP may carry more (UDP options); the datagram ends where it says."""
    row = decoded(ipv4.build(A, B, 17, DATAGRAM + b"surplus"))

    assert (row["payload_len"], row["l4_checksum"]) == (8, Checksum.GOOD)


@pytest.mark.parametrize("length", [1, 7, 17, 0xFFFF])
def test_a_length_that_lies(decoded: Decoder, length: int) -> None:
    """Malformed; the payload is what IP carries."""
    datagram = DATAGRAM[:4] + length.to_bytes(2, "big") + DATAGRAM[6:]
    row = decoded(ipv4.build(A, B, 17, datagram))

    assert (row["status"], row["payload_len"]) == (Status.MALFORMED, 8)


def test_a_header_that_is_not_all_there(decoded: Decoder) -> None:
    """Seven bytes are no header."""
    row = decoded(ipv4.build(A, B, 17, DATAGRAM[:7]))

    assert (row["status"], row["l4_offset"]) == (Status.MALFORMED, 0)
