"""The pcapng file format: sections of either byte order, unknown blocks skipped."""

from __future__ import annotations

import struct
from contextlib import suppress
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.capture import blocks
from pytest_netlab.capture.build import Count, Fact, Name, Note
from pytest_netlab.capture.values import Interface
from pytest_netlab.capture.walk import FULL, MAX_BLOCK, MORE, Walk
from pytest_netlab.wire import ADDRESS_BYTES, Direction, Status, address_text, decode
from pytest_netlab.wire.address import MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.capture.budget import Budget
    from pytest_netlab.capture.build import Known
    from pytest_netlab.capture.stream import Stream
    from pytest_netlab.wire import Columns

MAGIC = blocks.SECTION.to_bytes(4, "big")  # the same in both byte orders

_HEADER, _TRAILER = 12, 4
_BODY = 8
_MAX_INTERFACES = 1 << 16
_FIRST_CLOCKS = 16
_LARGE = 1 << 18  # bytes of a block above which the budget is checked for it
_COPIES = 3  # of a block in memory: itself, its body, and one option or packet of it

_PACKET = "IIIII"  # interface, time high and low, captured, on the wire
_OLD_PACKET = "HHIIII"  # interface, drops, the same
_MAC_BYTES = 6
_PACKET_BYTES = 20  # of either
_INTERFACE = "HHI"  # link type, reserved, snaplen
_STATISTICS = "III"  # interface, time high and low
_SECTION = "IHH"  # magic, version major and minor
_VERSION = 1
_WITH_MASK, _WITH_LENGTH = 8, 17  # bytes of an interface's address option

_SECOND = 1_000_000_000
_MAX_TS = (1 << 63) - 1
_POWER_OF_TWO = 0x80
_MICROSECONDS = 6
_NO_SNAPLEN = 1 << 32
_NOT_READY = int(Status.CHECKSUM_NOT_READY)


class Frame(NamedTuple):
    """A packet that the walk left to us; `at` is its data's offset in the block."""

    interface: int
    ts: int
    data: bytes
    wirelen: int
    at: int
    direction: int = 0
    status: int = 0
    comment: str = ""


class Other(NamedTuple):
    """A record that is no packet, but numbered like one by Wireshark."""


Record = Frame | Fact | Other


class _Clock(NamedTuple):
    """How an interface counts time (a tick is `times / per` ns), and its snaplen."""

    times: int
    per: int
    offset: int
    snaplen: int
    linktype: int

    @property
    def row(self) -> tuple[int, int, int]:
        """Return a row of `Walk.clocks`: 0 ns a tick if 64-bit integers do not do."""
        if self.times % self.per or abs(self.offset) > _MAX_TS // 2:
            return self.linktype, 0, 0
        return self.linktype, self.times // self.per, self.offset

    def nanoseconds(self, ticks: int) -> int:
        """Return ticks as ns since the epoch, clamped to 64 bits."""
        ts = ticks * self.times // self.per + self.offset
        return max(-_MAX_TS - 1, min(ts, _MAX_TS))


class _Section:
    """What the blocks of one section share: byte order, interfaces and their clocks."""

    def __init__(self, order: str, first: int, budget: Budget) -> None:
        """Start a section whose interfaces count from `first`."""
        self.order = order
        self._budget = budget
        self.first = first
        self.clocks: list[_Clock] = []
        self.table = np.zeros((_FIRST_CLOCKS, 3), dtype=np.int64)

    def unpack(self, layout: str, body: bytes) -> tuple[int, ...]:
        """Return the fixed fields a block begins with."""
        return struct.unpack_from(self.order + layout, body)

    def add_clock(self, clock: _Clock) -> None:
        """Add an interface, also to the table for the walk (`Walk.clocks`)."""
        if len(self.clocks) == len(self.table):
            self.table = np.concatenate([self.table, np.zeros_like(self.table)])
        self.table[len(self.clocks)] = clock.row
        self.clocks.append(clock)

    def clock(self, interface: int) -> _Clock:
        """Return the clock of an interface, which must have been described before."""
        if interface >= len(self.clocks):
            known = len(self.clocks)
            raise ValueError(f"a block names interface {interface} of {known}")
        return self.clocks[interface]

    def every(self, body: bytes, at: int) -> Iterator[blocks.Option]:
        """Return all options, or records of names, from this offset to their end."""
        found = blocks.options(body, at, self.order)
        return self._budget.watch(found) if len(body) - at > _LARGE else found

    def options(self, body: bytes, at: int) -> dict[int, bytes]:
        """Return the options from this offset; comments joined, else the first."""
        found: dict[int, bytes] = {}
        if at >= len(body):
            return found
        comments = bytearray()  # there may be a million empty ones
        for code, value in self.every(body, at):
            if code == blocks.COMMENT:
                comments += b"\n" + value
            else:
                found.setdefault(code, value)
        if comments:
            found[blocks.COMMENT] = bytes(comments[1:])
        return found


class PcapngReader:
    """Packets of a pcapng stream, into columns; everything else into `known`."""

    def __init__(self, stream: Stream, known: Known, budget: Budget) -> None:
        """Start at the first section header."""
        self._stream, self._known, self._budget = stream, known, budget
        self._section = _Section("<", 0, budget)
        self.walk = Walk(big=False)
        self.comments: dict[int, str] = {}
        self.others: list[int] = []  # rows before which a record is no packet

    def fill(self, columns: Columns) -> int:
        """Decode what is in the buffer; return how many bytes the next block needs.

        0 means that the columns are full.

        Raises:
            CaptureError: a block is damaged; the rows before it are decoded.

        """
        stream, walk = self._stream, self.walk
        while True:
            walk.at, walk.base = stream.at, stream.base
            why = walk.pcapng(stream.buffer, stream.end, columns)
            stream.at = walk.at
            if why == FULL:
                return 0
            if why == MORE:
                return stream.end - stream.at + 1
            try:
                missing = self._block(columns)
            except (ValueError, struct.error) as error:
                raise stream.damage(str(error)) from None
            if missing:
                return missing

    def end(self) -> None:
        """Check that the file ends behind a block.

        Raises:
            CaptureError: it ends inside one.

        """
        left = self._stream.end - self._stream.at
        if 0 < left < len(MAGIC) * 2:
            raise self._stream.damage("the file ends inside a block header")
        if left:
            raise self._stream.damage("the file ends inside a block")

    def _block(self, columns: Columns) -> int:
        """Parse the next block and return 0, or return how many bytes it needs."""
        stream = self._stream
        kind = bytes(stream.buffer[stream.at : stream.at + len(MAGIC)])
        if kind == MAGIC:
            if stream.end - stream.at < _HEADER:
                return _HEADER
            self._begin(bytes(stream.buffer[stream.at + 8 : stream.at + _HEADER]))
        section = self._section
        head = bytes(stream.buffer[stream.at + 4 : stream.at + 8])
        (size,) = section.unpack("I", head)
        if size < _HEADER or size % 4 or size > MAX_BLOCK:
            raise ValueError(f"a block claims {size} bytes")
        if stream.end - stream.at < size:
            return int(size)
        if size > _LARGE:
            self._budget.check(_COPIES * size)
        self._budget.advance(size)
        block = bytes(stream.buffer[stream.at : stream.at + size])
        if block[-_TRAILER:] != head:
            raise ValueError("the two lengths of a block differ")
        for record in _parse(section, kind, block[8:-_TRAILER]):
            self._take(record, columns)
        self.walk.clocks, self.walk.known = section.table, len(section.clocks)
        stream.at += size
        return 0

    def _begin(self, magic: bytes) -> None:
        """Start a section in the byte order that its magic shows."""
        last = self._section
        for order in "<>":
            if magic == struct.pack(order + "I", blocks.MAGIC):
                first = last.first + len(last.clocks)
                self._section = _Section(order, first, self._budget)
                self.walk.big = order == ">"
                self.walk.first = self._section.first
                return
        raise ValueError("a section header without byte order")

    def _take(self, record: Record, columns: Columns) -> None:
        """Decode a packet into the next row, or add a fact to what is known."""
        if isinstance(record, Other):
            self.others.append(self.walk.row)
            return
        if not isinstance(record, Frame):
            self._known.add(record)
            return
        row = self.walk.row
        if record.comment:
            self.comments[row] = record.comment
        linktype = self._known.interfaces[record.interface].linktype
        columns.note(row, record.interface, record.ts, record.direction, record.status)
        columns.locate(row, self._stream.offset + record.at)
        decode(record.data, linktype, record.wirelen, row, columns)
        self.walk.row += 1


def _parse(section: _Section, kind: bytes, body: bytes) -> Sequence[Record]:
    """Return the records of a block; none for an unknown block."""
    (code,) = section.unpack("I", kind)
    parse = _PARSERS.get(code)
    return parse(section, body) if parse else ()


def _parse_section(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a section's comment."""
    _, major, minor = section.unpack(_SECTION, body)
    if major != _VERSION:
        raise ValueError(f"pcapng version {major}.{minor} is unknown")
    text = _text(section.options(body, 16).get(blocks.COMMENT, b""))
    return (Note(text),) if text else ()


def _parse_interface(section: _Section, body: bytes) -> Sequence[Record]:
    """Return an interface."""
    linktype, _, snaplen = section.unpack(_INTERFACE, body)
    found = section.options(body, 8)
    if section.first + len(section.clocks) >= _MAX_INTERFACES:
        raise ValueError("more interfaces than a capture can have")
    section.add_clock(_clock(section, found, snaplen, linktype))
    comment = found.get(blocks.COMMENT) or found.get(blocks.IF_DESCRIPTION, b"")
    name = _text(found.get(blocks.IF_NAME, b""))
    about = Interface(
        name=name,
        linktype=linktype,
        snaplen=snaplen,
        comment=_text(comment),
        addresses=tuple(_addresses(section, body)),
    )
    return (about,)


def _addresses(section: _Section, body: bytes) -> Iterator[str]:
    """Yield an interface's addresses with the lengths of their networks."""
    at = 8
    for code, value in section.every(body, at):
        with suppress(ValueError):  # skip netmasks with holes and wrong sizes
            if code == blocks.IF_IPV4 and len(value) == _WITH_MASK:
                address, mask = value[:4], ip_address(value[4:])
                yield str(IPv4Interface(f"{ip_address(address)}/{mask}"))
            elif code == blocks.IF_IPV6 and len(value) == _WITH_LENGTH:
                yield str(IPv6Interface((value[:16], value[16])))


def _clock(
    section: _Section, found: dict[int, bytes], snaplen: int, linktype: int
) -> _Clock:
    """Return how an interface with these options counts time."""
    resolution = (found.get(blocks.IF_TSRESOL) or bytes((_MICROSECONDS,)))[0]
    exponent = resolution & ~_POWER_OF_TWO
    per = 2**exponent if resolution & _POWER_OF_TWO else 10**exponent
    offset = _number(section, found.get(blocks.IF_TSOFFSET), "q") or 0
    offset *= _SECOND
    return _Clock(_SECOND, per, offset, snaplen or _NO_SNAPLEN, linktype)


def _parse_packet(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a packet."""
    interface, high, low, caplen, wirelen = section.unpack(_PACKET, body)
    ts = section.clock(interface).nanoseconds(high << 32 | low)
    data = _data(body, _PACKET_BYTES, caplen)
    frame = Frame(section.first + interface, ts, data, wirelen, _BODY + _PACKET_BYTES)
    return (_with_options(section, body, frame),)


def _parse_old_packet(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a packet of the block type that enhanced packets replaced."""
    interface, _, high, low, caplen, wirelen = section.unpack(_OLD_PACKET, body)
    ts = section.clock(interface).nanoseconds(high << 32 | low)
    data = _data(body, _PACKET_BYTES, caplen)
    frame = Frame(section.first + interface, ts, data, wirelen, _BODY + _PACKET_BYTES)
    return (_with_options(section, body, frame),)


def _parse_simple_packet(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a packet without a time: of the first interface, up to its snaplen."""
    (wirelen,) = section.unpack("I", body)
    data = _data(body, 4, min(wirelen, section.clock(0).snaplen))
    return (Frame(section.first, 0, data, wirelen, _BODY + 4),)


def _data(body: bytes, at: int, caplen: int) -> bytes:
    """Return the captured bytes, which must be inside the block."""
    if at + caplen > len(body):
        raise ValueError(f"a packet claims {caplen} bytes")
    return body[at : at + caplen]


def _with_options(section: _Section, body: bytes, frame: Frame) -> Frame:
    """Return the frame with what the options of its block add."""
    caplen = len(frame.data)
    end = _PACKET_BYTES + caplen + blocks.padding(caplen)
    if end >= len(body):
        return frame
    found = section.options(body, end)
    flags = _number(section, found.get(blocks.FLAGS), "I") or 0
    not_ready = flags & blocks.CHECKSUM_NOT_READY
    return frame._replace(
        direction=_direction(flags),
        status=_NOT_READY if not_ready else 0,
        comment=_text(found.get(blocks.COMMENT, b"")),
    )


def _direction(flags: int) -> int:
    """Return the direction of packet flags; 3 is reserved."""
    direction = flags & blocks.DIRECTION_BITS
    return direction if direction <= Direction.OUTBOUND else Direction.UNKNOWN


def _parse_names(section: _Section, body: bytes) -> Sequence[Record]:
    """Return the first name of each address."""
    found = []
    for kind, value in section.every(body, 0):
        if kind == blocks.NAME_IPV4:
            packed, text = MAPPED + value[:4], value[4:]
        elif kind == blocks.NAME_IPV6:
            packed, text = value[:16], value[16:]
        elif kind == blocks.NAME_MAC:
            packed, text = value[:_MAC_BYTES], value[_MAC_BYTES:]
        else:
            continue
        symbol = text.split(b"\0")[0]
        if symbol and len(packed) in (ADDRESS_BYTES, _MAC_BYTES):
            is_ip = len(packed) == ADDRESS_BYTES
            address = address_text(packed) if is_ip else packed.hex(":")
            found.append(Name(address, _text(symbol)))
    return found


def _parse_statistics(section: _Section, body: bytes) -> Sequence[Record]:
    """Return what an interface counted."""
    interface, _, _ = section.unpack(_STATISTICS, body)
    section.clock(interface)
    found = section.options(body, 12)
    received = _number(section, found.get(blocks.ISB_IFRECV), "Q")
    dropped = _number(section, found.get(blocks.ISB_IFDROP), "Q")
    return (Count(section.first + interface, received, dropped),)


def _parse_other(section: _Section, body: bytes) -> Sequence[Record]:
    """Return that there is a record, whatever it says."""
    del section, body
    return (Other(),)


def _number(section: _Section, value: bytes | None, layout: str) -> int | None:
    """Return an option as an integer, None where it is absent or of another size."""
    if value is None or len(value) != struct.calcsize("=" + layout):
        return None
    return section.unpack(layout, value)[0]


def _text(value: bytes) -> str:
    """Return an option as text; some writers end it with a zero."""
    return value.rstrip(b"\0").decode("utf-8", "replace")


_PARSERS: dict[int, Callable[[_Section, bytes], Sequence[Record]]] = {
    blocks.SECTION: _parse_section,
    blocks.INTERFACE: _parse_interface,
    blocks.OLD_PACKET: _parse_old_packet,
    blocks.SIMPLE_PACKET: _parse_simple_packet,
    blocks.NAMES: _parse_names,
    blocks.STATISTICS: _parse_statistics,
    blocks.PACKET: _parse_packet,
    **dict.fromkeys(blocks.RECORDS, _parse_other),
}
