"""Tunnels: the IP packet in an IP packet. Knows which headers they have, no columns.

Nothing is written to a row before the innermost packet is found, so a row is of one
packet only, whatever was in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import geneve, ipv4, ipv6, layers, octets, udp, vxlan
from pytest_netlab.wire.assigned import (
    BRIDGED,
    ERSPAN,
    GRE,
    IPIP,
    IPV4,
    IPV6,
    IPV6_IN_IP,
    UDP,
)
from pytest_netlab.wire.encapsulation import Encapsulation

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

MAX_TUNNELS: Final = 4
_FARTHEST = 0x3FFF  # offset of an inner packet: those in its row have 16 bits
_PROTOCOLS = 256
_FRAGMENT_BITS = 0x3FFF
_LARGEST = 0xFFFF  # octets of a packet, above which its header has 0 for its length

_GRE_TYPE, _GRE_HEADER, _GRE_WORD = 2, 4, 4
_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE = 0x8000, 0x2000, 0x1000
_GRE_UNKNOWN = 0x4807  # source routes (RFC 1701), and any version but 0
_ERSPAN = 8  # octets of its header, which only numbered packets have

_IPIP, _GRE = int(Encapsulation.IPIP), int(Encapsulation.GRE)
_VXLAN, _GENEVE = int(Encapsulation.VXLAN), int(Encapsulation.GENEVE)

# Compiled, this is a C integer; this makes it visible to Python.
globals().update(MAX_TUNNELS=MAX_TUNNELS)


def enter(kind: int, frame: bytes, at: int, row: int, out: Columns) -> int:
    """Return where the innermost IP packet is, and its version; 0 without a tunnel.

    As one number: the offset times 65536, plus its ethertype. `out.end` becomes the end
    of what carries it, and the row says which headers are around it.
    """
    first, flags = at, 0
    for _ in range(MAX_TUNNELS):
        place = transport(kind, frame, at, out.end, out.limit)
        flag = sort(frame, place, out.limit)
        end = _carried_end(flag, kind, frame, at, place, out)
        step = inner(flag, frame, place, min(end, out.limit))
        if step <= 0:
            break
        step = layers.find(
            step % layers.TYPES, frame, step // layers.TYPES, min(end, out.limit), out
        )
        if not _is_plausible(step, frame, end, out):
            break
        kind, at = step % layers.TYPES, step // layers.TYPES
        out.end = end
        flags |= flag | out.removed
    if not flags:
        return 0
    out.outer_offset[row] = first - out.start
    out.encapsulation[row] |= flags
    return at * layers.TYPES + kind


def transport(kind: int, frame: bytes, at: int, end: int, limit: int) -> int:
    """Return where a whole datagram's transport starts, times 256, plus its protocol.

    It is 0 for a fragment, and where lengths contradict each other.
    """
    stop = datagram_end(kind, frame, at, end, limit)
    if stop == 0:
        return 0
    if kind == IPV4:
        size = ipv4.header_bytes(frame[at])
        if octets.u16(frame, at + ipv4.FRAGMENT) & _FRAGMENT_BITS:
            return 0
        return (at + size) * _PROTOCOLS + frame[at + ipv4.PROTOCOL]
    place = ipv6.carried(frame, at, min(stop, limit))
    if place < _PROTOCOLS or ipv6.is_fragment(frame, at, place // _PROTOCOLS):
        return 0
    return place


def datagram_end(kind: int, frame: bytes, at: int, end: int, limit: int) -> int:
    """Return where the datagram at this offset ends; 0 if it is no plausible one.

    Only one that is larger than its header can say may say 0 (BIG TCP, jumbograms).
    """
    if kind == IPV4:
        if at + ipv4.HEADER > limit or frame[at] >> 4 != ipv4.VERSION:
            return 0
        size = ipv4.header_bytes(frame[at])
        length = octets.u16(frame, at + ipv4.TOTAL)
        if size < ipv4.HEADER or at + size > limit:
            return 0
    else:
        if at + ipv6.HEADER > limit or frame[at] >> 4 != ipv6.VERSION:
            return 0
        size = ipv6.HEADER
        length = octets.u16(frame, at + ipv6.LENGTH)
        length += size if length else 0
    if length == 0:
        return end if end - at > _LARGEST else 0
    return at + length if size <= length <= end - at else 0


def sort(frame: bytes, place: int, limit: int) -> int:
    """Return the `Encapsulation` that a transport announces; 0 for none."""
    proto, at = place % _PROTOCOLS, place // _PROTOCOLS
    if proto in (IPIP, IPV6_IN_IP):
        return _IPIP
    if proto == GRE:
        return _GRE
    if proto != UDP or at + udp.HEADER > limit:
        return 0
    port = octets.u16(frame, at + udp.DPORT)
    if port in (vxlan.PORT, vxlan.OLD_PORT):
        return _VXLAN
    return _GENEVE if port == geneve.PORT else 0


def inner(flag: int, frame: bytes, place: int, limit: int) -> int:
    """Return a step (see `layers`) into what a transport of this sort carries."""
    at = place // _PROTOCOLS
    if flag == _IPIP:
        version = IPV4 if place % _PROTOCOLS == IPIP else IPV6
        return at * layers.TYPES + version
    if flag == _GRE:
        return _inner_gre(frame, at, limit)
    if flag == _VXLAN:
        return vxlan.inner(frame, at + udp.HEADER, limit)
    return geneve.inner(frame, at + udp.HEADER, limit) if flag == _GENEVE else 0


def _inner_gre(frame: bytes, at: int, limit: int) -> int:
    """Return the step behind a GRE header; 0 if that is of a kind not known here."""
    if at + _GRE_HEADER > limit:
        return 0
    head = octets.u16(frame, at)
    kind = octets.u16(frame, at + _GRE_TYPE)
    if head & _GRE_UNKNOWN:
        return 0
    at += _GRE_HEADER
    at += _GRE_WORD if head & _GRE_CHECKSUM else 0
    at += _GRE_WORD if head & _GRE_KEY else 0
    at += _GRE_WORD if head & _GRE_SEQUENCE else 0
    if kind == ERSPAN:
        at += _ERSPAN if head & _GRE_SEQUENCE else 0
        kind = BRIDGED
    return at * layers.TYPES + kind


def _carried_end(
    flag: int, kind: int, frame: bytes, at: int, place: int, out: Columns
) -> int:
    """Return where what the transport carries ends; 0 without a tunnel, or if it lies.

    Where IP does not say how long it is, UDP does not either.
    """
    if flag == 0:
        return 0
    end = datagram_end(kind, frame, at, out.end, out.limit)
    if flag not in (_VXLAN, _GENEVE):
        return end
    at = place // _PROTOCOLS
    length = octets.u16(frame, at + udp.LENGTH)
    if length == 0:
        return end if end - at > _LARGEST else 0
    return at + length if udp.HEADER <= length <= end - at else 0


def _is_plausible(step: int, frame: bytes, end: int, out: Columns) -> bool:
    """Return whether the step leads to an IP packet that ends before `end`."""
    at = step // layers.TYPES
    if step <= 0 or at - out.start > _FARTHEST:
        return False
    kind = step % layers.TYPES
    return datagram_end(kind, frame, at, end, min(end, out.limit)) > 0
