"""TCP headers and options. Knows no connection state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from pytest_netlab.wire import checksum, hashing, octets, payload
from pytest_netlab.wire.address import address_bytes
from pytest_netlab.wire.assigned import TCP

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

SPORT: Final = 0
DPORT: Final = 2
SEQ: Final = 4
ACK_NUMBER: Final = 8
OFFSET: Final = 12
FLAGS: Final = 13
WINDOW: Final = 14
CHECKSUM: Final = checksum.TCP_FIELD
URGENT: Final = 18
HEADER: Final = 20

_WORD = 4
_FLAG_BITS = 0xFFF
_SIZE_SHIFT = 12

FIN: Final = 0x001
SYN: Final = 0x002
RST: Final = 0x004
PSH: Final = 0x008
ACK: Final = 0x010
URG: Final = 0x020
ECE: Final = 0x040
CWR: Final = 0x080
AE: Final = 0x100
RESERVED: Final = 0xE00
_LETTERS = "FSRP.UEWe"

SPACE: Final = 1 << 32  # how many sequence numbers there are: they wrap
_HALF = 1 << 31

EOL: Final = 0
NOP: Final = 1
MSS: Final = 2
WSCALE: Final = 3
SACK_OK: Final = 4
SACK: Final = 5
TIMESTAMPS: Final = 8

# Compiled, these are C integers; this makes them visible to Python.
globals().update(SPORT=SPORT, DPORT=DPORT, SEQ=SEQ, ACK_NUMBER=ACK_NUMBER)
globals().update(OFFSET=OFFSET, WINDOW=WINDOW, CHECKSUM=CHECKSUM, HEADER=HEADER)
globals().update(URGENT=URGENT)


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the header of a segment that ends at `out.end`."""
    if at + HEADER > out.limit or at + HEADER > out.end:
        out.mark_truncated(row)
        return
    out.l4_offset[row] = at - out.start
    out.sport[row] = octets.u16(frame, at + SPORT)
    out.dport[row] = octets.u16(frame, at + DPORT)
    out.tcp_seq[row] = octets.u32(frame, at + SEQ)
    out.tcp_ack[row] = octets.u32(frame, at + ACK_NUMBER)
    flags = octets.u16(frame, at + OFFSET)
    out.tcp_flags[row] = flags & _FLAG_BITS
    out.tcp_window[row] = octets.u16(frame, at + WINDOW)
    out.tcp_urgent[row] = octets.u16(frame, at + URGENT)
    size = (flags >> _SIZE_SHIFT) * _WORD
    if size < HEADER or at + size > out.end:
        out.malformed(row)
        size = HEADER
    out.payload_len[row] = 0
    payload.decode(frame, at + size, row, out)
    if out.hashes and HEADER < size <= out.limit - at:
        options = hashing.digest(frame, at + HEADER, at + size)
        below = out.options_hash[row]
        out.options_hash[row] = octets.mix(below, options) if below else options
    if out.checksums:
        stored = octets.u16(frame, at + CHECKSUM)
        out.l4_checksum[row] = checksum.decode(frame, at, stored, row, out)


def distance(number: int, start: int) -> int:
    """Return by how many octets a sequence number follows another (RFC 9293, 3.4).

    Negative if it precedes the other. A distance above 2^31 - 1 counts as negative,
    since it is beyond any window (RFC 7323, 2.3).
    """
    return (number - start + _HALF) % SPACE - _HALF


def flag_text(flags: int) -> str:
    """Return flags as tcpdump writes them: S, S., SEW, P., none; S+0x200 for others."""
    present = (mark for bit, mark in enumerate(_LETTERS) if flags >> bit & 1)
    reserved = f"+{flags & RESERVED:#x}" if flags & RESERVED else ""
    return "".join(present) + reserved or "none"


def raw_options(frame: bytes, at: int) -> bytes:
    """Return the bytes between the fixed header at this offset and the payload."""
    size = header_bytes(frame[at + OFFSET]) if at + OFFSET < len(frame) else 0
    return frame[at + HEADER : at + max(size, HEADER)]


def header_bytes(octet: int) -> int:
    """Return the size of a header with its options, by its octet at OFFSET."""
    return (octet >> 4) * _WORD


def options(raw: bytes) -> tuple[tuple[int, bytes], ...]:
    """Return kind and value of each option in order, up to a malformed one."""
    found = []
    at = 0
    while at < len(raw) and raw[at] != EOL:
        size = 1 if raw[at] == NOP else _option_bytes(raw, at)
        if size == 0:
            break
        found.append((raw[at], raw[at + 2 : at + size]))
        at += size
    return tuple(found)


def _option_bytes(raw: bytes, at: int) -> int:
    """Return the size of an option that has a length octet, 0 if that is wrong."""
    if at + 1 >= len(raw):
        return 0
    size = raw[at + 1]
    return size if size >= 2 and at + size <= len(raw) else 0  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a segment by name; None, False or empty where one is absent.

    Attributes:
        mss: maximum segment size, in octets.
        wscale: window scale, a shift count.
        sack_ok: whether selective acknowledgement is permitted.
        tsval: the sender's timestamp.
        tsecr: the timestamp that it echoes.
        sack: left and right edge of each block, as sequence numbers.

    """

    mss: int | None = None
    wscale: int | None = None
    sack_ok: bool = False
    tsval: int | None = None
    tsecr: int | None = None
    sack: tuple[tuple[int, int], ...] = ()


def named_options(raw: bytes) -> Options:
    """Return the known options by name; the first of a kind counts."""
    values = dict(reversed(options(raw)))
    stamps = values.get(TIMESTAMPS, b"")
    blocks = values.get(SACK, b"")
    return Options(
        mss=_number(values.get(MSS, b""), 2),
        wscale=_number(values.get(WSCALE, b""), 1),
        sack_ok=SACK_OK in values,
        tsval=_number(stamps[:4], 4),
        tsecr=_number(stamps[4:], 4),
        sack=tuple(
            (octets.u32(blocks, at), octets.u32(blocks, at + 4))
            for at in range(0, len(blocks) // 8 * 8, 8)
        ),
    )


def _number(value: bytes, size: int) -> int | None:
    """Return the value as an integer, None if its size is another one."""
    return int.from_bytes(value, "big") if len(value) == size else None


class Header(TypedDict, total=False):
    """The optional fields of a header to build."""

    seq: int
    ack: int
    flags: int
    window: int
    options: bytes


def build(
    src: str,
    dst: str,
    sport: int,
    dport: int,
    payload: bytes = b"",
    **header: Unpack[Header],
) -> bytes:
    """Return a segment with a right checksum; by default its flags are ACK."""
    extra = header.get("options", b"")
    extra += bytes(-len(extra) & _WORD - 1)
    offset = (HEADER + len(extra)) // _WORD << _SIZE_SHIFT
    head = sport.to_bytes(2, "big") + dport.to_bytes(2, "big")
    head += header.get("seq", 0).to_bytes(4, "big")
    head += header.get("ack", 0).to_bytes(4, "big")
    head += (offset | header.get("flags", ACK)).to_bytes(2, "big")
    head += header.get("window", 64240).to_bytes(2, "big") + bytes(4)
    segment = head + extra + payload
    addresses = checksum.ones_complement_sum(address_bytes(src) + address_bytes(dst))
    value = checksum.compute(segment, addresses + TCP + len(segment))
    return segment[:CHECKSUM] + value.to_bytes(2, "big") + segment[URGENT:]
