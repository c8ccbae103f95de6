"""The progress bar: on a terminal, after a while, and never elsewhere."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture import open_capture
from pytest_netlab.cli import progress
from pytest_netlab.cli.progress import PATIENCE, Watch

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """Be one."""
        return True


def watched(
    monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, *, slow: bool, quiet: bool
) -> str:
    """Return what a screen shows while a capture is read, slowly or not."""
    times = iter([0.0, *[PATIENCE + slow] * 100])
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    monkeypatch.setattr(sys, "stderr", screen)
    with open_capture("bad.pcapng") as chunks, Watch(quiet=quiet) as watch:
        for _ in watch.chunks(chunks, "reading it"):
            pass
    return screen.getvalue()


@pytest.mark.usefixtures("command")
def test_slow_work_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for long sees how far it is."""
    shown = watched(monkeypatch, Terminal(), slow=True, quiet=False)

    assert "reading it" in shown


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
