"""Labs in processes that may be killed, and looks at what is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab import engine as private
from pytest_netlab.lab import links, owner, scripts, sweep
from pytest_netlab.lab.daemon import SOCKET, Daemon
from pytest_netlab.lab.holder import Holder
from pytest_netlab.lab.log import Log
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SECONDS = 60
KINDS = ("pid", "net", "mnt")
# Starts a lab, tells what it is made of, and is busy in it until it is killed.
HOLD = """
from pytest_netlab.lab import engine
from pytest_netlab.spec import LabOptions
lab = engine.start(LabOptions())
print(lab.nodes["c1"].holder.pid, flush=True)
try:
    lab.nodes["c1"].run("sleep", "60", timeout=90)
finally:
    lab.close()
"""


@pytest.fixture(autouse=True)
def _needs_engine(engine: None) -> None:
    """Skip all where no private engine can run."""


@pytest.fixture
def python() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Return a function that runs Python in a process of its own, ended in any case."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
    sweep.cgroups()


class Crowd:
    """The processes in some namespaces at one moment, and which of them still live.

    An inode is no name: the kernel gives it to the next namespace of anyone at once.
    """

    def __init__(self, namespaces: set[int]) -> None:
        """Note who is there."""
        self._members = {
            (path, started)
            for path in Path("/proc").glob("[0-9]*")
            if (started := _started(path)) and _namespaces(path) & namespaces
        }
        assert self._members

    def gone(self) -> bool:
        """Tell whether none of them lives."""
        return not any(_started(path) == when for path, when in self._members)


def _started(path: Path) -> str:
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _namespaces(path: Path) -> set[int]:
    try:
        return {link.stat().st_ino for link in (path / "ns").iterdir()}
    except OSError:
        return set()


@pytest.fixture
def crowd() -> Callable[[int], Crowd]:
    """Return a function that notes all processes of the lab with a holder's pid."""

    def note(pid: int) -> Crowd:
        paths = (Path(f"/proc/{pid}/ns/{kind}") for kind in KINDS)
        return Crowd({path.stat().st_ino for path in paths})

    return note


@pytest.fixture
def until() -> Callable[[Callable[[], bool], float], bool]:
    """Return a function that waits until something is true, and says if it is."""

    def wait(condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.02)
        return condition()

    return wait


@pytest.fixture
def cgroups_of() -> Callable[[int], list[str]]:
    """Return a function that lists the cgroups a process left, in every hierarchy."""

    def find(pid: int) -> list[str]:
        pattern = f"{owner.PREFIX}{pid}-*"
        roots = (sweep.CGROUPS, *sweep.CGROUPS.glob("*"))
        return [str(path) for root in roots for path in root.glob(pattern)]

    return find


@pytest.fixture
def held(
    python: Callable[[str], subprocess.Popen[str]], crowd: Callable[[int], Crowd]
) -> tuple[subprocess.Popen[str], Crowd]:
    """Return a process that holds a lab, and the lab's processes."""
    process = python(HOLD)
    assert process.stdout is not None
    return process, crowd(int(process.stdout.readline()))


@pytest.fixture(scope="module")
def lab_host() -> Iterator[Callable[[str], str]]:
    """Return a function that runs Python on a machine with a running engine.

    The machine is namespaces that play a lab host: a dockerd of its own with docker0 on
    10.200.0.1/16, its own pids and mounts. The function returns what was printed.
    """
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    cgroup = owner.PREFIX + owner.mint()
    with Log() as log, closing(Holder(scripts.PRIVATE, "/")) as holder:
        with links.netlink(holder.netns) as ip:
            ip.link("set", index=links.index_of(ip, "lo"), state="up")
        flags = ("--bip=10.200.0.1/16",)
        daemon = Daemon(holder, log, cgroup=cgroup, flags=flags)
        with closing(daemon.connect()):
            yield lambda code: _run_on(holder, code)
    sweep.remove_cgroup(cgroup)


def _run_on(holder: Holder, code: str) -> str:
    enter = ("nsenter", "--target", str(holder.pid), "--pid", "--mount", "--net", "--")
    done = subprocess.run(
        [*enter, sys.executable, "-W", "error", "-c", code],
        env={"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{SOCKET}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
