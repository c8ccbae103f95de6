"""However a run of pytest ends in the middle of a scenario, nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.lab import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Busy = subprocess.Popen[str]
    Crowds = Callable[[int], Any]
    Until = Callable[[Callable[[], bool], float], bool]
    Cgroups = Callable[[int], list[str]]

BUSY = '''
import pytest

@pytest.mark.netlab
def test_busy(netlab):
    """Be in the middle of a scenario, with a command running, until killed."""
    with netlab.capture("docker0", "uplink"):
        print("\\nholder", netlab.c1.holder.pid, flush=True)
        netlab.c1.run("sleep", "60", timeout=90)
'''
BROKEN = '''
import pytest

@pytest.fixture
def broken(netlab):
    raise RuntimeError("a fixture that fails")

@pytest.mark.netlab
def test_broken(netlab, broken):
    """Never get here."""
'''
GONE_SECONDS = 5


def pytest_on(folder: Path, source: str) -> Busy:
    """Start pytest on one scenario, in a process of its own."""
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-s", "-m", "netlab"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    """Return a pytest in the middle of a scenario, ended in any case."""
    process = pytest_on(tmp_path, BUSY)
    yield process
    process.kill()
    process.communicate()


def holder(process: Busy) -> int:
    """Wait for the scenario and return the pid of the lab's holder."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("holder"):
            return int(line.split()[1])
    raise AssertionError("the scenario was never reached")


def test_sigkill_in_a_scenario(
    busy: Busy, crowd: Crowds, until: Until, cgroups_of: Cgroups
) -> None:
    """SIGKILL ends all within seconds; the next start takes the empty cgroups."""
    members = crowd(holder(busy))

    busy.kill()
    busy.wait()

    assert until(members.gone, GONE_SECONDS)
    assert until(lambda: bool(sweep.cgroups()) or not cgroups_of(busy.pid), 2)
    assert cgroups_of(busy.pid) == []


def test_ctrl_c_in_a_scenario(busy: Busy, crowd: Crowds, cgroups_of: Cgroups) -> None:
    """After Ctrl-C nothing is left at once, cgroups included."""
    members = crowd(holder(busy))

    busy.send_signal(signal.SIGINT)
    code = busy.wait(20)

    assert code == pytest.ExitCode.INTERRUPTED
    assert members.gone()
    assert cgroups_of(busy.pid) == []


def test_failing_fixture(tmp_path: Path, cgroups_of: Cgroups) -> None:
    """A fixture that fails leaves nothing either."""
    process = pytest_on(tmp_path, BROKEN)

    told, _ = process.communicate(timeout=60)

    assert "1 error" in told
    assert cgroups_of(process.pid) == []
