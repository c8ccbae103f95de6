"""The clock of one capture against that of the other, estimated from paired packets.

Knows times; which packets are pairs, others found without any clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]
    Reals = npt.NDArray[np.float64]

_MOST_BINS = 256
_IN_BIN = 8  # pairs, at least: of so many the median is not moved by three wrong ones
_SAMPLE = 1 << 16  # pairs that an alignment looks at
_FEWEST_POINTS = 4  # fewer have a trend by chance
_STEEPEST = 0.5  # no clock drifts more: virtual machines' were seen to by some per cent
_FAR = float(1 << 62)  # ns; no clock is wrong by 146 years
_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What the clock of the outside shows when that of the inside shows a time.

    `outside = inside + offset + drift * (inside - start)`, all in ns.

    Attributes:
        start: the time, by the inside's clock, at which the offset is meant.
        offset: how far the outside's clock is ahead then.
        drift: how much faster it runs, as a ratio (1e-6 is 1 ppm).
        error: by how much the offset may be wrong: half of what a packet needs there
            and back.
        one_way: all packets travelled in one direction, so that nothing is known of
            the offset but its bound: delays are counted from the shortest one.

    """

    start: int
    offset: int
    drift: float = 0.0
    error: int = 0
    one_way: bool = False

    def outside(self, inside: Times) -> Times:
        """Return what the outside's clock showed at these times of the inside's."""
        moved: Times = (self.drift * (inside - self.start)).astype("i8")
        return inside + self.offset + moved

    def ahead(self, inside: Times) -> Times:
        """Return how far the outside's clock was ahead at these times, in ns."""
        return self.outside(inside) - inside


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
        parts = np.array_split(np.arange(len(near)), bins)
        at = np.array([np.median(elapsed[part]) for part in parts])
        medians = np.array([np.median(ahead[part]) for part in parts])
        trend = _trend(at, medians)
        medians -= trend * at
        off = ahead - trend * elapsed - np.interp(elapsed, at, medians)
        spread = _spread(np.abs(off))
        return cls(
            at=at, ahead=medians, start=start, base=base, trend=trend, spread=spread
        )

    def residual(self, near_ts: Times, far_ts: Times) -> Times:
        """Return how much later than expected the far times are, in ns."""
        elapsed = _since(near_ts, self.start)
        expected = self.trend * elapsed + np.interp(elapsed, self.at, self.ahead)
        off = _less(far_ts - near_ts, self.base) - expected
        residual: Times = np.rint(np.clip(off, -_FAR, _FAR)).astype("i8")
        return residual


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


def _trend(at: Reals, values: Reals) -> float:
    """Return the slope of points, ascending by `at`; 0.0 if it does not explain them.

    The median of the slopes between points that are a third of the time apart or more
    (Theil and Sen). It explains them if it leaves a sixth of their deviation: a step
    or a queue that fills leaves more.
    """
    span = float(at[-1] - at[0]) if len(at) >= _FEWEST_POINTS else 0.0
    if span <= 0:
        return 0.0
    one, other = np.nonzero(at[None, :] - at[:, None] >= span / 3)
    slope = float(np.median((values[other] - values[one]) / (at[other] - at[one])))
    if abs(slope) > _STEEPEST:
        return 0.0
    before, after = _deviation(values), _deviation(values - slope * at)
    return slope if after < before / 6 else 0.0


def _deviation(values: Reals) -> float:
    """Return how far four of five values are from their median at most."""
    return float(np.quantile(np.abs(values - np.median(values)), 0.8))
