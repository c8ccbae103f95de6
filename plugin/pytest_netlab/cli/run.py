"""`pytest-netlab run`: the bundled scenarios, in a pytest that reads nothing else."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_netlab.plugin import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@click.command(name="run", context_settings={"ignore_unknown_options": True})
@click.option(
    "--offline",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Judge stored packets instead of running the scenarios, without root or "
    "Docker: a folder of evidence, of other goldens, or of captures <scenario>.pcapng.",
)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(offline: str | None, pytest_args: tuple[str, ...]) -> None:
    """Run the bundled scenarios from any directory.

    Everything else after `run` goes to pytest, and the exit code is pytest's.

    Nothing of the current directory is read or imported: no pytest.ini, no
    pyproject.toml, no conftest.py. Plugins of yours are found by PYTHONPATH, and named
    by -p.

    \b
    pytest-netlab run -k ping -v
    pytest-netlab run --netlab-engine=host
    pytest-netlab run --offline netlab-artifacts
    """  # noqa: D301 - click's mark
    argv = [*_pytest(), *joined(pytest_args)]
    if offline is not None:
        argv.append(f"--netlab-offline={Path(offline).absolute()}")
    sys.stdout.flush()
    sys.stderr.flush()
    # In place of this process: a signal meant for it is pytest's.
    os.execve(sys.executable, argv, os.environ | {"PYTHONSAFEPATH": "1"})  # noqa: S606


def _pytest() -> list[str]:
    """Return pytest on the bundled scenarios: without an ini, and no other conftest."""
    scenarios = str(files("pytest_netlab.scenarios"))
    argv = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-m", "netlab"]
    # pytest expands variables in this path; "." is the same folder, and has none.
    rootdir = "." if "$" in str(Path.cwd()) else Path.cwd()
    argv += ["-c", os.devnull, f"--rootdir={rootdir}", f"--confcutdir={scenarios}"]
    return [*argv, scenarios]


def joined(arguments: Iterable[str]) -> Iterator[str]:
    """Put each path behind its option's equals sign, and in full.

    Apart from its option, pytest takes it for a folder of tests.
    """
    rest = iter(arguments)
    for argument in rest:
        name, equals, path = argument.partition("=")
        if name not in options.path_valued():
            yield argument
        elif equals or (path := next(rest, "")):
            yield f"{name}={_absolute(name, path)}"
        else:  # there is none: pytest says so
            yield argument


def _absolute(option: str, path: str) -> str:
    """Return a path in full; what is no file may be the name of an image."""
    named = option == "--netlab-image" and not Path(path).exists()
    return path if named or not path else str(Path(path).absolute())
