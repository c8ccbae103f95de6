"""What pytest prints of ours on a real terminal: its width, its colours."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from itertools import takewhile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Fault = Callable[[str], None]

DECIDES = ("COLUMNS", "NO_COLOR", "PY_COLORS")  # pytester sets the last
ESCAPE = re.compile(r"\x1b\[[\d;]*m")
PYTEST = ("-m", "pytest", "-m", "netlab", "--netlab-engine=fake", "--color=auto")


def printed(columns: int, *arguments: str, **env: str) -> str:
    """Return what Python prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    plain = {k: v for k, v in os.environ.items() if k not in DECIDES}
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=theirs,
        stderr=subprocess.STDOUT,
        env={**plain, "TERM": "xterm", **env},
    ):
        os.close(theirs)
        text = b""
        try:
            while some := os.read(ours, 4096):
                text += some
        except OSError:  # the program has ended
            os.close(ours)
    return text.decode().replace("\r\n", "\n")


@pytest.fixture
def leaking(recorded: pytest.Pytester, fault: Fault) -> pytest.Pytester:
    """Return a project on a lab whose NAT does not translate."""
    fault("lab.wire.nat.masquerade = False")
    return recorded


def cause(text: str) -> list[str]:
    """Return the lines of the cause, without colours."""
    lines = ESCAPE.sub("", text).split("\n")
    begin = next(n for n, line in enumerate(lines) if line.startswith("cause  "))
    under = takewhile(lambda line: line.startswith(" " * 11), lines[begin + 1 :])
    return [lines[begin], *under]


@pytest.mark.usefixtures("leaking")
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_failure(workers: tuple[str, ...]) -> None:
    """A failure is as wide as the terminal, and what failed and was seen is red."""
    for columns in (80, 60):
        text = printed(columns, *PYTEST, *workers)

        lines = cause(text)
        assert len(lines) > 1
        assert max(map(len, lines)) <= columns
        assert "\x1b[31m\x1b[1mping FAILED: leaked\x1b[0m" in text
        assert re.search(r"\x1b\[32m {4}expected  ", text)
        assert re.search(r"\x1b\[31m {4}actual  ", text)


@pytest.mark.usefixtures("leaking")
def test_no_color() -> None:
    """NO_COLOR leaves the width, and no colour of ours."""
    text = printed(60, *PYTEST, NO_COLOR="1")

    assert not ESCAPE.search(text)
    assert max(map(len, cause(text))) <= 60


def test_pipe(leaking: pytest.Pytester) -> None:
    """A pipe gets lines as they are: programs read them."""
    result = leaking.runpytest_subprocess(*PYTEST[2:])

    assert len(cause(str(result.stdout))) == 1
    assert not ESCAPE.search(str(result.stdout))


def test_commands(leaking: pytest.Pytester) -> None:
    """Commands do the same with a verdict, a difference, and an error."""
    leaking.runpytest_subprocess(*PYTEST[2:]).assert_outcomes(failed=1)
    command = ("-c", "from pytest_netlab.cli import main; main()")

    for words in (("show", "netlab-artifacts/ping"), ("review", "--reject-all", "no")):
        text = printed(60, *command, *words)
        plain = printed(60, *command, *words, NO_COLOR="1")

        assert ESCAPE.sub("", text) == plain
        assert not [one for one in plain.split("\n") if len(one) > 60 and " " in one]
    shown = printed(60, *command, "show", "netlab-artifacts/ping")
    assert "\x1b[31m\x1b[1mping FAILED" in shown
