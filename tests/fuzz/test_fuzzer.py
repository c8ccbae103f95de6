"""The fuzzer runs, is led by coverage, and finds nothing in a bounded time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.fuzz import fuzz_reader

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 2000


def test_a_short_run(tmp_path: Path) -> None:
    """What `make fuzz` does for long, over the interpreted core, which is covered."""
    pytest.importorskip("atheris")
    work = {"PYTEST_NETLAB_FUZZ_WORK": f"{tmp_path}"}
    env = {**os.environ, "PYTEST_NETLAB_INTERPRETED": "1", **work}
    argv = [sys.executable, fuzz_reader.__file__, f"-runs={RUNS}", "-seed=1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)

    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert f"fuzz: {RUNS} executions, 0 findings" in done.stdout
    covered = [int(found) for found in re.findall(r"cov: (\d+)", done.stderr)]
    assert covered[-1] > 500
