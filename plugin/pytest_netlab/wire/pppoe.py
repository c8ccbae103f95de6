"""PPPoE sessions (RFC 2516). Knows no discovery and nothing of what PPP carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import octets, ppp

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_VERSION, _CODE = 0, 1
SESSION: Final = 2
_LENGTH = 4
HEADER: Final = 6

_V1 = 0x11  # version and type
_DATA = 0  # code of a session's frames
_TYPES = 0x10000

# Compiled, these are C integers; this makes them visible to Python.
globals().update(SESSION=SESSION, HEADER=HEADER)


def inner(frame: bytes, at: int, limit: int) -> int:
    """Return what is behind PPP's header, as `ppp.inner` does."""
    if at + HEADER > limit:
        return -1
    if frame[at + _VERSION] != _V1 or frame[at + _CODE] != _DATA:
        return at * _TYPES
    return ppp.inner(frame, at + HEADER, limit)


def end(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Set `out.end` to where the session's frame ends, without Ethernet's padding."""
    claimed = at + HEADER + octets.u16(frame, at + _LENGTH)
    if claimed > out.end:
        out.malformed(row)
    else:
        out.end = claimed


def build(session: int, payload: bytes) -> bytes:
    """Return a session's frame around one of PPP."""
    head = bytes((_V1, _DATA)) + session.to_bytes(2, "big")
    return head + len(payload).to_bytes(2, "big") + payload
