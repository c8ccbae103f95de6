"""One conversation as it was observed: what checks of a conversation look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_netlab.capture import Capture
from pytest_netlab.checks.stations import Stations
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


NOBODY = Stations(Capture.from_frames([], []))  # nothing is known of any link


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A conversation in rows of one capture, at all its points.

    Attributes:
        capture: what the rows index.
        points: of each capture point, the rows in order of time.
        is_reply: returns whether the packet of a row travels to the initiator.
        pairs: (inside row, outside row) of the packets that crossed the host.
        bridged: rows of two observations of one packet with only bridges between them.
        unpaired: rows of packets that were seen on one side only, while all points were
            watched; empty if the conversation as a whole did not cross.
        is_own: returns whether the source of a row is an address of the host.
        compared: rows of packets that the trace contains and that are not ignored.
        stations: names of Ethernet addresses at the host's own points.
        apart: points in other namespaces: what leaves one of them reaches the host.

    """

    capture: Capture
    points: Sequence[Sequence[int]]
    is_reply: Callable[[int], bool]
    pairs: Sequence[tuple[int, int]] = ()
    bridged: Sequence[tuple[int, int]] = ()
    unpaired: Sequence[int] = ()
    is_own: Callable[[int], bool] = lambda _: False
    compared: Collection[int] = ()
    stations: Stations = NOBODY
    apart: Collection[int] = ()

    def direction(self, row: int) -> Direction:
        """Return whether a packet reached the host or left it."""
        noted = Direction(self.capture.direction[row])
        return _OPPOSITE[noted] if self.capture.point[row] in self.apart else noted

    @cached_property
    def forwarded(self) -> list[tuple[int, int]]:
        """Return (row that reached the host, row that left it), as they arrived.

        The order at a point is that of its tap: a packet's time may be that at which it
        was queued.
        """
        return sorted(
            pair if self.direction(pair[0]) == Direction.INBOUND else pair[::-1]
            for pair in self.pairs
        )


_OPPOSITE = {
    Direction.UNKNOWN: Direction.UNKNOWN,
    Direction.INBOUND: Direction.OUTBOUND,
    Direction.OUTBOUND: Direction.INBOUND,
}
