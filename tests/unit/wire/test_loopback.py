"""BSD null and loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.wire import Status, ipv4, ipv6, loopback

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

V4 = ipv4.build("10.0.0.1", "10.0.0.2", 47, b"x")
V6 = ipv6.build("::1", "::1", 47, b"x")


@pytest.mark.parametrize("linktype", [0, 108])
@pytest.mark.parametrize("head", [b"\2\0\0\0", b"\0\0\0\2"])
def test_ipv4_in_either_byte_order(
    decoded: Decoder, head: bytes, linktype: int
) -> None:
    """Null is in the order of a machine that is not here any more."""
    row = decoded(head + V4, linktype)

    assert (row["ip_version"], row["ip_offset"], row["src"]) == (4, 4, "10.0.0.1")


@pytest.mark.parametrize("family", [10, 24, 28, 30])
def test_ipv6_has_a_number_per_system(decoded: Decoder, family: int) -> None:
    """Linux, NetBSD, FreeBSD and macOS never agreed."""
    row = decoded(loopback.build(family, V6), 108)

    assert (row["ip_version"], row["ethertype"], row["src"]) == (6, 0x86DD, "::1")


def test_other_families_are_kept(decoded: Decoder) -> None:
    """A row without columns is better than no row."""
    assert decoded(loopback.build(7, V4), 0)["status"] == Status.UNDECODED


def test_a_header_that_is_not_all_there(decoded: Decoder) -> None:
    """Three bytes are no family."""
    assert decoded(b"\2\0\0", 0)["status"] == Status.MALFORMED
