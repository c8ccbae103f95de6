"""The fuzzers run, find nothing in a bounded time, and do find what is broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.fuzz import fuzz_pairs, fuzz_reader

from pytest_netlab.core import core
from pytest_netlab.nat import read_schedule, side

if TYPE_CHECKING:
    from pathlib import Path

RUNS, PAIRS = 2000, 60


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


def _pairs(interpreted: str) -> list[str]:
    """Fuzz pairs on one of the cores; return the last two lines of what it says."""
    env = {**os.environ, "PYTEST_NETLAB_INTERPRETED": interpreted}
    argv = [sys.executable, fuzz_pairs.__file__, f"-runs={PAIRS}", "-seed=1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.splitlines()[-2:]


def test_pairs() -> None:
    """Whole and in chunks the same is learned, by either core, and nothing fails."""
    told = _pairs("1")

    assert told[0].endswith(f"fuzz: {PAIRS} pairs, 0 findings")
    if core() == "compiled":
        assert _pairs("") == told


def test_pairs_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks that forget what found no twin at once do not teach the same."""
    monkeypatch.setattr(
        read_schedule, "_STEP", read_schedule._STEP
    )  # each case sets it
    monkeypatch.setattr(side, "_KEPT_ROWS", 0)
    with pytest.raises(AssertionError, match="chunks teach something else"):
        list(map(fuzz_pairs.case, range(PAIRS)))
