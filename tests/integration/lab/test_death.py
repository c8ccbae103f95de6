"""However the process that has a lab ends, the lab ends with it, and nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Hold = Callable[..., Any]
    Until = Callable[[Callable[[], bool], float], bool]

SECONDS = 60
# What a container of the lab may be when its owner ends.
PAUSE = "c1.container.pause()"
# Each stops itself: alone, with its process group, or with all it can signal.
STOPS = ("kill -STOP $$", "kill -STOP 0", "kill -STOP -1")
CLEANED = (0, 2)  # 2: something stays, of whatever run of this machine
# Interrupts itself when the start of a lab comes to a function.
INTERRUPTED = """
import os, signal
from contextlib import closing
from pytest_netlab.lab.backends import docker_lab, private
from pytest_netlab.lab.engine import daemon
from pytest_netlab.lab.lifetime import namespaces, signals, supervisor
from pytest_netlab.spec import LabOptions

real = {function}

def interrupted(*args, **kwargs):
    print("interrupted", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    return real(*args, **kwargs)

{function} = interrupted
input()
with signals.orderly(), closing(private.start(LabOptions())):
    print("started", flush=True)
"""
FUNCTIONS = (
    "supervisor.Supervisor.__init__",
    "namespaces.Namespaces._await_ready",
    "daemon.Daemon.connect",
    "docker_lab.DockerLab.prepare",
)


def clean() -> subprocess.CompletedProcess[str]:
    """Run `pytest-netlab clean`."""
    code = "from pytest_netlab.cli import main; main()"
    command = [sys.executable, "-c", code, "clean"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=2 * SECONDS
    )


@pytest.mark.parametrize("before", ["pass", PAUSE])
def test_sigkill_leaves_nothing(before: str, hold: Hold, until: Until) -> None:
    """SIGKILL leaves nothing, of a paused container neither; nobody has to sweep."""
    held = hold(before=before)

    held.process.kill()
    held.process.wait()

    assert until(held.gone, SECONDS), held.there()


def test_paused_container_ends_with_a_green_run(hold: Hold) -> None:
    """A lab that is closed with a paused container is gone when `close` returns."""
    held = hold(before=PAUSE, command="input()")

    held.process.communicate("\n", timeout=SECONDS)

    assert held.process.returncode == 0
    assert held.there() == []


@pytest.mark.parametrize("script", STOPS)
def test_command_that_stops_itself(script: str, hold: Hold, until: Until) -> None:
    """A node's command that stops itself, or its group, does not hold the lab."""
    command = f'c1.run("sh", "-c", "{script}; sleep 600", timeout=900)'
    held = hold(command=command, lab="kernel")
    assert until(lambda: stopped(held.left.processes()), SECONDS)

    held.process.kill()
    held.process.wait()

    assert until(held.gone, SECONDS), held.there()


def test_stopped_command_runs_out_of_time(hold: Hold) -> None:
    """A command that stops itself is ended when its time is over, and so is the lab."""
    command = """input()
    try:
        c1.run("sh", "-c", "kill -STOP -1; sleep 600", timeout=1)
    except Exception as error:
        print(error)"""
    held = hold(command=command, lab="kernel")

    told, _ = held.process.communicate("\n", timeout=SECONDS)

    assert "took longer than 1 s" in told
    assert held.there() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_leaves_nothing(
    number: signal.Signals, hold: Hold, until: Until
) -> None:
    """Ctrl-C, TERM and HUP end the lab, too."""
    held = hold()

    held.process.send_signal(number)
    held.process.wait(SECONDS)

    assert until(held.gone, SECONDS), held.there()


def test_interrupt_leaves_nothing_at_once(hold: Hold) -> None:
    """When an interrupted process is gone, so are all parts, cgroups included."""
    held = hold()

    held.process.send_signal(signal.SIGINT)
    held.process.wait(SECONDS)

    assert held.there() == []


def test_clean_ends_what_no_supervisor_ended(hold: Hold, until: Until) -> None:
    """Where the supervisor was killed before its lab, `clean` ends what is frozen."""
    held = hold(before=PAUSE)
    kill_supervisor(held, until)
    held.process.kill()
    held.process.wait()

    done = clean()

    assert until(held.gone, SECONDS), held.there()
    assert done.returncode in CLEANED, done.stderr


def test_close_ends_what_no_supervisor_ends(hold: Hold, until: Until) -> None:
    """Where the supervisor was killed, closing ends what is frozen itself."""
    held = hold(before=PAUSE, command="input()")
    kill_supervisor(held, until)

    held.process.communicate("\n", timeout=SECONDS)

    assert held.process.returncode == 0
    assert held.there() == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_interrupt_while_it_starts(
    function: str, python: Callable[[str], Any], left: Callable[[int], Any]
) -> None:
    """Ctrl-C in the middle of a start leaves no cgroup, and no process waits."""
    process = python(INTERRUPTED.format(function=function))
    stays = left(process.pid)

    told, _ = process.communicate("\n", timeout=2 * SECONDS)

    assert told == "interrupted\n"
    assert process.returncode == -signal.SIGINT
    assert stays.all() == []


def kill_supervisor(held: Any, until: Until) -> None:
    """Kill the supervisor of a lab, and no other process."""
    found = [
        path for path in held.left.processes() if b"netlab-supervisor" in said(path)
    ]
    (supervisor,) = found
    os.kill(int(supervisor.name), signal.SIGKILL)
    assert until(lambda: supervisor not in held.left.processes(), SECONDS)


def said(path: Any) -> bytes:
    """Return the words of a process's command; none of one that has ended."""
    try:
        return bytes((path / "cmdline").read_bytes())
    except OSError:
        return b""


def stopped(paths: list[Any]) -> bool:
    """Return whether one of these processes is stopped."""
    states = []
    for path in paths:
        try:
            states.append((path / "stat").read_text().rpartition(")")[2].split()[0])
        except OSError:
            continue
    return "T" in states
