"""An engine that dies or hangs under a scenario is an error, never a verdict."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.backends import private
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Until = Callable[[Callable[[], bool], float], bool]

SECONDS = 900  # the run is over long before; a machine under load takes its time
# `strike` finds a program of the lab's engine by its pid namespace, and waits until a
# killed one is gone.
SCENARIOS = '''
import os, signal, time
from pathlib import Path
import pytest

def engine(netlab, name):
    space = os.stat(f"/proc/{netlab.c1.namespaces.pid}/ns/pid")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            same = os.path.samestat(os.stat(folder / "ns" / "pid"), space)
            if same and (folder / "comm").read_text().strip() == name:
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no {name}")

def strike(netlab):
    pid = engine(netlab, os.environ["VICTIM"])
    os.kill(pid, signal.Signals[os.environ["SIGNAL"]])
    end = time.monotonic() + 60
    while os.environ["SIGNAL"] == "SIGKILL" and time.monotonic() < end:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        if stat.rpartition(")")[2].split()[0] in "ZX":
            return
        time.sleep(0.01)

@pytest.mark.netlab("struck")
def test_struck(netlab):
    """The engine is struck while packets are captured, and all packets are right."""
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c1", netlab.host01.address)
        strike(netlab)
    netlab.check(trace)

@pytest.mark.netlab("follows")
def test_follows(netlab):
    """The next scenario of the run."""
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c1", netlab.host01.address)
    netlab.check(trace)
'''
PATIENCE = """
def pytest_netlab_lab_started(lab):
    from pytest_netlab.lab.engine import liveness
    liveness.SECONDS = 1
"""


@pytest.fixture(autouse=True)
def _needs_engine(engine: None) -> None:
    """Skip all where no private engine can run."""


@pytest.mark.parametrize(
    ("victim", "number", "said"),
    [
        ("dockerd", "SIGKILL", "dockerd (pid "),
        ("containerd", "SIGKILL", "containerd (pid "),
        ("dockerd", "SIGSTOP", "dockerd (pid "),
    ],
)
def test_struck_engine_is_an_error(
    victim: str, number: str, said: str, tmp_path: Path
) -> None:
    """Its scenario and those that follow are errors, and no golden is recorded."""
    (tmp_path / "test_it.py").write_text(SCENARIOS)
    (tmp_path / "conftest.py").write_text(PATIENCE)
    env = {k: v for k, v in os.environ.items() if k != "CI"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "netlab", "--netlab-update"],
        cwd=tmp_path,
        env={**env, "VICTIM": victim, "SIGNAL": number},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    sentence = f"can be judged any more: {said}"
    assert done.stdout.count(sentence) >= 2, done.stdout
    assert re.search(r"Its last words:\n *\S", done.stdout), done.stdout
    assert "2 errors" in done.stdout
    assert "passed" not in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert not (tmp_path / "golden").exists()


def test_engine_that_is_continued_is_none(until: Until) -> None:
    """A dockerd that is stopped for a moment is waited for, and so is the lab."""
    with closing(private.start(LabOptions())) as lab:
        process = lab._components.liveness._processes[0]  # type: ignore[union-attr]
        os.kill(process.pid, signal.SIGSTOP)
        assert until(lambda: process.now.state == "T", 60)  # type: ignore[union-attr]
        Timer(1, os.kill, (process.pid, signal.SIGCONT)).start()

        lab.demand_engine()

        assert process.name == "dockerd"
        assert lab.facts["engine"]


KILLED = """
import os, signal
from ipaddress import IPv4Interface
from pytest_netlab.errors import LabError
from pytest_netlab.lab.backends import host
from pytest_netlab.spec import LabOptions, Topology

lab = host.start(
    LabOptions(topology=Topology(uplink=IPv4Interface("198.51.100.7/24")))
)
lab.demand_engine()
os.kill(int(open("/run/netlab/docker.pid").read()), signal.SIGKILL)
for step in (lab.demand_engine, lab.demand_engine, lab.close):
    try:
        step()
    except LabError as error:
        print(error)
"""


def test_host_engine_that_dies_is_told(lab_host: Callable[[str], str]) -> None:
    """So is an engine that is not the lab's; what it keeps is named."""
    first, second, third = lab_host(KILLED).splitlines()

    sentence = r"no scenario of this lab can be judged any more: .*"
    assert re.match(sentence, second)
    assert first == f"{second}. Its service's log says why."
    assert re.match(r"the engine failed while removing the containers of [\d-]+", third)
