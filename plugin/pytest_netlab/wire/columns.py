"""The columns of a capture: names, types and when each is valid. Knows no packet.

Compiled, `Columns` is a struct of pointers (columns.pxd), in the order of `COLUMNS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.wire import memory, validity
from pytest_netlab.wire.encapsulation import Encapsulation
from pytest_netlab.wire.validity import (
    ALWAYS,
    OF_ICMP,
    OF_IP,
    OF_TCP,
    QUOTED,
    UNTAGGED,
    WITH_PORTS,
    present,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.wire.validity import Condition

ADDRESS_BYTES = 16


class Status(IntFlag):
    """What is unusual about a packet; 0 is an ordinary, complete packet."""

    TRUNCATED = 1  # fewer bytes captured than were on the wire
    MALFORMED = 2  # a header contradicts the bytes present
    FRAGMENT = 4  # part of a fragmented IP datagram
    UNDECODED = 8  # a link type or ethertype that is not decoded here
    CHECKSUM_NOT_READY = 16  # reported by the tap: the device was to fill it in


# Arithmetic on an enum costs a call; the hot loops use plain integers.
_TRUNCATED = int(Status.TRUNCATED)
_MALFORMED = int(Status.MALFORMED)


class Checksum(IntEnum):
    """State of one checksum field."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: its name in `Capture`, in exports and in the documentation.
        dtype: its numpy type.
        valid: the rows in which the value is meaningful.
        meaning: what it is, with its unit; empty where the name says it.
        width: values in a row: 16 octets for an address, else 1.
        enum: the enumeration of its values; None where they have no names.

    """

    name: str
    dtype: str
    valid: Condition
    meaning: str = ""
    width: int = 1
    enum: type[Enum] | None = None

    @property
    def size(self) -> int:
        """Return the bytes of one row."""
        return int(np.dtype(self.dtype).itemsize) * self.width


def _column(name: str, dtype: str, valid: Condition, meaning: str = "") -> Column:
    return Column(name=name, dtype=dtype, valid=valid, meaning=meaning)


def _enum(name: str, dtype: str, enum: type[Enum], meaning: str) -> Column:
    return Column(name=name, dtype=dtype, valid=ALWAYS, meaning=meaning, enum=enum)


def _address(name: str, valid: Condition, meaning: str) -> Column:
    """Return a column of addresses: `::` is valid only where there is a header."""
    return Column(
        name=name,
        dtype="u1",
        valid=valid | validity.present(name),
        meaning=f"{meaning}; IPv4 mapped into IPv6",
        width=ADDRESS_BYTES,
    )


def _mac(name: str, meaning: str) -> Column:
    valid = validity.LINKED | validity.present(name)
    return _column(name, "u8", valid, f"{meaning}, 48 bits as an integer")


COLUMNS: tuple[Column, ...] = (
    _column("point", "u2", ALWAYS, "index into `Capture.interfaces`"),
    _column("ts", "i8", ALWAYS, "ns since the epoch"),
    _column("caplen", "u4", ALWAYS, "octets captured"),
    _column("wirelen", "u4", ALWAYS, "octets on the wire"),
    _enum("direction", "u1", Direction, "a `Direction`"),
    _enum("status", "u2", Status, "a set of `Status` flags"),
    _mac("eth_src", "source"),
    _mac("eth_dst", "destination"),
    _column(
        "ethertype", "u2", present("ethertype"), "next protocol, as the link has it"
    ),
    _column("vlan", "i2", validity.TAGGED, "outermost VLAN's id; -1 without a tag"),
    _column("arp_op", "u2", validity.OF_ARP, "operation"),
    _column("ip_version", "u1", OF_IP, "4 or 6"),
    _address("src", OF_IP, "source, of ARP the sender"),
    _address("dst", OF_IP, "destination, of ARP the target"),
    _column("proto", "u1", OF_IP, "last header of the chain"),
    _column("ttl", "u1", OF_IP, "TTL or hop limit"),
    _column("tos", "u1", OF_IP, "DSCP and ECN, or traffic class"),
    _column("ip_id", "u4", validity.IDENTIFIED),
    _column("ip_flags", "u1", validity.IDENTIFIED, "bit 2 unused, bit 1 DF, bit 0 MF"),
    _column("frag_offset", "u2", validity.IDENTIFIED, "octets"),
    _column("sport", "u2", WITH_PORTS),
    _column("dport", "u2", WITH_PORTS),
    _column("tcp_seq", "u4", OF_TCP),
    _column("tcp_ack", "u4", OF_TCP),
    _column(
        "tcp_flags",
        "u2",
        OF_TCP,
        "FIN SYN RST PSH ACK URG ECE CWR AE from bit 0, then three reserved ones",
    ),
    _column("tcp_window", "u2", OF_TCP, "as it is in the segment, not scaled"),
    _column("tcp_urgent", "u2", OF_TCP, "urgent pointer"),
    _column("icmp_type", "u1", OF_ICMP),
    _column("icmp_code", "u1", OF_ICMP),
    _column("icmp_id", "u2", validity.OF_ECHO),
    _column("icmp_seq", "u2", validity.OF_ECHO),
    _column("icmp_rest", "u4", OF_ICMP, "octets 4-8 of the header (MTU, pointer, ...)"),
    _column("payload_len", "u4", OF_IP, "octets behind the last known header"),
    _column("payload_hash", "u8", present("payload_hash"), "0 unless all was captured"),
    _enum("ip_checksum", "u1", Checksum, "a `Checksum`"),
    _enum("l4_checksum", "u1", Checksum, "a `Checksum`"),
    _column("ip_offset", "u2", OF_IP, "of the IP header in the frame"),
    _column("l4_offset", "u2", present("l4_offset"), "0 where that header is not here"),
    _column("payload_offset", "u2", present("payload_offset"), "0 without a payload"),
    _column("quoted_proto", "u1", QUOTED),
    _address("quoted_src", QUOTED, "source of what is quoted"),
    _address("quoted_dst", QUOTED, "destination of what is quoted"),
    _column("quoted_ttl", "u1", QUOTED),
    _column("quoted_ip_id", "u4", QUOTED),
    _column("quoted_sport", "u2", validity.QUOTED_PORTS),
    _column("quoted_dport", "u2", validity.QUOTED_PORTS),
    _column("quoted_icmp_id", "u2", validity.QUOTED_ICMP, "0 unless of an echo"),
    _column(
        "options_hash",
        "u8",
        present("options_hash"),
        "of IP and TCP, with the flow label; 0 unless all here",
    ),
    _enum("encapsulation", "u2", Encapsulation, "a set of `Encapsulation` flags"),
    _column(
        "outer_offset",
        "u2",
        validity.DECAPSULATED,
        "of a tunnel's outermost IP header in the frame",
    ),
    _column(
        "ifindex", "u4", present("ifindex"), "the interface's number, of SLL2 and NFLOG"
    ),
    _column("offset", "i8", ALWAYS, "of the packet in the file, decompressed"),
)
BY_NAME = MappingProxyType({column.name: column for column in COLUMNS})


class Place(NamedTuple):
    """Where a column lies in a block of columns; `at` and `size` are in octets."""

    name: str
    at: int
    size: int
    dtype: str
    width: int


_LINE = 64  # bytes of a cache line


@lru_cache(maxsize=16)
def _places(rows: int) -> list[Place]:
    """Lay the columns out in one block.

    At least a cache line is left free behind each: columns that all began at the same
    offset in a page would evict each other from the cache.
    """
    places = []
    at = 0
    for column in COLUMNS:
        size = column.size * rows
        places.append(Place(column.name, at, size, column.dtype, column.width))
        at += size + _LINE + (-size & _LINE - 1)
    return places


def size_of(rows: int) -> int:
    """Return the size, in octets, of a block of columns for this many packets."""
    last = _places(rows)[-1]
    return last.at + last.size + _LINE


class Columns:
    """Preallocated columns in one block, and the packet that is being decoded.

    Attributes:
        block: the memory of all columns.
        rows: for how many packets.
        start: where the packet's captured bytes begin in the frame given to a decoder.
        limit: where they end.
        end: where the packet, or the layer being decoded, ends on the wire.
        hashes: whether to fill in `payload_hash` and `options_hash`.
        checksums: whether to fill in `ip_checksum` and `l4_checksum`.
        decapsulate: whether rows are of the innermost packet of a tunnel.
        removed: the `Encapsulation` of the headers that were just looked behind.

    """

    if TYPE_CHECKING:
        block: npt.NDArray[np.uint8]
        rows: int
        start: int
        limit: int
        end: int
        hashes: int
        checksums: int
        decapsulate: int
        removed: int

        def __getattr__(self, name: str) -> memoryview:
            """Return the values of a column."""

    def __init__(
        self,
        rows: int,
        block: npt.NDArray[np.uint8] | None = None,
        *,
        hashes: bool = True,
        checksums: bool = True,
        decapsulate: bool = False,
    ) -> None:
        """Make columns for this many packets, zeroed; `vlan` is UNTAGGED.

        `block` is memory to use, of `size_of(rows)` bytes: call `clear` before use.
        """
        places = _places(rows)
        self.rows = rows
        self.block = np.zeros(size_of(rows), dtype=np.uint8) if block is None else block
        self.hashes, self.checksums = hashes, checksums
        self.decapsulate, self.removed = decapsulate, 0
        self.start = self.limit = self.end = 0
        memory.bind(self, places, self.block)
        self.array("vlan").fill(UNTAGGED)

    def clear(self) -> None:
        """Reset all columns to their initial values."""
        self.block.fill(0)
        self.array("vlan").fill(UNTAGGED)

    def array(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column as an array over the block."""
        place = next(place for place in _places(self.rows) if place.name == name)
        column = self.block[place.at : place.at + place.size].view(place.dtype)
        return column if place.width == 1 else column.reshape(-1, place.width)

    @property
    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return every column by its name."""
        return {column.name: self.array(column.name) for column in COLUMNS}

    def note(self, row: int, point: int, ts: int, direction: int, status: int) -> None:
        """Store what is known of a packet before it is decoded."""
        self.point[row] = point
        self.ts[row] = ts
        self.direction[row] = direction
        self.status[row] = status

    def locate(self, row: int, offset: int) -> None:
        """Store the offset of a packet's bytes."""
        self.offset[row] = offset

    def mark_truncated(self, row: int) -> None:
        """Note an incomplete header: malformed, unless the capture cut the packet."""
        if not self.status[row] & _TRUNCATED:
            self.status[row] |= _MALFORMED

    def malformed(self, row: int) -> None:
        """Note a header that contradicts the bytes present."""
        self.status[row] |= _MALFORMED
