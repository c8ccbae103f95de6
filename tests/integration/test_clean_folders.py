"""`pytest-netlab clean DIR`: what killed runs were writing there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.unit.files.test_folders import dead, half_way

if TYPE_CHECKING:
    from pathlib import Path


def clean(*folders: Path) -> subprocess.CompletedProcess[str]:
    """Run the command; what else it removes is of owners that are dead."""
    program = "from pytest_netlab.cli import main; main()"
    command = [sys.executable, "-c", program, "clean", *map(str, folders)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_folders_are_swept(tmp_path: Path) -> None:
    """Staging folders in a folder that is named, and in its folders, are removed."""
    roots = tmp_path / "golden", tmp_path / "netlab-artifacts" / "pending"
    staging = [dead(root) for root in roots]

    result = clean(roots[0], roots[1].parent)

    lines = result.stdout.splitlines()
    assert [f"removed {path}" for path in staging] == lines[:2], result
    assert not any(path.exists() for path in staging)


def test_what_stays_is_named(tmp_path: Path) -> None:
    """What would go over another folder is not put back: it is named, with exit 2."""
    staging = half_way(tmp_path)
    (tmp_path / "place").mkdir()

    result = clean(tmp_path)

    assert result.returncode == 2, result
    assert str(staging) in result.stderr
    assert (staging / "old" / "place" / "ours").read_text() == "old"
