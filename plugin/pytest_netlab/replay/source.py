"""Datagrams to send, made from a capture one by one: there may be millions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from pytest_netlab.flows import is_error
from pytest_netlab.replay.segmentation import segment
from pytest_netlab.wire import Checksum, Status, fill, ipv4

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.flows import Tuple5

    Later = Mapping[int, list[int]]

MTU = 1500


class PlannedPacket(NamedTuple):
    """One datagram of a conversation.

    Attributes:
        number: the packet's in the capture, from 1.
        ts: when it was captured, in ns since the epoch.
        reply: whether the responder sends it.
        datagram: from its IP header on, as it was stored; or its first part.
        rest: its other segments, or fragments in the order they were captured.
        segmented: whether it was larger than the MTU and had to be split.
        error: whether it is an ICMP error with an embedded packet.

    """

    number: int
    ts: int
    reply: bool
    datagram: bytes
    rest: tuple[bytes, ...] = ()
    segmented: bool = False
    error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """One conversation to play.

    Attributes:
        key: the original tuple, as its initiator had it.
        packets: its datagrams, in order.
        server_initiated: a server began it with its client, as in active FTP.
        announced: a server announced this port to its client, as in passive FTP.
        one_sided: the capture has packets of one end only.
        bad_checksum: one of its packets has a bad checksum.

    """

    key: Tuple5
    packets: PlannedPackets
    server_initiated: bool = False
    announced: bool = False
    one_sided: bool = False
    bad_checksum: bool = False

    @property
    def is_related(self) -> bool:
        """Return whether an earlier conversation may be what lets it through."""
        return self.server_initiated or self.announced


class Found(NamedTuple):
    """A conversation in a capture.

    Attributes:
        key: the original tuple, as its initiator had it.
        translated: the tuple as its responder had it.
        rows: its packets' in the capture, as its initiator's side saw them.
        replies: which of them its responder sent.
        counterparts: row -> row of the same packet at the other point; empty for a
            capture of one point. Replies are played from there.

    """

    key: Tuple5
    translated: Tuple5
    rows: npt.NDArray[np.intp]
    replies: npt.NDArray[np.bool_]
    counterparts: Mapping[int, int] = {}


class PlannedPackets(Sequence[PlannedPacket]):
    """The packets of one conversation, each made on access."""

    __slots__ = ("_found", "_source")

    def __init__(self, source: Source, found: Found) -> None:
        """Take the rows of a conversation."""
        self._source, self._found = source, found

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found.rows)

    @property
    def rows(self) -> list[int]:
        """Return the rows of the capture that they are made of, or stand for."""
        found = self._found
        own = [*found.rows.tolist(), *found.counterparts.values()]
        return own + [row for one in own for row in self._source.later.get(one, ())]

    @overload
    def __getitem__(self, place: int) -> PlannedPacket: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PlannedPacket]: ...
    def __getitem__(
        self, place: int | slice
    ) -> PlannedPacket | Sequence[PlannedPacket]:
        """Return a packet, or those of a slice."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        found = self._found
        row, reply = found.rows.item(place), found.replies.item(place)
        counterpart = found.counterparts.get(row, row) if reply else row
        return self._source.packet(row, counterpart, reply=reply)


class Source:
    """A capture from which packets to play are made.

    `lengths` are the total lengths in IP headers, in octets, 0 where those were not
    captured; `later` is the row of a first fragment -> rows of the others.
    """

    def __init__(self, capture: Capture) -> None:
        """Find the packets that need more than a slice of their bytes."""
        self.capture = capture
        self.lengths = capture.u16_at(capture.ip_offset + np.int64(ipv4.TOTAL))
        self.later = _fragments(capture)
        self._partial = capture.l4_checksum == Checksum.PARTIAL
        fragment = (capture.status & Status.FRAGMENT) != 0
        odd = fragment | (self.lengths > MTU)
        self._odd = odd | (capture.quoted_proto != 0)

    def packet(self, row: int, counterpart: int, *, reply: bool) -> PlannedPacket:
        """Return a packet, with the bytes of its counterpart."""
        ts, datagram = self.capture.ts.item(row), self._datagram(counterpart)
        number = self.capture.about.number(row)
        if not self._odd.item(counterpart):
            return PlannedPacket(number, ts, reply, datagram)
        others = self.later.get(counterpart, ())
        first, *segmented = segment(datagram, MTU)
        return PlannedPacket(
            number,
            ts,
            reply,
            first,
            rest=(*segmented, *(self._datagram(other) for other in others)),
            segmented=bool(segmented),
            error=is_error(self.capture, counterpart),
        )

    def _datagram(self, row: int) -> bytes:
        """Return a packet from its IP header on, without link header and padding.

        What a snaplen cut becomes zeros. The checksums of such packets, and partial
        ones, are filled in, as the last device would have: a stack checks them.
        """
        at, length = self.capture.ip_offset.item(row), self.lengths.item(row)
        datagram = self.capture.octets(row)[at : at + length]
        if len(datagram) == length and not self._partial.item(row):
            return datagram
        return fill(datagram.ljust(length, b"\0"))


def _fragments(capture: Capture) -> Later:
    """Return row of each first fragment -> rows of the later ones, in order of time.

    IP ids are used again: later fragments belong to the first one before them, and
    those before any to the one that follows (RFC 791, 3.2).
    """
    found: dict[int, list[int]] = {}
    last: dict[tuple[object, ...], int] = {}
    early: dict[tuple[object, ...], list[int]] = {}
    is_fragment = (capture.status & Status.FRAGMENT) != 0
    for row in np.flatnonzero(is_fragment).tolist():
        names = ("point", "proto", "ip_id")
        whole = (
            *(int(capture.column(name)[row]) for name in names),
            capture.src[row].tobytes(),
            capture.dst[row].tobytes(),
        )
        if not capture.frag_offset[row]:
            found[row] = early.pop(whole, [])
            last[whole] = row
        elif whole in last:
            found[last[whole]].append(row)
        else:
            early.setdefault(whole, []).append(row)
    return found
