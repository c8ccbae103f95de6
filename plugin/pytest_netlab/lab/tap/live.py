"""A live capture that proves it missed nothing: canaries at both ends, drop counts.

Knows interfaces and namespaces; not which lab they belong to, nor what traffic means.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from heapq import merge
from operator import attrgetter
from time import monotonic
from typing import TYPE_CHECKING

from pytest_netlab.capture import Capture
from pytest_netlab.errors import BlindCaptureError, LabError
from pytest_netlab.lab.tap.capture_point import CapturePoint, TapPoint
from pytest_netlab.lab.tap.drain import Drain
from pytest_netlab.lab.tap.ring import RING_BYTES
from pytest_netlab.lab.tap.tcp_close import Conversations, is_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from pytest_netlab.wire import canary

__all__ = ["LiveCapture", "TapPoint"]

# A link that has just come up may drop frames silently until its queue is in place, so
# an unseen canary is sent again; the first copy seen is the barrier.
RESEND_SECONDS = 0.05


class LiveCapture:
    """Captures on some points from `start` to `stop`; `close` in any case."""

    def __init__(
        self,
        points: Sequence[TapPoint],
        *,
        names: Callable[[], Mapping[str, str]] = dict,
        closing: Callable[[], object] = tuple,
        deadline: float = 2.0,
        await_tcp_close: float = 1.0,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            points: where to capture; their order is that of the capture's interfaces.
            names: returns address text -> symbol, when the capture ends.
            closing: called just before the first closing canaries are sent: all that
                came until then is captured.
            deadline: seconds within which a canary must be seen.
            await_tcp_close: seconds to wait at most for TCP connections to close.
            ring_bytes: kernel memory for each point.

        Raises:
            LabError: two points have one name.

        """
        _demand_names(points)
        self._points = tuple(points)
        self._names = names
        self._closing = closing
        self._deadline = deadline
        self._await_tcp_close = await_tcp_close
        self._ring_bytes = ring_bytes
        self._run = secrets.token_hex(4)
        self._round = 0
        self._watches: list[CapturePoint] = []
        self._drain: Drain | None = None
        self._conversations = Conversations()
        self._open = ExitStack()

    def start(self) -> Self:
        """Open all points; return when the opening canary was seen on each.

        Raises:
            LabError: an interface or a namespace does not exist.
            BlindCaptureError: a point did not see its canary.

        """
        try:
            for index, point in enumerate(self._points):
                watch = CapturePoint(point, index, self._ring_bytes)
                self._open.callback(watch.close)
                self._watches.append(watch)
            self._drain = Drain(watch.ring for watch in self._watches)
            self._open.callback(self._drain.close)
            self._barrier("open")
        except BaseException:
            self.close()
            raise
        return self

    def stop(self) -> Capture:
        """Send the closing canaries, wait for them, and return what was seen.

        A canary that was seen proves that every frame before it was. If TCP connections
        are still closing then, `await_tcp_close` lets them finish and canaries are sent
        again: the last canary is always the last frame of its point. TCP behind a
        canary counts as still closing, even if it has ended since: canaries take
        different times, and the capture of each point ends at its own.

        Raises:
            BlindCaptureError: a canary was not seen, or frames were dropped.

        """
        try:
            self._closing()
            self._barrier("close")
            if self._conversations.unfinished or self._trailing():
                self._wait(self._settled, self._await_tcp_close)
                self._barrier("close")
            return self._result()
        finally:
            self.close()

    def close(self) -> None:
        """Free sockets, rings and thread; may be called twice."""
        self._drain = None
        self._open.close()

    def _barrier(self, kind: canary.CanaryKind) -> None:
        """Return when a fresh canary, and so all before it, was seen on every point."""
        self._round += 1
        for watch in self._watches:
            watch.expect(f"{self._run}-{self._round}", kind)
        end = monotonic() + self._deadline
        while (left := end - monotonic()) > 0:
            for watch in self._watches:
                watch.send()
            if self._wait(self._all_seen, min(left, RESEND_SECONDS)):
                return
        self._demand_sight()

    def _wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until the drain's progress makes it true; return False if time ran out.

        The time it takes to look through a long capture does not count: what was
        drained in time is always looked at.
        """
        end = monotonic() + seconds
        while True:
            over = monotonic() >= end
            self._running.progress.clear()  # first: progress made from here on wakes us
            self._scan()
            if done() or over:
                return done()
            self._running.progress.wait(max(end - monotonic(), 0))

    def _scan(self) -> None:
        for watch in self._watches:
            self._conversations.feed(watch.scan())
            if watch.ring.error:
                self._demand_sight()
        failure = self._running.failure
        if failure is not None:
            text = f"the thread that empties the rings died: {failure!r}"
            raise BlindCaptureError(text) from failure

    def _all_seen(self) -> bool:
        return all(watch.seen for watch in self._watches)

    def _trailing(self) -> bool:
        """Return whether TCP segments came after the canaries that were seen last."""
        behind = (frame for watch in self._watches for frame in watch.behind)
        return any(is_tcp(frame) for frame in behind)

    def _settled(self) -> bool:
        return not self._conversations.unfinished

    @property
    def _running(self) -> Drain:
        if self._drain is None:
            raise LabError(
                "this capture is not running: it was not started, or is over"
            )
        return self._drain

    def _demand_sight(self) -> None:
        """Raise BlindCaptureError if a point cannot prove that it saw everything."""
        trouble = [text for watch in self._watches if (text := watch.trouble())]
        if trouble:
            raise BlindCaptureError("; ".join(trouble))

    def _result(self) -> Capture:
        self._demand_sight()
        return Capture.from_frames(
            merge(*(watch.window for watch in self._watches), key=attrgetter("ts")),
            [watch.describe() for watch in self._watches],
            names=dict(self._names()),
        )


def _demand_names(points: Sequence[TapPoint]) -> None:
    """Refuse points with one name: the canary of one would count for the other."""
    names = [point.name for point in points]
    if len(set(names)) < len(names):
        raise LabError(f"capture points must have different names: {', '.join(names)}")
