"""A command that is printed can be typed where the one before it was typed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_netlab import invocation
from pytest_netlab.invocation import Invocation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with an environment in it; no program is on PATH."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    for name in ("pytest", "pytest-netlab"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("SUDO_UID", raising=False)
    return tmp_path


def started(project: Path, script: str = ".venv/bin/pytest") -> Invocation:
    """Return how a program of its environment was started, in the project."""
    python = project / ".venv" / "bin" / "python"
    return Invocation(here=project, script=script, python=str(python))


def test_environment_below(project: Path) -> None:
    """Programs of an environment below are named from there, activated or not."""
    for script in (".venv/bin/pytest", f"{project}/.venv/bin/pytest", "-c"):
        assert started(project, script).pytest == ".venv/bin/pytest"
        assert started(project, script).netlab == ".venv/bin/pytest-netlab"


def test_module(project: Path) -> None:
    """`python -m pytest` stays one: it imports from the current folder."""
    called = started(project, "/x/site-packages/pytest/__main__.py")

    assert called.pytest == ".venv/bin/python -m pytest"
    assert called.netlab == ".venv/bin/pytest-netlab"


def test_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder a program on PATH has its name, and others their path."""
    python = project / ".venv" / "bin" / "python"
    called = Invocation(here=project / "x", script="pytest", python=str(python))
    assert called.netlab == f"{project}/.venv/bin/pytest-netlab"

    monkeypatch.setenv("PATH", str(python.parent))
    assert (called.pytest, called.netlab) == ("pytest", "pytest-netlab")


def test_other_program_of_that_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that finds another program on PATH is not printed."""
    (project / "other").mkdir()
    (project / "other" / "pytest").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(project / "other"))
    python = project / ".venv" / "bin" / "python"
    called = Invocation(here=project / "x", script="pytest", python=str(python))

    assert called.pytest == f"{project}/.venv/bin/pytest"


def test_without_script(project: Path) -> None:
    """Without its script a program is called as the module that it runs."""
    (project / ".venv" / "bin" / "pytest-netlab").unlink()

    assert started(project).netlab == ".venv/bin/python -m pytest_netlab"


def test_script_elsewhere(project: Path) -> None:
    """A script that was started need not lie beside its interpreter."""
    local = project / "local"
    local.mkdir()
    for name in ("pytest", "pytest-netlab"):
        (project / ".venv" / "bin" / name).rename(local / name)

    assert started(project, f"{local}/pytest").netlab == "local/pytest-netlab"


def test_names_are_quoted(project: Path) -> None:
    """A folder with a space in its name is one word."""
    spaced = project / "my env"
    (project / ".venv").rename(spaced)
    python = spaced / "bin" / "python"
    called = Invocation(here=project, script="pytest", python=str(python))

    assert shlex.split(called.netlab) == ["my env/bin/pytest-netlab"]


@pytest.mark.skipif(os.geteuid() != 0, reason="sudo makes root")
def test_sudo(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts a lab needs the sudo by which this ran; reading goldens does not."""
    monkeypatch.setenv("SUDO_UID", "1000")

    assert started(project).pytest == "sudo .venv/bin/pytest"
    assert started(project).netlab_as_root == "sudo .venv/bin/pytest-netlab"
    assert started(project).netlab == ".venv/bin/pytest-netlab"


@pytest.mark.parametrize("name", ["pytest", "netlab"])
def test_this_process(tmp_path: Path, name: str) -> None:
    """What this process would print runs, from wherever it was started."""
    called = invocation.current(tmp_path)

    done = subprocess.run(
        [*shlex.split(getattr(called, name)), "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
