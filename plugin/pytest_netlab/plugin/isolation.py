"""Keep evidence from running code and from judging itself.

Knows how and when pytest finds ini files, plugins, conftests and tests; refuses to know
packets.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from glob import iglob
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pytest_netlab.errors import DeclarationError
from pytest_netlab.plugin import options
from pytest_netlab.spec import ARTIFACTS
from pytest_netlab.terminal import one_line

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

    import pytest

WRONG_USE = 2  # the exit code of pytest-netlab's commands; pytest's own is 4


def refuse(text: str) -> NoReturn:
    """End before pytest has a session: one sentence on stderr.

    Raises:
        SystemExit: always, with code 2.

    """
    sys.stderr.write(f"pytest-netlab: {one_line(text)}\n")
    raise SystemExit(WRONG_USE)


def refuse_split(config: pytest.Config) -> None:
    """Refuse an option with a space before its path: pytest takes it for tests.

    pytest looks for rootdir before plugins have registered options: it has read the ini
    of that folder by now, and loaded the plugins that it names. All that is left is to
    stop, and to say so.

    Raises:
        SystemExit: with code 2.

    """
    for where, arguments in _given(config):
        if found := split(arguments, config.invocation_params.dir):
            option, value = found
            refuse(
                f"write {option}={value!r} {where}, with the equals sign: pytest takes "
                f"what follows a space for a folder of tests, so files in it "
                f"(pytest.ini, the plugins it names) {_read()}"
            )


def refuse_inside(config: pytest.Config, chosen: Namespace) -> None:
    """Refuse a run that takes more from its evidence than packets and facts.

    Raises:
        SystemExit: with code 2.

    """
    if text := inside(config, chosen):
        refuse(text)


def split(arguments: Iterable[str], here: Path) -> tuple[str, str] | None:
    """Return the first option whose value pytest takes for tests, and that value.

    It is an argument of its own, and a path, or the name of something in `here`:
    `--netlab-engine kernel` beside a folder kernel.
    """
    rest = [*expanded(arguments), ""]
    for argument, value in pairwise(rest):
        if argument == "--":  # no options after it
            return None
        option = options.value_option(argument)
        if option in options.path_valued():
            return option, value or "DIR"
        if option and value and os.path.lexists(here / value):
            return option, value
    return None


def expanded(arguments: Iterable[str], within: tuple[str, ...] = ()) -> Iterator[str]:
    """Put the lines of @FILE in its place, as argparse does: one argument a line.

    A file that cannot be read, or includes itself, is left to argparse to report.
    """
    coding = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    for argument in arguments:
        name = argument[1:]
        if not argument.startswith("@") or name in within:
            yield argument
            continue
        with suppress(OSError, ValueError):
            lines = Path(name).read_text(*coding).splitlines()
            yield from expanded(lines, (*within, name))


def inside(config: pytest.Config, chosen: Namespace) -> str | None:
    """Return which code or goldens a run takes from its evidence; None for none.

    The text says what to do. Links are resolved; `chosen` has what is parsed so far.
    """
    if chosen.netlab_offline is None:
        return None
    evidence = config.invocation_params.dir / chosen.netlab_offline
    for what, path, advice in _sources(config, chosen):
        if _within(path, evidence):
            return (
                f"{what} {str(path)!r} lies inside the evidence folder "
                f"{os.path.realpath(evidence)!r}, which must neither run code nor "
                f"judge itself: {advice}"
            )
    return None


def ignored(config: pytest.Config, path: Path) -> bool:
    """Return whether a path below rootdir is evidence, where no tests are collected.

    CI puts evidence of other jobs in the default folder, and runs pytest beside it.
    """
    if path == config.rootpath / ARTIFACTS:
        return True
    evidence = config.getoption("--netlab-offline")
    return evidence is not None and _within(path, Path(evidence))


def _given(config: pytest.Config) -> Iterator[tuple[str, list[str]]]:
    """Yield where arguments come from, and those as they were written."""
    typed = [os.fspath(argument) for argument in config.invocation_params.args]
    yield "on the command line", typed
    with suppress(ValueError):  # quotes do not match: pytest says so
        yield "in PYTEST_ADDOPTS", shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    with suppress(ValueError):  # no ini has been read yet
        yield "in the ini's addopts", list(config.getini("addopts"))


def _sources(
    config: pytest.Config, chosen: Namespace
) -> Iterator[tuple[str, Path, str]]:
    """Yield each source of code or goldens: name, path, what to do instead."""
    anchors = [config.invocation_params.dir / name for name in _tests(config, chosen)]
    for path in anchors:  # they choose the ini file, which chooses rootdir
        yield "the test", path, "name tests outside it"
    elsewhere = f"start pytest in another folder, or name {{}}; files there {_read()}"
    if config.inipath is not None:
        yield "the ini file", config.inipath, elsewhere.format("another by -c")
    yield "rootdir", config.rootpath, elsewhere.format("another by --rootdir")
    off = f"take it off PYTHONPATH and the ini's pythonpath; files there {_read()}"
    for entry in [*map(str, config.getini("pythonpath")), *sys.path]:
        yield "the import path", config.invocation_params.dir / entry, off
    with suppress(DeclarationError):  # it is invalid, and refused soon
        goldens = options.golden_root(config)
        other = f"name one outside by the ini key {options.GOLDEN}"
        yield "the golden folder", goldens, other
    bundled = Path(str(files("pytest_netlab.golden")))
    yield "the folder of bundled goldens", bundled, "judge a copy of them"
    for anchor in anchors or [config.invocation_params.dir]:  # as pytest does at once
        for path in anchor.glob("test*/conftest.py"):
            yield "the conftest", path, "move the evidence, or give it another name"


def _tests(config: pytest.Config, chosen: Namespace) -> list[str]:
    """Return the files and folders in which pytest will look for tests."""
    if named := getattr(chosen, "file_or_dir", ()):  # absent where --help was met first
        return [str(name).partition("::")[0] for name in named]
    found: list[str] = []
    for pattern in config.getini("testpaths"):
        found += iglob(pattern, recursive=True)  # noqa: PTH207 - what pytest calls
    return found


def _within(path: Path, folder: Path) -> bool:
    """Return whether a path leads into a folder; a loop of links leads to itself."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _read() -> str:
    who = "root" if os.geteuid() == 0 else "this user"
    return f"may already have been read, and run as {who}"
