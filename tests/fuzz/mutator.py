"""Changes to capture files that keep them nearly right: a blind one is found at once.

Knows where the records of a file are; draws from the random numbers it is given.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests import files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from tests.files import Part

    Change = Callable[[bytes, Sequence[Part], Random], bytes]

_NEAR = (-8, -4, -3, -1, 1, 3, 4, 8, 16)
_EDGES = (0, 1, 12, 31, 32, 1 << 16, 1 << 27, (1 << 27) + (1 << 16), 1 << 31)
_HEAD = 24  # of a pcap file


def mutate(data: bytes, random: Random, blind: Callable[[bytes], bytes]) -> bytes:
    """Return the file with one record changed; `blind` changes bytes anywhere."""
    try:
        parts = files.parts(data) if len(data) > _HEAD else []
    except struct.error:
        parts = []
    if not parts or random.random() < 1 / 4:
        return blind(data)
    return random.choice(_CHANGES)(data, parts, random)


def _lie(data: bytes, parts: Sequence[Part], random: Random) -> bytes:
    """Change a length: to the edge of what is possible, or by a little."""
    part = random.choice(parts)
    field = random.choice([f for f in part.fields if f.is_length] or part.fields)
    was = data[field.at : field.at + field.size]
    order = random.choice(("little", "big"))
    near = int.from_bytes(was, order) + random.choice(_NEAR)  # type: ignore[arg-type]
    rest = len(data) - part.start + random.choice(_NEAR)
    number = random.choice((near, near, rest, random.choice(_EDGES)))
    value = (number % (1 << 8 * field.size)).to_bytes(field.size, order)  # type: ignore[arg-type]
    return data[: field.at] + value + data[field.at + field.size :]


def _both_lengths(data: bytes, parts: Sequence[Part], random: Random) -> bytes:
    """Change what a block says twice, so that it agrees with itself."""
    part = random.choice(parts)
    size = part.end - part.start
    shift = random.choice((-8, -4, 4, 8))
    found = [f for f in part.fields if f.size == 4 and f.is_length]
    made = bytearray(data)
    for field in found:
        word = data[field.at : field.at + 4]
        for order in ("little", "big"):
            if int.from_bytes(word, order) == size:
                more = (size + shift) % (1 << 32)
                made[field.at : field.at + 4] = more.to_bytes(4, order)
    if shift < 0:
        del made[part.end - 4 + shift : part.end - 4]
    else:
        made[part.end - 4 : part.end - 4] = random.randbytes(shift)
    return bytes(made)


def _shuffle(data: bytes, parts: Sequence[Part], random: Random) -> bytes:
    """Repeat a record, leave one out, or put it elsewhere."""
    records = [data[part.start : part.end] for part in parts]
    one = random.choice(records)
    what = random.randrange(3)
    if what:
        records.remove(one)
    if what < 2:
        records.insert(random.randrange(len(records) + 1), one)
    return b"".join(records) + data[parts[-1].end :]


def _inside(data: bytes, parts: Sequence[Part], random: Random) -> bytes:
    """Change bytes of a packet, and nothing of what says how long it is."""
    chosen = [part for part in parts if part.is_packet] or parts
    part = random.choice(chosen)
    made = bytearray(data)
    start = min(part.start + 16, part.end - 1)
    for _ in range(random.randint(1, 4)):
        made[random.randrange(start, part.end)] = random.choice((0, 1, 69, 96, 255))
    return bytes(made)


def _turn(data: bytes, parts: Sequence[Part], random: Random) -> bytes:
    """Change the byte order of a part of the file."""
    upto = random.choice(parts).end
    return files.swapped(data[:upto]) + data[upto:]


_CHANGES: tuple[Change, ...] = (_lie, _lie, _both_lengths, _shuffle, _inside, _turn)
