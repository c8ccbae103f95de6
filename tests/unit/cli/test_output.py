"""What happens at the ends of a pipe: readers that leave, disks that are full."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.cli.output import rendered
from pytest_netlab.mutate import Mutant, Outcome
from pytest_netlab.report import mutants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.cli.conftest import Command

PROGRAM = "from pytest_netlab.cli import main; main()"
NOTHING: Mapping[str, str] = {}
PATIENCE = 20  # seconds: then it waits for what does not come


def started(
    *arguments: str, environment: Mapping[str, str] = NOTHING, **options: object
) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own, with buffers as users have them."""
    argv = [sys.executable, "-c", PROGRAM, *arguments]
    options["env"] = {**os.environ, "PYTHONUNBUFFERED": "", **environment}
    return subprocess.Popen(argv, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    "arguments", [("show",), ("show", "--json"), ("show", "--csv")]
)
def test_reader_leaves(long: Path, arguments: tuple[str, ...]) -> None:
    """`| head` ends it at once, and silently."""
    process = started(*arguments, str(long), stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()

    assert (process.wait(), complaint) == (0, b"")


def test_verdict_outlives_its_reader(command: Command) -> None:
    """Whoever does not read the differences still gets the exit code."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = started(
        "diff", "good.pcapng", "bad.pcapng", stdout=write_end, cwd=command.folder
    )
    os.close(write_end)
    _, complaint = process.communicate()

    assert (process.returncode, complaint) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk(command: Command) -> None:
    """Output that is not all there is no success."""
    with Path("/dev/full").open("wb") as full:
        process = started("show", "bad.pcapng", stdout=full, cwd=command.folder)
        _, complaint = process.communicate()

    assert process.returncode == 2
    assert complaint == b"Error: cannot write the output: No space left on device\n"


def test_unencodable_names(command: Command) -> None:
    """A locale that cannot encode a name gets it escaped, no traceback."""
    data = (command.folder / "bad.pcapng").read_bytes()
    named = data.replace(b"docker0", "döckr0".encode())
    (command.folder / "named.pcapng").write_bytes(named)
    process = started(
        "show",
        "named.pcapng",
        stdout=subprocess.PIPE,
        cwd=command.folder,
        environment={"PYTHONIOENCODING": "ascii"},
    )
    out, complaint = process.communicate()

    assert (process.returncode, complaint) == (0, b"")
    assert b" d\\xf6ckr0 In IP " in out


def test_interrupted(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no difference: the exit code is what shells make of SIGINT."""

    def interrupt(_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_netlab.cli.sources.open_capture", interrupt)

    assert command("show", "bad.pcapng").exit_code == 130


def test_live_capture_is_shown_as_it_comes(command: Command, whole: bytes) -> None:
    """What a pipe has brought is printed before more comes."""
    process = started(
        "show", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=command.folder
    )
    assert process.stdin is not None
    assert process.stdout is not None
    guard = Timer(PATIENCE, process.kill)
    guard.start()
    process.stdin.write(whole[:-60])
    process.stdin.flush()

    assert b" docker0 In IP c1.41000 > host01.80" in process.stdout.readline()

    process.stdin.write(whole[-60:])
    process.communicate()
    guard.cancel()
    assert process.returncode == 0


def test_tables_obey_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table's head and cells are what they say: no markup, no commands, one line."""
    hostile = "\x1b[31m[red]\x9b\n:smile:"
    mutant = Mutant(
        scenario=hostile, kind=hostile, name=hostile, outcome=Outcome.SURVIVED, why=""
    )
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    text = rendered(mutants.to_table([mutant]))

    assert text.replace("\n", "").isprintable()
    assert text.count(r"\x1b[31m[red]\x9b\n:smile:") == 4  # head, kind, and a sentence


ANY = ("show", "good.pcapng")


@pytest.mark.parametrize(
    ("arguments", "closed", "complaint"),
    [
        (("show", "-"), "<&-", "standard input is closed"),
        (("diff", "good.pcapng", "-"), "<&-", "standard input is closed"),
        (ANY, ">&-", "standard output is closed"),
        (("--help",), ">&-", "standard output is closed"),
        (("diff", "good.pcapng", "good.pcapng"), ">&-", "standard output is closed"),
        (ANY, "<&- >&-", "standard output is closed"),
        (("show", "-"), "<&- 2>&-", ""),
        (("show", "nothing"), "2>&-", ""),
        (("show", "nothing"), "2>/dev/full", ""),
        (("unknown",), "2>/dev/full", ""),
        (("--help",), ">/dev/full", "No space left on device"),
        (("show", "--help"), ">/dev/full", "No space left on device"),
        (("--version",), ">/dev/full", "No space left on device"),
    ],
)
def test_end_that_is_closed(
    command: Command, arguments: tuple[str, ...], closed: str, complaint: str
) -> None:
    """Where nothing can be read or written is a sentence, and no difference."""
    argv = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *argv],
        cwd=command.folder,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert complaint in done.stderr
    assert done.stderr.count("\n") == (complaint != ""), done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("show", "--help"), ("--version",)])
def test_reader_of_help_leaves(arguments: tuple[str, ...]) -> None:
    """Whoever does not read what was asked for has seen no difference either."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = started(*arguments, stdout=write_end)
    os.close(write_end)
    _, complaint = process.communicate()

    assert (process.returncode, complaint) == (0, b"")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ANY])
def test_errors_need_no_place(command: Command, arguments: tuple[str, ...]) -> None:
    """What has no error to tell works without a standard error, or an input."""
    argv = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", *argv],
        cwd=command.folder,
        stdout=subprocess.PIPE,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout
