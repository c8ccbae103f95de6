"""How long each flow's packets took between the two points, by one clock.

Of a stream as of captures in memory. Pairs are kept up to two million, and one for each
flow: of more, a sample of every second, fourth ... pair of a flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat.clocks.clock import Alignment, Clock, estimate
from pytest_netlab.nat.clocks.pair_times import (
    BACK,
    FLOW,
    GUESSED,
    SURE,
    collect,
    every_other,
    of_flows,
)
from pytest_netlab.nat.translations import Delay

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.mapping.table import MappingTable
    from pytest_netlab.nat.pairing.observations import Observations

    Index = npt.NDArray[np.int32]
    Flags = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]
    Reals = npt.NDArray[np.float64]
    Times = npt.NDArray[np.int64]

_SAMPLE = 1 << 17  # pairs that a clock is estimated from
_MOST_PAIRS = 1 << 21
_SECOND = 1_000_000_000  # no host delays for longer, and few clocks differ by less


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the times of all pairs show.

    Attributes:
        clock: of the outside; None without a pair.
        delays: of each flow of the mapping table; None of a flow without a pair.
        outward: whether the pair that the mapping table keeps of a flow travelled
            outwards: by the times, where neither directions nor the ttl tell.

    """

    clock: Clock | None
    delays: list[Delay | None]
    outward: Mask


class Delays:
    """Collects the times of pairs step by step, in bounded memory."""

    def __init__(self, table: MappingTable) -> None:
        """Start without a pair; flows are those of the mapping table."""
        self._table = table
        self._times: list[Times] = []
        self._codes: list[Index] = []
        self._count = self._halved = 0

    def add(
        self,
        seen: tuple[Observations, Observations],
        rows: tuple[Index, Index],
        flow: Index,
        sure: Flags,
    ) -> None:
        """Add the pairs of a step.

        Args:
            seen: the observations of both points.
            rows: indices into them, of each pair.
            flow: of each pair, as the mapping table numbers them.
            sure: 1 unless another packet may be the counterpart as well.

        """
        if not len(flow):
            return
        times, codes = collect(seen, rows, flow, sure)
        for _ in range(self._halved):
            times, codes = self._half(times, codes)
        self._times.append(times)
        self._codes.append(codes)
        self._count += len(codes)
        if self._count > _MOST_PAIRS + self._table.count:
            half = self._half(*self._all())
            self._times, self._codes = [half[0]], [half[1]]
            self._count = len(half[1])
            self._halved += 1

    def _half(self, times: Times, codes: Index) -> tuple[Times, Index]:
        """Return every other pair of each flow, the first one included."""
        kept = every_other(codes, self._table.count)
        return times[:, kept], codes[kept]

    def _all(self, step: int = 1) -> tuple[Times, Index]:
        """Return times and codes of all pairs, or of some in regular distances."""
        times = [one[:, ::step] for one in self._times]
        codes = [one[::step] for one in self._codes]
        return (
            np.concatenate([np.empty((2, 0), dtype=np.int64), *times], axis=1),
            np.concatenate([np.empty(0, dtype=np.int32), *codes]),
        )

    def timing(self) -> Timing:
        """Return what the pairs show; the clock, of very many, by a sample of them."""
        count = self._table.count
        (near, far), codes = self._all(1 + self._count // _SAMPLE)
        back = self._table.flows[3, :count] & 1 > 0
        even_out = (self._table.flows[5, :count] > 0) ^ back
        if any((one & GUESSED).any() for one in self._codes):
            (here, there), every = self._all()
            even_out = _decided(here, there, every, even_out)
        clock = _clock(near, far, _outward(codes, even_out), codes & SURE > 0)
        if clock is None:
            delays: list[Delay | None] = [None] * count
            return Timing(clock=None, delays=delays, outward=even_out ^ back)
        found = of_flows(*self._took(clock, even_out), count)
        delays = list(map(Delay, *found.tolist()))
        return Timing(clock=clock, delays=delays, outward=even_out ^ back)

    def _took(self, clock: Clock, even_out: Mask) -> tuple[Times, Index]:
        """Return how long each packet took, in ns, and the codes of the pairs.

        Part by part: fresh memory costs as much as the arithmetic.
        """
        codes = np.concatenate([np.empty(0, dtype=np.int32), *self._codes])
        took = np.empty(len(codes), dtype=np.int64)
        at = 0
        for (near, far), of_pairs in zip(self._times, self._codes, strict=True):
            outward = _outward(of_pairs, even_out)
            took[at : at + len(of_pairs)] = clock.took(near, far, outward)
            at += len(of_pairs)
        return took, codes


def _outward(codes: Index, even_out: Mask) -> Mask:
    """Return which pairs travelled from the inside to the outside."""
    outward: Mask = even_out[codes >> FLOW] ^ (codes & BACK > 0)
    return outward


def _clock(near: Times, far: Times, outward: Mask, sure: Mask) -> Clock | None:
    """Return the clock that the sure pairs show; all, where none is sure."""
    if sure.all() or not sure.any():
        return estimate(near, far, outward)
    return estimate(near[sure], far[sure], outward[sure])


def _decided(near: Times, far: Times, codes: Index, even_out: Mask) -> Mask:
    """Return whether packets of each flow's even uniflow travelled outwards.

    A bridge leaves the ttl as it is, so the times decide. Whatever the clocks, packets
    that travel outwards are further ahead outside than those that travel inwards; of a
    flow seen in one direction only, the clock that the others show decides.

    Args:
        near: times of the pairs inside.
        far: times outside.
        codes: of the pairs.
        even_out: what is known of each flow, or guessed.

    """
    flow, back, guessed = codes >> FLOW, codes & BACK > 0, codes & GUESSED > 0
    open_flows = np.ones(len(even_out), dtype=np.bool_)
    open_flows[flow[~guessed]] = False
    even_first, odd_first = _apart(near, far, 2 * flow + back, len(even_out))
    decided = np.where(open_flows & (even_first | odd_first), even_first, even_out)
    open_flows &= ~(even_first | odd_first)
    rest = open_flows[flow]
    outward = decided[flow] ^ back
    clock = estimate(near[~rest], far[~rest], outward[~rest])
    if clock is None and abs(float(np.median((far - near).astype("f8")))) < _SECOND:
        clock = Clock(start=int(near[0]), offset=0)
    if clock is None or not rest.any():
        return decided
    late = far[rest] - near[rest] - clock.ahead(near[rest])
    vote = np.sign(late) * np.where(back[rest], -1, 1)
    return _elected(decided, flow[rest], vote)


def _apart(near: Times, far: Times, cell: Index, flows: int) -> tuple[Mask, Mask]:
    """Return of which flows all packets of one uniflow are further ahead outside.

    Args:
        near: times of the pairs inside.
        far: times outside.
        cell: twice the flow of each, and 1 of the odd uniflow.
        flows: how many there are.

    Returns:
        those whose even uniflow is, and those whose odd one is.

    """
    alignment = Alignment.of(near, far)
    low, high = np.full(2 * flows, np.inf), np.full(2 * flows, -np.inf)
    if alignment is not None:
        ahead = alignment.without_trend(near, far)
        np.minimum.at(low, cell, ahead)
        np.maximum.at(high, cell, ahead)
    seen = np.isfinite(low)
    both = seen[::2] & seen[1::2]
    return both & (low[::2] > high[1::2]), both & (low[1::2] > high[::2])


def _elected(even_out: Mask, flow: Index, vote: Times) -> Mask:
    """Return what most packets of each flow vote for; the first one, if they differ.

    Votes are 1 for the even uniflow to travel outwards, -1 for the odd one.
    """
    flows = len(even_out)
    score = np.bincount(flow, weights=vote, minlength=flows)
    counts = np.bincount(flow, minlength=flows)
    which, at = np.unique(flow, return_index=True)
    split = np.abs(score) * 2 < counts
    score[which[split[which]]] = vote[at[split[which]]]
    elected = even_out.copy()
    elected[score != 0] = score[score != 0] > 0
    return elected
