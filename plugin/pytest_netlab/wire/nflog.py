"""Packets that iptables or nft logged (NFLOG): attributes around an IP packet.

Their lengths and types have the byte order of the host that captured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import octets
from pytest_netlab.wire.assigned import IPV4, IPV6
from pytest_netlab.wire.columns import Direction

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_FAMILY, _HEADER = 0, 4
_INET, _INET6 = 2, 10

_TYPE, _VALUE = 2, 4  # of an attribute, behind its length
_TYPE_BITS = 0x3FFF  # the others say that it is nested, or in network order
_MAX_TYPE = 0xFF  # a greater one is read in the wrong byte order
_MAX_ATTRIBUTES = 64
_NUMBER = 4

# The attributes that are used here (linux/netfilter/nfnetlink_log.h).
_ABOUT, _INDEV, _OUTDEV, _PAYLOAD = 1, 4, 5, 9
_PROTOCOL, _HOOK, _ABOUT_BYTES = 0, 2, 3  # in _ABOUT
_LOCAL_OUT = 3  # from this hook on, the packet leaves

_INBOUND, _OUTBOUND = int(Direction.INBOUND), int(Direction.OUTBOUND)


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the attributes; return where the payload starts, -1 for none.

    `out.end` becomes the end of the payload.
    """
    if at + _HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    out.ethertype[row] = _announced(frame[at + _FAMILY])
    at += _HEADER
    little = _is_little(frame, at, out.limit)
    for _ in range(_MAX_ATTRIBUTES):
        if at + _VALUE > out.limit:
            break
        size = _u16(frame, at, little)
        kind = _u16(frame, at + _TYPE, little) & _TYPE_BITS
        if size < _VALUE or at + size > out.end:
            out.malformed(row)
            return -1
        if kind == _PAYLOAD:
            out.end = at + size
            return at + _VALUE
        if at + size <= out.limit:
            _decode_attribute(kind, frame, at + _VALUE, size - _VALUE, row, out)
        at += size + (-size & 3)
    out.mark_truncated(row)
    return -1


def _decode_attribute(
    kind: int, frame: bytes, at: int, size: int, row: int, out: Columns
) -> None:
    """Decode the hook, which says the direction, or the number of an interface.

    A forwarded packet has two interfaces: the one by which it came is stored, unless
    the hook is one of those from which it leaves.
    """
    if kind == _ABOUT and size >= _ABOUT_BYTES:
        if not out.direction[row]:
            leaves = frame[at + _HOOK] >= _LOCAL_OUT
            out.direction[row] = _OUTBOUND if leaves else _INBOUND
        if not out.ethertype[row]:
            out.ethertype[row] = octets.u16(frame, at + _PROTOCOL)
    elif kind in (_INDEV, _OUTDEV) and size >= _NUMBER:
        wanted = _OUTDEV if out.direction[row] == _OUTBOUND else _INDEV
        if kind == wanted or not out.ifindex[row]:
            out.ifindex[row] = octets.u32(frame, at)


def _announced(family: int) -> int:
    """Return the ethertype of a family; of any other, an attribute tells it."""
    if family == _INET:
        return IPV4
    return IPV6 if family == _INET6 else 0


def _is_little(frame: bytes, at: int, limit: int) -> bool:
    """Return whether the first attribute has a type that is known in little endian."""
    if at + _VALUE > limit:
        return True
    return (frame[at + _TYPE] | frame[at + _TYPE + 1] << 8) & _TYPE_BITS <= _MAX_TYPE


def _u16(frame: bytes, at: int, little: bool) -> int:  # noqa: FBT001 - as C has it
    """Return an integer in the byte order of the host."""
    if little:
        return frame[at] | frame[at + 1] << 8
    return octets.u16(frame, at)


def build(family: int, payload: bytes, *attributes: tuple[int, bytes]) -> bytes:
    """Return a logged packet with these attributes, in little endian."""
    made = bytes((family, 0, 0, 0))
    for kind, value in (*attributes, (_PAYLOAD, payload)):
        size = _VALUE + len(value)
        made += size.to_bytes(2, "little") + kind.to_bytes(2, "little") + value
        made += bytes(-size & 3)
    return made
