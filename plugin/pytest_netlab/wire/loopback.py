"""BSD NULL and LOOP headers: a 4-octet address family. Knows no protocol above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import octets
from pytest_netlab.wire.assigned import IPV4, IPV6

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_FAMILY, HEADER = 0, 4

_INET = 2
_LINUX6, _NETBSD6, _FREEBSD6, _MACOS6 = 10, 24, 28, 30
_MAX_FAMILY = 0xFF
_HIGH_BYTE = 0xFF00

# Compiled, these are C integers; this makes them visible to Python.
globals().update(HEADER=HEADER)


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the family; return where the next header starts, -1 for none."""
    if at + HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    family = octets.u32(frame, at + _FAMILY)
    if family > _MAX_FAMILY:  # NULL has the byte order of the capturing machine
        high = family >> 24 | family >> 8 & _HIGH_BYTE
        family = high | (family & _HIGH_BYTE) << 8 | (family & _MAX_FAMILY) << 24
    if family == _INET:
        out.ethertype[row] = IPV4
    elif _is_inet6(family):
        out.ethertype[row] = IPV6
    return at + HEADER


def _is_inet6(family: int) -> bool:
    """Return whether this is AF_INET6 on any of the known systems."""
    return family in (_LINUX6, _NETBSD6, _FREEBSD6, _MACOS6)


def build(family: int, payload: bytes) -> bytes:
    """Return a packet with the family in network order."""
    return family.to_bytes(HEADER, "big") + payload
