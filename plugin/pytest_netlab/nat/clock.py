"""The clock of one capture against that of the other, estimated from paired packets.

Knows times; which packets are pairs, others found without any clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]


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
