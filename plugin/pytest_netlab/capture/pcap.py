"""The pcap file format: us and ns, both byte orders, and Kuznetzov's variant."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from pytest_netlab.capture.model import Frame, Interface
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture.stream import Stream

MAGIC_BYTES = 4
MAX_PACKET = 1 << 27  # above it a length is damage; USB captures come near

_MICROSECONDS = 0xA1B2C3D4
_NANOSECONDS = 0xA1B23C4D
_MODIFIED = 0xA1B2CD34  # packet headers have interface, protocol, type as well
_MAGICS = (_MICROSECONDS, _NANOSECONDS, _MODIFIED)

_FILE = "HHiIII"  # version major and minor, zone, accuracy, snaplen, link type
_PACKET = "IIII"  # seconds, fraction, captured, on the wire
_MODIFIED_PACKET = "IIIIIHBB"  # the same; interface index, protocol, type, padding

_VERSION = 2
_LINKTYPE_BITS = 0xFFFF  # above it: the length of a frame check sequence
_SECOND = 1_000_000_000
_OUTGOING = 4


def order(magic: bytes) -> str:
    """Return the byte order of a file that starts so, empty if it is no pcap."""
    if int.from_bytes(magic, "little") in _MAGICS:
        return "<"
    return ">" if int.from_bytes(magic, "big") in _MAGICS else ""


def records(stream: Stream, magic: bytes) -> Iterator[Interface | Frame]:
    """Yield the interface, then the packets, of a stream just behind its magic."""
    mark = order(magic)
    kind = int.from_bytes(magic, "little" if mark == "<" else "big")
    header = Struct(mark + _FILE)
    fields = header.unpack(stream.exactly(header.size, "the file header"))
    if fields[0] != _VERSION:
        raise stream.damage(f"pcap version {fields[0]}.{fields[1]} is unknown", 0)
    yield Interface(name="", linktype=fields[5] & _LINKTYPE_BITS, snaplen=fields[4])
    scale = 1 if kind == _NANOSECONDS else 1000
    if kind == _MODIFIED:
        yield from _frames(stream, Struct(mark + _MODIFIED_PACKET), scale)
    else:
        yield from _frames(stream, Struct(mark + _PACKET), scale)


def _frames(stream: Stream, header: Struct, scale: int) -> Iterator[Frame]:
    """Yield packets to the end of the stream."""
    while True:
        start = stream.offset
        head = stream.read(header.size)
        if not head:
            return
        if len(head) < header.size:
            raise stream.damage("the file ends inside a packet header", start)
        seconds, fraction, caplen, wirelen, *more = header.unpack(head)
        if caplen > MAX_PACKET:
            raise stream.damage(f"a packet claims {caplen} bytes", start)
        data = stream.read(caplen)
        if len(data) < caplen:
            raise stream.damage("the file ends inside a packet", start)
        ts = seconds * _SECOND + fraction * scale
        yield Frame(0, ts, data, wirelen, _direction(more))


def _direction(more: list[int]) -> int:
    """Return the direction, as far as a modified header tells it."""
    if not more:
        return 0  # unknown
    return Direction.OUTBOUND if more[2] == _OUTGOING else Direction.INBOUND
