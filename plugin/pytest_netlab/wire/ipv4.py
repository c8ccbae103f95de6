"""IPv4 headers. Knows nothing of what they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from pytest_netlab.wire import checksum, hashing, octets, payload
from pytest_netlab.wire.address import address_bytes
from pytest_netlab.wire.columns import Checksum, Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_FIRST = 0
TOS: Final = 1
TOTAL: Final = 2
ID: Final = 4
FRAGMENT: Final = 6
TTL: Final = 8
PROTOCOL: Final = 9
CHECKSUM: Final = 10
SRC: Final = 12
DST: Final = 16
HEADER: Final = 20
_V4_BYTES = 4

VERSION: Final = 4
_WORD = 4
_LENGTH_BITS = 0x0F
OFFSET_BITS: Final = 0x1FFF
_FRAGMENT_BITS = 0x3FFF  # more fragments, and the offset
FLAGS_SHIFT: Final = 13
_FLAGS_BITS = 7
RESERVED: Final = 4
DF: Final = 2
MF: Final = 1
OFFSET_UNIT: Final = 8

EOL: Final = 0
NOP: Final = 1
_OPTION_SIZE = 1
_LEAST_OPTION = 2
# Options that a router fills in (RFC 791): of these, only kind and size stay.
RECORD_ROUTE: Final = 7
TIMESTAMP: Final = 68
LOOSE_ROUTE: Final = 131
STRICT_ROUTE: Final = 137

_MAX_TOTAL = 0xFFFF
_ONES = 0xFFFF
_ADDRESS_BYTES = 16

_FRAGMENT_STATUS = int(Status.FRAGMENT)
_GOOD = int(Checksum.GOOD)
_BAD = int(Checksum.BAD)

# Compiled, these are C integers; this makes them visible to Python.
globals().update(TOS=TOS, TOTAL=TOTAL, ID=ID, FRAGMENT=FRAGMENT, TTL=TTL)
globals().update(PROTOCOL=PROTOCOL, SRC=SRC, DST=DST, HEADER=HEADER)
globals().update(VERSION=VERSION, OFFSET_BITS=OFFSET_BITS, OFFSET_UNIT=OFFSET_UNIT)
globals().update(FLAGS_SHIFT=FLAGS_SHIFT, RESERVED=RESERVED, EOL=EOL, NOP=NOP)
globals().update(RECORD_ROUTE=RECORD_ROUTE, TIMESTAMP=TIMESTAMP)
globals().update(LOOSE_ROUTE=LOOSE_ROUTE, STRICT_ROUTE=STRICT_ROUTE)


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the header; return where the next one starts, -1 if there is none.

    `out.end` becomes the end of the datagram, and the row's payload_len the length of
    what it carries; the transport narrows both.
    """
    if at + HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    first = frame[at + _FIRST]
    size = header_bytes(first)
    if first >> 4 != VERSION or size < HEADER or at + size > out.end:
        out.malformed(row)
        return -1
    out.ip_version[row] = VERSION
    out.ip_offset[row] = at - out.start
    out.tos[row] = frame[at + TOS]
    out.ip_id[row] = octets.u16(frame, at + ID)
    out.ttl[row] = frame[at + TTL]
    out.proto[row] = frame[at + PROTOCOL]
    octets.mapped(out.src, row * _ADDRESS_BYTES, frame, at + SRC)
    octets.mapped(out.dst, row * _ADDRESS_BYTES, frame, at + DST)
    fragment = octets.u16(frame, at + FRAGMENT)
    if fragment:
        _decode_fragment(fragment, row, out)
    if at + size > out.limit:
        out.mark_truncated(row)
        return -1
    if out.checksums:
        summed = octets.total(frame, at, at + size)
        out.ip_checksum[row] = _GOOD if summed == _ONES else _BAD
    if out.hashes and size > HEADER:
        out.options_hash[row] = options_digest(frame, at + HEADER, at + size)
    total = octets.u16(frame, at + TOTAL)
    _end(at + size, at + total if total else out.end, row, out)
    return _decode_carried(frame, at + size, row, out)


def _decode_fragment(fragment: int, row: int, out: Columns) -> None:
    """Decode flags and offset."""
    out.ip_flags[row] = fragment >> FLAGS_SHIFT & _FLAGS_BITS
    out.frag_offset[row] = (fragment & OFFSET_BITS) * OFFSET_UNIT
    if fragment & _FRAGMENT_BITS:
        out.status[row] |= _FRAGMENT_STATUS


def _end(start: int, claimed: int, row: int, out: Columns) -> None:
    """Set `out.end` to where the datagram ends on the wire, without padding.

    The kernel leaves a total length of 0 in super-frames above 64 KiB (BIG TCP, TSO):
    of those, `claimed` is the end of the frame.
    """
    if start <= claimed <= out.end:
        out.end = claimed
        return
    out.malformed(row)
    if claimed < start:
        out.end = start


def options_digest(frame: bytes, at: int, end: int) -> int:
    """Return a digest of what no router may change of these options; never 0."""
    state = 0
    while at < end and frame[at] != EOL:
        size = option_bytes(frame, at, end)
        if frame[at] in (RECORD_ROUTE, TIMESTAMP, LOOSE_ROUTE, STRICT_ROUTE):
            state = octets.mix(state, frame[at] << 8 | size)
        else:
            state = octets.mix(state, hashing.digest(frame, at, at + size))
        at += size
    return octets.mix(state, hashing.digest(frame, at, end)) or 1


def option_bytes(frame: bytes, at: int, end: int) -> int:
    """Return the size of the option at this offset; of one that lies, all to `end`."""
    if frame[at] == NOP:
        return 1
    size = frame[at + _OPTION_SIZE] if at + _OPTION_SIZE < end else 0
    return size if size >= _LEAST_OPTION and at + size <= end else end - at


def _decode_carried(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Return where the transport starts, -1 if it is not in this fragment."""
    out.payload_len[row] = out.end - at
    if out.frag_offset[row]:
        payload.decode(frame, at, row, out)
        return -1
    return at


def header_bytes(first: int) -> int:
    """Return the size of the header whose first octet this is."""
    return (first & _LENGTH_BITS) * _WORD


class Header(TypedDict, total=False):
    """The optional fields of a header to build."""

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
    """Return a datagram with a right checksum; by default ttl is 64 and DF set."""
    options = header.get("options", b"")
    options += bytes(-len(options) & _WORD - 1)
    size = HEADER + len(options)
    head = bytearray(HEADER)
    head[_FIRST] = VERSION << 4 | size // _WORD
    head[TOS] = header.get("tos", 0)
    total = size + len(payload)
    head[TOTAL:ID] = (total if total <= _MAX_TOTAL else 0).to_bytes(2, "big")
    head[ID:FRAGMENT] = header.get("ip_id", 0).to_bytes(2, "big")
    head[FRAGMENT:TTL] = _fragment_bytes(header)
    head[TTL] = header.get("ttl", 64)
    head[PROTOCOL] = proto
    head[SRC:DST] = address_bytes(src)[-_V4_BYTES:]
    head[DST:HEADER] = address_bytes(dst)[-_V4_BYTES:]
    return fill_header(bytes(head) + options + payload)


def _fragment_bytes(header: Header) -> bytes:
    """Return the two bytes of flags and offset."""
    flags = DF * header.get("df", True) | MF * header.get("mf", False)
    offset = header.get("frag_offset", 0) // OFFSET_UNIT
    return (flags << FLAGS_SHIFT | offset).to_bytes(2, "big")


def fill_header(datagram: bytes) -> bytes:
    """Return the datagram with the header checksum computed; nothing else changes."""
    size = header_bytes(datagram[_FIRST])
    head = bytearray(datagram[:size])
    head[CHECKSUM:SRC] = bytes(2)
    head[CHECKSUM:SRC] = checksum.compute(bytes(head)).to_bytes(2, "big")
    return bytes(head) + datagram[size:]
