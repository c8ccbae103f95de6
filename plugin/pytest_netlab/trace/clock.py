"""Times that never go back, for a capture whose clock was set back in between.

NTP and people step the clock that stamps packets (clock_settime(2), adjtimex(2)); a
capture keeps both times, and only the order of its records says what came first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.wire import canary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_netlab.capture import Capture

    Times = NDArray[np.int64]


# Two processors stamp packets before they queue for one ring (af_packet.c,
# tpacket_rcv): these may stand in it the other way round, and times tell their order.
RACE_NS = 10_000
_LAST = int(np.iinfo(np.int64).max)


def steady(capture: Capture) -> Capture:
    """Return the capture with times (ns) as of a clock that was never set back.

    Where the clock steps back, everything behind it in the file is that much later, and
    1 ns, as nobody knows how long it was. A step forward stays: it reorders nothing.

    A point's records are in the order in which it saw them. Those of several points are
    in the order of time where the file was merged by time, as a lab's are: there, any
    step back is the clock's. Other tools write the points' buffers one after the other
    (dumpcap), so that time goes back between points, and tells their order: there, only
    a point's own step counts.
    """
    points = capture.point
    steps = sum(_steps_back(capture.ts[points == one]) for one in np.unique(points))
    canaries = (capture.ethertype == canary.ETHERTYPE).any()
    is_apart = np.count_nonzero(np.diff(points)) < len(np.unique(points))
    if not is_apart and (canaries or _steps_back(capture.ts) <= steps):
        points, steps = np.zeros_like(points), _steps_back(capture.ts)
    return capture.timed(_without_steps(capture.ts, points)) if steps else capture


def _steps_back(times: Times) -> int:
    return int((times[:-1] - times[1:] > RACE_NS).sum())


def _without_steps(times: Times, points: NDArray[np.uint16]) -> Times:
    """Return the times, with each point's steps back undone from there on."""
    found = times.copy()
    latest: dict[int, int] = {}
    behind = 0
    for row, (time, point) in enumerate(
        zip(times.tolist(), points.tolist(), strict=True)
    ):
        before = latest.get(point, time + behind)
        if before - (time + behind) > RACE_NS:
            behind = before - time + 1
        found[row] = min(time + behind, _LAST)  # of a hostile file, times are any
        latest[point] = max(before, time + behind)
    return found
