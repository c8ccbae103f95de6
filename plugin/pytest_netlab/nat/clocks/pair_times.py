"""Collect the times of pairs, and put the delays of each flow together: hot loops.

Knows arrays; which flow a pair is of and what clocks show, others do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.nat.pairing import observations
from pytest_netlab.wire import octets

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.pairing.observations import Observations

    Index = npt.NDArray[np.int32]
    Flags = npt.NDArray[np.uint8]
    Times = npt.NDArray[np.int64]

# A pair's code: its flow, and these bits.
FLOW: Final = 3  # where the flow begins
BACK: Final = 4  # its near uniflow is odd
SURE: Final = 2  # no other packet may be its counterpart
GUESSED: Final = 1  # neither a direction nor the ttl says which way it travelled

_BYTE, _TWO = 255, 3

# Cython makes C integers of these; this keeps them visible to Python.
globals().update(FLOW=FLOW, BACK=BACK, SURE=SURE, GUESSED=GUESSED)


class PairTimes:
    """Times by both clocks of pairs, and a code of each."""

    if TYPE_CHECKING:
        near: memoryview
        far: memoryview
        code: memoryview

    def __init__(self, pairs: int) -> None:
        """Reserve memory for this many pairs."""
        self.times = np.empty((2, pairs + 1), dtype=np.int64)
        self.codes = np.empty(pairs + 1, dtype=np.int32)
        self.near = octets.i64_view(self.times[0])
        self.far = octets.i64_view(self.times[1])
        self.code = octets.i32_view(self.codes)


class _Pairs:
    """Pairs of a step, as bare memory."""

    if TYPE_CHECKING:
        near_ts: memoryview
        far_ts: memoryview
        near_facts: memoryview
        far_facts: memoryview
        uniflow: memoryview
        near_rows: memoryview
        far_rows: memoryview
        flow: memoryview
        sure: memoryview


def collect(
    seen: tuple[Observations, Observations],
    rows: tuple[Index, Index],
    flow: Index,
    sure: Flags,
) -> tuple[Times, Index]:
    """Return the times of pairs, a row for each clock, and their codes."""
    near, far = seen
    pairs, into = _Pairs(), PairTimes(len(flow))
    pairs.near_ts, pairs.far_ts = octets.i64_view(near.ts), octets.i64_view(far.ts)
    pairs.near_facts, pairs.far_facts = (
        octets.u64_view(near.facts),
        octets.u64_view(far.facts),
    )
    pairs.uniflow = octets.i32_view(near.uniflow)
    pairs.near_rows, pairs.far_rows = octets.i32_view(rows[0]), octets.i32_view(rows[1])
    pairs.flow, pairs.sure = octets.i32_view(flow), octets.u8_view(sure)
    count = len(flow)
    with cython.nogil:
        _collect(pairs, into, count)
    return into.times[:, :count], into.codes[:count]


def _collect(pairs: _Pairs, into: PairTimes, count: int) -> None:
    """Copy the times of each pair, and make its code."""
    for pair in range(count):
        near, far = pairs.near_rows[pair], pairs.far_rows[pair]
        into.near[pair] = pairs.near_ts[near]
        into.far[pair] = pairs.far_ts[far]
        code = pairs.flow[pair] << FLOW
        if pairs.uniflow[near] & 1:
            code |= BACK
        if pairs.sure[pair]:
            code |= SURE
        if _is_guess(pairs.near_facts[near], pairs.far_facts[far]):
            code |= GUESSED
        into.code[pair] = code


def _is_guess(near: int, far: int) -> bool:
    """Return whether neither the direction nor the ttl tells which way it was."""
    if near >> observations.DIRECTION & _TWO:
        return False
    return (near ^ far) >> observations.TTL & _BYTE == 0


def every_other(codes: Index, flows: int) -> npt.NDArray[np.bool_]:
    """Return which pairs are the first, third, fifth ... of their flow."""
    kept = np.zeros(len(codes) + 1, dtype=np.uint8)
    parity = np.zeros(flows + 1, dtype=np.uint8)
    code, keep, odd = (
        octets.i32_view(codes),
        octets.u8_view(kept),
        octets.u8_view(parity),
    )
    for pair in range(len(codes)):
        flow = code[pair] >> FLOW
        odd[flow] ^= 1
        keep[pair] = odd[flow]
    return kept[: len(codes)].view(np.bool_)


class _Groups:
    """Delays by flow: those of flow n are in `values` up to `end[n]`."""

    if TYPE_CHECKING:
        late: memoryview
        code: memoryview
        values: memoryview
        end: memoryview
        least: memoryview
        median: memoryview
        most: memoryview


def of_flows(late: Times, codes: Index, flows: int) -> Times:
    """Return least, median and most delay of each flow, as rows; 0 of no pair.

    Of an even number, the median is the lower of the two in the middle.
    """
    count = len(codes)
    values = np.empty(count + 1, dtype=np.int64)
    end = np.zeros(flows + 1, dtype=np.int64)
    found = np.zeros((3, flows + 1), dtype=np.int64)
    groups = _Groups()
    groups.late, groups.code = octets.i64_view(late), octets.i32_view(codes)
    groups.values, groups.end = octets.i64_view(values), octets.i64_view(end)
    groups.least = octets.i64_view(found[0])
    groups.median = octets.i64_view(found[1])
    groups.most = octets.i64_view(found[2])
    with cython.nogil:
        _gather(groups, count, flows)
        _summarise(groups, flows)
    return found[:, :flows]


def _gather(groups: _Groups, count: int, flows: int) -> None:
    """Put the values of each flow side by side: a counting sort."""
    for pair in range(count):
        groups.end[groups.code[pair] >> FLOW] += 1
    begin = 0
    for flow in range(flows):
        size = groups.end[flow]
        groups.end[flow] = begin
        begin += size
    for pair in range(count):
        flow = groups.code[pair] >> FLOW
        place = groups.end[flow]
        groups.values[place] = groups.late[pair]
        groups.end[flow] = place + 1


def _summarise(groups: _Groups, flows: int) -> None:
    """Find least, median and most of each flow."""
    begin = 0
    for flow in range(flows):
        end = groups.end[flow]
        if begin < end:
            least = most = groups.values[begin]
            for place in range(begin + 1, end):
                value = groups.values[place]
                least = min(least, value)
                most = max(most, value)
            groups.least[flow], groups.most[flow] = least, most
            groups.median[flow] = _median(groups, begin, end, least, most)
        begin = end


def _median(groups: _Groups, begin: int, end: int, least: int, most: int) -> int:
    """Return the middle one of some values, which are reordered.

    Quickselect, whose pivot is by turns the median of three values and the middle
    between the least and the greatest: hostile values take 64 rounds, not a square.
    """
    wanted = begin + (end - begin - 1) // 2
    by_values = False
    while least < most:
        if by_values:
            # The middle, without a sum or difference that overflows 64 bits.
            pivot = (least & most) + ((least ^ most) >> 1)
        else:
            pivot = _median_of_three(
                groups.values[begin], groups.values[wanted], groups.values[end - 1]
            )
        by_values = not by_values
        border = _partition(groups, begin, end, pivot)
        if wanted < border:
            end, most = border, min(most, pivot)
        else:
            begin, least = border, max(least, pivot + 1)
    return least


def _median_of_three(one: int, two: int, three: int) -> int:
    if one > two:
        one, two = two, one
    if two <= three:
        return two
    return max(one, three)


def _partition(groups: _Groups, begin: int, end: int, pivot: int) -> int:
    """Move values up to the pivot before those above; return where these begin."""
    border = begin
    for place in range(begin, end):
        value = groups.values[place]
        groups.values[place] = groups.values[border]
        groups.values[border] = value
        # No branch: which values are above is as good as random.
        border += 1 if value <= pivot else 0
    return border
