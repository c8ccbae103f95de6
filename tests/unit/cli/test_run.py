"""How `run` hands paths on to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.cli.run import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = str(Path(__file__).parent)
FILE = Path(__file__).name


@pytest.mark.parametrize(
    ("given", "handed"),
    [
        (["--netlab-artifacts", "a"], [f"--netlab-artifacts={HERE}/a"]),
        (["--netlab-artifacts=a"], [f"--netlab-artifacts={HERE}/a"]),
        (["--netlab-offline", "-x", "-v"], [f"--netlab-offline={HERE}/-x", "-v"]),
        (["--netlab-engine-root=/r", "t"], ["--netlab-engine-root=/r", "t"]),
        (["--netlab-image", "name:tag"], ["--netlab-image=name:tag"]),
        (["--netlab-image", FILE], [f"--netlab-image={HERE}/{FILE}"]),
        (["--netlab-artifacts="], ["--netlab-artifacts="]),
        (["-k", "a", "--netlab-artifacts"], ["-k", "a", "--netlab-artifacts"]),
        (["--netlab-engine", "fake", "a=b"], ["--netlab-engine=fake", "a=b"]),
    ],
)
def test_joined(
    given: Sequence[str], handed: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value comes behind its option's equals sign, a path in full."""
    monkeypatch.chdir(HERE)

    assert list(joined(given)) == handed


@pytest.mark.parametrize("name", ["$HOME", "a${PATH}b", "plain"])
def test_folder_is_named_like_a_variable(name: str, tmp_path: Path) -> None:
    """The current directory is rootdir, whatever its name would expand to."""
    here = tmp_path / name
    here.mkdir()
    program = "from pytest_netlab.cli import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--collect-only", "-q", "-k", "nothing"],
        cwd=here,
        env=os.environ | {"HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stderr
