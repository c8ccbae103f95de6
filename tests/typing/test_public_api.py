"""The public names, to mypy and pyright, as a project sees them that installed us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_netlab

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
CHECKERS = ("mypy", "basedpyright")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a project's venv that has the package, typed.

    An editable installation is found by a hook, which no type checker runs.
    """
    place = tmp_path_factory.mktemp("project") / "venv"
    venv.create(place, symlinks=True)
    site = Path(next(place.glob("lib/python*/site-packages")))
    (site / "pytest_netlab").symlink_to(Path(pytest_netlab.__file__).parent)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin" / "python"


def errors(checker: str, python: Path, cwd: Path, name: str) -> set[int]:
    """Return the lines of a file that a checker refuses, as strict as it can be."""
    path = cwd / name
    path.write_text((HERE / name).read_text())
    tool = Path(sys.executable).with_name(checker)
    if checker == "mypy":
        command: list[str | Path] = [
            tool,
            "--strict",
            "--python-executable",
            python,
            name,
        ]
        text = said(command, cwd)
        found = [line.split(":", 3) for line in text.splitlines() if ": error:" in line]
        assert {one[0] for one in found} <= {name}, text
        return {int(one[1]) for one in found}
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (cwd / "pyrightconfig.json").write_text(json.dumps(settings))
    text = said([tool, "--pythonpath", python, "--outputjson", name], cwd)
    found = json.loads(text)["generalDiagnostics"]
    wrong = [one for one in found if one["severity"] == "error"]
    assert {Path(one["file"]).name for one in wrong} <= {name}, text
    return {one["range"]["start"]["line"] + 1 for one in wrong}


def said(command: Sequence[str | Path], cwd: Path) -> str:
    """Return what a checker prints, in a project that has nothing of this checkout."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={name: text for name, text in os.environ.items() if name != "MYPYPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("checker", CHECKERS)
def test_accepted(checker: str, python: Path, tmp_path: Path) -> None:
    """What the docs show is right, and every name has the type that it should."""
    assert errors(checker, python, tmp_path, "accepted.py") == set()


@pytest.mark.parametrize("checker", CHECKERS)
def test_refused(checker: str, python: Path, tmp_path: Path) -> None:
    """Slips are found, each on its line, and nothing else is."""
    lines = (HERE / "refused.py").read_text().splitlines()
    expected = {n for n, line in enumerate(lines, 1) if line.endswith("# refused")}

    assert errors(checker, python, tmp_path, "refused.py") == expected
