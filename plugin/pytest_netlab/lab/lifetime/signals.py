"""Signals that end a run: raised once, in the main thread, where it is safe.

By default SIGTERM and SIGHUP end a Python process at once, with nothing closed. Knows
signals and threads; not what is to be closed.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALLED = 128  # what a shell adds to the number of the signal that ended a process
ENDING = (signal.SIGTERM, signal.SIGHUP)
# A second signal, or the same one to the group, must not interrupt the closing that the
# first began. But Python drops what a finalizer raises: a later one counts again.
ONCE_SECONDS = 10


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to end. What handles Ctrl-C handles this too."""


class _Delivery:
    """Pending signals, the depth of `deferred` blocks, and the last signal raised."""

    def __init__(self) -> None:
        self.depth = 0
        self.number = 0
        self._waiting: list[int] = []
        self._raised = -float(ONCE_SECONDS)

    def hear(self, number: int, _frame: Any) -> None:
        """Raise a signal, or keep it pending in a `deferred` block."""
        self._waiting.append(number)
        if not self.depth:
            self.deliver()

    def deliver(self) -> None:
        """Raise the first pending signal; drop the others, which ask for the same."""
        waiting, self._waiting = self._waiting, []
        ending = next((number for number in waiting if number in ENDING), None)
        if ending is not None and time.monotonic() - self._raised >= ONCE_SECONDS:
            self._raised, self.number = time.monotonic(), ending
            raise Interrupted(signal.Signals(ending).name)
        if signal.SIGINT in waiting:
            raise KeyboardInterrupt


_delivery = _Delivery()


def exit_code() -> int:
    """Return 128 plus the number of the signal raised, as a shell reports; or 0."""
    return SIGNALLED + _delivery.number if _delivery.number else 0


@contextmanager
def orderly() -> Iterator[None]:
    """Raise `Interrupted` in the block for SIGTERM and SIGHUP, so that it closes all.

    Only default handlers are replaced: somebody else's stays, and so does the SIG_IGN
    of nohup. Handlers belong to the main thread;
    in another one this does nothing.
    """
    if current_thread() is not main_thread():
        yield
        return
    # SIGINT is raised as usual, but may be deferred.
    usual = dict.fromkeys(ENDING, signal.SIG_DFL)
    usual[signal.SIGINT] = signal.default_int_handler  # type: ignore[assignment]
    replaced = [number for number in usual if signal.getsignal(number) == usual[number]]
    try:
        for number in replaced:
            signal.signal(number, _delivery.hear)
        yield
    finally:
        with deferred():
            for number in replaced:
                signal.signal(number, usual[number])


@contextmanager
def deferred() -> Iterator[None]:
    """Defer signals to the end of the block, which must not be interrupted.

    A thread that is interrupted inside another network namespace stays there, and an
    interrupted event loop does not run again.
    """
    if current_thread() is not main_thread():
        yield
        return
    _delivery.depth += 1
    try:
        yield
    finally:
        _delivery.depth -= 1
        if not _delivery.depth:
            _delivery.deliver()
