"""The progress bar: on a terminal, after a while, and never elsewhere."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest
import rich.progress

from pytest_netlab.capture import open_capture
from pytest_netlab.cli import progress
from pytest_netlab.cli.progress import PATIENCE, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.conftest import Command

    from pytest_netlab.capture import Capture


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """Be one."""
        return True


def watched(
    monkeypatch: pytest.MonkeyPatch,
    screen: io.StringIO,
    *,
    slow: bool,
    quiet: bool,
    label: str = "reading it",
) -> str:
    """Return what a screen shows while a capture is read, slowly or not."""
    times = iter([0.0, *[PATIENCE + slow] * 100])
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    monkeypatch.setattr(sys, "stderr", screen)
    with open_capture("bad.pcapng") as chunks, Watch(quiet=quiet) as watch:
        for _ in watch.chunks(chunks, label):
            pass
    return screen.getvalue()


@pytest.mark.usefixtures("command")
def test_slow_work_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for long sees how far it is."""
    shown = watched(monkeypatch, Terminal(), slow=True, quiet=False)

    assert "reading it" in shown


@pytest.mark.usefixtures("command")
def test_name_of_a_file_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name is no markup, and nothing that a terminal would obey."""
    label = "a[red]\x1b]0;b\x07\nc"

    shown = watched(monkeypatch, Terminal(), slow=True, quiet=False, label=label)

    assert r"a[red]\x1b]0;b\x07\nc" in shown
    assert "\x1b]" not in shown


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize(
    ("screen", "slow", "quiet"),
    [
        (Terminal(), False, False),
        (Terminal(), True, True),
        (io.StringIO(), True, False),
    ],
)
def test_silence(
    monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, *, slow: bool, quiet: bool
) -> None:
    """Quick work, work that prints itself, and files see no bar."""
    assert watched(monkeypatch, screen, slow=slow, quiet=quiet) == ""


def test_bars_of_two_files(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files that are read in turns share one display."""
    del command
    times = iter([0.0, *[PATIENCE + 1] * 100])
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with (
        open_capture("in.pcapng") as near,
        open_capture("out.pcapng") as far,
        Watch() as watch,
    ):
        both = [watch.chunks(near, "near side"), watch.chunks(far, "far side")]
        assert [len(next(chunks)) for chunks in both] == [4, 3]

    assert "near side" in screen.getvalue()
    assert "far side" in screen.getvalue()


def _count(chunks: Iterator[Capture]) -> int:
    return sum(1 for _ in chunks)


@pytest.mark.usefixtures("command")
def test_readers_in_threads_share_one_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads whose patience ends at once do not fight over the terminal."""
    made: list[SlowBars] = []

    class SlowBars(rich.progress.Progress):
        def __init__(self, *columns: Any, **options: Any) -> None:
            made.append(self)
            sleep(0.05)
            super().__init__(*columns, **options)

    monkeypatch.setattr(rich.progress, "Progress", SlowBars)
    monkeypatch.setattr(progress, "PATIENCE", -1)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with (
        open_capture("in.pcapng") as near,
        open_capture("out.pcapng") as far,
        Watch() as watch,
        ThreadPoolExecutor() as threads,
    ):
        both = [watch.chunks(near, "near"), watch.chunks(far, "far")]
        seen = list(threads.map(_count, both))

    assert (seen, len(made)) == ([1, 1], 1)
