"""Where the golden of a test is, and whether this run may write it."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.ci import in_ci
from pytest_netlab.errors import DeclarationError, GoldenError
from pytest_netlab.plugin import options
from pytest_netlab.spec import ARTIFACTS

if TYPE_CHECKING:
    import pytest

    from pytest_netlab.store import PendingStore


def folder(item: pytest.Item) -> Path:
    """Return where goldens are: bundled ones for bundled scenarios, else the ini's.

    Raises:
        DeclarationError: the ini key names no folder.
        GoldenError: a golden of an installed package is to be recorded.

    """
    place, updates = root(item), item.config.getoption("netlab_update") != "none"
    if is_bundled(item) and updates and not is_writable(item):
        raise GoldenError(
            f"--netlab-update: {place} belongs to the installed package; copy the "
            "scenario into your project to record a golden of your own"
        )
    return place


def root(item: pytest.Item) -> Path:
    """Return the same, also where nothing may be recorded.

    Raises:
        DeclarationError: the ini key names no folder.

    """
    if is_bundled(item):
        return _bundled("golden")
    return options.golden_root(item.config)


def is_bundled(item: pytest.Item) -> bool:
    """Return whether a test is one of the package's own scenarios."""
    return item.path.parent == _bundled("scenarios")


def is_writable(item: pytest.Item) -> bool:
    """Return whether a test's golden is this project's, and not a package's.

    A package may be installed below rootdir, in `.venv`.
    """
    rootdir = item.config.rootpath
    try:
        own = options.golden_root(item.config)
    except DeclarationError:  # its fixture has said so
        return False
    if is_bundled(item):
        return os.path.realpath(own) == os.path.realpath(_bundled("golden"))
    return own.is_relative_to(rootdir)


def artifacts(config: pytest.Config) -> Path:
    """Return the folder of this run's evidence."""
    return config.rootpath / str(config.getoption("--netlab-artifacts") or ARTIFACTS)


def pending(item: pytest.Item, report: pytest.TestReport) -> PendingStore | None:
    """Return where this phase may propose a golden; None for nowhere.

    CI writes nothing, an installed package's goldens are not the user's to change, and
    stored packets were proposed when they were captured.
    """
    from pytest_netlab.store import PendingStore  # noqa: PLC0415 - imports numpy

    config = item.config
    keep_none = in_ci() or config.getoption("--netlab-keep") == "never"
    if keep_none or config.getoption("--netlab-offline") or report.when != "call":
        return None
    return PendingStore.beside(artifacts(config)) if is_writable(item) else None


def _bundled(name: str) -> Path:
    return Path(str(files(f"pytest_netlab.{name}")))
