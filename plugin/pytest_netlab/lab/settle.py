"""Which TCP conversations of a live capture still go on. Pure: bytes in, count out."""

from __future__ import annotations

import struct
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.capture.values import Frame

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
HALF, WRAP = 1 << 31, (1 << 32) - 1  # RFC 9293, 3.4: sequence numbers wrap

ETHERNET_BYTES, TAG_BYTES, TYPE_BYTES = 14, 4, 2
TAGS = (b"\x81\x00", b"\x88\xa8")
# version and header length, total length, fragment, protocol, source, destination
IP4_HEADER = Struct("!BxH2xHxB2x4s4s")
IP4_FRAGMENT_OFFSET = 0x1FFF
# payload length, next header, source, destination
IP6_HEADER = Struct("!4xHBx16s16s")
IPPROTO_TCP = 6
# ports, seq, ack, data offset, flags
TCP_HEADER = Struct("!2s2sIIBB")


class Segment(NamedTuple):
    """What of one TCP segment says whether its conversation is over."""

    source: bytes
    target: bytes
    seq: int
    ack: int
    flags: int
    length: int


def is_tcp(frame: Frame) -> bool:
    """Tell whether a frame carries a TCP segment."""
    return _segment(frame.data) is not None


class Conversations:
    """The TCP conversations that began in a capture, apart for each capture point.

    The kernel goes on after the client program has ended: its FIN, the answer to it and
    the last ACK may still be on their way when a scenario's block is left.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._open: dict[tuple[int, frozenset[bytes]], _Conversation] = {}

    def feed(self, frames: Iterable[Frame]) -> None:
        """Take the next frames, in the order of capture."""
        for frame in frames:
            segment = _segment(frame.data)
            if segment is not None:
                key = (frame.interface, frozenset(segment[:2]))
                self._follow(key, segment)

    def _follow(self, key: tuple[int, frozenset[bytes]], segment: Segment) -> None:
        if segment.flags & (SYN | ACK) == SYN:
            self._open[key] = _Conversation()
            return
        conversation = self._open.get(key)
        if conversation is not None and conversation.ends_with(segment):
            del self._open[key]

    @property
    def unfinished(self) -> int:
        """Return how many were answered and are not over.

        A SYN without an answer is not waited for: nothing more comes of it once its
        client has given up, and scenarios that expect a drop would all wait in vain.
        """
        return sum(conversation.answered for conversation in self._open.values())


class _Conversation:
    """Over after RST, or when the FIN of both sides has been acknowledged."""

    __slots__ = ("_acked", "_fins", "answered")

    def __init__(self) -> None:
        self.answered = False
        self._fins: dict[bytes, int] = {}
        self._acked: set[bytes] = set()

    def ends_with(self, segment: Segment) -> bool:
        self.answered = self.answered or bool(segment.flags & SYN)
        if segment.flags & FIN:
            self._fins[segment.source] = segment.seq + segment.length + 1
        fin = self._fins.get(segment.target)
        if fin is not None and (segment.ack - fin) & WRAP < HALF:
            self._acked.add(segment.target)
        both = len(self._acked) > 1
        return both or bool(segment.flags & RST)


def _segment(data: bytes) -> Segment | None:
    """Return the TCP segment of an Ethernet frame; None if it has none, or no start."""
    at = ETHERNET_BYTES
    while data[at - TYPE_BYTES : at] in TAGS:
        at += TAG_BYTES
    parse = _PARSERS.get(data[at - TYPE_BYTES : at])
    try:
        return parse(data, at) if parse else None
    except struct.error:  # the frame is shorter than its headers say
        return None


def _segment4(data: bytes, at: int) -> Segment | None:
    first, total, fragment, proto, source, target = IP4_HEADER.unpack_from(data, at)
    if proto != IPPROTO_TCP or fragment & IP4_FRAGMENT_OFFSET:
        return None
    header = (first & 0xF) * 4
    length = total or len(data) - at  # 0: a GSO frame too long for the field
    return _tcp(data, at + header, (source, target), length - header)


def _segment6(data: bytes, at: int) -> Segment | None:
    length, proto, source, target = IP6_HEADER.unpack_from(data, at)
    at += IP6_HEADER.size
    if proto != IPPROTO_TCP:
        return None
    return _tcp(data, at, (source, target), length or len(data) - at)


def _tcp(data: bytes, at: int, ends: tuple[bytes, bytes], length: int) -> Segment:
    sport, dport, seq, ack, offset, flags = TCP_HEADER.unpack_from(data, at)
    payload = length - (offset >> 4) * 4
    return Segment(ends[0] + sport, ends[1] + dport, seq, ack, flags, payload)


_PARSERS = {b"\x08\x00": _segment4, b"\x86\xdd": _segment6}
