"""However a run of pytest ends in the middle of a scenario, nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Busy = subprocess.Popen[str]
    Start = Callable[..., "Run"]
    Until = Callable[[Callable[[], bool], float], bool]

BUSY = '''
import os
from pathlib import Path
import pytest

@pytest.mark.netlab
def test_busy(netlab):
    """Be in the middle of a scenario, with a command running, until killed."""
    with netlab.capture("docker0", "uplink"):
        Path("new").write_text(f"{os.getpid()} {netlab.c1.namespaces.pid}")
        Path("new").rename("pids")
        netlab.c1.run("sleep", "600", timeout=900)
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
SECONDS = 60


def pytest_on(folder: Path, source: str, *options: str) -> Busy:
    """Start pytest on one scenario, in a process of its own."""
    (folder / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-s", "-m", "netlab", *options]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


@dataclass(frozen=True)
class Run:
    """A pytest in the middle of a scenario: who is in its lab, and what it leaves."""

    process: Busy
    owner: int
    members: Any
    left: Any

    def there(self) -> list[str]:
        """Return what is there of the lab."""
        return [*self.members.alive(), *map(str, self.left.all())]

    def gone(self) -> bool:
        """Return whether nothing is."""
        return not self.there()


@pytest.fixture
def busy(
    tmp_path: Path,
    crowd: Callable[[int], Any],
    left: Callable[[int], Any],
    until: Until,
) -> Iterator[Start]:
    """Return a function that starts a pytest on `BUSY`, ended in any case."""
    started: list[Busy] = []

    def start(*options: str) -> Run:
        process = pytest_on(tmp_path, BUSY, *options)
        started.append(process)
        pids = tmp_path / "pids"
        until(lambda: pids.exists() or process.poll() is not None, 2 * SECONDS)
        owner, init = map(int, pids.read_text().split())
        return Run(process, owner, crowd(init), left(owner))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_sigkill_in_a_scenario(busy: Start, until: Until) -> None:
    """SIGKILL ends all, with no next start that would sweep."""
    run = busy()

    run.process.kill()
    run.process.wait()

    assert until(run.gone, SECONDS), run.there()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_in_a_scenario(number: signal.Signals, busy: Start) -> None:
    """After Ctrl-C, TERM or HUP nothing is left at once, and the code says why."""
    run = busy()

    run.process.send_signal(number)
    code = run.process.wait(SECONDS)

    interrupted = number == signal.SIGINT
    assert code == (pytest.ExitCode.INTERRUPTED if interrupted else 128 + number)
    assert run.there() == []


@pytest.mark.parametrize("whole", [True, False])
def test_signal_under_xdist(busy: Start, until: Until, *, whole: bool) -> None:
    """TERM to xdist's controller, or to one worker, ends the worker's lab."""
    run = busy("-n1")

    os.kill(run.process.pid if whole else run.owner, signal.SIGTERM)
    code = run.process.wait(2 * SECONDS)

    assert run.owner != run.process.pid
    assert code == (128 + signal.SIGTERM if whole else pytest.ExitCode.INTERRUPTED)
    assert until(run.gone, SECONDS), run.there()


def test_failing_fixture(tmp_path: Path, left: Callable[[int], Any]) -> None:
    """A fixture that fails leaves nothing either."""
    process = pytest_on(tmp_path, BROKEN)
    stays = left(process.pid)

    told, _ = process.communicate(timeout=2 * SECONDS)

    assert "1 error" in told
    assert stays.all() == []
