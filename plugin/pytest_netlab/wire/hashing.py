"""A 64-bit digest of bytes: the same on every machine, compiled or not.

It is the bytes as a little-endian integer, with an octet of 1 appended, modulo a prime:
fast with the interpreter's big integers, and in C a sum of products. Equal bytes have
equal digests. Accidental collisions are improbable, but an attacker can make them.
"""

from __future__ import annotations

from typing import Final

PRIME: Final = 0xFFFFFFFF61C88615  # 2^64 - 0x9E3779EB


def digest(frame: bytes, at: int, end: int) -> int:
    """Return the digest of these bytes; never 0."""
    number = int.from_bytes(bytes(frame[at:end]) + b"\1", "little")
    return number % PRIME or 1
