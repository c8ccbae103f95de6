"""Labs in processes that may be killed, and looks at what is left of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.lab import engine as private
from pytest_netlab.lab import links, owner, scripts, sweep
from pytest_netlab.lab.daemon import SOCKET, Daemon
from pytest_netlab.lab.holder import Holder
from pytest_netlab.lab.log import Log
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.lab.docker_lab import DockerLab

SECONDS = 60
# Starts a lab, tells what it is made of, and is busy in it until it is killed.
HOLD = """
import json, os, sys
from pathlib import Path
from pytest_netlab.lab import engine
from pytest_netlab.spec import LabOptions
lab = engine.start(LabOptions())
pid = lab.nodes["c1"].holder.pid
kinds = ("pid", "net", "mnt")
print(json.dumps([os.stat(f"/proc/{pid}/ns/{kind}").st_ino for kind in kinds]), flush=True)
try:
    lab.nodes["c1"].run("sleep", "60", timeout=90)
finally:
    lab.close()
"""


@pytest.fixture(autouse=True)
def _needs_engine(engine: None) -> None:
    """Skip all where no private engine can run."""


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a private lab that the tests of a file share."""
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    with closing(private.start(LabOptions())) as started:
        yield started


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


@pytest.fixture
def residents() -> Callable[[list[int]], list[str]]:
    """Return a function that lists the processes in some namespaces, by inode."""

    def find(namespaces: list[int]) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/ns/*"):
            try:
                if path.stat().st_ino in namespaces:
                    found.append(str(path))
            except OSError:
                continue
        return found

    return find


@pytest.fixture
def until() -> Callable[[Callable[[], bool], float], bool]:
    """Return a function that waits until something is true, and says if it became so."""

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
def held(python: Callable[[str], subprocess.Popen[str]]) -> tuple[Any, list[int]]:
    """Return a process that holds a lab, and the lab's namespaces."""
    process = python(HOLD)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.fixture(scope="module")
def lab_host() -> Iterator[Callable[[str], str]]:
    """Return a function that runs Python on a machine with a running engine.

    The machine is namespaces that play a lab host: a dockerd of its own with docker0 on
    10.200.0.1/16, its own pids and mounts. The function returns what was printed.
    """
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    cgroup = owner.PREFIX + owner.mint()
    with Log() as log, closing(Holder(scripts.PRIVATE)) as holder:
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
