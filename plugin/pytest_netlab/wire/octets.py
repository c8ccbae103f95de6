"""Big-endian integers at an offset. Knows no protocol and checks no bounds."""

from __future__ import annotations


def u16(frame: bytes, at: int) -> int:
    """Return the 16-bit integer at this offset."""
    return frame[at] << 8 | frame[at + 1]


def u32(frame: bytes, at: int) -> int:
    """Return the 32-bit integer at this offset."""
    return frame[at] << 24 | frame[at + 1] << 16 | frame[at + 2] << 8 | frame[at + 3]


def u48(frame: bytes, at: int) -> int:
    """Return the 48-bit integer at this offset."""
    return int.from_bytes(frame[at : at + 6], "big")
