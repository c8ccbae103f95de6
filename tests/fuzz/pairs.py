"""Pairs of captures made from real ones, with changes at one or both points.

Knows frames of two points, and how links and fragments are made; learns nothing.
"""

from __future__ import annotations

import dataclasses
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.traffic import INSIDE, OUTSIDE

from pytest_netlab.capture import Capture, read, write
from pytest_netlab.wire import ipv4

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from pytest_netlab.capture import Frame

    Frames = list[Frame]
    Change = Callable[[Frames, Random], Frames]

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
MOST = 120  # frames of a pair
LINK, TAG = 14, b"\x81\x00\x00\x07"  # bytes of an Ethernet header, and of a VLAN's
ETHERNET, RAW, SLL = 1, 101, 113
VALUES = (0, 1, 2, 6, 17, 64, 69, 96, 127, 128, 255)
# Of a frame: IP's length, id, flags, ttl, protocol, sum, addresses; ports, numbers.
FIELDS = (
    15,
    16,
    18,
    20,
    22,
    23,
    24,
    26,
    29,
    30,
    33,
    34,
    36,
    38,
    42,
    46,
    47,
    48,
    50,
    54,
)


@cache
def seeds() -> tuple[Capture, ...]:
    """Return the goldens' captures of both points."""
    found = [read(path) for path in sorted(GOLDEN.glob("**/capture.pcapng"))]
    points = {INSIDE, OUTSIDE}
    return tuple(one for one in found if {i.name for i in one.interfaces} >= points)


def changed(seed: Capture, random: Random) -> Capture:
    """Return a capture with some of its packets, after some changes to them."""
    frames = list(seed.frames())
    first = random.randrange(max(len(frames) - MOST, 1))
    frames = frames[first : first + MOST]
    for _ in range(random.choice((0, 1, 1, 2, 4, 8))):
        frames = random.choice(CHANGES)(frames, random) if frames else frames
    link = random.choice((ETHERNET, ETHERNET, RAW, SLL))
    made = [dataclasses.replace(one, linktype=link) for one in seed.interfaces]
    moved = [one._replace(data=_linked(one.data, link)) for one in frames]
    names = seed.names if random.random() < 3 / 4 else {}
    capture = Capture.from_frames(moved, made, names, seed.comment)
    return _stored(capture) if random.random() < 1 / 2 else capture


def _stored(capture: Capture) -> Capture:
    """Return the capture as it comes back from a file."""
    file = io.BytesIO()
    write(file, capture)
    return read(io.BytesIO(file.getvalue()))


def _linked(data: bytes, link: int) -> bytes:
    """Return an Ethernet frame as another link would have carried it."""
    if link == RAW:
        return data[LINK:]
    if link == SLL:
        return bytes((0, 0, 0, 1, 0, 6)) + data[6:12] + bytes(2) + data[12:]
    return data


def _some(frames: Frames, random: Random) -> int:
    return random.randrange(len(frames))


def _drop(frames: Frames, random: Random) -> Frames:
    """Lose a packet, or some behind one another."""
    at = _some(frames, random)
    return frames[:at] + frames[at + random.choice((1, 1, 2, 16)) :]


def _double(frames: Frames, random: Random) -> Frames:
    """Repeat a packet: at once, later, or at the other point."""
    one = frames[_some(frames, random)]
    if random.random() < 1 / 4:
        one = one._replace(interface=1 - one.interface if one.interface < 2 else 0)
    at = random.randrange(len(frames) + 1)
    return [*frames[:at], one, *frames[at:]]


def _swap(frames: Frames, random: Random) -> Frames:
    """Put two packets in each other's place."""
    made, one, other = list(frames), _some(frames, random), _some(frames, random)
    made[one], made[other] = made[other], made[one]
    return made


def _alter(frames: Frames, random: Random) -> Frames:
    """Change a field of a packet; of every packet of its kind now and then."""
    at, field, value = (
        _some(frames, random),
        random.choice(FIELDS),
        random.choice(VALUES),
    )
    alike = random.random() < 1 / 8

    def touched(number: int, one: Frame) -> Frame:
        same = alike and len(one.data) == len(frames[at].data)
        if field >= len(one.data) or not (same or number == at):
            return one
        data = one.data[:field] + bytes((value,)) + one.data[field + 1 :]
        return one._replace(data=data)

    return [touched(number, one) for number, one in enumerate(frames)]


def _repair(frames: Frames, random: Random) -> Frames:
    """Make the checksum of an IP header right again."""
    at = _some(frames, random)
    one = frames[at]
    if len(one.data) < LINK + ipv4.HEADER or one.data[LINK] >> 4 != 4:
        return frames
    data = one.data[:LINK] + ipv4.fill_header(one.data[LINK:])
    return [*frames[:at], one._replace(data=data), *frames[at + 1 :]]


def _cut(frames: Frames, random: Random) -> Frames:
    """Capture fewer bytes of a packet, or of every one."""
    size, at = random.choice((0, 13, 14, 33, 34, 40, 54, 60, 66)), _some(frames, random)
    every = random.random() < 1 / 4
    return [
        one._replace(data=one.data[:size]) if every or number == at else one
        for number, one in enumerate(frames)
    ]


def _fragment(frames: Frames, random: Random) -> Frames:
    """Send a datagram in two pieces, which may come in either order or alone."""
    at = _some(frames, random)
    one = frames[at]
    header, body = one.data[: LINK + ipv4.HEADER], one.data[LINK + ipv4.HEADER :]
    if len(body) < 16 or header[12:15] != b"\x08\x00\x45":
        return frames
    edge = 8 * random.randint(1, (len(body) - 1) // 8)
    pieces = []
    for flags, offset, part in ((0x20, 0, body[:edge]), (0, edge // 8, body[edge:])):
        made = bytearray(header)
        made[16:18] = (ipv4.HEADER + len(part)).to_bytes(2, "big")
        made[20:22] = bytes((flags | offset >> 8, offset & 255))
        data = made[:LINK] + ipv4.fill_header(bytes(made[LINK:]) + part)
        pieces.append(one._replace(data=bytes(data), wirelen=len(data)))
    random.shuffle(pieces)
    return frames[:at] + pieces[: random.choice((1, 2, 2))] + frames[at + 1 :]


def _tag(frames: Frames, random: Random) -> Frames:
    """Put a VLAN tag into every frame of a point."""
    point = random.randrange(2)
    return [
        one._replace(data=one.data[:12] + TAG + one.data[12:], wirelen=one.wirelen + 4)
        if one.interface == point
        else one
        for one in frames
    ]


def _clock(frames: Frames, random: Random) -> Frames:
    """Move a point's clock, or stop all of them."""
    point, shift = random.randrange(3), random.choice((-(10**9), 1, 10**18, -(10**19)))
    low, high = -(1 << 63), (1 << 63) - 1
    return [
        one._replace(ts=max(low, min(one.ts + shift, high)))
        if one.interface == point
        else one._replace(ts=0 if point == 2 else one.ts)
        for one in frames
    ]


def _direct(frames: Frames, random: Random) -> Frames:
    """Forget or turn the directions of packets."""
    way = random.randrange(3)
    return [one._replace(direction=way) for one in frames]


CHANGES: tuple[Change, ...] = (
    *(_drop, _drop, _double, _double, _swap, _alter, _alter, _alter, _repair),
    *(_cut, _fragment, _fragment, _tag, _clock, _direct),
)
