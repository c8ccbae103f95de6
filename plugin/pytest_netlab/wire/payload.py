"""What follows the last known header: its length and its digest."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_DIGEST_BYTES = 8


def decode(frame: bytes, at: int, end: int, row: int, out: Columns) -> None:
    """Note a payload that ends at `end` on the wire; hash it if it is all here."""
    if at >= end:
        return
    out.payload_offset[row] = at
    out.payload_len[row] = end - at
    if end <= len(frame):
        out.payload_hash[row] = digest(frame[at:end])


def digest(payload: bytes) -> int:
    """Return 64 bits that are equal for equal payloads, on every machine."""
    return int.from_bytes(blake2b(payload, digest_size=_DIGEST_BYTES).digest(), "big")
