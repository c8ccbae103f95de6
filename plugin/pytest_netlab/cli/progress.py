"""A progress bar on stderr, for people who have waited for a while."""

from __future__ import annotations

import sys
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pytest_netlab.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_netlab.capture import Capture, Chunks

Item = TypeVar("Item")
PATIENCE = 2.0  # seconds of work that need no bar


class Watch:
    """Shows how far files are read: on a terminal only, and only if it takes long."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Start the clock; a quiet one never shows anything."""
        self._quiet = quiet or not sys.stderr.isatty()
        self._patient_until = monotonic() + PATIENCE
        self._bars: Any = None
        self._lock = Lock()  # two files may be read by a thread each

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bars away."""
        if self._bars is not None:
            self._bars.stop()

    def chunks(self, chunks: Chunks, label: str) -> Iterator[Capture]:
        """Return the chunks as they are, and show how many there are to come."""
        bar = None
        for chunk in chunks:
            if bar is None and not self._quiet and monotonic() > self._patient_until:
                bar = self._bar(label, chunks.size)
            if bar is not None:
                self._bars.update(bar, completed=chunks.position)
            yield chunk

    def items(self, items: Iterable[Item], label: str, count: int) -> Iterator[Item]:
        """Return the items as they are, and show how many of them are done."""
        bar = None
        for number, item in enumerate(items, 1):
            if bar is None and not self._quiet and monotonic() > self._patient_until:
                bar = self._bar(label, count)
            if bar is not None:
                self._bars.update(bar, completed=number)
            yield item

    def counter(self, label: str, count: int) -> Callable[[int], None]:
        """Return a function to call with how many are done, again and again."""
        bar: Any = None

        def done(number: int) -> None:
            nonlocal bar
            if bar is None and not self._quiet and monotonic() > self._patient_until:
                bar = self._bar(label, count)
            if bar is not None:
                self._bars.update(bar, completed=number)

        return done

    def _bar(self, label: str, size: int) -> Any:
        """Return a new bar; one of unknown size only says that something happens."""
        with self._lock:
            if self._bars is None:
                from rich.console import Console  # noqa: PLC0415 - slow to load
                from rich.progress import Progress, TextColumn  # noqa: PLC0415

                console = Console(stderr=True, markup=False)
                # rich's own column takes [red] in a file's name for a colour.
                name = TextColumn("{task.description}", markup=False)
                columns = (name, *Progress.get_default_columns()[1:])
                self._bars = Progress(*columns, console=console, transient=True)
                self._bars.start()
        return self._bars.add_task(one_line(label), total=size or None)
