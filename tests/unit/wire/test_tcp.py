"""TCP segments, flags and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from tests.unit.wire.conftest import digest

from pytest_netlab.wire import Checksum, Status, ipv4, tcp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"
SYN_OPTIONS = bytes.fromhex("020405b4 0402 080a 00000005 00000006 01 030307")
SEGMENT = tcp.build(A, B, 43210, 80, b"GET", seq=5, ack=9, flags=0x18, window=7)


def test_take_apart(decoded: Decoder) -> None:
    """Every field of a header."""
    row = decoded(ipv4.build(A, B, 6, SEGMENT))

    assert tuple(row[k] for k in ("sport", "dport", "tcp_seq", "tcp_ack")) == (
        43210,
        80,
        5,
        9,
    )
    assert tuple(row[k] for k in ("tcp_flags", "tcp_window", "payload_len")) == (
        0x18,
        7,
        3,
    )
    assert (digest(b"GET"), 40) == (row["payload_hash"], row["payload_offset"])
    assert (row["l4_checksum"], row["status"]) == (Checksum.GOOD, 0)


@given(st.integers(0, 0x1FF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=9))
def test_put_together(flags: int, seq: int, data: bytes) -> None:
    """The same bytes as scapy makes."""
    theirs = IP(src=A, dst=B) / TCP(
        sport=1, dport=2, seq=seq, ack=3, flags=flags, window=4
    )
    ours = tcp.build(A, B, 1, 2, data, seq=seq, ack=3, flags=flags, window=4)

    assert bytes(theirs / data)[20:] == ours


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("S", 0x02),
        ("S.", 0x12),
        ("S.E", 0x52),
        ("SEW", 0xC2),
        ("P.", 0x18),
        (".", 0x10),
        ("F.", 0x11),
        ("R", 0x04),
        ("none", 0),
        ("FSRP.UEWe", 0x1FF),
    ],
)
def test_flags_read_as_in_tcpdump(text: str, flags: int) -> None:
    """One letter a flag, a dot for ACK."""
    assert text == tcp.flag_text(flags)


def test_accurate_ecn_is_a_flag(decoded: Decoder) -> None:
    """RFC 9768 took the last reserved bit beside the offset."""
    segment = tcp.build(A, B, 1, 2, flags=tcp.AE | tcp.SYN)

    assert decoded(ipv4.build(A, B, 6, segment))["tcp_flags"] == 0x102


def test_options_keep_their_order() -> None:
    """The order tells one stack from another, so NOPs count."""
    found = tcp.options(SYN_OPTIONS)

    assert [kind for kind, _ in found] == [2, 4, 8, 1, 3]
    assert found[0][1] == b"\x05\xb4"


def test_options_by_name() -> None:
    """What a handshake announces."""
    expected = tcp.Options(mss=1460, wscale=7, sack_ok=True, tsval=5, tsecr=6)

    assert expected == tcp.named_options(SYN_OPTIONS)


def test_sack_blocks() -> None:
    """Edges of what arrived, in pairs; a torn pair is left out."""
    raw = bytes.fromhex("0512 00000001 00000002 00000003 00000004")
    torn = bytes.fromhex("050e 00000001 00000002 00000003")

    assert tcp.named_options(raw).sack == ((1, 2), (3, 4))
    assert tcp.named_options(torn).sack == ((1, 2),)


@pytest.mark.parametrize(
    "raw", [b"\x02", b"\x02\x00", b"\x02\x01", b"\x02\x04\x05", b"\x00\x02\x04\x05\xb4"]
)
def test_options_stop_at_damage(raw: bytes) -> None:
    """A length that lies ends the list, and never loops."""
    assert tcp.options(raw) == ()


@pytest.mark.parametrize("raw", [b"\x02\x03\x05", b"\x03\x02", b"\x08\x06\0\0\0\1"])
def test_options_of_a_wrong_size_have_no_value(raw: bytes) -> None:
    """They are listed, but not believed; what is there of a timestamp is."""
    named = tcp.named_options(raw)

    assert (named.mss, named.wscale, named.tsecr) == (None, None, None)


@given(st.binary(max_size=40))
def test_hostile_options(raw: bytes) -> None:
    """Any bytes give a list that is not longer than they are."""
    assert sum(max(1, len(value)) for _, value in tcp.options(raw)) <= len(raw)
    assert isinstance(tcp.named_options(raw), tcp.Options)


def test_raw_options_are_between_header_and_payload() -> None:
    """Padding included."""
    segment = tcp.build(A, B, 1, 2, b"data", options=SYN_OPTIONS)

    assert SYN_OPTIONS.ljust(20, b"\0") == tcp.raw_options(segment, 0)
    assert tcp.raw_options(segment[:12], 0) == b""


@pytest.mark.parametrize("offset", [0, 4, 15])
def test_an_offset_that_lies(decoded: Decoder, offset: int) -> None:
    """Malformed; the ports stay."""
    segment = SEGMENT[:12] + bytes((offset << 4,)) + SEGMENT[13:]
    row = decoded(ipv4.build(A, B, 6, segment))

    assert (row["status"], row["sport"]) == (Status.MALFORMED, 43210)


@pytest.mark.parametrize("size", [0, 19])
def test_a_header_that_is_not_all_there(decoded: Decoder, size: int) -> None:
    """Half a header has no offset."""
    row = decoded(ipv4.build(A, B, 6, SEGMENT[:size]))

    assert (row["status"], row["l4_offset"]) == (Status.MALFORMED, 0)


@pytest.mark.parametrize(
    ("number", "start", "octets"),
    [
        (7, 7, 0),
        (8, 7, 1),
        (6, 7, -1),
        (1, 2**32 - 1, 2),
        (2**32 - 1, 1, -2),
        (2**31 - 1, 0, 2**31 - 1),
        (2**31, 0, -(2**31)),
        (2**32 + 5, 3, 2),
    ],
)
def test_distance(number: int, start: int, octets: int) -> None:
    """Sequence numbers wrap; what is half their space away is before."""
    assert tcp.distance(number, start) == octets
