"""Linux cooked captures (tap on `any`): SLL and SLL2. Knows no protocol above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import ethernet, octets
from pytest_netlab.wire.columns import Direction

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_V1_KIND, _V1_SOURCE_BYTES, _V1_SOURCE, _V1_HEADER = 0, 4, 6, 16
TYPE: Final = 14  # of SLL
_V2_TYPE, _V2_INTERFACE, _V2_KIND, _V2_SOURCE_BYTES = 0, 4, 10, 11
_V2_SOURCE, _V2_HEADER = 12, 20

_MAC_BYTES = 6
_INBOUND, _OUTBOUND = int(Direction.INBOUND), int(Direction.OUTBOUND)
_OUTGOING = 4  # PACKET_OUTGOING; all other types were received

# Compiled, this is a C integer; this makes it visible to Python.
globals().update(TYPE=TYPE)


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode SLL; return where the next header starts, -1 for none."""
    if at + _V1_HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    if octets.u16(frame, at + _V1_SOURCE_BYTES) == _MAC_BYTES:
        out.eth_src[row] = octets.u48(frame, at + _V1_SOURCE)
    _note_direction(octets.u16(frame, at + _V1_KIND), row, out)
    return ethernet.decode_type(
        octets.u16(frame, at + TYPE), frame, at + _V1_HEADER, row, out
    )


def decode_v2(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode SLL2; return where the next header starts, -1 for none."""
    if at + _V2_HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    out.ifindex[row] = octets.u32(frame, at + _V2_INTERFACE)
    if frame[at + _V2_SOURCE_BYTES] == _MAC_BYTES:
        out.eth_src[row] = octets.u48(frame, at + _V2_SOURCE)
    _note_direction(frame[at + _V2_KIND], row, out)
    return ethernet.decode_type(
        octets.u16(frame, at + _V2_TYPE), frame, at + _V2_HEADER, row, out
    )


def _note_direction(kind: int, row: int, out: Columns) -> None:
    """Take the direction from the packet type, unless the file gave one."""
    if not out.direction[row]:
        out.direction[row] = _OUTBOUND if kind == _OUTGOING else _INBOUND


def build(ethertype: int, payload: bytes, *, outgoing: bool = False) -> bytes:
    """Return an SLL packet without a source address."""
    kind = _OUTGOING if outgoing else 0
    head = kind.to_bytes(2, "big") + (1).to_bytes(2, "big") + bytes(10)
    return head + ethertype.to_bytes(2, "big") + payload
