"""BSD null and loop headers: an address family in four bytes. No protocol above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire.ethernet import IPV4, IPV6
from pytest_netlab.wire.octets import u32

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_FAMILY, HEADER = 0, 4

_INET = 2
_INET6 = (10, 24, 28, 30)  # Linux, NetBSD, FreeBSD, macOS
_MAX_FAMILY = 0xFF


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the family; return where the next header starts, -1 if nowhere."""
    if at + HEADER > len(frame):
        out.short(row)
        return -1
    family = u32(frame, at + _FAMILY)
    if family > _MAX_FAMILY:  # null is in the order of the machine that captured
        family = int.from_bytes(family.to_bytes(HEADER, "little"), "big")
    if family == _INET:
        out.ethertype[row] = IPV4
    elif family in _INET6:
        out.ethertype[row] = IPV6
    return at + HEADER


def build(family: int, payload: bytes) -> bytes:
    """Return a packet with the family in network order."""
    return family.to_bytes(HEADER, "big") + payload
