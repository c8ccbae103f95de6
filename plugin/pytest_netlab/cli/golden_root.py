"""Which folder of goldens a pytest that is started here would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.cli.group import Trouble

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "golden"


def golden_root(here: Path) -> Path:
    """Return the folder that pytest's configuration names, as pytest finds it.

    Files are read, no plugin is loaded and no conftest.py is run.

    Args:
        here: an absolute folder.

    Raises:
        Trouble: the configuration cannot be read.

    """
    import pytest  # noqa: PLC0415 - slow, and only these commands need it
    from _pytest.config.findpaths import locate_config  # noqa: PLC0415

    wrong = (pytest.UsageError, pytest.fail.Exception)
    try:
        root, _, found, *_ = locate_config(here, [])
    except (OSError, ValueError, RecursionError, *wrong) as error:
        raise Trouble(f"{error}; name the folder of goldens with --golden") from error
    value = found.get("netlab_golden", DEFAULT)
    named = getattr(value, "value", value)  # pytest 9 wraps it
    return (root or _with_setup(here)) / str(named)


def _with_setup(here: Path) -> Path:
    """Return pytest's rootdir where there is no configuration."""
    around = (one for one in (here, *here.parents) if (one / "setup.py").is_file())
    return next(around, here)
