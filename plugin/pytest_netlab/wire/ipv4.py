"""IPv4 headers. Knows nothing of what they carry."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from pytest_netlab.wire import checksum, payload
from pytest_netlab.wire.address import MAPPED, address_bytes
from pytest_netlab.wire.columns import ADDRESS_BYTES, Checksum, Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_FIRST, _TOS, _TOTAL, _ID, _FRAGMENT, _TTL, _PROTO = 0, 1, 2, 4, 6, 8, 9
CHECKSUM: Final = 10
SRC: Final = 12
DST: Final = 16
HEADER: Final = 20
_V4_BYTES = 4

# Version and length, TOS, total, id, fragment, TTL, protocol.
_FIELDS = Struct(">BBHHHBB").unpack_from

VERSION: Final = 4
_WORD = 4
_LENGTH_BITS = 0x0F
_OFFSET_BITS = 0x1FFF
_FRAGMENT_BITS = 0x3FFF  # more fragments, and the offset
_FLAGS_SHIFT = 13
_FLAGS_BITS = 3
_DF, _MF = 2, 1
_OFFSET_UNIT = 8
_MAX_TOTAL = 0xFFFF

_FRAGMENT_STATUS = int(Status.FRAGMENT)
_GOOD = int(Checksum.GOOD)
_BAD = int(Checksum.BAD)


def decode(frame: bytes, at: int, end: int, row: int, out: Columns) -> int:
    """Decode the header; return where the next one starts, 0 if there is none.

    The row's payload_len is left as the length of what the datagram carries; the
    transport narrows it.
    """
    if at + HEADER > len(frame):
        out.short(row)
        return 0
    first, tos, total, ident, fragment, ttl, proto = _FIELDS(frame, at)
    size = (first & _LENGTH_BITS) * _WORD
    if first >> 4 != VERSION or size < HEADER or at + size > end:
        out.malformed(row)
        return 0
    out.ip_version[row] = VERSION
    out.ip_offset[row] = at
    out.tos[row] = tos
    out.ip_id[row] = ident
    out.ttl[row] = ttl
    out.proto[row] = proto
    cell = row * ADDRESS_BYTES
    out.src[cell : cell + ADDRESS_BYTES] = MAPPED + frame[at + SRC : at + DST]
    out.dst[cell : cell + ADDRESS_BYTES] = MAPPED + frame[at + DST : at + HEADER]
    if fragment:
        _decode_fragment(fragment, row, out)
    if at + size > len(frame):
        out.short(row)
        return 0
    good = checksum.words(frame[at : at + size]) == checksum.ONES
    out.ip_checksum[row] = _GOOD if good else _BAD
    end = _end(at + size, at + total if total else end, end, row, out)
    return _decode_carried(frame, at + size, end, row, out)


def _decode_fragment(fragment: int, row: int, out: Columns) -> None:
    """Decode flags and offset."""
    out.ip_flags[row] = fragment >> _FLAGS_SHIFT & _FLAGS_BITS
    out.frag_offset[row] = (fragment & _OFFSET_BITS) * _OFFSET_UNIT
    if fragment & _FRAGMENT_BITS:
        out.status[row] |= _FRAGMENT_STATUS


def _end(start: int, claimed: int, end: int, row: int, out: Columns) -> int:
    """Return where the datagram ends on the wire, which may be before padding.

    The kernel leaves a total length of 0 in super-frames above 64 KiB (BIG TCP, TSO):
    the caller lets those claim to reach to the end of the frame.
    """
    if start <= claimed <= end:
        return claimed
    out.malformed(row)
    return end if claimed > end else start


def _decode_carried(frame: bytes, at: int, end: int, row: int, out: Columns) -> int:
    """Return where the transport starts, 0 if it is not in this fragment."""
    out.payload_len[row] = end - at
    if out.frag_offset[row]:
        payload.decode(frame, at, end, row, out)
        return 0
    return at


class Header(TypedDict, total=False):
    """What a header may say beside addresses and protocol."""

    ttl: int
    ip_id: int
    tos: int
    df: bool
    mf: bool
    frag_offset: int
    options: bytes


def build(
    src: str, dst: str, proto: int, payload: bytes, **header: Unpack[Header]
) -> bytes:
    """Return a datagram with a right checksum; ttl 64, DF set unless told otherwise."""
    options = header.get("options", b"")
    options += bytes(-len(options) % _WORD)
    size = HEADER + len(options)
    head = bytearray(HEADER)
    head[_FIRST] = VERSION << 4 | size // _WORD
    head[_TOS] = header.get("tos", 0)
    total = size + len(payload)
    head[_TOTAL:_ID] = (total if total <= _MAX_TOTAL else 0).to_bytes(2, "big")
    head[_ID:_FRAGMENT] = header.get("ip_id", 0).to_bytes(2, "big")
    head[_FRAGMENT:_TTL] = _fragment_bytes(header)
    head[_TTL] = header.get("ttl", 64)
    head[_PROTO] = proto
    head[SRC:DST] = address_bytes(src)[-_V4_BYTES:]
    head[DST:HEADER] = address_bytes(dst)[-_V4_BYTES:]
    return fill_header(bytes(head) + options + payload)


def _fragment_bytes(header: Header) -> bytes:
    """Return the two bytes of flags and offset."""
    flags = _DF * header.get("df", True) | _MF * header.get("mf", False)
    offset = header.get("frag_offset", 0) // _OFFSET_UNIT
    return (flags << _FLAGS_SHIFT | offset).to_bytes(2, "big")


def fill_header(datagram: bytes) -> bytes:
    """Return the datagram with the header checksum computed; nothing else changes."""
    size = (datagram[_FIRST] & _LENGTH_BITS) * _WORD
    head = bytearray(datagram[:size])
    head[CHECKSUM:SRC] = bytes(2)
    head[CHECKSUM:SRC] = checksum.compute(bytes(head)).to_bytes(2, "big")
    return bytes(head) + datagram[size:]
