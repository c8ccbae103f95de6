"""The plugin's options: declarations, combinations, and what is refused."""

from __future__ import annotations

import os
import re
import stat
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.ci import in_ci
from pytest_netlab.errors import DeclarationError
from pytest_netlab.files.documents import brief
from pytest_netlab.plugin import lab_options
from pytest_netlab.spec import ARTIFACTS

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.plugin.lab_options import Group

GOLDEN, GOLDENS = "netlab_golden", "golden"
AS_IN = f"name a folder from rootdir, as in {GOLDEN} = tests/{GOLDENS}"
LONGEST = 255  # bytes of a name in a path, for Linux
UNREFERENCED = ("ignore", "warn", "reject", "delete")
KEEP = ("on-failure", "always", "never")
PATH = re.compile("DIR|FILE")  # in a metavar: the value is a path


class _Names:
    """Keeps the options' names, which of them take a value, and which a path."""

    def __init__(self) -> None:
        """Know none."""
        self.known: list[str] = []
        self.valued: list[str] = []
        self.paths: list[str] = []

    def addoption(self, *names: str, **attributes: Any) -> None:
        """Keep the names of one."""
        self.known += names
        if attributes.get("action", "append") == "append":
            self.valued += names
        if PATH.search(attributes.get("metavar", "")):
            self.paths += names


def register(parser: pytest.Parser) -> None:
    """Register options and ini keys."""
    group = parser.getgroup(
        "netlab", "Docker host networking scenarios (pytest-netlab)"
    )
    _table(group)
    parser.addini(GOLDEN, "folder of goldens, from rootdir", default=GOLDENS)


def check(config: pytest.Config) -> None:
    """Refuse invalid options and combinations.

    Raises:
        pytest.UsageError: says which options do not go together, or what is wrong.

    """
    _refuse_in_ci(config)
    _check_goldens(config)
    lab_options.check(config)
    _offline_of(config)
    _refuse_among_goldens(config)
    _refuse_with_replay(config)


def golden_root(config: pytest.Config) -> Path:
    """Return the folder of goldens, which need not be there.

    Raises:
        DeclarationError: the ini key names what is no folder, or cannot be one.

    """
    named = _named(config)
    folder = config.rootpath / named
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError:
        is_folder = not folder.is_symlink()  # it is made when a golden is recorded
    except OSError as error:
        text = f"{GOLDEN} cannot be {brief(named)}: {error.strerror}"
        raise DeclarationError(text) from error
    if not is_folder:
        raise DeclarationError(f"{GOLDEN}: {folder} is no folder")
    return folder


def _named(config: pytest.Config) -> str:
    try:
        with warnings.catch_warnings(action="ignore"):  # of types: checked below
            named = config.getini(GOLDEN)
    except (TypeError, ValueError) as error:  # by a newer pytest
        raise DeclarationError(f"{GOLDEN}: {error}: {AS_IN}") from error
    if not isinstance(named, str):
        raise DeclarationError(f"{GOLDEN} is one text, not {brief(named)}: {AS_IN}")
    if not named.strip():
        raise DeclarationError(f"{GOLDEN} is empty: {AS_IN}")
    parts = named.split("/")
    if not named.isprintable() or max(map(len, map(os.fsencode, parts))) > LONGEST:
        raise DeclarationError(f"{GOLDEN} cannot be {brief(named)}: {AS_IN}")
    return named


def _check_goldens(config: pytest.Config) -> None:
    """Refuse a folder of goldens that is none; a file `golden` may be unrelated."""
    try:
        if _named(config) != GOLDENS:
            golden_root(config)
    except DeclarationError as error:
        raise pytest.UsageError(str(error)) from error


def replays(config: pytest.Config) -> bool:
    """Return whether goldens are replayed in place of the scenarios' bodies."""
    return bool(config.getoption("--netlab-stimulus") == "replay")


def path_valued() -> tuple[str, ...]:
    """Return the options that take a path."""
    return tuple(_names().paths)


def value_option(argument: str) -> str | None:
    """Return the option with a value that an argument is the name of, or the start of.

    pytest refuses the start of a name, but not before it has looked at the value.
    """
    names = _names()
    if argument in names.known:
        return argument if argument in names.valued else None
    if not argument.startswith("--netlab"):
        return None
    either = (*names.paths, *names.valued)
    return next((name for name in either if name.startswith(argument)), None)


@cache
def _names() -> _Names:
    names = _Names()
    _table(names)
    return names


def _table(group: Group) -> None:
    """Add every option to a group."""
    lab_options.add(group)
    _golden_options(group)
    _evidence_options(group)
    _packet_options(group)


def _golden_options(group: Group) -> None:
    group.addoption(
        "--netlab-update",
        action="store_const",
        const="all",
        default="none",
        dest="netlab_update",
        help="record what is seen as the new goldens (refused when CI is set)",
    )
    group.addoption(
        "--netlab-update-new-only",
        action="store_const",
        const="new",
        dest="netlab_update",
        help="record goldens that are not there yet, and judge by those that are",
    )
    group.addoption(
        "--netlab-unreferenced",
        choices=UNREFERENCED,
        default="warn",
        help="what to do about goldens no scenario used, after a complete run: ignore, "
        "warn (default), reject (the run fails) or delete (refused when CI is set)",
    )


def _evidence_options(group: Group) -> None:
    group.addoption(
        "--netlab-artifacts",
        metavar="DIR",
        help="where evidence goes, a folder a scenario, and goldens that wait for "
        f"`pytest-netlab review` (default: {ARTIFACTS}); given, evidence is kept of "
        "passes too",
    )
    group.addoption(
        "--netlab-keep",
        choices=KEEP,
        help="when to keep evidence: packets, story.txt, rules, conntrack, verdict "
        "(default: on-failure; always with --netlab-artifacts)",
    )
    group.addoption(
        "--netlab-keep-env",
        action="store_true",
        help="leave values of environment variables and credentials in evidence and "
        "messages of scenarios (default: masked as ***)",
    )


def _packet_options(group: Group) -> None:
    """Add the options that take packets from elsewhere than the scenarios' tests."""
    group.addoption(
        "--netlab-stimulus",
        choices=("body", "replay"),
        default="body",
        help="what makes the packets: the scenario's own test (default), or its "
        "golden's capture, played from both ends; the latter needs no tool in a node",
    )
    group.addoption(
        "--netlab-offline",
        metavar="DIR",
        help="judge stored packets instead of running the scenarios, without root or "
        "Docker: a folder of evidence, of other goldens, or of captures "
        "<scenario>.pcapng; the equals sign is needed, here and before every path",
    )


def _refuse_in_ci(config: pytest.Config) -> None:
    """Refuse what would write or remove goldens where nobody reviews them."""
    asked = {
        "--netlab-update": config.getoption("netlab_update") == "all",
        "--netlab-update-new-only": config.getoption("netlab_update") == "new",
        "--netlab-unreferenced=delete": config.getoption("netlab_unreferenced")
        == "delete",
    }
    for option in [name for name, given in asked.items() if given]:
        if in_ci():
            raise pytest.UsageError(
                f"{option}: CI never writes goldens; do it by hand and commit"
            )


def _refuse_with_replay(config: pytest.Config) -> None:
    """Refuse to replay goldens that are to be recorded, or without a lab."""
    others = {
        "--netlab-update": config.getoption("netlab_update") != "none",
        "--netlab-offline": config.getoption("--netlab-offline") is not None,
    }
    for option in [name for name, given in others.items() if given]:
        if replays(config):
            text = f"--netlab-stimulus=replay plays the goldens: not with {option}"
            raise pytest.UsageError(text)


def _refuse_among_goldens(config: pytest.Config) -> None:
    """Refuse evidence in the folder of goldens: both have a folder per scenario id."""
    kept = config.getoption("--netlab-artifacts") or ARTIFACTS
    goldens = _real(config.rootpath / _named(config))
    evidence = _real(config.rootpath / kept)
    if goldens in (evidence, *evidence.parents):
        text = f"{kept} is where goldens are: name another folder for evidence"
        raise pytest.UsageError(f"--netlab-artifacts: {text}")


def _real(path: Path) -> Path:
    """Return a path with its links resolved, as far as possible: they may loop."""
    return type(path)(os.path.realpath(path))


def _offline_of(config: pytest.Config) -> None:
    """Refuse a path that is no folder; give xdist's workers the full path."""
    named = config.getoption("--netlab-offline")
    if named is None:
        return
    if config.getoption("netlab_update") != "none":
        text = "--netlab-update records what a lab shows; --netlab-offline has no lab"
        raise pytest.UsageError(text)
    folder = config.invocation_params.dir / named
    if not os.path.isdir(folder):  # noqa: PTH112 - a Path's raises for a long name
        raise pytest.UsageError(f"--netlab-offline: {named} is no folder")
    kept = config.getoption("--netlab-artifacts")
    if kept and _real(config.rootpath / kept) == _real(folder):
        text = "--netlab-artifacts: name another folder than --netlab-offline reads"
        raise pytest.UsageError(text)
    config.option.netlab_offline = str(folder)
