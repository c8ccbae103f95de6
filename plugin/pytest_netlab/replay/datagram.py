"""Where in an IPv4 datagram NAT's fields are. Compiled; judges no packet."""

from __future__ import annotations

from pytest_netlab.wire import icmp, ipv4, octets
from pytest_netlab.wire.assigned import ICMP

_VERSION, _LEAST = ipv4.VERSION, ipv4.HEADER
_FRAGMENT, _OFFSET_BITS, _PROTOCOL = ipv4.FRAGMENT, ipv4.OFFSET_BITS, ipv4.PROTOCOL


def header_end(data: bytes | bytearray, at: int, end: int) -> int:
    """Return where the header that begins here ends; 0 if it is not all there."""
    if end - at < _LEAST or data[at] >> 4 != _VERSION:
        return 0
    size = ipv4.header_bytes(data[at])
    return at + size if _LEAST <= size <= end - at else 0


def offset(data: bytes | bytearray, at: int) -> int:
    """Return the fragment offset, in 8 octets; only at 0 is the transport header."""
    return octets.u16(data, at + _FRAGMENT) & _OFFSET_BITS


def is_later_fragment(data: bytes) -> bool:
    """Return whether this is a fragment without the transport header."""
    return offset(data, 0) != 0


def is_error(data: bytes | bytearray, at: int) -> bool:
    """Return whether an ICMP error begins where this datagram's header ends."""
    if data[_PROTOCOL] != ICMP or offset(data, 0):
        return False
    return icmp.is_error(data[at])
