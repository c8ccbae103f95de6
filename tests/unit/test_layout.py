"""Lines on a terminal: as wide as it is, without broken words, and coloured."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import shlex
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

CAUSE = "cause      leaked: c1 left on the uplink under its own address, as no rule is"
COMMAND = (
    "             .venv/bin/pytest -m netlab --netlab-update tests/scenarios/test_it.py"
)


@pytest.fixture
def terminal() -> Iterator[io.TextIOWrapper]:
    """Return a terminal of 60 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(ours)


def test_width(terminal: io.TextIOWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal has one; a pipe has one only by COLUMNS that somebody has set."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    assert (layout.width(terminal), layout.width(io.StringIO())) == (60, None)

    monkeypatch.delenv("LINES")
    assert (layout.width(terminal), layout.width(io.StringIO())) == (60, 80)

    monkeypatch.delenv("COLUMNS")
    assert (layout.width(terminal), layout.width(None)) == (60, None)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [("X", "", True), ("NO_COLOR", "1", False), ("NO_COLOR", "", True)],
)
def test_colours(
    terminal: io.TextIOWrapper,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    *,
    wanted: bool,
) -> None:
    """A terminal has colours but for NO_COLOR, and a pipe has none."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)

    assert layout.is_coloured(terminal) == wanted
    assert not layout.is_coloured(io.StringIO())


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ping-host.test_it[a=1] FAILED: leaked", ("red", "bold")),
        ("    expected  port 80", ("green",)),
        ("    actual    port 81", ("red",)),
        ("-  uplink  host > host01", ("red",)),
        ("  + -A FORWARD -j DROP", ("green",)),
        ("  ip_forward: 1 then, 0 here", ()),
        ("1700000000.1 docker0 In IP c1 > host01: UDP", ()),
    ],
)
def test_styles(line: str, names: tuple[str, ...]) -> None:
    """What failed, was expected, seen, removed or added is seen by its colour."""
    assert layout.styles(line) == names


@pytest.mark.parametrize("columns", [80, 60, 40])
@pytest.mark.parametrize("line", [CAUSE, COMMAND, "no label " * 30, "  - -A X " * 20])
def test_folded(line: str, columns: int) -> None:
    """No line is wider, no word is broken, and what follows is indented."""
    first, *others = layout.folded(line, columns)

    assert max(map(len, (first, *others))) <= columns
    assert all(other.startswith("  ") for other in others)
    words = " ".join((first, *others)).replace("\\", "").split()
    assert words == line.split()


def test_folded_command() -> None:
    """A command that is folded can still be pasted."""
    first, second = layout.folded(COMMAND, 70)

    assert first.endswith(" \\")
    assert second.strip() == "tests/scenarios/test_it.py"


@pytest.mark.parametrize("columns", range(24, 90, 3))
def test_quotes_stay_whole(columns: int) -> None:
    """However it is folded, a shell reads the words that there were."""
    words = ["pytest", "-o", "x=a b", "test_it.py::test[a 'b' c  d]", "it's $HOME x"]
    line = " " * 13 + shlex.join(words)

    pieces = layout.folded(line, columns)

    script = "printf '%s\\n' " + "\n".join(pieces)
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == words


@given(st.text(st.characters(exclude_characters="\\")), st.integers(1, 100))
def test_nothing_is_lost(line: str, columns: int) -> None:
    """However wide, what is not blank is there, in its order."""
    pieces = layout.folded(line, columns)

    assert "".join("".join(pieces).replace("\\", "").split()) == "".join(line.split())
