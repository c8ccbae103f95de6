"""Where an IPv4 datagram has what NAT looks at. Compiled; judges no packet."""

from __future__ import annotations

from pytest_netlab.wire import octets

_VERSION, _LENGTH_BITS, _WORD, _LEAST = 4, 0xF, 4, 20
_FRAGMENT, _OFFSET_BITS = 6, 0x1FFF
_PROTO, _ICMP = 9, 1
_REPLY, _REQUEST = 0, 8
_UNREACHABLE, _QUENCH, _REDIRECT, _EXCEEDED, _PROBLEM = 3, 4, 5, 11, 12


def header_end(data: bytes | bytearray, at: int, end: int) -> int:
    """Return where the header that begins here ends; 0 if it is not all there."""
    if end - at < _LEAST or data[at] >> 4 != _VERSION:
        return 0
    size = (data[at] & _LENGTH_BITS) * _WORD
    return at + size if _LEAST <= size <= end - at else 0


def offset(data: bytes | bytearray, at: int) -> int:
    """Return which part of a datagram this fragment is; 0 has the transport header."""
    return octets.u16(data, at + _FRAGMENT) & _OFFSET_BITS


def is_later_fragment(data: bytes) -> bool:
    """Tell whether this is a fragment that has no transport header."""
    return offset(data, 0) != 0


def is_echo(kind: int) -> bool:
    """Tell whether an ICMP message carries an id that NAT maps."""
    return kind in (_REQUEST, _REPLY)


def is_error(data: bytes | bytearray, at: int) -> bool:
    """Tell whether an ICMP error begins where this datagram's header ends."""
    if data[_PROTO] != _ICMP or offset(data, 0):
        return False
    return data[at] in (_UNREACHABLE, _QUENCH, _REDIRECT, _EXCEEDED, _PROBLEM)
