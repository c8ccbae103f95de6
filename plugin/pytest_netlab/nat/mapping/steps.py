"""Count by how much the ttl was lowered between the points: the usual step is learned.

The points may be several routers apart, or at both ends of a bridge: which step is
right, most pairs say. Counted in the hot loop after pairing; the first pairs of each
step are kept, since which of them deviate is known at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pytest_netlab.nat.pairing import observations
from pytest_netlab.nat.translations import Hops

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_BYTE, _TWO = 255, 3
_ZERO = 256  # the slot of step 0: a ttl may rise by 255, or fall
_SLOTS = 512  # of one direction
_KEPT = 2 * _SLOTS  # the slot that counts the examples
_COLUMNS = 4  # of an example
OF_STEP: Final = 1 << 15  # examples of each step
_EXAMPLES: Final = 1 << 17  # of all
_LIKELY = 1  # router between the points, where nothing says more
_LEAST = 2  # pairs by which a direction has a step of its own

# Cython makes a C integer of it; this keeps it visible to Python.
globals().update(OF_STEP=OF_STEP)


class Deviation(NamedTuple):
    """A pair whose ttl was not lowered as usual.

    Attributes:
        inside: row of the packet inside.
        outside: row of it outside.
        flow: its number in the mapping table.
        want: by how much the ttl should have been lowered.
        ttl: before and after.

    """

    inside: int
    outside: int
    flow: int
    want: int
    ttl: tuple[int, int]


class Steps:
    """How often the ttl was lowered by how much, inwards and outwards.

    `counts` has a slot for each step of each direction, and the number of `examples`:
    slot, row inside, row outside, and flow with the ttl before, of the first pairs.
    """

    def __init__(self, demanded: int | None = None) -> None:
        """Start without a pair; `demanded` is the step to demand, None to learn it."""
        self._demanded = demanded
        self.counts = np.zeros(_KEPT + 1, dtype=np.int64)
        self.examples = np.empty(_EXAMPLES * _COLUMNS, dtype=np.int64)

    def hops(self) -> Hops:
        """Return the step that is demanded, or else the usual one."""
        if self._demanded is not None:
            return Hops(self._demanded, self._demanded, learned=False)
        inward, outward = self._of_directions()
        usual = _usual(inward + outward)
        if usual is None:
            return Hops(None, None, learned=True)
        return Hops(_own(outward, usual), _own(inward, usual), learned=True)

    def deviating(self) -> int:
        """Return how many pairs have another step."""
        hops = self.hops()
        inward, outward = self._of_directions()
        right = 0
        for counts, step in ((inward, hops.inward), (outward, hops.outward)):
            right += 0 if step is None else int(counts[step + _ZERO])
        return int(inward.sum() + outward.sum()) - right

    def deviations(self) -> Iterator[Deviation]:
        """Yield the kept pairs that have another step."""
        hops = self.hops()
        examples = self.examples.reshape(-1, _COLUMNS)[: self.counts[_KEPT]]
        usual = [
            way * _SLOTS + _ZERO + step
            for way, step in enumerate((hops.inward, hops.outward))
            if step is not None
        ]
        for row in examples[~np.isin(examples[:, 0], usual)].tolist():
            slot, inside, outside, packed = row
            step = slot % _SLOTS - _ZERO
            want = hops.outward if slot >= _SLOTS else hops.inward
            before = packed & _BYTE
            yield Deviation(
                inside, outside, packed >> 8, want or 0, (before, before - step)
            )

    def _of_directions(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the counts of the steps inwards, and of those outwards."""
        return self.counts[:_SLOTS], self.counts[_SLOTS:_KEPT]


def _usual(counts: npt.NDArray[np.int64]) -> int | None:
    """Return the most frequent step; of several, 1 or else the smallest.

    No number of routers raises a ttl.
    """
    if not counts.any():
        return None
    lowered = counts[_ZERO:]
    if not lowered.any():
        return _LIKELY
    most = np.flatnonzero(lowered == lowered.max())
    return _LIKELY if _LIKELY in most else int(most[0])


def _own(counts: npt.NDArray[np.int64], usual: int) -> int:
    """Return a direction's own step, if most of its pairs show one, else the usual.

    Routes may differ by direction. But where a ttl is not lowered at all in one
    direction and is in the other, no route is the reason.
    """
    own = _usual(counts)
    if own is None or own < 1 or usual < 1:
        return usual
    shown = int(counts[own + _ZERO])
    return own if shown >= _LEAST and 2 * shown > int(counts.sum()) else usual


def slot_of(near: int, far: int, left: int) -> int:
    """Return the slot of a pair's step, by the facts of both observations.

    In the order of travel if that is known; else the ttl was lowered, not raised.
    """
    before, after = near & _BYTE, far & _BYTE
    if near >> observations.DIRECTION & _TWO:
        step = before - after if left else after - before
    else:
        step = abs(before - after)
    return left * _SLOTS + _ZERO + step


def keep(
    counts: memoryview,
    examples: memoryview,
    slot: int,
    near: int,
    far: int,
    packed: int,
) -> None:
    """Keep the rows of a pair, and its flow with the ttl before, if there is room."""
    if counts[_KEPT] < _EXAMPLES:
        at = _COLUMNS * counts[_KEPT]
        examples[at], examples[at + 1] = slot, near
        examples[at + 2], examples[at + 3] = far, packed
        counts[_KEPT] += 1
