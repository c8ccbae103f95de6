"""Signals that end a run: raised in the main thread, once, where it can stand that.

SIGTERM and SIGHUP end a Python process on the spot, with nothing closed. Knows signals
and threads; not what is to be closed.
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
# Who signals twice, or a process and its group, must not cut the closing that the first
# one began. But Python drops what is raised in a finalizer: a later one counts again.
ONCE_SECONDS = 10


class Interrupted(KeyboardInterrupt):
    """A signal told this process to end. What handles Ctrl-C handles this too."""


class _Delivery:
    """Which signals wait, for how many blocks, and when one was raised last."""

    def __init__(self) -> None:
        self.depth = 0
        self.number = 0
        self._waiting: list[int] = []
        self._raised = -float(ONCE_SECONDS)

    def hear(self, number: int, _frame: Any) -> None:
        """Raise a signal, or let it wait."""
        self._waiting.append(number)
        if not self.depth:
            self.deliver()

    def deliver(self) -> None:
        """Raise the first signal that waits; the others are of the same ending."""
        waiting, self._waiting = self._waiting, []
        ending = next((number for number in waiting if number in ENDING), None)
        if ending is not None and time.monotonic() - self._raised >= ONCE_SECONDS:
            self._raised, self.number = time.monotonic(), ending
            raise Interrupted(signal.Signals(ending).name)
        if signal.SIGINT in waiting:
            raise KeyboardInterrupt


_delivery = _Delivery()


def exit_code() -> int:
    """Return what a shell would report of a process that ended by the signal; or 0."""
    return SIGNALLED + _delivery.number if _delivery.number else 0


@contextmanager
def orderly() -> Iterator[None]:
    """Raise `Interrupted` in the block for SIGTERM and SIGHUP, so that it closes all.

    Only what would have ended the process at once is taken over: a handler of somebody
    else's stays, and so does the SIG_IGN of nohup. Handlers belong to the main thread;
    in another one this does nothing.
    """
    if current_thread() is not main_thread():
        yield
        return
    # SIGINT is raised as ever, but may have to wait.
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
    """Let signals wait till the end of the block, whose middle must not be cut.

    A thread that is cut short inside another network namespace stays there, and an
    event loop that is does not run again.
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
