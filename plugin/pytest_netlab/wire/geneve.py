"""GENEVE headers (RFC 8926). Knows no UDP and nothing of what they carry."""

from __future__ import annotations

from typing import Final

from pytest_netlab.wire import octets
from pytest_netlab.wire.assigned import BRIDGED

_FIRST, _TYPE = 0, 2
NETWORK: Final = 4
HEADER: Final = 8

PORT: Final = 6081
_VERSION_SHIFT = 6
_LENGTH_BITS = 0x3F
_WORD = 4
_TYPES = 0x10000

# Compiled, these are C integers; this makes them visible to Python.
globals().update(NETWORK=NETWORK, HEADER=HEADER, PORT=PORT)


def inner(frame: bytes, at: int, limit: int) -> int:
    """Return where the payload starts, times 65536, plus its type; 0 if it is none."""
    if at + HEADER > limit or frame[at + _FIRST] >> _VERSION_SHIFT:
        return 0
    size = HEADER + (frame[at + _FIRST] & _LENGTH_BITS) * _WORD
    return (at + size) * _TYPES + octets.u16(frame, at + _TYPE)


def build(
    network: int, payload: bytes, *, ethertype: int = BRIDGED, options: bytes = b""
) -> bytes:
    """Return the payload of a UDP datagram around a frame or packet."""
    head = bytes((len(options) // _WORD, 0)) + ethertype.to_bytes(2, "big")
    return head + (network << 8).to_bytes(4, "big") + options + payload
