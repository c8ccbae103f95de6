"""The columns of a capture: names, types and when each is valid. Knows no packet.

Compiled, `Columns` is a struct of pointers (columns.pxd), in the order of `COLUMNS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.wire import memory

if TYPE_CHECKING:
    import numpy.typing as npt

ADDRESS_BYTES = 16
UNTAGGED = -1


class Status(IntFlag):
    """What is not ordinary about a packet; 0 is an ordinary, whole packet."""

    TRUNCATED = 1  # fewer bytes captured than were on the wire
    MALFORMED = 2  # a header contradicts the bytes present
    FRAGMENT = 4  # part of a fragmented IP datagram
    UNDECODED = 8  # link type or ethertype without columns here
    CHECKSUM_NOT_READY = 16  # the tap said so: the device would have filled it in


# Arithmetic on an enum costs a call; the hot loops use plain integers.
_TRUNCATED = int(Status.TRUNCATED)
_MALFORMED = int(Status.MALFORMED)


class Checksum(IntEnum):
    """State of one checksum field (SCENARIOS: partial = pseudo-header sum only)."""

    ABSENT = 0  # no such field, or not all covered bytes captured
    GOOD = 1
    ZERO = 2  # UDP over IPv4 sent without one
    PARTIAL = 3  # CHECKSUM_PARTIAL: folded pseudo-header sum, not complemented
    BAD = 4


class Direction(IntEnum):
    """Direction at the capturing interface (pcapng epb_flags bits 0-1)."""

    UNKNOWN = 0
    INBOUND = 1
    OUTBOUND = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its numpy type, its row shape, and when its value means something."""

    name: str
    dtype: str
    valid: str
    width: int = 1

    @property
    def size(self) -> int:
        """Return the bytes of one row."""
        return int(np.dtype(self.dtype).itemsize) * self.width


_IP = "ip_version != 0"
_TCP = "proto == 6 and l4_offset != 0"
_PORTS = "proto is TCP or UDP and l4_offset != 0"
_ICMP = "proto is ICMP or ICMPv6 and l4_offset != 0"
_ECHO = "icmp_type is echo request or reply"
_QUOTED = "the packet is an ICMP error that quotes at least an IP header"

COLUMNS: tuple[Column, ...] = (
    Column("point", "u2", "always: index into Capture.interfaces"),
    Column("ts", "i8", "always: ns since the epoch"),
    Column("caplen", "u4", "always"),
    Column("wirelen", "u4", "always"),
    Column("direction", "u1", "always: a Direction"),
    Column("status", "u2", "always: a set of Status flags"),
    Column("eth_src", "u8", "Ethernet: 48-bit address as an integer"),
    Column("eth_dst", "u8", "Ethernet: 48-bit address as an integer"),
    Column("ethertype", "u2", "a link header names the next protocol"),
    Column("vlan", "i2", "always: outermost VLAN id, -1 when untagged"),
    Column("arp_op", "u2", "ethertype == 0x0806 (src/dst: sender/target address)"),
    Column("ip_version", "u1", "always: 0, 4 or 6"),
    Column("src", "u1", f"{_IP}, or ARP; IPv4 mapped into IPv6", ADDRESS_BYTES),
    Column("dst", "u1", f"{_IP}, or ARP; IPv4 mapped into IPv6", ADDRESS_BYTES),
    Column("proto", "u1", f"{_IP}: last header of the chain"),
    Column("ttl", "u1", f"{_IP}: TTL or hop limit"),
    Column("tos", "u1", f"{_IP}: DSCP and ECN, or traffic class"),
    Column("ip_id", "u4", "ip_version == 4, or an IPv6 fragment header"),
    Column("ip_flags", "u1", "as ip_id: bit 1 DF, bit 0 MF"),
    Column("frag_offset", "u2", "as ip_id: bytes"),
    Column("sport", "u2", _PORTS),
    Column("dport", "u2", _PORTS),
    Column("tcp_seq", "u4", _TCP),
    Column("tcp_ack", "u4", _TCP),
    Column("tcp_flags", "u2", f"{_TCP}: FIN SYN RST PSH ACK URG ECE CWR AE from bit 0"),
    Column("tcp_window", "u2", _TCP),
    Column("icmp_type", "u1", _ICMP),
    Column("icmp_code", "u1", _ICMP),
    Column("icmp_id", "u2", _ECHO),
    Column("icmp_seq", "u2", _ECHO),
    Column("icmp_rest", "u4", f"{_ICMP}: bytes 4-8 of the header (MTU, pointer, ...)"),
    Column(
        "payload_len", "u4", f"{_IP}: bytes after the last known header, on the wire"
    ),
    Column("payload_hash", "u8", "payload_len > 0 and all of it captured, else 0"),
    Column("ip_checksum", "u1", "always: a Checksum"),
    Column("l4_checksum", "u1", "always: a Checksum"),
    Column("ip_offset", "u2", f"{_IP}: of the IP header in the frame"),
    Column("l4_offset", "u2", "the L4 header is present in this packet, else 0"),
    Column("payload_offset", "u2", "payload_len > 0"),
    Column("quoted_proto", "u1", _QUOTED),
    Column("quoted_src", "u1", _QUOTED, ADDRESS_BYTES),
    Column("quoted_dst", "u1", _QUOTED, ADDRESS_BYTES),
    Column("quoted_ttl", "u1", _QUOTED),
    Column("quoted_ip_id", "u4", _QUOTED),
    Column("quoted_sport", "u2", f"{_QUOTED}, of TCP or UDP"),
    Column("quoted_dport", "u2", f"{_QUOTED}, of TCP or UDP"),
    Column("quoted_icmp_id", "u2", f"{_QUOTED}, of an ICMP echo"),
    Column("options_hash", "u8", f"{_TCP} with options, all of them captured, else 0"),
    Column("offset", "i8", "always: of the packet's bytes in the file, decompressed"),
)


class Place(NamedTuple):
    """Where a column of a block of columns is."""

    name: str
    at: int
    size: int
    dtype: str
    width: int


_LINE = 64  # bytes of a cache line


@lru_cache(maxsize=16)
def _places(rows: int) -> list[Place]:
    """Lay the columns out in one block.

    Each starts a cache line further on than its size asks for: columns that all start
    at the same place of a page would evict each other from the cache.
    """
    places = []
    at = 0
    for column in COLUMNS:
        size = column.size * rows
        places.append(Place(column.name, at, size, column.dtype, column.width))
        at += size + _LINE + (-size & _LINE - 1)
    return places


def size_of(rows: int) -> int:
    """Return the bytes of a block of columns for this many packets."""
    last = _places(rows)[-1]
    return last.at + last.size + _LINE


class Columns:
    """Preallocated columns in one block, and the packet that is being decoded.

    `start` and `limit` are where the captured bytes of that packet begin and end in the
    frame handed to a decoder; `end` is where it, or the layer in hand, ends on the
    wire. `hashes` and `checksums` say whether those columns are wanted.
    """

    if TYPE_CHECKING:
        block: npt.NDArray[np.uint8]
        rows: int
        start: int
        limit: int
        end: int
        hashes: int
        checksums: int
        point: memoryview
        ts: memoryview
        caplen: memoryview
        wirelen: memoryview
        direction: memoryview
        status: memoryview
        eth_src: memoryview
        eth_dst: memoryview
        ethertype: memoryview
        vlan: memoryview
        arp_op: memoryview
        ip_version: memoryview
        src: memoryview
        dst: memoryview
        proto: memoryview
        ttl: memoryview
        tos: memoryview
        ip_id: memoryview
        ip_flags: memoryview
        frag_offset: memoryview
        sport: memoryview
        dport: memoryview
        tcp_seq: memoryview
        tcp_ack: memoryview
        tcp_flags: memoryview
        tcp_window: memoryview
        icmp_type: memoryview
        icmp_code: memoryview
        icmp_id: memoryview
        icmp_seq: memoryview
        icmp_rest: memoryview
        payload_len: memoryview
        payload_hash: memoryview
        ip_checksum: memoryview
        l4_checksum: memoryview
        ip_offset: memoryview
        l4_offset: memoryview
        payload_offset: memoryview
        quoted_proto: memoryview
        quoted_src: memoryview
        quoted_dst: memoryview
        quoted_ttl: memoryview
        quoted_ip_id: memoryview
        quoted_sport: memoryview
        quoted_dport: memoryview
        quoted_icmp_id: memoryview
        options_hash: memoryview
        offset: memoryview

    def __init__(
        self,
        rows: int,
        block: npt.NDArray[np.uint8] | None = None,
        *,
        hashes: bool = True,
        checksums: bool = True,
    ) -> None:
        """Make columns for this many packets, zeroed; no packet is tagged yet.

        `block` is memory to use, of `size_of(rows)` bytes: it needs a `clear` first.
        """
        places = _places(rows)
        self.rows = rows
        self.block = np.zeros(size_of(rows), dtype=np.uint8) if block is None else block
        self.hashes, self.checksums = hashes, checksums
        self.start = self.limit = self.end = 0
        memory.bind(self, places, self.block)
        self.array("vlan").fill(UNTAGGED)

    def clear(self) -> None:
        """Make them as they were when new."""
        self.block.fill(0)
        self.array("vlan").fill(UNTAGGED)

    def array(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column as an array over the block."""
        place = next(place for place in _places(self.rows) if place.name == name)
        cells = self.block[place.at : place.at + place.size].view(place.dtype)
        return cells if place.width == 1 else cells.reshape(-1, place.width)

    @property
    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return every column by its name."""
        return {column.name: self.array(column.name) for column in COLUMNS}

    def note(self, row: int, point: int, ts: int, direction: int, status: int) -> None:
        """Note what is known of a packet before it is decoded."""
        self.point[row] = point
        self.ts[row] = ts
        self.direction[row] = direction
        self.status[row] = status

    def locate(self, row: int, offset: int) -> None:
        """Note where the bytes of a packet are."""
        self.offset[row] = offset

    def cut(self, row: int) -> None:
        """Note a header that is not all there: cut by the capture, or by its sender."""
        if not self.status[row] & _TRUNCATED:
            self.status[row] |= _MALFORMED

    def malformed(self, row: int) -> None:
        """Note a header that contradicts the bytes present."""
        self.status[row] |= _MALFORMED
