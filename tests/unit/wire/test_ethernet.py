"""Ethernet frames, tags and padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import Dot1Q, Ether

from pytest_netlab.wire import UNTAGGED, Status, ethernet, ipv4, mac_text, tcp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "10.0.0.1", "10.0.0.2"
SRC, DST = "02:42:ac:11:00:02", "02:42:ac:11:00:01"
DATAGRAM = ipv4.build(A, B, 6, tcp.build(A, B, 1, 2))
TAG = b"\x81\x00\x00\x05"


def test_take_apart(decoded: Decoder) -> None:
    """Addresses and type of an untagged frame."""
    row = decoded(ethernet.build(SRC, DST, DATAGRAM), 1)

    assert tuple(mac_text(int(row[k])) for k in ("eth_src", "eth_dst")) == (SRC, DST)
    assert (row["ethertype"], row["vlan"], row["ip_offset"]) == (0x0800, UNTAGGED, 14)


@given(st.integers(0, 4095), st.binary(max_size=20))
def test_put_together(vlan: int, payload: bytes) -> None:
    """The same bytes as scapy makes."""
    theirs = Ether(src=SRC, dst=DST) / Dot1Q(vlan=vlan, type=0x88B5) / payload
    ours = ethernet.build(SRC, DST, payload, ethertype=0x88B5, vlan=vlan)

    assert bytes(theirs) == ours


def test_the_outermost_tag_counts(decoded: Decoder) -> None:
    """A QinQ frame belongs to its service tag; IP is found behind both."""
    frame = ethernet.build(SRC, DST, DATAGRAM, vlan=7)
    frame = frame[:12] + b"\x88\xa8\xe0\x63" + frame[12:]
    row = decoded(frame, 1)

    assert (row["vlan"], row["ethertype"], row["ip_offset"]) == (99, 0x0800, 22)


def test_padding_is_no_payload(decoded: Decoder) -> None:
    """A short datagram in a 60-byte frame carries nothing more."""
    frame = ethernet.build(SRC, DST, DATAGRAM).ljust(60, b"\xaa")
    row = decoded(frame, 1)

    assert (row["payload_len"], row["status"], row["l4_checksum"]) == (0, 0, 1)


def test_a_stack_of_tags_is_bounded(decoded: Decoder) -> None:
    """Nobody sends nine tags; whoever does is not followed."""
    frame = ethernet.build(SRC, DST, b"")[:12] + TAG * 9 + b"\x08\x00" + DATAGRAM
    row = decoded(frame, 1)

    assert (row["status"], row["vlan"], row["ip_version"]) == (Status.MALFORMED, 5, 0)


def test_a_length_is_no_type(decoded: Decoder) -> None:
    """802.3 frames keep their row, without a type."""
    row = decoded(ethernet.build(SRC, DST, b"\x42\x42\x03", ethertype=3), 1)

    assert (row["ethertype"], row["status"]) == (0, Status.UNDECODED)


def test_a_frame_cut_in_its_header(decoded: Decoder) -> None:
    """Thirteen bytes are no header; cut by the capture they are no lie either."""
    frame = ethernet.build(SRC, DST, DATAGRAM)[:13]

    assert decoded(frame, 1)["status"] == Status.MALFORMED
    assert decoded(frame, 1, 60)["status"] == Status.TRUNCATED
