"""How `run` hands paths on to pytest."""

from __future__ import annotations

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
        (["--netlab-engine", "fake", "a=b"], ["--netlab-engine", "fake", "a=b"]),
    ],
)
def test_joined(
    given: Sequence[str], handed: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path comes behind its option's equals sign, in full; a name stays one."""
    monkeypatch.chdir(HERE)

    assert list(joined(given)) == handed
