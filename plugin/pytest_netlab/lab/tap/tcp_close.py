"""The open TCP conversations of a live capture. Pure: bytes in, count out."""

from __future__ import annotations

import struct
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.wire import assigned, ethernet, ipv4, tcp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.capture.values import Frame


TAGS = (assigned.VLAN.to_bytes(2, "big"), assigned.QINQ.to_bytes(2, "big"))
# version and header length, total length, fragment, protocol, source, destination
IP4_HEADER = Struct("!BxH2xHxB2x4s4s")
# payload length, next header, source, destination
IP6_HEADER = Struct("!4xHBx16s16s")
# ports, seq, ack, data offset, flags
TCP_HEADER = Struct("!2s2sIIBB")


class Closing(NamedTuple):
    """The fields of one TCP segment that show whether its conversation is over.

    `source` and `target` are address and port as on the wire; `length` is in bytes.
    """

    source: bytes
    target: bytes
    seq: int
    ack: int
    flags: int
    length: int


def is_tcp(frame: Frame) -> bool:
    """Return whether a frame carries a TCP header."""
    return _segment(frame.data) is not None


class Conversations:
    """The TCP conversations that began in a capture, separate for each capture point.

    The kernel goes on after the client program has ended: its FIN, the answer to it and
    the last ACK may still be in flight when a scenario's block is left.
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

    def _follow(self, key: tuple[int, frozenset[bytes]], segment: Closing) -> None:
        if segment.flags & (tcp.SYN | tcp.ACK) == tcp.SYN:
            self._open[key] = _Conversation()
            return
        conversation = self._open.get(key)
        if conversation is not None and conversation.ends_with(segment):
            del self._open[key]

    @property
    def unfinished(self) -> int:
        """Return how many were answered and are not over.

        An unanswered SYN does not count: nothing follows it once its client has given
        up, and every scenario that expects a drop would wait for nothing.
        """
        return sum(conversation.answered for conversation in self._open.values())


class _Conversation:
    """Over after RST, or when the FIN of both sides has been acknowledged."""

    __slots__ = ("_acked", "_fins", "answered")

    def __init__(self) -> None:
        self.answered = False
        self._fins: dict[bytes, int] = {}
        self._acked: set[bytes] = set()

    def ends_with(self, segment: Closing) -> bool:
        self.answered = self.answered or bool(segment.flags & tcp.SYN)
        if segment.flags & tcp.FIN:
            self._fins[segment.source] = segment.seq + segment.length + 1
        fin = self._fins.get(segment.target)
        if fin is not None and tcp.distance(segment.ack, fin) >= 0:
            self._acked.add(segment.target)
        both = len(self._acked) > 1
        return both or bool(segment.flags & tcp.RST)


def _segment(data: bytes) -> Closing | None:
    """Return the TCP segment of an Ethernet frame; None without a TCP header."""
    at = ethernet.HEADER
    while data[at - 2 : at] in TAGS:
        at += ethernet.TAG
    parse = _PARSERS.get(data[at - 2 : at])
    try:
        return parse(data, at) if parse else None
    except struct.error:  # the frame is shorter than its headers say
        return None


def _segment4(data: bytes, at: int) -> Closing | None:
    first, total, fragment, proto, source, target = IP4_HEADER.unpack_from(data, at)
    if proto != assigned.TCP or fragment & ipv4.OFFSET_BITS:
        return None
    header = ipv4.header_bytes(first)
    length = total or len(data) - at  # 0: a GSO frame too long for the field
    return _tcp(data, at + header, (source, target), length - header)


def _segment6(data: bytes, at: int) -> Closing | None:
    length, proto, source, target = IP6_HEADER.unpack_from(data, at)
    at += IP6_HEADER.size
    if proto != assigned.TCP:
        return None
    return _tcp(data, at, (source, target), length or len(data) - at)


def _tcp(data: bytes, at: int, ends: tuple[bytes, bytes], length: int) -> Closing:
    sport, dport, seq, ack, offset, flags = TCP_HEADER.unpack_from(data, at)
    payload = length - tcp.header_bytes(offset)
    return Closing(ends[0] + sport, ends[1] + dport, seq, ack, flags, payload)


_PARSERS = {
    assigned.IPV4.to_bytes(2, "big"): _segment4,
    assigned.IPV6.to_bytes(2, "big"): _segment6,
}
