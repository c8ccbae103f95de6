"""IPv6 headers and extension headers. Knows nothing of what they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from pytest_netlab.wire import hashing, octets, payload
from pytest_netlab.wire.address import address_bytes
from pytest_netlab.wire.columns import Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_FIRST = 0
LENGTH: Final = 4
NEXT: Final = 6
HOPS: Final = 7
SRC: Final = 8
DST: Final = 24
HEADER: Final = 40

_EXT_NEXT, _EXT_LENGTH, _EXT_UNIT = 0, 1, 8
_ROUTING_LEFT = 3
_FRAGMENT_OFFSET, _FRAGMENT_ID, _FRAGMENT_BYTES = 2, 4, 8
_AH_UNIT = 4

VERSION: Final = 6
_TRAFFIC_CLASS_SHIFT, _TRAFFIC_CLASS_BITS = 4, 0xFF
_OFFSET_BITS = 0xFFF8
_MF = 1
FLOW_LABEL_BITS: Final = 0xFFFFF
_MAX_LENGTH = 0xFFFF
_MAX_EXTENSIONS = 16
_PROTOCOLS = 256
_ADDRESS_BYTES = 16

HOP_BY_HOP: Final = 0
ROUTING: Final = 43
FRAGMENT: Final = 44
AUTHENTICATION: Final = 51
DESTINATION: Final = 60

_FRAGMENT_STATUS = int(Status.FRAGMENT)

# Compiled, these are C integers; this makes them visible to Python.
globals().update(
    LENGTH=LENGTH,
    NEXT=NEXT,
    HOPS=HOPS,
    SRC=SRC,
    DST=DST,
    HEADER=HEADER,
    VERSION=VERSION,
    HOP_BY_HOP=HOP_BY_HOP,
    ROUTING=ROUTING,
    FRAGMENT=FRAGMENT,
    AUTHENTICATION=AUTHENTICATION,
    DESTINATION=DESTINATION,
    FLOW_LABEL_BITS=FLOW_LABEL_BITS,
)


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the header and its extensions; return where the next one starts, or -1.

    `out.end` becomes the end of the datagram, and the row's payload_len the length of
    what it carries; the transport narrows both.
    """
    if at + HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    if frame[at + _FIRST] >> 4 != VERSION:
        out.malformed(row)
        return -1
    _decode_fields(frame, at, row, out)
    _end(frame, at, row, out)
    return _decode_extensions(frame, at + HEADER, row, out)


def _decode_fields(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the forty octets that every header has."""
    out.ip_version[row] = VERSION
    out.ip_offset[row] = at - out.start
    traffic_class = octets.u16(frame, at + _FIRST) >> _TRAFFIC_CLASS_SHIFT
    out.tos[row] = traffic_class & _TRAFFIC_CLASS_BITS
    label = octets.u32(frame, at + _FIRST) & FLOW_LABEL_BITS
    if out.hashes:
        out.options_hash[row] = label
    out.proto[row] = frame[at + NEXT]
    out.ttl[row] = frame[at + HOPS]
    octets.copy(out.src, row * _ADDRESS_BYTES, frame, at + SRC, _ADDRESS_BYTES)
    octets.copy(out.dst, row * _ADDRESS_BYTES, frame, at + DST, _ADDRESS_BYTES)


def _end(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Set `out.end` to where the datagram ends on the wire.

    A length of 0 means a jumbogram, or a super-frame of the kernel (BIG TCP): both
    extend to the end of the frame.
    """
    length = octets.u16(frame, at + LENGTH)
    if length == 0:
        return
    if at + HEADER + length > out.end:
        out.malformed(row)
    else:
        out.end = at + HEADER + length


def _decode_extensions(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode a bounded chain; return where the transport starts, -1 if not here."""
    for _ in range(_MAX_EXTENSIONS):
        kind = out.proto[row]
        if not is_extension(kind):
            out.payload_len[row] = max(out.end - at, 0)
            return at
        size = extension_bytes(frame, at, out.limit, kind)
        if size == 0 or at + size > out.limit or at + size > out.end:
            out.mark_truncated(row)
            return -1
        out.proto[row] = frame[at + _EXT_NEXT]
        if kind == FRAGMENT:
            _decode_fragment(frame, at, row, out)
        elif out.hashes:
            extension = octets.mix(kind, hashing.digest(frame, at, at + size))
            out.options_hash[row] = octets.mix(out.options_hash[row], extension)
        at += size
        if out.frag_offset[row]:
            payload.decode(frame, at, row, out)
            return -1
    out.malformed(row)
    return -1


def _decode_fragment(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode a fragment header; an atomic fragment (RFC 6946) gets no FRAGMENT."""
    fragment = octets.u16(frame, at + _FRAGMENT_OFFSET)
    out.ip_id[row] = octets.u32(frame, at + _FRAGMENT_ID)
    out.ip_flags[row] = fragment & _MF
    out.frag_offset[row] = fragment & _OFFSET_BITS
    if fragment & (_OFFSET_BITS | _MF):
        out.status[row] |= _FRAGMENT_STATUS


def is_extension(kind: int) -> bool:
    """Return whether this next-header value announces an extension header."""
    return kind in (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION)


def extension_bytes(frame: bytes, at: int, limit: int, kind: int) -> int:
    """Return the size of the extension header at this offset, 0 if it is not there."""
    if at + _EXT_LENGTH >= limit:
        return 0
    if kind == FRAGMENT:
        return _FRAGMENT_BYTES
    if kind == AUTHENTICATION:
        return (frame[at + _EXT_LENGTH] + 2) * _AH_UNIT
    return (frame[at + _EXT_LENGTH] + 1) * _EXT_UNIT


def carried(frame: bytes, at: int, limit: int) -> int:
    """Return the transport protocol behind this IP header, and where that starts.

    As one number: the offset times 256, plus the protocol. The offset is 0 where the
    transport header is not in this packet.
    """
    kind = frame[at + NEXT]
    at += HEADER
    for _ in range(_MAX_EXTENSIONS):
        if not is_extension(kind):
            return at * _PROTOCOLS + kind
        size = extension_bytes(frame, at, limit, kind)
        if size == 0 or at + size > limit:
            return kind
        later = octets.u16(frame, at + _FRAGMENT_OFFSET) & _OFFSET_BITS
        if kind == FRAGMENT and later:
            return frame[at + _EXT_NEXT]
        kind = frame[at + _EXT_NEXT]
        at += size
    return kind


def is_fragment(frame: bytes, at: int, end: int) -> bool:
    """Return whether an extension header before `end` says so: RFC 6946's do not."""
    kind = frame[at + NEXT]
    at += HEADER
    while at < end and is_extension(kind):
        if kind == FRAGMENT:
            return octets.u16(frame, at + _FRAGMENT_OFFSET) & (_OFFSET_BITS | _MF) != 0
        size = extension_bytes(frame, at, end, kind)
        if size == 0:
            return False
        kind = frame[at + _EXT_NEXT]
        at += size
    return False


def is_source_routed(frame: bytes, at: int, end: int) -> bool:
    """Return whether a routing header before `end` has segments left.

    Until the last one, checksums cover a destination that is not in the IP header.
    """
    kind = frame[at + NEXT]
    at += HEADER
    while at < end and is_extension(kind):
        if kind == ROUTING and frame[at + _ROUTING_LEFT]:
            return True
        size = extension_bytes(frame, at, end, kind)
        kind = frame[at + _EXT_NEXT]
        at += size
    return False


class Header(TypedDict, total=False):
    """The optional fields of a header to build."""

    ttl: int
    tos: int
    flow_label: int


def build(
    src: str, dst: str, proto: int, payload: bytes, **header: Unpack[Header]
) -> bytes:
    """Return a datagram; by default its hop limit is 64."""
    first = VERSION << 28 | header.get("tos", 0) << 20 | header.get("flow_label", 0)
    length = len(payload) if len(payload) <= _MAX_LENGTH else 0
    head = first.to_bytes(4, "big") + length.to_bytes(2, "big")
    head += bytes((proto, header.get("ttl", 64)))
    return head + address_bytes(src) + address_bytes(dst) + payload
