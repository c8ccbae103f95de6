"""What this repository's own runs collect, by running pytest in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("unit", "plugin", "integration", "fuzz", "typing")


def collected(*arguments: str) -> str:
    """Return what pytest says that it would run; what takes long to collect is left."""
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
    left = [f"--ignore=tests/{folder}" for folder in FOLDERS]
    done = subprocess.run(
        [*argv, *left], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_scenarios_alone() -> None:
    """`pytest -m netlab` collects no test that it would deselect."""
    found = collected("-m", "netlab")

    assert "scenarios/test_published_web.py::test_published_web" in found
    assert "deselected" not in found


def test_named_tests_stay() -> None:
    """Whoever names a folder or a file has that collected, with any marker."""
    found = collected("-m", "netlab", "tests/test_architecture.py", "scenarios")

    assert "scenarios/test_published_web.py::test_published_web" in found
    assert "deselected" in found


def test_everything_otherwise() -> None:
    """`pytest` collects tests and scenarios; so does another expression of markers."""
    for arguments in ((), ("-m", "netlab or not netlab")):
        found = collected(*arguments)

        assert "tests/test_collection.py::test_scenarios_alone" in found
        assert "scenarios/test_published_web.py::test_published_web" in found
