"""What follows the last known header: its length and its digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import hashing

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Store where the payload is, and its digest if all of it was captured."""
    if at >= out.end:
        return
    out.payload_offset[row] = at - out.start
    out.payload_len[row] = out.end - at
    if out.hashes and out.end <= out.limit:
        out.payload_hash[row] = hashing.digest(frame, at, out.end)
