"""Run an iterator in a thread of its own, a few items ahead of its consumer.

Reading and decoding release the GIL, so that two processors can work.
"""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = TypeVar("Item")
_PATIENCE = 1.0  # seconds between checks that the other thread is alive
_STACK = 1 << 24  # bytes that must be free to start a thread: its stack and some more


class Ahead(Generic[Item]):
    """An iterator over the same items; what the other raises is raised here."""

    def __init__(self, items: Iterator[Item], depth: int = 2) -> None:
        """Start at once, and never be more than `depth` items ahead.

        Raises:
            MemoryError: there is too little for another thread. If it started anyway,
                it would end unnoticed.

        """
        np.empty(_STACK, dtype=np.uint8)
        self._items = items
        self._made: SimpleQueue[tuple[Item | None, BaseException | None]] = (
            SimpleQueue()
        )
        self._slots = Semaphore(depth)
        self._closed = False
        self._thread = Thread(target=self._run, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # what Python makes of EAGAIN and ENOMEM
            raise MemoryError(str(error)) from error

    def _run(self) -> None:
        """Make items until there are no more, or `close` is called."""
        try:
            while self._slots.acquire() and not self._closed:
                self._made.put((next(self._items), None))
        except BaseException as error:  # noqa: BLE001 - it is raised over there
            with suppress(MemoryError):  # `_get` notices
                self._made.put((None, error))

    def __iter__(self) -> Iterator[Item]:
        """Return itself."""
        return self

    def __next__(self) -> Item:
        """Return the next item."""
        item, error = self._get()
        if error is not None:
            self._made.put((None, error))  # for the next call
            raise error
        self._slots.release()
        return item  # type: ignore[return-value]

    def _get(self) -> tuple[Item | None, BaseException | None]:
        """Wait for the next item, as long as the thread is alive."""
        while True:
            alive = self._thread.is_alive()
            try:
                return self._made.get(timeout=_PATIENCE)
            except Empty:
                if not alive:
                    raise MemoryError("a thread had none left to say so") from None

    def close(self) -> None:
        """Make no more items, and wait until the thread has ended."""
        self._closed = True
        self._slots.release()
        self._thread.join()
