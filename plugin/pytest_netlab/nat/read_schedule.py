"""Choose the side to read next, so that counterparts are read at about the same time.

That is for speed and for memory only: what is paired never depends on a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.side import SideReader

_STEP = 1 << 16  # packets per step, of both sides
SAMPLE = 1 << 10  # pairs: enough of a step to learn the offset from


class ReadSchedule:
    """Reads whichever side is behind: by time once the clocks' offset is known.

    The clocks are first taken to agree; if a step then finds no pair, both sides are
    read evenly until one does.
    """

    def __init__(self, near: SideReader, far: SideReader) -> None:
        """Start with clocks that agree."""
        self._near, self._far = near, far
        self._offset: int | None = 0
        self._learned = False

    def read(self) -> None:
        """Read a step, a longer one while many packets are unpaired."""
        near, far = self._near, self._far
        wanted = max(_STEP, (len(near.carried) + len(far.carried)) // 2)
        got = 0
        while got < wanted and (near.alive or far.alive):
            if far.alive and (not near.alive or self._far_is_behind()):
                got += far.read()
            else:
                got += near.read()

    def _far_is_behind(self) -> bool:
        if not self._near.rows or not self._far.rows:
            return not self._far.rows and bool(self._near.rows)
        if self._offset is None:
            return self._far.rows < self._near.rows
        return self._far.front - self._offset < self._near.front

    def learn_offset(
        self, near: npt.NDArray[np.int64], far: npt.NDArray[np.int64]
    ) -> None:
        """Learn from the times of pairs how far the far clock is ahead, in ns."""
        if len(near):
            self._offset = int(np.median(far - near))
            self._learned = True
        elif not self._learned:
            self._offset = None
