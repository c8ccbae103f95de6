"""PPP frames (RFC 1661, 1662) and Cisco's HDLC. Knows nothing of what they carry.

What is behind a header is told as one number: the offset times 65536, plus the
ethertype that would announce it, 0 for what is not decoded; -1 if a header is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import octets
from pytest_netlab.wire.assigned import (
    C_HDLC,
    IPV4,
    IPV6,
    MPLS,
    PPP_DIRECTED,
    PPP_HDLC,
)
from pytest_netlab.wire.columns import Direction

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_ALL_STATIONS, _UNNUMBERED, _FRAMING = 0xFF, 0x03, 2  # address and control
_UNICAST, _BROADCAST = 0x0F, 0x8F  # addresses of Cisco's HDLC
_TYPE, _HDLC = 2, 4
_DIRECTION = 1  # octets of PPP_DIRECTED in front of the frame

IP_V4: Final = 0x0021
IP_V6: Final = 0x0057
_LABELS, _LABELS_MULTICAST = 0x0281, 0x0283

_TYPES = 0x10000
_INBOUND, _OUTBOUND = int(Direction.INBOUND), int(Direction.OUTBOUND)

# Compiled, these are C integers; this makes them visible to Python.
globals().update(IP_V4=IP_V4, IP_V6=IP_V6)


def decode(frame: bytes, linktype: int, at: int, row: int, out: Columns) -> int:
    """Decode a link header of PPP; return where the next one starts, -1 for none."""
    if linktype == PPP_DIRECTED:
        if at + _DIRECTION > out.limit:
            out.mark_truncated(row)
            return -1
        if not out.direction[row]:
            out.direction[row] = _OUTBOUND if frame[at] else _INBOUND
        at += _DIRECTION
    if linktype == C_HDLC or (
        linktype == PPP_HDLC and at < out.limit and is_hdlc(frame[at])
    ):
        step = inner_hdlc(frame, at, out.limit)
    else:
        step = inner(frame, at, out.limit)
    if step < 0:
        out.mark_truncated(row)
        return -1
    out.ethertype[row] = step % _TYPES
    return step // _TYPES


def is_hdlc(address: int) -> bool:
    """Return whether a frame that begins with this octet is one of Cisco's."""
    return address in (_UNICAST, _BROADCAST)


def inner_hdlc(frame: bytes, at: int, limit: int) -> int:
    """Return what is behind Cisco's header, which has an ethertype."""
    if at + _HDLC > limit:
        return -1
    return (at + _HDLC) * _TYPES + octets.u16(frame, at + _TYPE)


def inner(frame: bytes, at: int, limit: int) -> int:
    """Return what is behind the protocol; address and control need not be there."""
    if at + _FRAMING <= limit and is_framed(frame, at):
        at += _FRAMING
    if at >= limit:
        return -1
    number = protocol(frame, at, limit)
    if number < 0:
        return -1
    at += 1 if frame[at] & 1 else 2
    return at * _TYPES + _announced(number)


def is_framed(frame: bytes, at: int) -> bool:
    """Return whether address and control are in front of the protocol."""
    return frame[at] == _ALL_STATIONS and frame[at + 1] == _UNNUMBERED


def protocol(frame: bytes, at: int, limit: int) -> int:
    """Return the protocol, of which one octet is odd (RFC 1661, 6.5); -1 if cut."""
    if frame[at] & 1:
        return frame[at]
    return octets.u16(frame, at) if at + 2 <= limit else -1


def _announced(number: int) -> int:
    """Return the ethertype of a protocol; 0 if it is not decoded."""
    if number == IP_V4:
        return IPV4
    if number == IP_V6:
        return IPV6
    return MPLS if number in (_LABELS, _LABELS_MULTICAST) else 0


def build(number: int, payload: bytes, *, framed: bool = False) -> bytes:
    """Return a frame of this protocol, with address and control if it is framed."""
    head = bytes((_ALL_STATIONS, _UNNUMBERED)) if framed else b""
    return head + number.to_bytes(2, "big") + payload
