"""Length and digest of what follows the headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.wire.conftest import digest

from pytest_netlab.wire import ipv4, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"


def _datagram(data: bytes) -> bytes:
    """Return the data in a UDP datagram."""
    return ipv4.build(A, B, 17, udp.build(A, B, 1, 2, data))


def test_equal_payloads_have_equal_digests() -> None:
    """On every machine and in every run: goldens keep them."""
    assert digest(b"payload") == 0x164616F6C796170
    assert digest(b"payload") != digest(b"payloae")


def test_no_payload_has_no_digest(decoded: Decoder) -> None:
    """0 means nothing to hash."""
    row = decoded(_datagram(b""))

    assert tuple(row[f"payload_{key}"] for key in ("len", "hash", "offset")) == (
        0,
        0,
        0,
    )


def test_a_cut_payload_has_a_length_only(decoded: Decoder) -> None:
    """The digest of a part would look like that of another packet."""
    datagram = _datagram(b"0123456789")
    row = decoded(datagram[:-1], wirelen=len(datagram))

    assert (row["payload_len"], row["payload_hash"]) == (10, 0)
