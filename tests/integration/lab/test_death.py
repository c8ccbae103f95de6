"""However the process that has a lab ends, the lab ends with it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.lab import sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    Held = tuple[Any, Any]
    Until = Callable[[Callable[[], bool], float], bool]


def test_sigkill_leaves_only_cgroups(
    held: Held,
    until: Until,
    cgroups_of: Callable[[int], list[str]],
) -> None:
    """SIGKILL leaves no process or namespace; the next sweep takes the cgroups."""
    process, crowd = held

    process.kill()
    process.wait()

    assert until(crowd.gone, 5)
    # A lab that starts beside this test may sweep first.
    assert until(lambda: bool(sweep.cgroups()) or not cgroups_of(process.pid), 2)
    assert cgroups_of(process.pid) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_no_process(
    number: signal.Signals, held: Held, until: Until
) -> None:
    """Ctrl-C and TERM end the lab, too."""
    process, crowd = held

    process.send_signal(number)
    process.wait(10)

    assert until(crowd.gone, 5)


def test_interrupt_leaves_nothing_at_once(
    held: Held, cgroups_of: Callable[[int], list[str]]
) -> None:
    """When an interrupted process is gone, so are all parts, cgroups included."""
    process, crowd = held

    process.send_signal(signal.SIGINT)
    process.wait(10)

    assert crowd.gone()
    assert cgroups_of(process.pid) == []


@pytest.mark.parametrize("seconds", [0.3, 0.9, 1.5])
def test_interrupt_while_it_starts(
    seconds: float,
    python: Callable[[str], Any],
    cgroups_of: Callable[[int], list[str]],
) -> None:
    """Ctrl-C in the middle of a start leaves no cgroup, and no process waits."""
    code = (
        "import pyroute2, docker, signal\n"
        "from contextlib import closing\n"
        "from pytest_netlab.lab import engine\n"
        "from pytest_netlab.spec import LabOptions\n"
        "print('go', flush=True)\n"
        f"signal.setitimer(signal.ITIMER_REAL, {seconds})\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "with closing(engine.start(LabOptions())):\n"
        "    signal.pause()\n"
    )
    process = python(code)
    process.communicate(timeout=15)

    assert process.returncode
    assert cgroups_of(process.pid) == []
