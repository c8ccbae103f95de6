"""The dispatcher: every link type, and bytes from an enemy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_netlab.wire import (
    Columns,
    Status,
    assigned,
    ethernet,
    icmp,
    ipv4,
    ipv6,
    tcp,
    udp,
)
from pytest_netlab.wire.stack import decode

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"
A6, B6 = "2001:db8::1", "2001:db8::2"
MAC = "02:42:ac:11:00:02"
LINK_TYPES = [0, 1, 12, 14, 101, 108, 113, 147, 228, 229, 276]
UDP = ipv4.build(A, B, 17, udp.build(A, B, 9, 53, b"abc"))
EXTENDED = ipv6.build(A6, B6, 60, bytes((6, 0)) + bytes(6) + tcp.build(A6, B6, 1, 2))
SEEDS = [
    ethernet.build(MAC, MAC, UDP, vlan=4),
    ethernet.build(MAC, MAC, ipv4.build(B, A, 1, icmp.build_error(3, 3, UDP))),
    ethernet.build(MAC, MAC, EXTENDED, ethertype=assigned.IPV6),
]


@pytest.mark.parametrize("linktype", [12, 14, 101, 228, 229])
@pytest.mark.parametrize(("datagram", "version"), [(UDP, 4), (EXTENDED, 6)])
def test_raw_ip(decoded: Decoder, linktype: int, datagram: bytes, version: int) -> None:
    """The version is in the first byte; no link header named a type."""
    row = decoded(datagram, linktype)

    assert (version, 0, 0) == (row["ip_version"], row["ethertype"], row["status"])


def test_other_link_types_are_kept(decoded: Decoder) -> None:
    """A row without columns is better than no row."""
    row = decoded(b"\x01\x02\x03", 147)

    assert (row["status"], row["caplen"], row["wirelen"]) == (Status.UNDECODED, 3, 3)


@pytest.mark.parametrize("linktype", LINK_TYPES)
def test_nothing_captured(decoded: Decoder, linktype: int) -> None:
    """A packet of no bytes has a row."""
    assert decoded(b"", linktype)["ip_version"] == 0


def test_a_wire_length_below_the_captured_one(decoded: Decoder) -> None:
    """It is shown as it is, and not believed."""
    row = decoded(UDP, 101, 1)

    assert (row["wirelen"], row["payload_len"], row["status"]) == (1, 3, 0)


@settings(max_examples=300)
@given(st.binary(max_size=120), st.sampled_from(LINK_TYPES), st.integers(0, 0xFFFFFFFF))
def test_hostile_bytes(frame: bytes, linktype: int, wirelen: int) -> None:
    """Any bytes make a row; no exception, no offset behind the frame."""
    columns = Columns(1)
    decode(frame, linktype, wirelen, 0, columns)

    assert columns.array("l4_offset")[0] <= len(frame)
    assert columns.array("payload_len")[0] <= max(wirelen, len(frame))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS), st.integers(12, 90), st.integers(0, 255), st.integers(0, 90)
)
def test_one_hostile_byte(frame: bytes, at: int, value: int, cut: int) -> None:
    """A byte changed or the end cut off: the same promises."""
    at %= len(frame)
    frame = (frame[:at] + bytes((value,)) + frame[at + 1 :])[cut // 2 :]
    columns = Columns(1)
    decode(frame, 1, len(frame), 0, columns)

    assert columns.array("payload_offset")[0] <= len(frame)
    assert columns.array("payload_len")[0] <= len(frame)
