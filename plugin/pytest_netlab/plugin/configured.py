"""What pytest's configuration files say, read without running pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.files.documents import brief
from pytest_netlab.plugin.options import GOLDEN, GOLDENS

if TYPE_CHECKING:
    from pathlib import Path


def golden_root(here: Path) -> tuple[Path, Path]:
    """Return the rootdir of a pytest started here, and its folder of goldens.

    Only reads files: no plugin is loaded and no conftest.py is run.

    Args:
        here: an absolute folder.

    Raises:
        OSError: the configuration cannot be read.
        RuntimeError: links go in a circle.
        ValueError: the configuration is damaged.

    """
    from _pytest.config.findpaths import locate_config  # noqa: PLC0415 - no other way

    try:
        root, _, found, *_ = locate_config(here, [])
    except (pytest.UsageError, pytest.fail.Exception) as error:
        raise ValueError(str(error)) from error
    value = found.get(GOLDEN, GOLDENS)
    named = getattr(value, "value", value)  # pytest 9 wraps it
    if not isinstance(named, str):
        raise ValueError(f"{GOLDEN} is one text, not {brief(named)}")  # noqa: TRY004 - reported as the others are
    home = root or _with_setup(here)
    return home.resolve(), (home / named).resolve()


def _with_setup(here: Path) -> Path:
    """Return pytest's rootdir for a folder without a configuration file."""
    around = (one for one in (here, *here.parents) if (one / "setup.py").is_file())
    return next(around, here)
