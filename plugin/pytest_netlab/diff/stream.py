"""The octets of a TCP connection, put together from what one point saw.

Of each direction, in order, without copying. Knows one capture, no trace but a flow's
rows and directions.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.flows import TCP, key_of
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.diff.fragments import Fragments
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.trace import CanonicalFlow

DATA, CUT, HOLE = "data", "cut", "hole"
_LATE = 1 << 20  # a SYN this far before the first segment is of the same connection
Where = tuple[str, bool, int, int]  # interface, reply, leg, connection


class Piece(NamedTuple):
    """Octets that follow each other, from `start` to before `end`.

    Attributes:
        start: offset in the stream or datagram, from 0.
        end: of the octet behind the last.
        kind: DATA; CUT for what was on the wire and not captured; HOLE for what no
            packet had.
        octets: of DATA; empty otherwise.
        row: of the packet; -1 for a hole.

    """

    start: int
    end: int
    kind: str
    octets: memoryview
    row: int

    @property
    def size(self) -> int:
        """Return the number of octets."""
        return self.end - self.start

    def part(self, first: int, end: int) -> memoryview:
        """Return the octets between two offsets."""
        return self.octets[first - self.start : end - self.start]

    def since(self, first: int) -> Piece:
        """Return the piece without what is before an offset."""
        return self._replace(start=first, octets=self.octets[first - self.start :])

    @classmethod
    def of(cls, capture: Capture, row: int, start: int) -> Iterator[Piece]:
        """Yield a packet's payload, and what the capture cut of it."""
        size, at = int(capture.payload_len[row]), int(capture.payload_offset[row])
        octets = memoryview(capture.octets(row))[at : at + size] if at else _NONE
        middle = start + len(octets)
        if octets:
            yield cls(start, middle, DATA, octets, row)
        if middle < start + size:
            yield cls(middle, start + size, CUT, _NONE, row)


_NONE = memoryview(b"")


def streams(
    capture: Capture, fragments: Fragments, flow: CanonicalFlow
) -> dict[Where, list[Piece]]:
    """Return the stream of each direction, point and connection of a TCP flow."""
    named = ((_key(capture, one.row), one.reply) for one in flow.packets)
    replies = {key: reply for key, reply in named if key is not None}
    rows: dict[tuple[int, Tuple5], list[int]] = defaultdict(list)
    for row in sorted(flow.rows):
        key = _key(capture, row)
        if key is not None:
            rows[int(capture.point[row]), key].append(row)
    found: dict[Where, list[Piece]] = {}
    legs: dict[tuple[int, bool], int] = defaultdict(int)
    for (point, key), own in rows.items():
        reply = replies.get(key, not replies.get(key.reply, True))
        leg = legs[point, reply]
        legs[point, reply] += 1
        name = capture.interfaces[point].name
        for number, segments in enumerate(_connections(capture, own)):
            found[name, reply, leg, number] = list(
                _assembled(capture, fragments, segments)
            )
    return found


def _key(capture: Capture, row: int) -> Tuple5 | None:
    return key_of(capture, row) if capture.proto[row] == TCP else None


def _connections(capture: Capture, rows: Sequence[int]) -> Iterator[list[int]]:
    """Yield the rows of each connection: a SYN with another number begins one.

    A SYN that follows its own data in the file, close to it, begins none.
    """
    own: list[int] = []
    opened: int | None = None
    for row in rows:
        number = int(capture.tcp_seq[row])
        if capture.tcp_flags[row] & tcp.SYN:
            late = opened is None and own and _close(capture, own[0], number)
            if own and opened != number and not late:
                yield own
                own = []
            opened = number
        own.append(row)
    yield own


def _close(capture: Capture, row: int, number: int) -> bool:
    return 0 <= tcp.distance(int(capture.tcp_seq[row]), number) < _LATE


def _assembled(
    capture: Capture, fragments: Fragments, rows: Sequence[int]
) -> Iterator[Piece]:
    """Yield the octets of one connection's direction in order, and holes between.

    Octets that were sent again count once. A FIN says where the stream ends.
    """
    segments = sorted(_segments(capture, fragments, rows))
    yield from _joined(capture, segments, _base(capture, rows, segments))


def datagram(capture: Capture, fragments: Fragments, row: int) -> Iterator[Piece]:
    """Yield the octets of a datagram: of its packet, and of its later fragments."""
    parts = [(0, row, False)]
    parts += ((offset, later, False) for offset, later in fragments.behind(row))
    yield from _joined(capture, sorted(parts), 0)


def _joined(
    capture: Capture, segments: Sequence[tuple[int, int, bool]], base: int
) -> Iterator[Piece]:
    """Yield pieces of segments in order, each octet once, and the holes between."""
    end = 0
    for offset, row, is_fin in segments:
        start = offset - base
        if start > end:
            yield Piece(end, start, HOLE, _NONE, -1)
            end = start
        if is_fin:
            continue
        for piece in Piece.of(capture, row, start):
            if piece.end > end:
                yield piece.since(end)
                end = piece.end


def _segments(
    capture: Capture, fragments: Fragments, rows: Sequence[int]
) -> Iterator[tuple[int, int, bool]]:
    """Yield (offset, row, is the FIN), offsets counted from the first row's number.

    Numbers are 32 bits (RFC 9293, 3.4): each is placed near the one before, so that a
    stream may be longer than their space. A reset carries no octets of the stream.
    """
    last = int(capture.tcp_seq[rows[0]])
    offset = 0
    for row in rows:
        flags, size = int(capture.tcp_flags[row]), int(capture.payload_len[row])
        number = int(capture.tcp_seq[row])
        offset += tcp.distance(number, last)
        last = number
        if flags & tcp.RST:
            continue
        first = offset + bool(flags & tcp.SYN)
        if size:
            yield first, row, False
            for behind, later in fragments.behind(row):
                yield first + behind, later, False
        if flags & tcp.FIN:
            yield first + size, row, True


def _base(
    capture: Capture, rows: Sequence[int], segments: Sequence[tuple[int, int, bool]]
) -> int:
    """Return the offset of the stream's first octet: behind the SYN, or the least.

    As in `_segments`, it is counted from the number of the first row.
    """
    for row in rows:
        if capture.tcp_flags[row] & tcp.SYN:
            first = int(capture.tcp_seq[rows[0]])
            return tcp.distance(int(capture.tcp_seq[row]), first) + 1
    return segments[0][0] if segments else 0
