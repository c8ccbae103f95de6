"""Labs in processes that may be killed, and looks at what is left of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.backends import private
from pytest_netlab.lab.engine import config
from pytest_netlab.lab.engine.daemon import SOCKET, Daemon
from pytest_netlab.lab.lifetime import owner, scripts, supervisor
from pytest_netlab.lab.lifetime.log import Log
from pytest_netlab.lab.lifetime.namespaces import Namespaces
from pytest_netlab.lab.net.boot import boot
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SECONDS = 60
KINDS = ("pid", "net", "mnt")
MARK = "PYTEST_NETLAB_OWNER"
# Starts a lab, tells what it is made of, and is busy in it until it is killed.
HOLD = """
from pytest_netlab.lab.backends import {lab}
from pytest_netlab.spec import LabOptions
lab = {lab}.start(LabOptions())
c1 = lab.nodes["c1"]
try:
    {before}
    print(c1.namespaces.pid, flush=True)
    {command}
finally:
    lab.close()
"""
SLEEP = 'c1.run("sleep", "600", timeout=900)'


@pytest.fixture(autouse=True)
def _needs_engine(engine: None) -> None:
    """Skip all where no private engine can run."""


@pytest.fixture
def python() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Return a function that runs Python in a process of its own, ended in any case."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


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

    @classmethod
    def of(cls, pid: int) -> Crowd:
        """Note the processes in the namespaces of a lab, by the pid of their init."""
        paths = (Path(f"/proc/{pid}/ns/{kind}") for kind in KINDS)
        found = cls({path.stat().st_ino for path in paths})
        assert found.paths()
        return found

    def paths(self) -> list[Path]:
        """Return /proc/PID of each, the oldest first."""
        return [path for path, _ in sorted(self._members, key=lambda one: int(one[1]))]

    def alive(self) -> list[str]:
        """Return what the kernel says of those that live, or that nobody reaped.

        What an ended parent left to the machine's process 1 is the latter's to reap.
        """
        found = (_stat(path) for path, when in self._members if _started(path) == when)
        return [text for text in found if text and ") Z 1 " not in text]

    def gone(self) -> bool:
        """Return whether none of them lives."""
        return not self.alive()


def _stat(path: Path) -> str:
    try:
        return (path / "stat").read_text()
    except OSError:
        return ""


def _started(path: Path) -> str:
    words = _stat(path).rpartition(")")[2].split()
    return words[19] if words else ""


def _namespaces(path: Path) -> set[int]:
    try:
        return {link.stat().st_ino for link in (path / "ns").iterdir()}
    except OSError:
        return set()


@pytest.fixture
def crowd() -> Callable[[int], Crowd]:
    """Return a function that notes all processes of the lab by the pid of its init."""
    return Crowd.of


@pytest.fixture
def crowd_in() -> Callable[[set[int]], Crowd]:
    """Return a function that notes all processes in some namespaces, or none."""
    return Crowd


@pytest.fixture
def until() -> Callable[[Callable[[], bool], float], bool]:
    """Return a function that waits until something is true, and says if it is."""

    def wait(condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.02)
        return condition()

    return wait


class Left:
    """What carries the token of a process: cgroups, and processes with the mark."""

    def __init__(self, pid: int) -> None:
        """Take the pid and start time of a process that lives."""
        self._token = f"{pid}-{_started(Path(f'/proc/{pid}'))}-"

    def processes(self) -> list[Path]:
        """Return /proc/PID of those that have the token in their environment."""
        mark = f"{MARK}={self._token}".encode()
        return [p for p in Path("/proc").glob("[0-9]*") if mark in _environ(p)]

    def cgroups(self) -> list[Path]:
        """Return the cgroups that have the token in their name."""
        return [*supervisor.cgroups(f"{owner.PREFIX}{self._token}*")]

    def all(self) -> list[Path]:
        """Return both."""
        return self.processes() + self.cgroups()


def _environ(path: Path) -> bytes:
    try:
        return (path / "environ").read_bytes()
    except OSError:
        return b""


@dataclass(frozen=True)
class Held:
    """A process with a lab, who is in the lab, and what is left of it."""

    process: subprocess.Popen[str]
    members: Crowd
    left: Left

    def there(self) -> list[str]:
        """Return what is there of the lab."""
        return self.members.alive() + [str(path) for path in self.left.all()]

    def gone(self) -> bool:
        """Return whether nothing is."""
        return not self.there()


@pytest.fixture
def left() -> type[Left]:
    """Return the class that looks for what is left of a process."""
    return Left


@pytest.fixture
def hold(python: Callable[[str], subprocess.Popen[str]]) -> Callable[..., Held]:
    """Return a function that starts a process with a lab, and says what is of it.

    `before` and `command` are lines of Python that the lab is given; it is busy with
    the second one until it is told to go on.
    """

    def start(command: str = SLEEP, before: str = "pass", lab: str = "private") -> Held:
        process = python(HOLD.format(command=command, before=before, lab=lab))
        assert process.stdout is not None
        members = Crowd.of(int(process.stdout.readline()))
        return Held(process, members, Left(process.pid))

    return start


@pytest.fixture(scope="module")
def lab_host() -> Iterator[Callable[[str], str]]:
    """Return a function that runs Python on a machine with a running engine.

    The machine is namespaces that play a lab host: a dockerd of its own with docker0 on
    10.200.0.1/16, its own pids and mounts. The function returns what was printed.
    """
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    token = owner.mint()
    cgroup = owner.PREFIX + token
    with Log() as log, closing(Namespaces(token, scripts.PRIVATE, "/")) as namespaces:
        boot(namespaces.netns, {})
        about = config.text({}, bip="10.200.0.1/16")
        daemon = Daemon(namespaces, log, cgroup=cgroup, config=about)
        with closing(daemon.connect()):
            yield lambda code: _run_on(namespaces, code)


def _run_on(namespaces: Namespaces, code: str) -> str:
    enter = (
        "nsenter",
        "--target",
        str(namespaces.pid),
        "--pid",
        "--mount",
        "--net",
        "--",
    )
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
