"""ICMPv6 echo and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from pytest_netlab.wire import Checksum, icmpv6, ipv6, tcp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B, R = "2001:db8::1", "2001:db8::2", "2001:db8::ff"
QUOTED = ipv6.build(A, B, 6, tcp.build(A, B, 1234, 80), ttl=7)


def _error(kind: int, quoted: bytes) -> bytes:
    """Return a datagram with an error in it."""
    rest = (1280).to_bytes(4, "big") + quoted
    return ipv6.build(R, A, 58, icmpv6.build(R, A, kind, 0, rest))


@pytest.mark.parametrize("kind", [128, 129])
def test_take_apart_an_echo(decoded: Decoder, kind: int) -> None:
    """Id, sequence number and a checksum over the pseudo-header."""
    message = icmpv6.build_echo(A, B, kind, 0x1234, 9, b"data")
    row = decoded(ipv6.build(A, B, 58, message))

    assert (kind, 0x1234, 9, 4) == tuple(
        row[k] for k in ("icmp_type", "icmp_id", "icmp_seq", "payload_len")
    )
    assert row["l4_checksum"] == Checksum.GOOD


def test_put_together() -> None:
    """The same bytes as scapy makes."""
    theirs = IPv6(src=A, dst=B) / ICMPv6EchoRequest(id=5, seq=6, data=b"abc")
    ours = icmpv6.build_echo(A, B, 128, 5, 6, b"abc")

    assert bytes(theirs)[40:] == ours


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_errors_quote(decoded: Decoder, kind: int) -> None:
    """The tuple and the MTU of a packet that was too big."""
    row = decoded(_error(kind, QUOTED))

    assert tuple(row[f"quoted_{k}"] for k in ("src", "dst", "proto", "ttl")) == (
        A,
        B,
        6,
        7,
    )
    assert (
        row["quoted_sport"],
        row["quoted_dport"],
        row["icmp_rest"],
    ) == (1234, 80, 1280)


def test_neighbour_discovery_does_not_quote(decoded: Decoder) -> None:
    """Types from 128 on are no errors."""
    assert decoded(_error(135, QUOTED))["quoted_proto"] == 0


def test_what_speaks_of_a_link() -> None:
    """Neighbour discovery (RFC 4861) and multicast listeners (RFC 2710, 3810)."""
    found = [kind for kind in range(256) if icmpv6.is_of_link(kind)]

    assert found == [130, 131, 132, 133, 134, 135, 136, 137, 143]
