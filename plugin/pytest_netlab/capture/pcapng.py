"""The pcapng file format: sections of either byte order, unknown blocks skipped."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.capture import blocks
from pytest_netlab.capture.model import Frame, Interface
from pytest_netlab.capture.pcap import MAX_PACKET
from pytest_netlab.wire import ADDRESS_BYTES, Direction, Status, address_text
from pytest_netlab.wire.address import MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.capture.stream import Stream

MAGIC = blocks.SECTION.to_bytes(4, "big")  # the same in both byte orders

_HEADER, _TRAILER = 12, 4
_MAX_BLOCK = MAX_PACKET + (1 << 16)  # a packet and its options
_MAX_INTERFACES = 1 << 16

_PACKET = "IIIII"  # interface, time high and low, captured, on the wire
_OLD_PACKET = "HHIIII"  # interface, drops, the same
_PACKET_BYTES = 20  # of either
_INTERFACE = "HHI"  # link type, reserved, snaplen
_STATISTICS = "III"  # interface, time high and low
_SECTION = "IHH"  # magic, version major and minor
_VERSION = 1

_SECOND = 1_000_000_000
_MAX_TS = (1 << 63) - 1
_POWER_OF_TWO = 0x80
_MICROSECONDS = 6
_NO_SNAPLEN = 1 << 32
_NOT_READY = int(Status.CHECKSUM_NOT_READY)


class Name(NamedTuple):
    """An address and what it is called."""

    address: str
    symbol: str


class Count(NamedTuple):
    """What an interface counted; None where it did not."""

    interface: int
    received: int | None
    dropped: int | None


class Note(NamedTuple):
    """A comment on a whole section."""

    text: str


Record = Interface | Frame | Name | Count | Note


class _Clock(NamedTuple):
    """How an interface counts time, and how much of a packet it keeps."""

    times: int
    per: int
    offset: int
    snaplen: int

    def nanoseconds(self, ticks: int) -> int:
        """Return ticks as ns since the epoch, clamped to what the column holds."""
        ts = ticks * self.times // self.per + self.offset
        return max(-_MAX_TS - 1, min(ts, _MAX_TS))


class _Section:
    """What the blocks of one section need to know of each other."""

    def __init__(self, order: str, first: int) -> None:
        """Start a section whose interfaces count from `first`."""
        self.order = order
        self.first = first
        self.clocks: list[_Clock] = []

    def unpack(self, layout: str, body: bytes) -> tuple[int, ...]:
        """Return the fixed fields a block begins with."""
        return struct.unpack_from(self.order + layout, body)

    def clock(self, interface: int) -> _Clock:
        """Return the clock of an interface, which must be known by now."""
        if interface >= len(self.clocks):
            known = len(self.clocks)
            raise ValueError(f"a block names interface {interface} of {known}")
        return self.clocks[interface]

    def options(self, body: bytes, at: int) -> dict[int, bytes]:
        """Return the options from this offset; comments joined, else the first."""
        found: dict[int, bytes] = {}
        if at >= len(body):
            return found
        for code, value in blocks.options(body, at, self.order):
            if code == blocks.COMMENT and code in found:
                found[code] += b"\n" + value
            else:
                found.setdefault(code, value)
        return found


def records(stream: Stream) -> Iterator[Record]:
    """Yield what the blocks say, of a stream just behind its first block type.

    Raises:
        CaptureError: the file is damaged; names the offset of the block.

    """
    kind, section = MAGIC, _Section("<", 0)
    start = 0
    while kind:
        try:
            if kind == MAGIC:
                section = _begin(stream, section)
            body = _body(stream, section, kind)
            yield from _parse(section, kind, body)
        except (ValueError, struct.error) as error:
            raise stream.damage(str(error), start) from None
        start = stream.offset
        kind = stream.read(4)


def _begin(stream: Stream, last: _Section) -> _Section:
    """Return the section whose header follows; its magic tells the byte order."""
    head = stream.peek(8)[4:]
    for order in "<>":
        if head == struct.pack(order + "I", blocks.MAGIC):
            return _Section(order, last.first + len(last.clocks))
    raise ValueError("a section header without byte order")


def _body(stream: Stream, section: _Section, kind: bytes) -> bytes:
    """Return what is between the two lengths of a block."""
    head = stream.read(4)
    if len(kind) + len(head) < len(MAGIC) * 2:
        raise ValueError("the file ends inside a block header")
    (size,) = section.unpack("I", head)
    if size < _HEADER or size % 4 or size > _MAX_BLOCK:
        raise ValueError(f"a block claims {size} bytes")
    body = stream.read(size - _HEADER)
    trailer = stream.read(_TRAILER)
    if len(trailer) < _TRAILER:
        raise ValueError("the file ends inside a block")
    if trailer != head:
        raise ValueError("the two lengths of a block differ")
    return body


def _parse(section: _Section, kind: bytes, body: bytes) -> Sequence[Record]:
    """Return what a block says; nothing for a block that is not known."""
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
    section.clocks.append(_clock(section, found, snaplen))
    comment = found.get(blocks.COMMENT) or found.get(blocks.IF_DESCRIPTION, b"")
    name = _text(found.get(blocks.IF_NAME, b""))
    about = Interface(
        name=name, linktype=linktype, snaplen=snaplen, comment=_text(comment)
    )
    return (about,)


def _clock(section: _Section, found: dict[int, bytes], snaplen: int) -> _Clock:
    """Return how an interface with these options counts time."""
    resolution = (found.get(blocks.IF_TSRESOL) or bytes((_MICROSECONDS,)))[0]
    exponent = resolution & ~_POWER_OF_TWO
    per = 2**exponent if resolution & _POWER_OF_TWO else 10**exponent
    offset = _number(section, found.get(blocks.IF_TSOFFSET), "q") or 0
    return _Clock(_SECOND, per, offset * _SECOND, snaplen or _NO_SNAPLEN)


def _parse_packet(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a packet."""
    interface, high, low, caplen, wirelen = section.unpack(_PACKET, body)
    ts = section.clock(interface).nanoseconds(high << 32 | low)
    data = _data(body, _PACKET_BYTES, caplen)
    frame = Frame(section.first + interface, ts, data, wirelen)
    return (_with_options(section, body, frame),)


def _parse_old_packet(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a packet of the block type that enhanced packets replaced."""
    interface, _, high, low, caplen, wirelen = section.unpack(_OLD_PACKET, body)
    ts = section.clock(interface).nanoseconds(high << 32 | low)
    data = _data(body, _PACKET_BYTES, caplen)
    frame = Frame(section.first + interface, ts, data, wirelen)
    return (_with_options(section, body, frame),)


def _parse_simple_packet(section: _Section, body: bytes) -> Sequence[Record]:
    """Return a packet without a time: of the first interface, cut by its snaplen."""
    (wirelen,) = section.unpack("I", body)
    data = _data(body, 4, min(wirelen, section.clock(0).snaplen))
    return (Frame(section.first, 0, data, wirelen),)


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
    for kind, value in blocks.options(body, 0, section.order):
        if kind == blocks.NAME_IPV4:
            packed, text = MAPPED + value[:4], value[4:]
        elif kind == blocks.NAME_IPV6:
            packed, text = value[:16], value[16:]
        else:
            continue
        symbol = text.split(b"\0")[0]
        if len(packed) == ADDRESS_BYTES and symbol:
            found.append(Name(address_text(packed), _text(symbol)))
    return found


def _parse_statistics(section: _Section, body: bytes) -> Sequence[Record]:
    """Return what an interface counted."""
    interface, _, _ = section.unpack(_STATISTICS, body)
    section.clock(interface)
    found = section.options(body, 12)
    received = _number(section, found.get(blocks.ISB_IFRECV), "Q")
    dropped = _number(section, found.get(blocks.ISB_IFDROP), "Q")
    return (Count(section.first + interface, received, dropped),)


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
}
