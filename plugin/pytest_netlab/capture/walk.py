"""The walk over the records in a buffer: the hot loop of reading.

Knows the layout of plain packet records only. It stops at any other record, or a
damaged one, which the caller parses or reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython

from pytest_netlab.wire import Direction, Status, octets, stack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pytest_netlab.wire.columns import Columns

# Why a walk ended: no whole record is left, the columns are full, or another record.
MORE: Final = 0
FULL: Final = 1
STOPPED: Final = 2

MAX_PACKET: Final = 1 << 27  # a greater length is damage; USB captures come near
MAX_BLOCK: Final = MAX_PACKET + (1 << 16)  # a packet and its options

_SECONDS, _FRACTION, _CAPLEN, _WIRELEN = 0, 4, 8, 12
_TYPE, _PLAIN, _MODIFIED = 22, 16, 24
_OUTGOING = 4
_SECOND = 1_000_000_000

_LENGTH, _BLOCK = 4, 8
_INTERFACE, _HIGH, _LOW, _CAPTURED, _ON_WIRE, _DATA = 8, 12, 16, 20, 24, 28
_PACKET = 6  # an enhanced packet block
_LEAST = 32  # bytes of one without data and options
_FLAGS, _FLAGS_BYTES = 2, 4
_DIRECTION_BITS, _NOT_READY_BIT = 3, 1 << 9
_NOT_READY = int(Status.CHECKSUM_NOT_READY)
_FLAG_MASK = 0x3FF  # the flags that are used here
_LINKTYPE, _TIMES, _OFFSET, _CLOCK = 0, 1, 2, 3
_INBOUND, _OUTBOUND = int(Direction.INBOUND), int(Direction.OUTBOUND)
_MAX_TS = (1 << 63) - 1

# Compiled, these are C integers; this makes them visible to Python.
globals().update(MORE=MORE, FULL=FULL, STOPPED=STOPPED)
globals().update(MAX_PACKET=MAX_PACKET, MAX_BLOCK=MAX_BLOCK)


class Walk:
    """Where a walk is, and what it must know of the file.

    Attributes:
        at: offset of the next record in the buffer, in octets.
        row: the next row of the columns.
        base: offset of the buffer in the file, in octets.
        big: whether the file is big endian.
        modified: pcap: whether its packet headers are those of Kuznetzov's variant.
        scale: pcap: ns for one unit of a timestamp's fraction.
        linktype: pcap: of all packets.
        first: pcapng: the capture's number of the section's interface 0.
        clocks: pcapng: a row an interface: link type, ns a tick (0 leaves its packets
            to the caller), ns to add.
        known: pcapng: how many rows of `clocks` are valid.

    """

    if TYPE_CHECKING:
        at: int
        row: int
        base: int
        big: bool
        modified: bool
        scale: int
        linktype: int
        first: int
        clocks: npt.NDArray[np.int64] | None
        known: int

    def __init__(self, *, big: bool) -> None:
        """Start at the beginning of a file of this byte order."""
        self.at = self.row = self.base = self.first = self.linktype = 0
        self.big, self.modified = big, False
        self.scale = 1
        self.clocks, self.known = None, 0

    def pcap(self, buffer: memoryview, end: int, out: Columns) -> int:
        """Decode the packets of a pcap buffer; return why it ended."""
        frame = octets.view(buffer)
        with cython.nogil:
            return _pcap(self, frame, end, out)

    def pcapng(self, buffer: memoryview, end: int, out: Columns) -> int:
        """Decode the enhanced packet blocks of a buffer; return why it ended."""
        frame, clocks = octets.view(buffer), octets.i64_view(self.clocks)
        with cython.nogil:
            return _pcapng(self, frame, end, clocks, out)


def _u32(walk: Walk, frame: bytes, at: int) -> int:
    """Return an integer in the byte order of the file."""
    if walk.big:
        return octets.u32(frame, at)
    return octets.little32(frame, at)


def _pcap(walk: Walk, frame: bytes, end: int, out: Columns) -> int:
    """Decode packet after packet."""
    header = _MODIFIED if walk.modified else _PLAIN
    while walk.at + header <= end:
        if walk.row == out.rows:
            return FULL
        at = walk.at
        caplen = _u32(walk, frame, at + _CAPLEN)
        if caplen > MAX_PACKET:
            return STOPPED
        if at + header + caplen > end:
            return MORE
        octets.prefetch(frame, at + header + caplen)
        seconds = _u32(walk, frame, at + _SECONDS)
        fraction = _u32(walk, frame, at + _FRACTION)
        out.ts[walk.row] = seconds * _SECOND + fraction * walk.scale
        if walk.modified:
            outgoing = frame[at + _TYPE] == _OUTGOING
            out.direction[walk.row] = _OUTBOUND if outgoing else _INBOUND
        wirelen = _u32(walk, frame, at + _WIRELEN)
        out.start, out.limit = at + header, at + header + caplen
        _take(walk, frame, walk.linktype, wirelen, out)
        walk.at = at + header + caplen
    return MORE


def _take(walk: Walk, frame: bytes, linktype: int, wirelen: int, out: Columns) -> None:
    """Decode the packet between `out.start` and `out.limit` into the next row."""
    out.offset[walk.row] = walk.base + out.start
    stack.packet(frame, linktype, wirelen, walk.row, out)
    walk.row += 1


def _pcapng(
    walk: Walk, frame: bytes, end: int, clocks: memoryview, out: Columns
) -> int:
    """Decode block after block, as long as they are plain packets."""
    while walk.at + _BLOCK <= end:
        if walk.row == out.rows:
            return FULL
        at = walk.at
        size = _u32(walk, frame, at + _LENGTH)
        if _u32(walk, frame, at) != _PACKET or size < _LEAST or size % 4:
            return STOPPED
        if size > MAX_BLOCK:
            return STOPPED
        if at + size > end:
            return MORE
        octets.prefetch(frame, at + size)
        if not _packet(walk, frame, size, clocks, out):
            return STOPPED
        walk.at = at + size
    return MORE


def _packet(
    walk: Walk, frame: bytes, size: int, clocks: memoryview, out: Columns
) -> bool:
    """Decode a complete enhanced packet block; return False if it is not plain."""
    at = walk.at
    interface = _u32(walk, frame, at + _INTERFACE)
    caplen = _u32(walk, frame, at + _CAPTURED)
    if interface >= walk.known or caplen > size - _LEAST:
        return False
    if _u32(walk, frame, at + size - _LENGTH) != size:
        return False
    flags = _options(walk, frame, at + _DATA + caplen + (-caplen & 3), at + size)
    if flags < 0:
        return False
    ticks = _u32(walk, frame, at + _HIGH)
    ticks = ticks << 32 | _u32(walk, frame, at + _LOW)
    times, offset = (
        clocks[interface * _CLOCK + _TIMES],
        clocks[interface * _CLOCK + _OFFSET],
    )
    if times == 0 or ticks > (_MAX_TS - abs(offset)) // times:
        return False
    row = walk.row
    out.ts[row] = ticks * times + offset
    out.point[row] = walk.first + interface
    direction = flags & _DIRECTION_BITS
    out.direction[row] = direction if direction <= _OUTBOUND else 0
    if flags & _NOT_READY_BIT:
        out.status[row] = _NOT_READY
    wirelen = _u32(walk, frame, at + _ON_WIRE)
    linktype = clocks[interface * _CLOCK + _LINKTYPE]
    out.start, out.limit = at + _DATA, at + _DATA + caplen
    _take(walk, frame, linktype, wirelen, out)
    return True


def _options(walk: Walk, frame: bytes, at: int, end: int) -> int:
    """Return the flags among a block's options; -1 if there is any other option."""
    end -= _LENGTH
    if at == end:
        return 0
    if at + _LENGTH > end or _code(walk, frame, at) != _FLAGS:
        return -1
    if _code(walk, frame, at + 2) != _FLAGS_BYTES or at + 2 * _LENGTH > end:
        return -1
    rest = at + 2 * _LENGTH
    if rest != end and (rest + _LENGTH != end or _u32(walk, frame, rest)):
        return -1
    return _u32(walk, frame, at + _LENGTH) & _FLAG_MASK


def _code(walk: Walk, frame: bytes, at: int) -> int:
    """Return a 16-bit integer in the byte order of the file."""
    if walk.big:
        return octets.u16(frame, at)
    return frame[at] | frame[at + 1] << 8
