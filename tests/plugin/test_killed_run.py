"""The next run puts right what a killed one was writing, and reads a whole golden."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

STAGING = ".pytest-netlab-new-abcd_123"


def killed(place: Path, *, half_way: bool = False) -> Path:
    """Leave what a writer does that was killed: before, or between, two renames."""
    staging = place.parent / STAGING
    (staging / "new").mkdir(parents=True)
    (staging / "lock").touch()
    shutil.copytree(place, staging / "new" / place.name, dirs_exist_ok=True)
    if half_way:
        (staging / "old").mkdir()
        place.rename(staging / "old" / place.name)
    return staging


@pytest.mark.parametrize(
    "folder", ["golden", "golden/ping", "netlab-artifacts", "netlab-artifacts/pending"]
)
def test_next_run_sweeps(recorded: pytest.Pytester, run: Run, folder: str) -> None:
    """What it left among goldens, evidence and proposals is gone, though all pass."""
    place = recorded.path / folder / "ping"
    place.mkdir(parents=True, exist_ok=True)
    staging = killed(place)
    if not any(place.iterdir()):
        place.rmdir()

    run().assert_outcomes(passed=1)

    assert not staging.exists()


def test_golden_that_was_taken_away(recorded: pytest.Pytester, run: Run) -> None:
    """A golden that was taken away and not replaced is put back before it is read."""
    golden = recorded.path / "golden" / "ping"
    before = {path.name: path.read_bytes() for path in golden.iterdir()}
    killed(golden, half_way=True)
    assert not golden.exists()

    run().assert_outcomes(passed=1)

    assert {path.name: path.read_bytes() for path in golden.iterdir()} == before


def test_scenario_called_pending(
    pytester: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """Its evidence is beside the proposals, not among them, and it can be accepted."""
    pytester.makepyfile(
        test_pending='''
import pytest

@pytest.mark.netlab("pending", waive=["container-address-on-uplink"])
def test_pending(netlab):
    """A container pings beyond its host."""
    with netlab.capture("docker0", "uplink") as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address)
    netlab.check(trace)
'''
    )
    run("--netlab-update").assert_outcomes(passed=1)
    fault("lab.wire.nat.masquerade = False")

    for _ in range(2):
        run().assert_outcomes(failed=1)

    artifacts = Path("netlab-artifacts")
    label = "pending.test_pending"
    assert sorted(path.name for path in artifacts.iterdir()) == ["pending", label]
    assert [path.name for path in (artifacts / "pending").iterdir()] == [label]
    assert (artifacts / label / "verdict.json").is_file()
    accepted = CliRunner().invoke(main, ["accept", label])
    assert accepted.exit_code == 0, accepted.output
    run().assert_outcomes(passed=1)
    run(f"--netlab-offline={artifacts}").assert_outcomes(passed=1)
