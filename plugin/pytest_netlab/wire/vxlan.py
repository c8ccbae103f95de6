"""VXLAN headers (RFC 7348). Knows no UDP and no Ethernet."""

from __future__ import annotations

from typing import Final

from pytest_netlab.wire.assigned import BRIDGED

_FLAGS = 0
NETWORK: Final = 4
HEADER: Final = 8

PORT: Final = 4789
OLD_PORT: Final = 8472  # Linux's, before there was an assigned one
_VALID = 0x08  # there is a network identifier
_TYPES = 0x10000

# Compiled, these are C integers; this makes them visible to Python.
globals().update(NETWORK=NETWORK, HEADER=HEADER, PORT=PORT, OLD_PORT=OLD_PORT)


def inner(frame: bytes, at: int, limit: int) -> int:
    """Return where the frame starts, times 65536, plus its type; 0 if there is none."""
    if at + HEADER > limit or not frame[at + _FLAGS] & _VALID:
        return 0
    return (at + HEADER) * _TYPES + BRIDGED


def build(network: int, payload: bytes) -> bytes:
    """Return the payload of a UDP datagram around a frame."""
    return bytes((_VALID, 0, 0, 0)) + (network << 8).to_bytes(4, "big") + payload
