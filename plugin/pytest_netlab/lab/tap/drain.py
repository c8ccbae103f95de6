"""The thread that keeps capture rings empty. Knows rings; not what is in them."""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.lab.tap.ring import Ring


class Drain:
    """One thread for all rings of a capture, from construction to `close`."""

    def __init__(self, rings: Iterable[Ring]) -> None:
        """Start to drain."""
        self.progress = threading.Event()
        self.failure: Exception | None = None
        self._rings = {ring.fileno(): ring for ring in rings}
        self._bell = os.eventfd(0)
        self._poll = select.epoll()
        for fd in (self._bell, *self._rings):
            self._poll.register(fd, select.EPOLLIN)
        self._thread = threading.Thread(
            target=self._run, name="pytest-netlab-tap", daemon=True
        )
        self._thread.start()

    def _run(self) -> None:
        try:
            while self._turn():
                self.progress.set()
        except Exception as error:  # noqa: BLE001 - whatever it was, the tap is blind now
            self.failure = error
        self.progress.set()

    def _turn(self) -> bool:
        """Wait for blocks and drain them; return False once `close` rang the bell."""
        events = dict(self._poll.poll())
        for fd, event in events.items():
            ring = self._rings.get(fd)
            if ring is not None:
                ring.drain()
            if ring is not None and event & select.EPOLLERR:
                ring.check()
        return self._bell not in events

    def close(self) -> None:
        """End the thread and wait for it; may be called twice."""
        if self._poll.closed:
            return
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        self._poll.close()
        os.close(self._bell)
