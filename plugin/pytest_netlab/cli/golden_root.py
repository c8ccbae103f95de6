"""Find the folder of goldens that a pytest started here would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.cli.group import Trouble

if TYPE_CHECKING:
    from pathlib import Path


def golden_root(here: Path) -> Path:
    """Return the folder that `netlab_golden` names in pytest's configuration.

    Runs propose goldens for their own project only, so the folder must be inside
    pytest's rootdir.

    Args:
        here: an absolute folder.

    Raises:
        Trouble: the configuration cannot be read, or names a folder outside rootdir.

    """
    from pytest_netlab.plugin import configured  # noqa: PLC0415 - imports pytest

    try:
        home, found = configured.golden_root(here)
    except (OSError, RuntimeError, ValueError) as error:
        raise Trouble(f"{error}; name the folder of goldens with --golden") from error
    if not found.is_relative_to(home):
        text = f"netlab_golden leads from {home} to {found}, which is outside of it"
        raise Trouble(f"{text}; name the folder of goldens with --golden")
    return found
