"""ICMP echo and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP
from tests.unit.wire.conftest import digest

from pytest_netlab.wire import Checksum, Status, assigned, icmp, ipv4, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B, R = "172.17.0.2", "10.0.0.1", "192.0.2.1"
ERRORS = [3, 4, 5, 11, 12]
QUOTED = ipv4.build(A, B, 17, udp.build(A, B, 1234, 53, b"data"), ttl=9, ip_id=77)


def _error(quoted: bytes, kind: int = 3, rest: int = 0) -> bytes:
    """Return a datagram with an error in it."""
    return ipv4.build(R, A, 1, icmp.build_error(kind, 4, quoted, rest))


@pytest.mark.parametrize("kind", [assigned.ECHO_REQUEST, assigned.ECHO_REPLY])
def test_take_apart_an_echo(decoded: Decoder, kind: int) -> None:
    """Id, sequence number and data."""
    row = decoded(ipv4.build(A, B, 1, icmp.build_echo(kind, 0x1234, 9, b"d" * 56)))

    assert (kind, 0, 0x1234, 9) == tuple(
        row[k] for k in ("icmp_type", "icmp_code", "icmp_id", "icmp_seq")
    )
    assert (56, digest(b"d" * 56)) == (row["payload_len"], row["payload_hash"])
    assert row["l4_checksum"] == Checksum.GOOD


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=9))
def test_put_together(ident: int, seq: int, data: bytes) -> None:
    """The same bytes as scapy makes."""
    theirs = ICMP(type=8, id=ident, seq=seq) / data

    assert bytes(theirs) == icmp.build_echo(8, ident, seq, data)


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_quote(decoded: Decoder, kind: int) -> None:
    """The tuple a NAT must translate back."""
    row = decoded(_error(QUOTED, kind, rest=1400))

    assert tuple(row[k] for k in ("quoted_src", "quoted_dst", "quoted_proto")) == (
        A,
        B,
        17,
    )
    assert tuple(row[f"quoted_{k}"] for k in ("sport", "dport", "ttl", "ip_id")) == (
        1234,
        53,
        9,
        77,
    )
    assert (1400, len(QUOTED)) == (row["icmp_rest"], row["payload_len"])


@pytest.mark.parametrize("kind", [0, 8, 9, 13, 14])
def test_others_do_not(decoded: Decoder, kind: int) -> None:
    """What looks like a datagram in an echo is data."""
    assert decoded(_error(QUOTED, kind))["quoted_proto"] == 0


def test_a_message_that_is_not_all_there(decoded: Decoder) -> None:
    """Seven bytes are no message."""
    row = decoded(ipv4.build(A, B, 1, icmp.build_echo(8, 1, 1)[:7]))

    assert (row["status"], row["l4_offset"]) == (Status.MALFORMED, 0)
