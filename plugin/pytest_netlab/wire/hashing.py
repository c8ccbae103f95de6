"""A 64-bit digest of bytes: the same on every machine, compiled or not.

It is the remainder of the bytes, taken as a little-endian integer with a 1 behind them,
by a prime: what big integers do fast in the interpreter is a sum of products in C.
Equal bytes have equal digests; it resists accidents, not enemies.
"""

from __future__ import annotations

from typing import Final

PRIME: Final = 0xFFFFFFFF61C88615  # 2^64 - 0x9E3779EB


def digest(frame: bytes, at: int, end: int) -> int:
    """Return the digest of these bytes; never 0."""
    number = int.from_bytes(bytes(frame[at:end]) + b"\1", "little")
    return number % PRIME or 1
