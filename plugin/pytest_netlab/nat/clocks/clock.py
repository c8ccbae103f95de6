"""The clock of one capture against that of the other, estimated from paired packets.

Knows times; which packets are pairs, others found without any clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]
    Reals = npt.NDArray[np.float64]
    Line = tuple[Reals, Reals]  # times, ascending, and what the clocks show there

_BINS = 64  # of time, whose quickest packets show drift
_MOST_BLOCKS = 1 << 13  # of pairs that follow each other; of each, the quickest count
_BLOCKS_AT_ONCE = 256  # so that they stay in the processor's cache
_MOST_BINS = 256  # of an alignment
_IN_BIN = 8  # pairs, at least: of so many the median is not moved by three wrong ones
_SAMPLE = 1 << 13  # pairs that an alignment looks at
_FEWEST_POINTS = 4  # fewer have a trend by chance
_SURE_POINTS = 8  # of one direction alone, or against clocks that may be the same
_STEEPEST = 0.5  # no clock drifts more: virtual machines' were seen to by some per cent
_CONTRADICTING = 64  # pairs, or a 256th of them, that may be wrong at little cost
_FAR = float(1 << 62)  # ns; no clock is wrong by 146 years
_HALF = np.int64(1 << 61)
_MILLISECOND, _SECOND = 1_000_000, 1_000_000_000
_UNITS = (_MILLISECOND, 1_000)  # of timestamps, in ns
_TIMES_LOOKED_AT = 4096
_SOME_TENTHS = 5  # of a unit, in more of which finer times are


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What the clock of the outside shows when that of the inside shows a time.

    `outside = inside + offset + drift * (inside - start)`, all in ns, modulo 2**64.

    Attributes:
        start: the time, by the inside's clock, at which the offset is meant.
        offset: how far the outside's clock is ahead then; 0 where the clocks may be
            the same one.
        drift: how much faster it runs, as a ratio (1e-6 is 1 ppm); 0 where the pairs
            show none clearly.
        error: by how much the offset may be wrong: half of what a packet needs there
            and back, or all that the pairs allow where the clocks may be the same.
        one_way: all packets travelled in one direction, so that nothing is known of
            the offset but its bound: delays are counted from the shortest one, but
            for clocks that seem the same.

    """

    start: int
    offset: int
    drift: float = 0.0
    error: int = 0
    one_way: bool = False

    def outside(self, inside: Times) -> Times:
        """Return what the outside's clock showed at these times of the inside's."""
        return inside + self.ahead(inside)

    def took(
        self, inside: Times, outside: Times, outward: npt.NDArray[np.bool_]
    ) -> Times:
        """Return how long packets took, in ns, from the point that they passed first.

        What is negative by no more than the clock's error is 0.

        Args:
            inside: their times by the inside's clock.
            outside: by the outside's.
            outward: whether they travelled from the inside to the outside.

        """
        late = outside - inside
        late -= self.ahead(inside)
        np.negative(late, out=late, where=~outward)
        late[(late < 0) & (late >= -self.error)] = 0
        return late

    def ahead(self, inside: Times) -> Times:
        """Return how far the outside's clock was ahead at these times, in ns."""
        offset = np.full(len(inside), self.offset, dtype=np.int64)
        if not self.drift:
            return offset
        moved = np.clip(self.drift * _since(inside, self.start), -_FAR, _FAR)
        offset += moved.astype("i8")
        return offset


def estimate(
    inside: Times, outside: Times, outward: npt.NDArray[np.bool_]
) -> Clock | None:
    """Return the clock that pairs show; None without any.

    A packet that travels outwards arrives later than it left, so the difference of its
    times is more than the offset; of one that travels inwards it is less. The offset is
    in the middle of what most pairs allow (RFC 5905 section 11.2.1, after Marzullo), so
    that a few wrong pairs do not count. Half of what remains is the error. Of a clock
    that was set, the offset is that of the longer part; delays of the rest are wrong by
    the step.

    Args:
        inside: times of the pairs' packets by the inside's clock, in ns.
        outside: by the outside's.
        outward: whether they travelled from the inside to the outside.

    """
    if not len(inside):
        return None
    seen = _Differences.of(inside, outside, outward)
    drift = seen.drift()
    if seen.outward.all() or not seen.outward.any():
        return _one_way(seen, drift)
    low, high = seen.bounds()
    is_finite = bool(np.isfinite(high - low))
    if is_finite and low <= seen.zero <= high and not (drift and drift.both):
        error = max(high - seen.zero, seen.zero - low)
        return seen.clock(seen.zero, error=error)
    if drift:
        seen = seen.without(drift)
        low, high = seen.bounds()
    if not np.isfinite(high - low):  # one direction is wrong as a whole
        side = seen.outward if np.isinf(low) else ~seen.outward
        return _one_way(seen.only(side), None)
    return seen.clock((low + high) / 2, error=(high - low) / 2 + seen.unsteady)


def _one_way(seen: _Differences, drift: _Drift | None) -> Clock:
    """Return the clock where all packets travelled in one direction.

    Clocks by which no packet is early and most are less than a second late are taken
    for the same: hosts have the time from somewhere, and no host delays for longer.
    """
    sign = 1 if seen.outward[0] else -1
    late = sign * (seen.ahead - seen.zero)
    least = _least(late)
    if least >= -seen.grain and np.median(late) <= _SECOND:
        return seen.clock(seen.zero, error=max(least, 0), one_way=True)
    if drift:
        seen = seen.without(drift)
    least = _least(sign * seen.ahead)
    return seen.clock(sign * least, error=seen.unsteady, one_way=True)


def _least(late: Reals) -> float:
    """Return the least value that is no outlier."""
    tenth, middle = (float(value) for value in np.quantile(late, (0.1, 0.5)))
    usual = middle - 20 * (middle - tenth) - _MILLISECOND
    return float(late[late >= usual].min())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drift:
    """A drift that pairs show.

    Attributes:
        ratio: of the outside's clock.
        unsteady: what it does not explain, in ns.
        both: packets of both directions show it, each with points enough.

    """

    ratio: float
    unsteady: float
    both: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Differences:
    """Times of pairs, as differences that are exact and small.

    Attributes:
        start: the first time by the inside's clock.
        base: outside's time less the inside's, of one pair.
        elapsed: the inside's times since `start`, in ns.
        ahead: the outside's times less the inside's, less `base` and drift.
        outward: whether the packets travelled outwards.
        grain: ns by which times may be off, where one side's are coarser.
        ratio: drift that `ahead` is without.
        unsteady: what that drift does not explain, in ns.

    """

    start: int
    base: int
    elapsed: Reals
    ahead: Reals
    outward: npt.NDArray[np.bool_]
    grain: int
    ratio: float = 0.0
    unsteady: float = 0.0

    @classmethod
    def of(
        cls, inside: Times, outside: Times, outward: npt.NDArray[np.bool_]
    ) -> _Differences:
        """Return the differences of pairs, ascending by the inside's time."""
        if (inside[1:] < inside[:-1]).any():
            order = np.argsort(inside, kind="stable")
            inside, outside, outward = inside[order], outside[order], outward[order]
        ahead = outside - inside
        start, base = int(inside[0]), int(ahead[len(ahead) // 2])
        ahead -= base
        rows = _decisive(ahead, outward)
        return cls(
            start=start,
            base=base,
            elapsed=_since(inside[rows], start),
            ahead=ahead[rows].astype("f8"),
            outward=outward[rows],
            grain=_grain(inside, outside),
        )

    @property
    def zero(self) -> float:
        """Return what `ahead` would be of clocks that agree."""
        return -float(self.base)

    def only(self, which: npt.NDArray[np.bool_]) -> _Differences:
        """Return those of some pairs."""
        return replace(
            self,
            elapsed=self.elapsed[which],
            ahead=self.ahead[which],
            outward=self.outward[which],
        )

    def without(self, drift: _Drift) -> _Differences:
        """Return what is left once the drift is removed."""
        return replace(
            self,
            ahead=self.ahead - drift.ratio * self.elapsed,
            ratio=drift.ratio,
            unsteady=drift.unsteady,
        )

    def clock(self, ahead: float, *, error: float, one_way: bool = False) -> Clock:
        """Return the clock that is ahead by this much more than `base`."""
        offset = 0 if ahead == self.zero else self.base + round(ahead)
        return Clock(
            start=self.start,
            offset=(offset + 2**63) % 2**64 - 2**63,
            drift=self.ratio,
            error=ceil(min(error, _FAR)) + self.grain,
            one_way=one_way,
        )

    def bounds(self) -> tuple[float, float]:
        """Return between what most pairs allow the offset to be."""
        low, high = _intersection(self.ahead[self.outward], self.ahead[~self.outward])
        return low - self.grain, high + self.grain

    def drift(self) -> _Drift | None:
        """Return the drift that the quickest packets show; None if they show none.

        Queues that fill delay packets of one direction more and more; a clock that
        drifts seems to delay those of one and to hasten those of the other.
        """
        half = float(self.elapsed[-1]) / 2
        lines = []
        for sign, which in ((1, self.outward), (-1, ~self.outward)):
            at, ahead = _quickest(self.elapsed[which], self.ahead[which], sign)
            if len(at) >= _FEWEST_POINTS and at[-1] - at[0] > half:
                lines.append((at, ahead))
        sure = [len(at) >= _SURE_POINTS for at, _ in lines]
        if not lines or (len(lines) == 1 and not all(sure)):
            return None
        ratio, unsteady = _trend(*lines)
        alone = [float(np.median(_slopes(*line))) for line in lines]
        if not ratio or max(abs(one - ratio) for one in alone) > abs(ratio) / 2:
            return None
        both = len(lines) > 1 and all(sure)
        return _Drift(ratio=ratio, unsteady=unsteady, both=both)


def _decisive(ahead: Times, outward: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return, of many pairs, the quickest of each few that follow each other."""
    size = -(-len(ahead) // _MOST_BLOCKS)
    if size == 1:
        return np.arange(len(ahead))
    rows = []
    for low in range(0, len(ahead), size * _BLOCKS_AT_ONCE):
        part = slice(low, min(low + size * _BLOCKS_AT_ONCE, len(ahead)))
        rows.append(low + _quickest_of_blocks(ahead[part], outward[part], size))
    return np.concatenate(rows)


def _quickest_of_blocks(
    ahead: Times, outward: npt.NDArray[np.bool_], size: int
) -> npt.NDArray[np.intp]:
    """Return the rows of the quickest pair of each block and direction, ascending."""
    blocks = len(ahead) // size
    whole = slice(0, blocks * size)
    first = np.arange(0, blocks * size, size)
    near = np.clip(ahead[whole], -_HALF, _HALF)
    # A sum, since a choice for each pair costs a mispredicted branch each.
    out = (near + ~outward[whole] * _HALF * 2).reshape(-1, size).argmin(axis=1)
    back = (near - outward[whole] * _HALF * 2).reshape(-1, size).argmax(axis=1)
    rest = np.arange(whole.stop, len(ahead))
    return np.sort(np.concatenate([first + out, first + back, rest]))


def _quickest(elapsed: Reals, ahead: Reals, sign: int) -> Line:
    """Return when the quickest packet of each bin of time came, and how far ahead."""
    if not len(elapsed):
        return elapsed, ahead
    edges = np.linspace(elapsed[0], elapsed[-1], _BINS + 1)[1:-1]
    borders = [0, *np.searchsorted(elapsed, edges).tolist(), len(elapsed)]
    rows = [
        low + int(np.argmin(sign * ahead[low:high]))
        for low, high in pairwise(borders)
        if low < high
    ]
    return elapsed[rows], ahead[rows]


def _intersection(over: Reals, under: Reals) -> tuple[float, float]:
    """Return between what values most of `over` are above, most of `under` below.

    Few are wrong, so the few lowest of `over` and the few highest of `under` decide;
    all of them, where that many contradict each other. An end is infinite where those
    of one side are all wrong.
    """
    every = max(len(over), len(under))
    for some in (min(_CONTRADICTING + every // 256, every), every):
        bottoms, tops = _lowest(over, some), -_lowest(-under, some)
        below = np.searchsorted(bottoms, tops)
        wrong = below + np.arange(len(tops))
        best = int(np.argmin(wrong))
        if wrong[best] < some:
            break
    if wrong[best] > len(under):
        return -np.inf, float(bottoms[0])
    is_bound = below[best] < len(bottoms)
    return float(tops[best]), float(bottoms[below[best]]) if is_bound else np.inf


def _lowest(values: Reals, count: int) -> Reals:
    """Return this many of the lowest values, ascending."""
    if count < len(values):
        values = np.partition(values, count)[:count]
    return np.sort(values)


def _grain(one: Times, other: Times) -> int:
    """Return the unit in ns of one side's times, where the other's are finer; else 0.

    Packets are as if at random within a unit. Where those of the finer side are not,
    the times of a made-up capture are only round.
    """
    step = -(-len(one) // _TIMES_LOOKED_AT)
    one, other = one[::step], other[::step]
    for unit in _UNITS:
        coarse = [not (times % unit).any() for times in (one, other)]
        if coarse[0] != coarse[1]:
            within = (other if coarse[0] else one) % unit
            return unit if len(np.unique(within * 10 // unit)) > _SOME_TENTHS else 0
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where in the far capture a packet of the near one is to be looked for.

    Directions need not be known. The far time of a near one is interpolated between
    medians of what sure pairs show, so that drift and a slewed or stepped clock are
    followed; before the first and after the last median their trend goes on.

    Attributes:
        at: near times of the medians, in ns since `start`, ascending.
        ahead: what the far clock shows more than the near one there, in ns, less `base`
            and `trend * at`.
        start: the near time from which `at` counts.
        base: of one pair, far time less near one: what is near it is exact.
        trend: drift of the far clock, as a ratio; 0 where the pairs show none.
        spread: how far a true pair may be from what is expected, in ns.

    """

    at: Reals
    ahead: Reals
    start: int
    base: int
    trend: float
    spread: int

    @classmethod
    def of(cls, near: Times, far: Times) -> Alignment | None:
        """Return the alignment that these sure pairs show; None without any."""
        if not len(near):
            return None
        step = -(-len(near) // _SAMPLE)
        near, far = near[::step], far[::step]
        order = np.argsort(near, kind="stable")
        near, far = near[order], far[order]
        start, base = int(near[0]), int((far - near)[len(near) // 2])
        elapsed, ahead = _since(near, start), _less(far - near, base)
        bins = int(np.clip(len(near) // _IN_BIN, 1, _MOST_BINS))
        at, medians = _medians(elapsed, bins), _medians(ahead, bins)
        trend, _ = _trend((at, medians))
        medians -= trend * at
        off = ahead - trend * elapsed - np.interp(elapsed, at, medians)
        spread = _spread(np.abs(off))
        return cls(
            at=at, ahead=medians, start=start, base=base, trend=trend, spread=spread
        )

    def residual(self, near_ts: Times, far_ts: Times) -> Times:
        """Return how much later than expected the far times are, in ns."""
        expected = np.interp(_since(near_ts, self.start), self.at, self.ahead)
        off = self.without_trend(near_ts, far_ts) - expected
        residual: Times = np.rint(np.clip(off, -_FAR, _FAR)).astype("i8")
        return residual

    def without_trend(self, near_ts: Times, far_ts: Times) -> Reals:
        """Return far times less near ones, but for the trend, in ns from `base`."""
        return _less(far_ts - near_ts, self.base) - self.trend * _since(
            near_ts, self.start
        )


def _medians(values: Reals, bins: int) -> Reals:
    """Return the median of each of so many equal parts; the last few are left out."""
    size = len(values) // bins
    medians: Reals = np.median(values[: bins * size].reshape(bins, size), axis=1)
    return medians


def _spread(off: Reals) -> int:
    """Return a bound on how far true pairs are off.

    Twice the farthest one that is no outlier: queues may yet be longer than seen. Few
    pairs have seen little of them.
    """
    usual = 20 * float(np.quantile(off, 0.9, method="inverted_cdf")) + _MILLISECOND
    if len(off) < _IN_BIN:
        usual = _FAR
    farthest = float(off[off <= usual].max(initial=0.0))
    least = _MILLISECOND * (1 + _IN_BIN / len(off))
    return int(min(max(2 * farthest, least), _FAR))


def _since(times: Times, start: int) -> Reals:
    """Return the times as ns since a start, of any 64-bit times without overflow."""
    forth = (times - start).view("u8").astype("f8")
    back = (start - times).view("u8").astype("f8")
    return np.where(times >= start, forth, -back)


def _less(ahead: Times, base: int) -> Reals:
    """Return differences of times less one of them; all are modulo 2**64 ns."""
    less: Reals = (ahead - base).astype("f8")
    return less


def _trend(*lines: Line) -> tuple[float, float]:
    """Return the slope that lines have in common, and what it leaves unexplained.

    The slope is 0.0 unless it leaves less than a sixth of their deviation: a step or a
    queue that fills leaves more.
    """
    if any(len(at) < _FEWEST_POINTS or at[-1] <= at[0] for at, _ in lines):
        return 0.0, 0.0
    slope = float(np.median(np.concatenate([_slopes(*line) for line in lines])))
    before = _deviation([values for _, values in lines])
    after = _deviation([values - slope * at for at, values in lines])
    is_trend = after < before / 6 and abs(slope) <= _STEEPEST
    return (slope, after) if is_trend else (0.0, 0.0)


def _slopes(at: Reals, values: Reals) -> Reals:
    """Return the slopes between points that are a third of the time apart or more.

    Their median is not moved by few wrong points (Theil and Sen).
    """
    one, other = np.nonzero(at[None, :] - at[:, None] >= (at[-1] - at[0]) / 3)
    slopes: Reals = (values[other] - values[one]) / (at[other] - at[one])
    return slopes


def _deviation(lines: list[Reals]) -> float:
    """Return how far four of five values are from the median of their line at most."""
    off = np.concatenate([np.abs(values - np.median(values)) for values in lines])
    return float(np.quantile(off, 0.8))
