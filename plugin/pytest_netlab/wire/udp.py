"""UDP headers. Knows no application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import checksum, octets, payload
from pytest_netlab.wire.address import address_bytes
from pytest_netlab.wire.assigned import UDP
from pytest_netlab.wire.columns import Checksum, Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

SPORT: Final = 0
DPORT: Final = 2
LENGTH: Final = 4
CHECKSUM: Final = checksum.UDP_FIELD
HEADER: Final = 8

_ONES = 0xFFFF
_V4 = 4

_ZERO = int(Checksum.ZERO)
_FRAGMENT = int(Status.FRAGMENT)

# Compiled, these are C integers; this makes them visible to Python.
globals().update(SPORT=SPORT, DPORT=DPORT, LENGTH=LENGTH, CHECKSUM=CHECKSUM)
globals().update(HEADER=HEADER)


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the header of a datagram whose IP datagram ends at `out.end`."""
    if at + HEADER > out.limit or at + HEADER > out.end:
        out.mark_truncated(row)
        return
    out.l4_offset[row] = at - out.start
    out.sport[row] = octets.u16(frame, at + SPORT)
    out.dport[row] = octets.u16(frame, at + DPORT)
    _end(at, octets.u16(frame, at + LENGTH), row, out)
    out.payload_len[row] = 0
    payload.decode(frame, at + HEADER, row, out)
    if out.checksums:
        stored = octets.u16(frame, at + CHECKSUM)
        if stored == 0 and out.ip_version[row] == _V4:
            out.l4_checksum[row] = _ZERO
        else:
            out.l4_checksum[row] = checksum.decode(frame, at, stored, row, out)


def _end(at: int, length: int, row: int, out: Columns) -> None:
    """Set `out.end` to where the datagram ends, which may be before IP's end.

    Length 0 means a jumbogram (RFC 2675); a fragment has the whole datagram's length.
    """
    if length == 0 or out.status[row] & _FRAGMENT:
        return
    if length < HEADER or at + length > out.end:
        out.malformed(row)
    else:
        out.end = at + length


def build(src: str, dst: str, sport: int, dport: int, payload: bytes = b"") -> bytes:
    """Return a datagram with a right checksum for these addresses."""
    length = HEADER + len(payload)
    head = sport.to_bytes(2, "big") + dport.to_bytes(2, "big")
    head += (length if length <= _ONES else 0).to_bytes(2, "big")
    extra = (
        checksum.ones_complement_sum(address_bytes(src) + address_bytes(dst))
        + UDP
        + length
    )
    value = checksum.compute(head + bytes(2) + payload, extra) or _ONES
    return head + value.to_bytes(2, "big") + payload
