"""MPLS label stacks (RFC 3032), and Ethernet in pseudowires (RFC 4448).

No label says what it carries: that takes a look at what is behind the last.
"""

from __future__ import annotations

from typing import Final

from pytest_netlab.wire import ethernet, octets
from pytest_netlab.wire.assigned import BRIDGED, IPV4, IPV6

ENTRY: Final = 4
LABEL_SHIFT: Final = 12
BOTTOM: Final = 0x100
_MAX_ENTRIES = 32

_CONTROL = 4  # octets of a pseudowire's control word: its first four bits are 0
_V4, _V6 = 4, 6
_TYPES = 0x10000

# Compiled, these are C integers; this makes them visible to Python.
globals().update(ENTRY=ENTRY, LABEL_SHIFT=LABEL_SHIFT, BOTTOM=BOTTOM)


def inner(frame: bytes, at: int, limit: int) -> int:
    """Return where what the labels carry starts, times 65536, plus its ethertype.

    The latter is 0 for what is not decoded; -1 if the stack is cut.
    """
    for _ in range(_MAX_ENTRIES):
        if at + ENTRY > limit:
            return -1
        entry = octets.u32(frame, at)
        at += ENTRY
        if entry & BOTTOM:
            return _carried(frame, at, limit)
    return at * _TYPES


def _carried(frame: bytes, at: int, limit: int) -> int:
    """Return where the packet is, times 65536, plus its type by its first octets."""
    if at >= limit:
        return -1
    version = frame[at] >> 4
    if version == _V4:
        return at * _TYPES + IPV4
    if version == _V6:
        return at * _TYPES + IPV6
    if version == 0 and ethernet.is_plain(frame, at + _CONTROL, limit):
        return (at + _CONTROL) * _TYPES + BRIDGED
    if ethernet.is_plain(frame, at, limit):
        return at * _TYPES + BRIDGED
    return at * _TYPES


def build(labels: tuple[int, ...], payload: bytes, ttl: int = 64) -> bytes:
    """Return a packet behind these labels, of which the last is the bottom."""
    last = len(labels) - 1
    entries = (
        label << LABEL_SHIFT | BOTTOM * (place == last) | ttl
        for place, label in enumerate(labels)
    )
    return b"".join(entry.to_bytes(ENTRY, "big") for entry in entries) + payload
