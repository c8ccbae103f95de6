"""Pair TCP segments by the bytes they carry: a super-frame with its segments.

Offloads (TSO, GSO, GRO) let one point see a frame of up to 64 KiB and the other the
segments of it, whose keys all differ.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.nat.pairing.hash_join import NOBODY
from pytest_netlab.nat.pairing.observations import SEGMENT
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.nat.clocks.clock import Alignment
    from pytest_netlab.nat.pairing.hash_join import Index, Pairing
    from pytest_netlab.nat.pairing.observations import Observations

    Span = tuple[int, int, int]  # row, first byte, end
    Align = Callable[[], Alignment | None]
    Late = Callable[[Sequence[tuple[Span, Span]]], Sequence[int | None]]

RESENT = 150_000_000  # ns: later, a piece is of a retransmission (RTO_MIN is 200 ms)
_MOST = 256  # segments that one super-frame can be: more is an attack


class Gap(NamedTuple):
    """Octets of a frame that crossed in pieces of which the other side saw none.

    Attributes:
        side: 0 of the near side, 1 of the far one: which saw the frame.
        row: index of its observation.
        first: sequence number of the first octet.
        end: the one behind the last.

    """

    side: int
    row: int
    first: int
    end: int


def pair_ranges(
    pairing: Pairing, align: Align = lambda: None, *, final: bool
) -> tuple[list[tuple[int, int]], list[Gap]]:
    """Return pairs of observations that carry the same bytes, and note them as pairs.

    Only flows whose mapping is known are considered and, until the final step, only
    frames of which every byte was seen on the other side. In the final one, what was
    not seen of a frame is returned too. `align` returns how far the clocks are apart,
    None where that is not known.
    """
    late = partial(_late, pairing, align)
    near = _spans(pairing.near, pairing.near_counterparts)
    far = _spans(pairing.far, pairing.far_counterparts)
    found: list[tuple[int, int]] = []
    gaps: list[Gap] = []
    for uniflow, here in near.items():
        there = [span for one in pairing.became(uniflow) for span in far.get(one, ())]
        if there:
            pairs, left = _overlaps(here, there, late, final=final)
            found += pairs
            gaps += left
    for row_in, row_out in found:
        pairing.take(row_in, row_out)
    return found, gaps


def _late(
    pairing: Pairing, align: Align, found: Sequence[tuple[Span, Span]]
) -> Sequence[int | None]:
    """Return how much later than expected, in ns, the far one of each pair came.

    None: that late, it is of another transmission.
    """
    alignment = align()
    if alignment is None:
        return [0] * len(found)
    near = pairing.near.ts[[span[0] for span, _ in found]]
    far = pairing.far.ts[[other[0] for _, other in found]]
    residual: list[int] = alignment.residual(near, far).tolist()
    limit = max(alignment.spread, RESENT)
    return [late if abs(late) <= limit else None for late in residual]


def _spans(seen: Observations, counterparts: Index) -> dict[int, list[Span]]:
    """Return uniflow -> its unpaired byte ranges, in the order of their rows."""
    unpaired = counterparts[: len(seen)] == NOBODY
    rows = np.flatnonzero(
        unpaired & (seen.facts >> np.uint64(SEGMENT) & np.uint64(1) > 0)
    )
    found: dict[int, list[Span]] = defaultdict(list)
    columns = (rows, seen.uniflow[rows], seen.seq[rows], seen.size[rows])
    for row, uniflow, seq, size in zip(*(c.tolist() for c in columns), strict=True):
        found[uniflow].append((row, seq, seq + size))
    return found


def _overlaps(
    near: Sequence[Span], far: Sequence[Span], late: Late, *, final: bool
) -> tuple[list[tuple[int, int]], list[Gap]]:
    """Return (near row, far row) of spans that overlap and are not equal, and gaps."""
    base = near[0][1]
    here, there = _unwrapped(near, base), _unwrapped(far, base)
    found: list[tuple[Span, Span]] = []
    begin = 0
    for span in here:
        while begin < len(there) and there[begin][2] <= span[1]:
            begin += 1
        for other in there[begin : begin + _MOST]:
            if other[1] >= span[2]:
                break
            if other[1:] != span[1:] and other[2] > span[1]:
                found.append((span, other))
    found = _once(found, late(found))
    seen = _covered(found)
    pairs = [
        (span[0], other[0])
        for span, other in found
        if final or seen[0, span[0]] >= _size(span) or seen[1, other[0]] >= _size(other)
    ]
    return pairs, list(_gaps(found, base)) if final else []


def _once(
    found: Sequence[tuple[Span, Span]], late: Sequence[int | None]
) -> list[tuple[Span, Span]]:
    """Return the overlaps without those of another transmission of the same bytes.

    Of each byte of a frame, the piece counts that came closest to when it had to.
    """
    near = [(abs(by), index) for index, by in enumerate(late) if by is not None]
    taken: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    kept = []
    for _, index in sorted(near):
        span, other = found[index]
        first, end = max(span[1], other[1]), min(span[2], other[2])
        frames = (0, span[0]), (1, other[0])
        if not any(
            begin < end and first < stop
            for frame in frames
            for begin, stop in taken[frame]
        ):
            for frame in frames:
                taken[frame].append((first, end))
            kept.append(index)
    return [found[index] for index in sorted(kept)]


def _gaps(found: Sequence[tuple[Span, Span]], base: int) -> Iterator[Gap]:
    """Yield what no counterpart of a frame carries, of frames that have several."""
    for side in (0, 1):
        pieces: dict[Span, list[Span]] = defaultdict(list)
        for pair in found:
            pieces[pair[side]].append(pair[1 - side])
        for (row, first, end), others in pieces.items():
            at = first
            for _, begin, stop in [*sorted(others, key=_by_bytes), (0, end, end)]:
                if begin > at:
                    yield Gap(side, row, *_absolute(at, begin, base))
                at = max(at, stop)


def _by_bytes(span: Span) -> tuple[int, int]:
    return span[1:]


def _absolute(first: int, end: int, base: int) -> tuple[int, int]:
    return (first + base) % tcp.SPACE, (end + base) % tcp.SPACE


def _covered(found: Sequence[tuple[Span, Span]]) -> dict[tuple[int, int], int]:
    """Return (side, row) -> how many of its bytes the other side saw."""
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for span, other in found:
        shared = min(span[2], other[2]) - max(span[1], other[1])
        seen[0, span[0]] += shared
        seen[1, other[0]] += shared
    return seen


def _size(span: Span) -> int:
    return span[2] - span[1]


def _unwrapped(spans: Sequence[Span], base: int) -> list[Span]:
    """Return the spans relative to a sequence number, in order."""
    moved = []
    for row, first, end in spans:
        start = tcp.distance(first, base)
        moved.append((row, start, start + end - first))
    return sorted(moved, key=lambda span: span[1:])
