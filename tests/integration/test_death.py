"""However a run of pytest ends in the middle of a scenario, nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab import owner, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def _needs_engine(engine: None) -> None:
    """Skip all where no private engine can run."""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a pytest in the middle of a scenario, ended in any case."""
    (tmp_path / "test_busy.py").write_text(BUSY)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-m", "netlab"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def namespaces(process: subprocess.Popen[str]) -> set[str]:
    """Wait for the scenario and return the lab's namespaces, as /proc names them."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("holder"):
            kinds = ("pid", "net", "mnt")
            folder = Path("/proc", line.split()[1], "ns")
            return {str((folder / kind).readlink()) for kind in kinds}
    raise AssertionError("the scenario was never reached")


def inhabited(names: set[str]) -> bool:
    """Tell whether a process lives in one of these namespaces."""
    for link in Path("/proc").glob("[0-9]*/ns/*"):
        try:
            if str(link.readlink()) in names:
                return True
        except OSError:  # the process has ended meanwhile
            continue
    return False


def wait_until_gone(names: set[str]) -> bool:
    """Wait, up to a deadline, until no process lives in these namespaces."""
    end = time.monotonic() + GONE_SECONDS
    while inhabited(names) and time.monotonic() < end:
        time.sleep(0.02)
    return not inhabited(names)


def cgroups(pid: int) -> list[Path]:
    """Return the cgroups that a process left, in every hierarchy."""
    roots = (sweep.CGROUPS, *sweep.CGROUPS.glob("*"))
    return [path for root in roots for path in root.glob(f"{owner.PREFIX}{pid}-*")]


def test_sigkill_in_a_scenario(busy: subprocess.Popen[str]) -> None:
    """SIGKILL ends all within seconds; the next start takes the empty cgroups."""
    names = namespaces(busy)
    assert inhabited(names)

    busy.kill()
    busy.wait()

    assert wait_until_gone(names)
    sweep.cgroups()
    assert cgroups(busy.pid) == []


def test_ctrl_c_in_a_scenario(busy: subprocess.Popen[str]) -> None:
    """After Ctrl-C nothing is left at once, cgroups included."""
    names = namespaces(busy)

    busy.send_signal(signal.SIGINT)
    code = busy.wait(20)

    assert code == pytest.ExitCode.INTERRUPTED
    assert not inhabited(names)
    assert cgroups(busy.pid) == []


def test_failing_fixture(tmp_path: Path) -> None:
    """A fixture that fails leaves nothing either."""
    (tmp_path / "test_broken.py").write_text(BROKEN)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "netlab"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )

    told, _ = process.communicate(timeout=60)

    assert "1 error" in told
    assert cgroups(process.pid) == []
