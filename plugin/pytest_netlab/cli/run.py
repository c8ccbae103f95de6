"""`pytest-netlab run`: run the bundled scenarios, isolated from the current folder."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_netlab.plugin import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LESSER = ("kernel", "fake")  # they have no Docker


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

    Everything else after `run` goes to pytest, and the exit code is pytest's. A machine
    that cannot run a scenario is an error here, as with --netlab-strict; an engine that
    is named and has no Docker (kernel, fake) skips what it cannot show.

    Nothing of the current directory is read or imported: no pytest.ini, no
    pyproject.toml, no conftest.py. Plugins of yours are found by PYTHONPATH, and named
    by -p.

    \b
    pytest-netlab run -k ping -v
    pytest-netlab run --netlab-engine=host
    pytest-netlab run --offline netlab-artifacts
    """  # noqa: D301 - click's mark
    argv = [*_pytest(), *joined(pytest_args)]
    if offline is None and not _names_lesser(pytest_args):
        argv.append("--netlab-strict")
    if offline is not None:
        argv.append(f"--netlab-offline={Path(offline).absolute()}")
    sys.stdout.flush()
    sys.stderr.flush()
    # pytest replaces this process, so that it gets the signals sent to it.
    os.execve(sys.executable, argv, os.environ | {"PYTHONSAFEPATH": "1"})  # noqa: S606


def _names_lesser(arguments: Sequence[str]) -> bool:
    """Return whether an engine is asked for that cannot run every scenario."""
    pairs = (f"{name}={value}" for name, value in pairwise(arguments))
    asked = {*arguments, *pairs}
    return any(f"--netlab-engine={name}" in asked for name in LESSER)


def _pytest() -> list[str]:
    """Return the pytest command line: the bundled scenarios, no ini, no conftest.py."""
    scenarios = str(files("pytest_netlab.scenarios"))
    argv = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-m", "netlab"]
    # pytest expands $VARIABLES in this path; "." is the same folder without any.
    rootdir = "." if "$" in str(Path.cwd()) else Path.cwd()
    argv += ["-c", os.devnull, f"--rootdir={rootdir}", f"--confcutdir={scenarios}"]
    return [*argv, scenarios]


def joined(arguments: Iterable[str]) -> Iterator[str]:
    """Join each option of ours with its value by "=", and make paths absolute.

    As an argument of its own, pytest would take the value for a folder of tests.
    """
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if options.value_option(name) != name:
            yield argument
        elif equals or (value := next(rest, "")):
            yield f"{name}={_absolute(name, value)}"
        else:  # the value is missing: pytest reports it
            yield argument


def _absolute(option: str, value: str) -> str:
    """Return a path as an absolute one; an --netlab-image that is no file is a name."""
    named = option == "--netlab-image" and not Path(value).exists()
    is_path = option in options.path_valued() and value and not named
    return str(Path(value).absolute()) if is_path else value
