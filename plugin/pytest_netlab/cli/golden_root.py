"""Find the folder of goldens that a pytest started here would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.cli.group import Trouble
from pytest_netlab.files.documents import brief

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "golden"


def golden_root(here: Path) -> Path:
    """Return the folder that `netlab_golden` names in pytest's configuration.

    Only reads files: no plugin is loaded and no conftest.py is run. Runs propose
    goldens for their own project only, so the folder must be inside pytest's rootdir.

    Args:
        here: an absolute folder.

    Raises:
        Trouble: the configuration cannot be read, or names a folder outside rootdir.

    """
    try:
        home, named = _configured(here)
        found, home = (home / named).resolve(), home.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise Trouble(f"{error}; name the folder of goldens with --golden") from error
    if not found.is_relative_to(home):
        text = f"netlab_golden leads from {home} to {found}, which is outside of it"
        raise Trouble(f"{text}; name the folder of goldens with --golden")
    return found


def _configured(here: Path) -> tuple[Path, str]:
    """Return pytest's rootdir and its value of netlab_golden."""
    import pytest  # noqa: PLC0415 - slow, and only these commands need it
    from _pytest.config.findpaths import locate_config  # noqa: PLC0415 - no other way

    try:
        root, _, found, *_ = locate_config(here, [])
    except (pytest.UsageError, pytest.fail.Exception) as error:
        raise ValueError(str(error)) from error
    value = found.get("netlab_golden", DEFAULT)
    named = getattr(value, "value", value)  # pytest 9 wraps it
    if not isinstance(named, str):
        raise ValueError(f"netlab_golden is one text, not {brief(named)}")  # noqa: TRY004 - reported as the others are
    return root or _with_setup(here), named


def _with_setup(here: Path) -> Path:
    """Return pytest's rootdir for a folder without a configuration file."""
    around = (one for one in (here, *here.parents) if (one / "setup.py").is_file())
    return next(around, here)
