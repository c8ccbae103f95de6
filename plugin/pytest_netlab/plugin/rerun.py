"""Which command lines run a scenario again, record its golden and review it.

Knows how pytest was started; refuses to know how a run went.
"""

from __future__ import annotations

import os
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.ci import in_ci
from pytest_netlab.errors import DeclarationError, GoldenError
from pytest_netlab.invocation import current
from pytest_netlab.lab import backends
from pytest_netlab.plugin import arguments, configured, goldens, marker
from pytest_netlab.report.next_steps import ELSEWHERE, HERE, IN_LAB, Commands, NextSteps
from pytest_netlab.spec import ARTIFACTS
from pytest_netlab.store import PendingStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pytest_netlab.invocation import Invocation

UPDATE, NEW = "--netlab-update", "--netlab-update-new-only"
OF_RUN = ("--netlab-strict",)  # `pytest-netlab run` adds them


def steps(item: pytest.Item) -> NextSteps:
    """Return what can be done about a test; what it proposes itself is not known."""
    return NextSteps(commands=commands(item), proposed=_proposed(item))


def commands(item: pytest.Item) -> Commands:
    """Return the command lines for a test, as they are typed where pytest was."""
    config = item.config
    script, *given = arguments.started(config)
    called = current(config.invocation_params.dir, script)
    again, mine = _again(item, called, given), goldens.is_writable(item)
    bundled = goldens.is_bundled(item)
    if config.getoption("--netlab-offline"):
        review, folders = f"{called.netlab} review", _folders(item, called.here)
        return Commands(review=review, folders=folders, host=ELSEWHERE)
    own = config.getoption("--netlab-engine") == backends.HOST
    return Commands(
        again=_line(again),
        update=_line(again, UPDATE) if mine else "",
        new=_line(again, NEW) if mine else "",
        copy=_copy(item, called, given) if bundled and not mine else (),
        review=f"{called.netlab} review",
        folders=_folders(item, called.here),
        host=HERE if own else IN_LAB,
        in_ci=in_ci(),
    )


def _proposed(item: pytest.Item) -> str:
    """Return the proposal of the run that is judged again, by its name; "" for none."""
    folder = item.config.getoption("--netlab-offline")
    if not folder or in_ci() or not goldens.is_writable(item):
        return ""
    label = marker.scenario(item).label
    there = PendingStore.beside(Path(folder))
    try:
        return label if label in there.names() else ""
    except GoldenError:  # proposals behind a link: none is followed
        return ""


def _again(
    item: pytest.Item, called: Invocation, given: Sequence[str]
) -> tuple[str, list[str]]:
    """Return what begins the command line that runs a test, and what ends it."""
    if _is_run(item.config):
        words = [one for one in arguments.kept(given, files=False) if one not in OF_RUN]
        name = getattr(item, "originalname", None) or item.name
        return f"{called.netlab_as_root} run", [*words, "-k", name]
    path = os.path.relpath(item.path, called.here)
    parts = item.nodeid.partition("::")
    node = f"{path}{parts[1]}{parts[2]}"
    return f"{called.pytest} -m netlab", [*arguments.kept(given), node]


def _line(again: tuple[str, list[str]], *options: str) -> str:
    begin, words = again
    return " ".join((begin, *options, shlex.join(words)))


def _copy(
    item: pytest.Item, called: Invocation, given: Sequence[str]
) -> tuple[str, str]:
    """Return the commands that make a project's own scenario of a bundled one."""
    words = [*arguments.kept(given, files=not _is_run(item.config)), item.path.name]
    here = f"{called.pytest} -m netlab"
    return shlex.join(("cp", str(item.path), ".")), _line((here, words), NEW)


def _folders(item: pytest.Item, here: Path) -> str:
    """Return the options by which `review` finds what pytest has used."""
    config, words = item.config, []
    offline = config.getoption("--netlab-offline")
    artifacts = Path(offline) if offline else goldens.artifacts(config)
    if not _are_one(artifacts, here / ARTIFACTS):
        words += ["--artifacts", _near(artifacts, here)]
    try:
        root, found = goldens.root(item), configured.golden_root(here)[1]
    except (DeclarationError, OSError, RuntimeError, ValueError):
        return f" {shlex.join(words)}" if words else ""
    if not _are_one(root, found):
        words += ["--golden", _near(root, here)]
    return f" {shlex.join(words)}" if words else ""


def _is_run(config: pytest.Config) -> bool:
    """Return whether `pytest-netlab run` started pytest."""
    bundled = str(files("pytest_netlab.scenarios"))
    cut, ini = config.getoption("confcutdir"), config.getoption("inifilename")
    return bool(ini == os.devnull and cut == bundled)


def _near(path: Path, here: Path) -> str:
    """Return a path from here if it is below, else in full."""
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _are_one(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
