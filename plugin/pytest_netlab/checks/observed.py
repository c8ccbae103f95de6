"""One conversation as it was observed: what checks of a conversation look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.capture import Capture
from pytest_netlab.checks.stations import Stations

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


NOBODY = Stations(Capture.from_frames([], []))  # nothing is known of any link


@dataclass(frozen=True, slots=True, kw_only=True)
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
        compared: rows of packets that the trace contains and that are not ignored.
        stations: names of Ethernet addresses at the host's own points.

    """

    capture: Capture
    points: Sequence[Sequence[int]]
    is_reply: Callable[[int], bool]
    pairs: Sequence[tuple[int, int]] = ()
    bridged: Sequence[tuple[int, int]] = ()
    unpaired: Sequence[int] = ()
    compared: Collection[int] = ()
    stations: Stations = NOBODY
