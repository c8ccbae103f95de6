"""Read one capture point block by block, and keep the packets still unpaired."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.capture import Capture
from pytest_netlab.capture.ahead import Ahead
from pytest_netlab.capture.values import Octets, joined
from pytest_netlab.flows import FlowTable, Streams
from pytest_netlab.nat.account.fragments import Datagrams
from pytest_netlab.nat.account.tunnels import Tunnels
from pytest_netlab.nat.account.undecoded import Tally
from pytest_netlab.nat.pairing.observations import Observations, sight
from pytest_netlab.nat.translations import Span
from pytest_netlab.wire import Direction, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from pytest_netlab.capture.values import About

    Source = Capture | Iterable[Capture]

_LARGE = 1 << 16  # packets
_KEPT_ROWS = 1 << 16  # of packets without a counterpart, per point, when streaming


class SideReader:
    """Reads a capture, or its chunks, into observations.

    `whole` is the capture if there is one in memory; of chunks, `unpaired_chunks` keeps
    the columns of packets that were not paired at once, up to a bound.
    """

    def __init__(self, source: Source, *, guess: bool = False) -> None:
        """Take a capture or an iterable of its chunks; `guess` as `FlowTable` does."""
        self.whole = source if isinstance(source, Capture) else None
        chunks = iter([source] if isinstance(source, Capture) else source)
        first = next(chunks, None)
        self._chunks = chunks if first is None else chain((first,), chunks)
        self.knows_directions = first is not None and _knows_directions(first)
        self.table = FlowTable(guess=guess)
        self.streams = Streams()
        self.undecoded = Tally()
        self.tunnels = Tunnels()
        self.uniflows: list[npt.NDArray[np.int32]] = []
        self.rows = 0
        self.front = 0
        self.alive = first is not None
        self.carried = Observations.empty(0)
        self.paired_last: list[int] = []  # numbers of packets, after the last step
        self._new: list[Observations] = []
        self._recent: list[tuple[int, Capture]] = []
        self.unpaired_chunks: list[tuple[npt.NDArray[np.int64], Capture]] = []
        self._kept_rows = 0
        self._given_up: list[Observations] = []
        self._source = source
        self._points: set[int] = set()
        self._about: About | None = None
        self._fragments: list[_Fragments] = []
        self._times: tuple[int, int] | None = None
        self._seen: Iterator[_Seen] = iter(())
        self._next: _Seen | None = None

    def start(self, ingress: int) -> None:
        """Start to read; chunks and a large capture in a thread of their own.

        Args:
            ingress: the direction of packets that travel outwards, as this point sees
                them; 0 where directions are not known.

        """
        seen = self._sighted(ingress)
        small = self.whole is not None and len(self.whole) < _LARGE
        self._seen = seen if small else Ahead(seen)
        self._next = next(self._seen, None)

    def stop(self) -> None:
        """Stop reading."""
        if isinstance(self._seen, Ahead):
            self._seen.close()

    def _sighted(self, ingress: int) -> Iterator[_Seen]:
        """Yield each chunk with its observations."""
        rows = 0
        for chunk in self._chunks:
            begin, seen, uniflows = rows, [], []
            for block in chunk.blocks():
                uniflow = self.table.add(block.columns, block.rows)
                self.streams.add(block.columns, block.rows, uniflow)
                seen.append(sight(block.columns, block.rows, rows, uniflow, ingress))
                rows += block.rows
                uniflows.append(uniflow)
            self._keep_fragments(chunk, begin, uniflows)
            self.undecoded.add(chunk, uniflows)
            self.tunnels.add(chunk, uniflows)
            end = int(chunk.ts[-1]) if len(chunk) else 0
            kept = chunk if self.whole is not None else _bare(chunk)
            yield _Seen(kept, begin, end, seen, uniflows)

    def _keep_fragments(
        self, chunk: Capture, begin: int, uniflows: list[npt.NDArray[np.int32]]
    ) -> None:
        """Copy the columns of fragments, up to a bound; later ones have no flow."""
        rows = np.flatnonzero(chunk.status & int(Status.FRAGMENT))
        rows = rows[: _KEPT_ROWS - sum(len(one.numbers) for one in self._fragments)]
        if len(rows):
            of_rows = np.concatenate(uniflows)[rows]
            copied = _Fragments(rows + begin, _copied(chunk, rows), of_rows)
            self._fragments.append(copied)

    def datagrams(self) -> Datagrams:
        """Return the datagrams that came in fragments."""
        kept = self._fragments
        if not kept:
            return Datagrams(Capture.from_frames([], []), np.empty(0, dtype=np.int32))
        captures = [one.capture for one in kept]
        return Datagrams(
            Capture.joined(captures, captures[0].about),
            np.concatenate([one.uniflows for one in kept]),
            np.concatenate([one.numbers for one in kept]),
        )

    def read(self) -> int:
        """Read the next chunk; return how many packets it had."""
        seen = self._next
        if seen is None:
            return 0
        self._new += seen.observations
        if self.whole is None:
            self._recent.append((seen.first, seen.chunk))
        else:
            self.uniflows += seen.uniflows
        self.front = seen.end
        self._note(seen.chunk)
        self.rows += len(seen.chunk)
        self._next = next(self._seen, None)
        self.alive = self._next is not None
        return len(seen.chunk)

    def _note(self, chunk: Capture) -> None:
        """Note when a chunk was captured, and at which interfaces."""
        if not len(chunk):
            return
        first, last = int(chunk.ts.min()), int(chunk.ts.max())
        if self._times is not None:
            first, last = min(first, self._times[0]), max(last, self._times[1])
        self._times = first, last
        self._about = chunk.about
        self._points.update(_points(chunk))

    def pending(self) -> tuple[Observations, int]:
        """Return all unpaired observations, and the index of the first new one."""
        seen = Observations.joined([self.carried, *self._new])
        self._new = []
        return seen, len(self.carried)

    def carry(self, unpaired: Observations, bound: int) -> None:
        """Keep unpaired observations for the next step, of a stream the latest only."""
        if self.whole is None:
            self._keep_unpaired(unpaired)
            excess = len(unpaired) - bound
            if excess > 0:
                self._given_up.append(unpaired.take(np.arange(excess)))
                unpaired = unpaired.take(np.arange(excess, len(unpaired)))
        self.carried = unpaired

    def unpaired(self) -> Observations:
        """Return the observations that have no counterpart, in capture order."""
        seen = Observations.joined([*self._given_up, self.carried])
        if not self.paired_last:
            return seen
        return seen.take(np.flatnonzero(~np.isin(seen.row, self.paired_last)))

    def span(self) -> Span | None:
        """Return when this side was captured; None if it has no packet."""
        if self._times is None:
            return None
        first, last = self._times
        return Span(packets=self.rows, first=first, last=last, dropped=self._dropped())

    def _dropped(self) -> int | None:
        """Return how many packets the capture dropped; None where nobody counted.

        A file counts them behind its packets, so its last chunk may not know.
        """
        about: About | None = getattr(self._source, "about", self._about)
        known = about.interfaces if about else ()
        counts = [known[point].dropped for point in self._points if point < len(known)]
        counted = [count for count in counts if count is not None]
        return sum(counted) if counted else None

    def unpaired_left(self) -> UnpairedPackets:
        """Return the packets that stayed unpaired to the end."""
        seen = self.carried
        if self.whole is not None:
            return UnpairedPackets(self.whole, seen.row, seen.row, seen.uniflow)
        row = np.concatenate([*(one.row for one in self._given_up), seen.row])
        uniflow = np.concatenate(
            [*(one.uniflow for one in self._given_up), seen.uniflow]
        )
        copies = [capture for _, capture in self.unpaired_chunks]
        about = copies[0].about if copies else Capture.from_frames([], []).about
        numbers = [numbers for numbers, _ in self.unpaired_chunks]
        kept = np.concatenate([np.empty(0, dtype=np.int64), *numbers])
        unpaired = np.flatnonzero(np.isin(kept, row))
        uniflows = uniflow[np.searchsorted(row, kept[unpaired])]
        return UnpairedPackets(
            Capture.joined(copies, about), unpaired, kept[unpaired], uniflows
        )

    def _keep_unpaired(self, unpaired: Observations) -> None:
        """Copy the columns of new unpaired packets before their chunks are dropped."""
        for first, chunk in self._recent:
            low, high = np.searchsorted(unpaired.row, (first, first + len(chunk)))
            left = _KEPT_ROWS - self._kept_rows
            numbers = unpaired.row[low : min(high, low + max(left, 0))]
            if len(numbers):
                self.unpaired_chunks.append((numbers, _copied(chunk, numbers - first)))
                self._kept_rows += len(numbers)
        self._recent = []


class _Fragments(NamedTuple):
    """Fragments of a chunk: their numbers, a copy of their columns, their uniflows."""

    numbers: npt.NDArray[np.int64]
    capture: Capture
    uniflows: npt.NDArray[np.int32]


class _Seen(NamedTuple):
    """A chunk with the observations and uniflows of each of its blocks.

    `first` is the number of its first packet, `end` the time of its last in ns.
    """

    chunk: Capture
    first: int
    end: int
    observations: list[Observations]
    uniflows: list[npt.NDArray[np.int32]]


def _knows_directions(chunk: Capture) -> bool:
    """Return whether every packet that may be forwarded has a direction.

    Of a stream, the first chunk decides.
    """
    known = (chunk.direction != Direction.UNKNOWN) | (chunk.proto == 0)
    return bool(known.all())


def _points(chunk: Capture) -> list[int]:
    """Return the indices of the interfaces that a chunk has packets of."""
    if len(chunk.interfaces) == 1:
        return [0]
    return np.flatnonzero(np.bincount(chunk.point)).tolist()


@dataclass(frozen=True, slots=True)
class UnpairedPackets:
    """Packets without a counterpart.

    Attributes:
        capture: which contains them; of a stream, a copy of their columns.
        rows: of `capture`, ascending.
        numbers: of the packets in what was read, from 0.
        uniflows: of the packets, as `FlowTable.add` returns them.

    """

    capture: Capture
    rows: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    uniflows: npt.NDArray[np.int32]

    def number(self, row: int) -> int:
        """Return the number, in what was read, of a row of the capture."""
        return int(self.numbers[np.searchsorted(self.rows, row)])

    def by_conversation(self) -> dict[int, list[int]]:
        """Return number of the conversation -> rows of the capture."""
        found: dict[int, list[int]] = defaultdict(list)
        for row, uniflow in zip(
            self.rows.tolist(), self.uniflows.tolist(), strict=True
        ):
            found[uniflow >> 1].append(row)
        return found


def index_of(seen: Observations, number: int) -> int:
    """Return the index of a packet, by its number, among observations; -1 if absent."""
    index = int(np.searchsorted(seen.row, number))
    return index if index < len(seen) and seen.row[index] == number else -1


def _copied(chunk: Capture, rows: npt.NDArray[np.int64]) -> Capture:
    """Return a copy of rows of a chunk, without bytes: the chunk can be freed."""
    return _bare(chunk.select(rows))


def _bare(chunk: Capture) -> Capture:
    """Return a chunk without its bytes, so that their buffer can be reused."""
    blocks = chunk.blocks()
    nothing = Octets(buffers=(), bases=(), comments={})
    make = joined([block.array for block in blocks])
    return Capture(make, len(chunk), nothing, chunk.about, blocks)
