"""A process is told from another one that has its pid; what died is named."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.silent_engine import SilentEngine

from pytest_netlab.errors import LabError
from pytest_netlab.lab.engine import client as limited
from pytest_netlab.lab.engine import liveness
from pytest_netlab.lab.engine.liveness import Liveness, Process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

WORDS = "Its log says why."
SECONDS = 60


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """Return a client of an engine that answers no more than that it lives."""
    address = f"unix://{tmp_path}/docker.sock"
    with (
        SilentEngine(tmp_path / "docker.sock"),
        closing(limited.Client(base_url=address, timeout=SECONDS)) as client,
    ):
        yield client


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that sleeps."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def of(child: subprocess.Popen[bytes]) -> Process:
    """Return what /proc says of a child, as soon as it is what it will be."""
    end = time.monotonic() + SECONDS
    while (found := Process.read(child.pid)) is None or found.name != "sleep":
        assert time.monotonic() < end
    return found


def test_living_engine(engine: Any, child: subprocess.Popen[bytes]) -> None:
    """One that answers, and whose processes run, is left alone."""
    alive = Liveness(engine, [of(child)], lambda: WORDS)

    alive.demand()

    assert alive.trouble == ""


def test_dead_process_is_named(engine: Any, child: subprocess.Popen[bytes]) -> None:
    """What died is named with its pid and last words; later only that it did."""
    dead = Liveness(engine, [of(child)], lambda: WORDS)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    said = rf"judged any more: sleep \(pid {child.pid}\) has died since the lab was"

    with pytest.raises(LabError, match=rf"{said} started\. {WORDS}"):
        dead.demand()
    with pytest.raises(LabError, match=rf"{said} started$"):
        dead.demand()


def test_runs(engine: Any, child: subprocess.Popen[bytes]) -> None:
    """Whether it runs now is no verdict: nothing is remembered or raised."""
    it = Liveness(engine, [of(child)], lambda: WORDS)
    assert it.runs
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not it.runs
    assert it.trouble == ""


def test_another_process_of_this_pid(
    engine: Any, child: subprocess.Popen[bytes]
) -> None:
    """A pid that is used again is another process."""
    before = replace(of(child), started=1)

    with pytest.raises(LabError, match="has died"):
        Liveness(engine, [before], lambda: WORDS).demand()


def test_stopped_process_is_named(
    engine: Any, child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that stays stopped is told after a while."""
    monkeypatch.setattr(liveness, "SECONDS", 0.2)
    process = of(child)
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)

    with pytest.raises(LabError, match=r"sleep \(pid \d+\) is stopped"):
        Liveness(engine, [process], lambda: WORDS).demand()


def test_unreachable_engine_is_told(tmp_path: Path) -> None:
    """An engine whose processes cannot be seen is told by its silence, and stays so."""
    address = f"unix://{tmp_path}/docker.sock"
    with SilentEngine(tmp_path / "docker.sock"):
        client = limited.Client(base_url=address, timeout=SECONDS)
        engine = Liveness(client, [], lambda: WORDS)
        engine.demand()
    (tmp_path / "docker.sock").unlink()
    client.close()

    with pytest.raises(LabError, match=r"failed while asking whether it lives"):
        engine.demand()
    with SilentEngine(tmp_path / "docker.sock"), pytest.raises(LabError):
        engine.demand()
    client.close()
