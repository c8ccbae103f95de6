"""pcapng's numbers and options, shared by reader and writer."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTION: Final = 0x0A0D0D0A
INTERFACE: Final = 1
OLD_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
NAMES: Final = 4
STATISTICS: Final = 5
PACKET: Final = 6
# Records that are no packets, but numbered like packets by Wireshark: journal entries
# of systemd, events of sysdig (three versions), custom blocks (to be copied, or not).
RECORDS: Final = frozenset({9, 0x204, 0x216, 0x221, 0xBAD, 0x40000BAD})

MAGIC: Final = 0x1A2B3C4D

END_OF_OPTIONS: Final = 0
COMMENT: Final = 1
FLAGS: Final = 2  # of a packet block, new or old
IF_NAME: Final = 2
IF_DESCRIPTION: Final = 3
IF_IPV4: Final = 4
IF_IPV6: Final = 5
IF_TSRESOL: Final = 9
IF_TSOFFSET: Final = 14
ISB_IFRECV: Final = 4
ISB_IFDROP: Final = 5

NAME_END: Final = 0
NAME_IPV4: Final = 1
NAME_IPV6: Final = 2
NAME_MAC: Final = 3

DIRECTION_BITS: Final = 0b11
CHECKSUM_NOT_READY: Final = 1 << 9

MAX_OPTION: Final = 0xFFFF


class Option(NamedTuple):
    """One option of a block; a record of names has the same shape."""

    code: int
    value: bytes


def padding(size: int) -> int:
    """Return how many bytes bring this size to a multiple of four."""
    return -size % 4


def options(body: bytes, at: int, order: str) -> Iterator[Option]:
    """Yield the options from this offset to their end.

    Raises:
        ValueError: an option runs past its block.

    """
    header = Struct(order + "HH")
    while at + header.size <= len(body):
        code, size = header.unpack_from(body, at)
        at += header.size
        if code == END_OF_OPTIONS:
            return
        if at + size > len(body):
            raise ValueError("an option runs past its block")
        yield Option(code, body[at : at + size])
        at += size + padding(size)
