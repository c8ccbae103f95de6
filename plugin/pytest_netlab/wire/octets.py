"""Integers, sums and hashes at an offset. Knows no protocol and checks no bounds.

The compiled core has the same functions inlined, from octets.pxd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_ONES = 0xFFFF
_MAPPED = bytes(10) + b"\xff\xff"
_WORD = (1 << 64) - 1
_ODD, _FACTOR = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93


def u16(frame: bytes | bytearray, at: int) -> int:
    """Return the 16-bit integer at this offset."""
    return frame[at] << 8 | frame[at + 1]


def u32(frame: bytes, at: int) -> int:
    """Return the 32-bit integer at this offset."""
    return frame[at] << 24 | frame[at + 1] << 16 | frame[at + 2] << 8 | frame[at + 3]


def u48(frame: bytes, at: int) -> int:
    """Return the 48-bit integer at this offset."""
    return int.from_bytes(frame[at : at + 6], "big")


def copy(
    column: memoryview | bytearray, to: int, frame: bytes, at: int, size: int
) -> None:
    """Copy bytes of the frame into a column."""
    column[to : to + size] = frame[at : at + size]


def mapped(column: memoryview, to: int, frame: bytes, at: int) -> None:
    """Copy the IPv4 address at this offset into a column, mapped into IPv6."""
    column[to + 10 : to + 12] = b"\xff\xff"
    column[to + 12 : to + 16] = frame[at : at + 4]


def total(frame: bytes | bytearray, at: int, end: int) -> int:
    """Return the folded sum of the 16-bit words: 0 only if every byte is 0.

    65536 is 1 modulo 65535, so the remainder of the bytes taken as one integer is that
    sum, and the interpreter's integer division is the fastest loop there is.
    """
    number = int.from_bytes(frame[at:end], "big")
    if end - at & 1:
        number <<= 8
    return number % _ONES or (_ONES if number else 0)


def fold(number: int) -> int:
    """Return a sum of words folded to 16 bits: 0 only if the sum is 0."""
    return number % _ONES or (_ONES if number else 0)


def little32(frame: bytes, at: int) -> int:
    """Return the little-endian 32-bit integer at this offset."""
    return frame[at] | frame[at + 1] << 8 | frame[at + 2] << 16 | frame[at + 3] << 24


def view(buffer: memoryview | bytes) -> Any:
    """Return a buffer as compiled functions read it; interpreted, it stays as it is."""
    return buffer


def i64_view(array: npt.NDArray[np.int64] | None) -> memoryview:
    """Return the integers of an array as one flat view, an empty one for None."""
    return memoryview(b"") if array is None else array.reshape(-1).data


def prefetch(frame: bytes | memoryview, at: int) -> None:
    """Prefetch the memory at this offset; interpreted, do nothing."""


def prefetch_int(values: memoryview, index: int) -> None:
    """Prefetch this integer; interpreted, do nothing."""


def edited(buffer: bytearray) -> Any:
    """Return a buffer as compiled functions edit it; interpreted, it stays as it is."""
    return buffer


def put16(data: bytearray, at: int, value: int) -> None:
    """Write a big-endian 16-bit integer."""
    data[at : at + 2] = value.to_bytes(2, "big")


def u8_view(array: npt.NDArray[np.uint8]) -> memoryview:
    """Return a writable view of the bytes of a flat array."""
    return array.data


def i32_view(array: npt.NDArray[np.int32]) -> memoryview:
    """Return a writable view of the 32-bit integers of a flat array."""
    return array.data


def u32_view(array: npt.NDArray[np.uint32]) -> memoryview:
    """Return a writable view of the unsigned 32-bit integers of a flat array."""
    return array.data


def u64_view(array: npt.NDArray[np.uint64]) -> memoryview:
    """Return a writable view of the unsigned 64-bit integers of a flat array."""
    return array.data


def is_mapped(column: memoryview, at: int) -> bool:
    """Return whether the address at this offset is an IPv4-mapped one."""
    return column[at : at + 12] == _MAPPED


def order(one: memoryview, at: int, other: memoryview, where: int) -> int:
    """Return the order of two addresses: -1, 0 or 1."""
    left, right = bytes(one[at : at + 16]), bytes(other[where : where + 16])
    return (left > right) - (left < right)


def move(to: memoryview, at: int, origin: memoryview, where: int) -> None:
    """Copy an address."""
    to[at : at + 16] = origin[where : where + 16]


def same(one: memoryview, at: int, other: memoryview, where: int) -> bool:
    """Return whether two flow keys of 40 bytes are equal."""
    return one[at : at + 40] == other[where : where + 40]


def keep(to: memoryview, at: int, origin: memoryview, where: int) -> None:
    """Copy a flow key."""
    to[at : at + 40] = origin[where : where + 40]


def joined(low: int, high: int, proto: int) -> int:
    """Return two ports and a protocol as the 64 bits behind a flow key's addresses."""
    return low | high << 16 | proto << 32


def put(to: memoryview, at: int, word: int) -> None:
    """Write a little-endian 64-bit integer."""
    to[at : at + 8] = word.to_bytes(8, "little")


def mix(state: int, value: int) -> int:
    """Return a hash of a state and one more value, all of 64 bits."""
    product = (state + value + _ODD & _WORD) * _FACTOR
    return (product ^ product >> 64) & _WORD


def scramble(column: memoryview, at: int) -> int:
    """Return a hash of a flow key."""
    state = 0
    for place in range(at, at + 40, 8):
        state = mix(state, int.from_bytes(column[place : place + 8], "little"))
    return state
