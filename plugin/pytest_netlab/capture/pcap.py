"""The pcap file format: us and ns, both byte orders, and Kuznetzov's variant."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from pytest_netlab.capture.values import Interface
from pytest_netlab.capture.walk import FULL, MAX_PACKET, MORE, Walk

if TYPE_CHECKING:
    from pytest_netlab.capture.build import Known
    from pytest_netlab.capture.stream import Stream
    from pytest_netlab.wire import Columns

MAGIC_BYTES = 4

_MICROSECONDS = 0xA1B2C3D4
_NANOSECONDS = 0xA1B23C4D
_MODIFIED = 0xA1B2CD34  # packet headers have interface, protocol, type as well
_MAGICS = (_MICROSECONDS, _NANOSECONDS, _MODIFIED)

_FILE = "IHHiIII"  # magic, version major and minor, zone, accuracy, snaplen, link type
_PLAIN_HEADER, _MODIFIED_HEADER = 16, 24
_CAPLEN = 8

_VERSION = 2
_LINKTYPE_BITS = 0xFFFF  # above it: the length of a frame check sequence


def order(magic: bytes) -> str:
    """Return the byte order of a file with this magic, empty if it is no pcap."""
    if int.from_bytes(magic, "little") in _MAGICS:
        return "<"
    return ">" if int.from_bytes(magic, "big") in _MAGICS else ""


class PcapReader:
    """Packets of a pcap stream, into columns."""

    def __init__(self, stream: Stream, known: Known) -> None:
        """Read the file header.

        Raises:
            CaptureError: it is incomplete, or of an unknown version.

        """
        mark = order(stream.peek(MAGIC_BYTES))
        header = Struct(mark + _FILE)
        if not stream.fill(header.size):
            raise stream.damage("the file ends inside the file header")
        kind, major, minor, _, _, snaplen, linktype = header.unpack(
            stream.read(header.size)
        )
        if major != _VERSION:
            raise stream.damage(f"pcap version {major}.{minor} is unknown", 0)
        linktype &= _LINKTYPE_BITS
        known.interfaces.append(Interface(name="", linktype=linktype, snaplen=snaplen))
        self._stream = stream
        self.walk = Walk(big=mark == ">")
        self.walk.linktype = linktype
        self.walk.scale = 1 if kind == _NANOSECONDS else 1000
        self.walk.modified = kind == _MODIFIED

    def fill(self, columns: Columns) -> int:
        """Decode what is in the buffer; return how many bytes the next record needs.

        0 means that the columns are full.

        Raises:
            CaptureError: a record is damaged; the rows before it are decoded.

        """
        stream, walk = self._stream, self.walk
        walk.at, walk.base = stream.at, stream.base
        why = walk.pcap(stream.buffer, stream.end, columns)
        stream.at = walk.at
        if why == FULL:
            return 0
        if why == MORE:
            return stream.end - stream.at + 1
        at = stream.at + _CAPLEN
        caplen = int.from_bytes(
            stream.buffer[at : at + 4], "big" if walk.big else "little"
        )
        raise stream.damage(f"a packet claims {caplen} bytes")

    def end(self) -> None:
        """Check that the file ends behind a record.

        Raises:
            CaptureError: it ends inside one.

        """
        left = self._stream.end - self._stream.at
        header = _MODIFIED_HEADER if self.walk.modified else _PLAIN_HEADER
        if 0 < left < header:
            raise self._stream.damage("the file ends inside a packet header")
        if left:
            raise self._stream.damage("the file ends inside a packet")


__all__ = ["MAGIC_BYTES", "MAX_PACKET", "PcapReader", "order"]
