"""Arguments that name a capture (file, folder or standard input), and formats."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.capture import Capture, open_capture
from pytest_netlab.cli.group import Trouble
from pytest_netlab.errors import MemoryLimitError
from pytest_netlab.invocation import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.capture import Budget, Chunks
    from pytest_netlab.cli.progress import Watch
    from pytest_netlab.errors import CaptureError

FILE = click.Path(allow_dash=True)  # completes in shells; `located` reports
OUT = click.Path(dir_okay=False, writable=True)
CAPTURE = "capture.pcapng"
STDIN = "-"
FOLDER = f"a folder with {CAPTURE}, or - for standard input"


def formats(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json and --csv to a command, as `form`."""
    for name in ("csv", "json"):
        command = click.option(
            f"--{name}", "form", flag_value=name, help=f"Print {name.upper()}."
        )(command)
    return command


def opened(argument: str, budget: Budget, *, decapsulate: bool = False) -> Chunks:
    """Open the capture that an argument names: file, folder or standard input."""
    options: Any = {"memory": budget, "decapsulate": decapsulate}
    if argument != STDIN:
        return open_capture(located(argument), **options)
    if sys.stdin is None:
        raise Trouble("standard input is closed: pipe a capture into it")
    file = sys.stdin.buffer
    if file.isatty():
        raise Trouble("standard input is a terminal: pipe a capture into it")
    # BufferedReader waits for a full buffer; read raw to show live captures at once.
    return open_capture(getattr(file, "raw", file), **options)


def labelled(argument: str) -> str:
    """Return what errors call the capture that an argument names."""
    return "standard input" if argument == STDIN else argument


def located(argument: str) -> Path:
    """Return the capture file that an argument names."""
    path = Path(argument)
    if not path.exists():
        raise Trouble(f"{argument}: no such file; name a capture file, or {FOLDER}")
    if not path.is_dir():
        return path
    from pytest_netlab.evidence import is_bundle  # noqa: PLC0415 - 0.1 s, for folders

    if is_bundle(path) and (path / CAPTURE).is_symlink():
        text = f"{path / CAPTURE}: it is a symbolic link, and of evidence none is read"
        raise Trouble(text)
    if not (path / CAPTURE).is_file():
        raise Trouble(
            f"{argument} holds no {CAPTURE}; name a capture file, or {FOLDER}"
        )
    return path / CAPTURE


def whole(argument: str, watch: Watch, budget: Budget) -> Capture:
    """Read the whole capture that an argument names."""
    with opened(argument, budget) as chunks:
        parts = list(watch.chunks(chunks, argument))
        return Capture.joined(parts, chunks.about)


def as_trouble(error: CaptureError) -> Trouble:
    """Return a capture error as a sentence that says what to do."""
    if isinstance(error, MemoryLimitError):
        return Trouble(str(error))
    if not error.offset:
        return Trouble(f"{error}; give a capture of tcpdump, dumpcap or Wireshark")
    if not Path(error.source).is_file():  # standard input
        return Trouble(f"{error}; `show` prints the packets before it")
    shown = f"{current().netlab} show {shlex.quote(error.source)}"
    return Trouble(f"{error}; `{shown}` prints the packets before it")


def only_once(*arguments: str | None) -> None:
    """Raise if standard input is named for more than one capture."""
    if arguments.count(STDIN) > 1:
        raise click.UsageError("standard input can be one capture only: `-` once")


def spare(
    out: str | None, *arguments: str | None, option: str = "--write-diff"
) -> None:
    """Raise if the output file is one of the captures that are read."""
    read = [located(name) for name in arguments if name not in (None, STDIN)]
    if out and Path(out).exists() and any(path.samefile(out) for path in read):
        raise click.UsageError(f"{out} is read: {option} needs a file of its own")
