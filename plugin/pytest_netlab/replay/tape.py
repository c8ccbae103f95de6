"""A capture's packets as datagrams to send: made one by one, there may be millions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from pytest_netlab.flows import is_error
from pytest_netlab.replay.pieces import pieces
from pytest_netlab.wire import Checksum, Status, fill

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.flows import Tuple5

    Later = Mapping[int, list[int]]

MTU = 1500
_TOTAL_LENGTH = 2  # in an IPv4 header


class Step(NamedTuple):
    """One datagram of a conversation.

    Args:
        number: the packet's in the capture, from 1.
        ts: when it was seen, in ns.
        reply: the responder sends it.
        datagram: from its IP header on, as it was stored; its first fragment.
        rest: its other fragments, in the order they were seen, or segments.
        cut: it was larger than a link takes, and is played in pieces.
        error: it is an ICMP error, and quotes another packet.

    """

    number: int
    ts: int
    reply: bool
    datagram: bytes
    rest: tuple[bytes, ...] = ()
    cut: bool = False
    error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One conversation: its initiator's tuple, and its datagrams in order.

    `turned` says that a server began it with its client, as in active FTP; `announced`
    that a server told its client this port, as in passive FTP; `one_sided` that the
    capture has packets of one end only, `bad_checksum` that one does not fit.
    """

    key: Tuple5
    steps: Steps
    turned: bool = False
    announced: bool = False
    one_sided: bool = False
    bad_checksum: bool = False

    @property
    def is_related(self) -> bool:
        """Tell whether another conversation, played so far, may be what lets it in."""
        return self.turned or self.announced


class Found(NamedTuple):
    """A conversation's rows, which of them its responder sent, and their twins.

    A twin is the same packet at the other point, where its sender was. `key` is the
    tuple as its initiator had it, `sent` as its responder did.
    """

    key: Tuple5
    sent: Tuple5
    rows: npt.NDArray[np.intp]
    replies: npt.NDArray[np.bool_]
    twins: Mapping[int, int] = {}


class Steps(Sequence[Step]):
    """The steps of one conversation."""

    __slots__ = ("_found", "_tape")

    def __init__(self, tape: Tape, found: Found) -> None:
        """Take the rows of a conversation."""
        self._tape, self._found = tape, found

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found.rows)

    @property
    def rows(self) -> list[int]:
        """Return the packets of the capture that they are made of, or stand for."""
        found = self._found
        own = [*found.rows.tolist(), *found.twins.values()]
        return own + [row for one in own for row in self._tape.later.get(one, ())]

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Step]: ...
    def __getitem__(self, place: int | slice) -> Step | Sequence[Step]:
        """Make a step, or those of a slice."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        found = self._found
        row, reply = found.rows.item(place), found.replies.item(place)
        twin = found.twins.get(row, row) if reply else row
        return self._tape.step(row, twin, reply=reply)


class Tape:
    """A capture, to make steps of.

    `lengths` are its datagrams' by their own headers, 0 where those are not here;
    `later` are the other fragments of a first one.
    """

    def __init__(self, capture: Capture) -> None:
        """Look at what needs more than a slice of a packet's bytes."""
        self.capture = capture
        self.lengths = capture.halves(capture.ip_offset + np.int64(_TOTAL_LENGTH))
        self.later = _fragments(capture)
        self._partial = capture.l4_checksum == Checksum.PARTIAL
        fragment = (capture.status & Status.FRAGMENT) != 0
        odd = fragment | (self.lengths > MTU)
        self._odd = odd | (capture.quoted_proto != 0)

    def step(self, row: int, twin: int, *, reply: bool) -> Step:
        """Return a packet, with the bytes of its twin."""
        ts, datagram = self.capture.ts.item(row), self._datagram(twin)
        if not self._odd.item(twin):
            return Step(row + 1, ts, reply, datagram)
        others = self.later.get(twin, ())
        first, *cut = pieces(datagram, MTU)
        return Step(
            row + 1,
            ts,
            reply,
            first,
            rest=(*cut, *(self._datagram(other) for other in others)),
            cut=bool(cut),
            error=is_error(self.capture, twin),
        )

    def _datagram(self, row: int) -> bytes:
        """Return a packet from its IP header on, without what a link added.

        What a snaplen cut are zeros. Their checksum, and a partial one, is filled in,
        as the last device would have: nobody takes a packet that has none of its own.
        """
        at, length = self.capture.ip_offset.item(row), self.lengths.item(row)
        datagram = self.capture.octets(row)[at : at + length]
        if len(datagram) == length and not self._partial.item(row):
            return datagram
        return fill(datagram.ljust(length, b"\0"))


def _fragments(capture: Capture) -> Later:
    """Return the first fragment of each datagram -> its later ones, in order of time.

    An id is used again: those behind a first fragment are its own, up to the next one;
    those that came before any wait for it (RFC 791, 3.2).
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
