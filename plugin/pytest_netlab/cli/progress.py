"""A progress bar on stderr, shown once work has taken a while."""

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
PATIENCE = 2.0  # seconds before a bar appears


class Watch:
    """Progress bars, on a terminal only, and only if the work takes long."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Start the clock; with `quiet`, never show anything."""
        self._quiet = quiet or not sys.stderr.isatty()
        self._patient_until = monotonic() + PATIENCE
        self._bars: Any = None
        self._lock = Lock()  # two files may be read by a thread each

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bars."""
        if self._bars is not None:
            self._bars.stop()

    def chunks(self, chunks: Chunks, label: str) -> Iterator[Capture]:
        """Yield the chunks unchanged, and show how much of the file has been read."""
        bar = None
        for chunk in chunks:
            if bar is None and not self._quiet and monotonic() > self._patient_until:
                bar = self._bar(label, chunks.size)
            if bar is not None:
                self._bars.update(bar, completed=chunks.position)
            yield chunk

    def items(self, items: Iterable[Item], label: str, count: int) -> Iterator[Item]:
        """Yield the items unchanged, and show how many of them are done."""
        bar = None
        for number, item in enumerate(items, 1):
            if bar is None and not self._quiet and monotonic() > self._patient_until:
                bar = self._bar(label, count)
            if bar is not None:
                self._bars.update(bar, completed=number)
            yield item

    def counter(self, label: str, count: int) -> Callable[[int], None]:
        """Return a function that shows the number of items done that it is given."""
        bar: Any = None

        def done(number: int) -> None:
            nonlocal bar
            if bar is None and not self._quiet and monotonic() > self._patient_until:
                bar = self._bar(label, count)
            if bar is not None:
                self._bars.update(bar, completed=number)

        return done

    def _bar(self, label: str, size: int) -> Any:
        """Return a new bar; with size 0 (unknown) it only shows activity."""
        with self._lock:
            if self._bars is None:
                from rich.console import Console  # noqa: PLC0415 - slow to load
                from rich.progress import Progress, TextColumn  # noqa: PLC0415

                console = Console(stderr=True, markup=False)
                # rich's default column reads [red] in a file name as a colour.
                name = TextColumn("{task.description}", markup=False)
                columns = (name, *Progress.get_default_columns()[1:])
                self._bars = Progress(*columns, console=console, transient=True)
                self._bars.start()
        return self._bars.add_task(one_line(label), total=size or None)
