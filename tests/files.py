"""Capture files, byte by byte, in either byte order.

Knows what each byte of a pcap or pcapng file stands for; reads with nobody's reader.
"""

from __future__ import annotations

from struct import Struct, calcsize, pack, unpack_from
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SECTION, INTERFACE, OLD_PACKET, SIMPLE, NAMES, STATISTICS = 0x0A0D0D0A, 1, 2, 3, 4, 5
ENHANCED = 6
MAGIC, US, NS, MODIFIED = 0x1A2B3C4D, 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
TSRESOL, TSOFFSET = 9, 14
SNAPLEN = 262144
SECOND = 1_000_000_000

# Letters as in `struct`; a length is upper case, Q is one as well.
_FIXED = {
    SECTION: "ihhQ",
    INTERFACE: "hhI",
    OLD_PACKET: "hhiiII",
    SIMPLE: "I",
    NAMES: "",
    STATISTICS: "iii",
    ENHANCED: "iiiII",
}
_LEAST = 12  # bytes of a block
_CAPLEN = {OLD_PACKET: 12, ENHANCED: 12}
_NUMBERS = {
    (INTERFACE, 8): "q",
    (INTERFACE, 10): "i",
    (INTERFACE, 14): "q",
    (OLD_PACKET, 2): "i",
    (ENHANCED, 2): "i",
    (ENHANCED, 4): "q",
    (ENHANCED, 5): "q",
    (ENHANCED, 6): "i",
    (STATISTICS, 2): "ii",
    (STATISTICS, 3): "ii",
    **{(STATISTICS, code): "q" for code in range(4, 9)},
}


class Field(NamedTuple):
    """One integer of a file."""

    at: int
    size: int
    is_length: bool


class Part(NamedTuple):
    """One record of a file: a file header, a packet, a block."""

    start: int
    end: int
    kind: int
    fields: tuple[Field, ...]

    @property
    def is_packet(self) -> bool:
        """Tell whether a capture has a row for it."""
        return self.kind in (OLD_PACKET, SIMPLE, ENHANCED)


def pcap(
    packets: Iterable[tuple[int, bytes, int]],
    order: str = "<",
    magic: int = US,
    linktype: int = 1,
) -> bytes:
    """Return a file of (ns, bytes, length on the wire)."""
    scale = 1 if magic == NS else 1000
    more = bytes.fromhex("0000000700000400") if magic == MODIFIED else b""
    made = pack(order + "IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, linktype)
    for ts, data, wirelen in packets:
        seconds, rest = divmod(ts, SECOND)
        made += pack(order + "IIII", seconds, rest // scale, len(data), wirelen)
        made += more + data
    return made


class Blocks:
    """Makes pcapng blocks of one byte order."""

    def __init__(self, order: str) -> None:
        """Use this order."""
        self.order = order

    def pack(self, layout: str, *values: int) -> bytes:
        """Return integers."""
        return pack(self.order + layout, *values)

    def block(self, kind: int, body: bytes) -> bytes:
        """Return a block with padding and both lengths."""
        body += bytes(-len(body) % 4)
        size = self.pack("I", len(body) + 12)
        return self.pack("I", kind) + size + body + size

    def option(self, code: int, value: bytes) -> bytes:
        """Return one padded option."""
        return self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)

    def section(self, options: bytes = b"") -> bytes:
        """Return a section header."""
        return self.block(SECTION, self.pack("IHHq", MAGIC, 1, 0, -1) + options)

    def interface(
        self, linktype: int, resolution: int = 6, offset: int = 0, snaplen: int = 0
    ) -> bytes:
        """Return an interface that counts time so."""
        options = b""
        if resolution != 6:
            options += self.option(TSRESOL, bytes((resolution,)))
        if offset:
            options += self.option(TSOFFSET, self.pack("q", offset))
        return self.block(INTERFACE, self.pack("HHI", linktype, 0, snaplen) + options)

    def enhanced(
        self, interface: int, ticks: int, data: bytes, options: bytes = b""
    ) -> bytes:
        """Return an enhanced packet, captured whole."""
        time = ticks >> 32, ticks & 0xFFFFFFFF
        fixed = self.pack("IIIII", interface, *time, len(data), len(data))
        return self.block(ENHANCED, fixed + data + bytes(-len(data) % 4) + options)

    def old(self, interface: int, ticks: int, data: bytes) -> bytes:
        """Return a packet of the block type that enhanced packets replaced."""
        time = ticks >> 32, ticks & 0xFFFFFFFF
        fixed = self.pack("HHIIII", interface, 0, *time, len(data), len(data))
        return self.block(OLD_PACKET, fixed + data)

    def simple(self, data: bytes, wirelen: int) -> bytes:
        """Return a packet without a time."""
        return self.block(SIMPLE, self.pack("I", wirelen) + data)


def parts(data: bytes) -> list[Part]:
    """Return every record, up to the first that is damaged, and its integers."""
    is_pcapng = data[:4] == pack("<I", SECTION)
    return list(_blocks(data) if is_pcapng else _records(data))


def swapped(data: bytes) -> bytes:
    """Return the file in the other byte order."""
    made = bytearray(data)
    for part in parts(data):
        for at, size, _ in part.fields:
            made[at : at + size] = data[at : at + size][::-1]
    return bytes(made)


def _fields(at: int, layout: str) -> Iterator[Field]:
    """Yield the fields of a layout that starts here."""
    for letter in layout:
        size = calcsize("=" + letter)
        yield Field(at, size, letter.isupper())
        at += size


def _records(data: bytes) -> Iterator[Part]:
    """Yield the parts of a pcap file."""
    known = (US, NS, MODIFIED)
    order = "<" if unpack_from("<I", data)[0] in known else ">"
    layout = "iiIIihbb" if unpack_from(order + "I", data)[0] == MODIFIED else "iiII"
    yield Part(0, 24, SECTION, tuple(_fields(0, "ihhiiIi")))
    at, size = 24, calcsize("=" + layout)
    while at + size <= len(data):
        (caplen,) = unpack_from(order + "I", data, at + 8)
        end = at + size + caplen
        if end > len(data):
            return
        yield Part(at, end, ENHANCED, tuple(_fields(at, layout)))
        at = end


def _blocks(data: bytes) -> Iterator[Part]:
    """Yield the parts of a pcapng file."""
    at, order = 0, "<"
    while at + _LEAST <= len(data):
        if data[at : at + 4] == pack("<I", SECTION):
            order = "<" if unpack_from("<I", data, at + 8)[0] == MAGIC else ">"
        kind, size = unpack_from(order + "II", data, at)
        if size < _LEAST + calcsize("=" + _FIXED.get(kind, "")) or at + size > len(
            data
        ):
            return
        fields = [*_fields(at, "iI"), *_fields(at + 8, _FIXED.get(kind, ""))]
        if kind in _FIXED and kind != SIMPLE:
            start = at + 8 + calcsize("=" + _FIXED[kind])
            if kind in _CAPLEN:
                (caplen,) = unpack_from(order + "I", data, at + 8 + _CAPLEN[kind])
                start += caplen + -caplen % 4
            fields += _options(data[: at + size - 4], start, kind, Struct(order + "HH"))
        yield Part(at, at + size, kind, (*fields, *_fields(at + size - 4, "I")))
        at += size


def _options(data: bytes, at: int, kind: int, header: Struct) -> Sequence[Field]:
    """Return the integers of options; a record of names has the same shape."""
    found: list[Field] = []
    while at + header.size <= len(data):
        code, size = header.unpack_from(data, at)
        found += _fields(at, "hH")
        at += header.size
        layout = _NUMBERS.get((kind, code), "")
        if calcsize("=" + layout) == size:
            found += _fields(at, layout)
        at += size + -size % 4
        if code == 0 and kind != NAMES:
            break
    return found
