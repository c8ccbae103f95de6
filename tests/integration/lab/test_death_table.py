"""The table of deaths: whoever of a run dies, when and how, nothing of it is left.

Each draw is a moment of a run, who is hit, and how. `make death` draws a hundred anew
and prints the seed; NETLAB_DEATH_SEED draws the same again, NETLAB_DEATH_DRAWS says how
many.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Until = Callable[[Callable[[], bool], float], bool]
    Draw = tuple[str, str, str, float]

SECONDS = 120
SEED = os.environ.get("NETLAB_DEATH_SEED", "4")
DRAWS = int(os.environ.get("NETLAB_DEATH_DRAWS", "15"))
MOMENTS = ("starting", "capturing", "running", "paused", "closing")
TARGETS = (
    *("pytest", "group", "init", "supervisor"),
    *("dockerd", "containerd", "containerd-shim", "nsenter"),
)
# `frozen` is KILL while every container of the lab is frozen.
WAYS = {
    "KILL": (signal.SIGKILL,),
    "TERM": (signal.SIGTERM,),
    "HUP": (signal.SIGHUP,),
    "INT": (signal.SIGINT,),
    "STOP+KILL": (signal.SIGSTOP, signal.SIGKILL),
    "frozen": (signal.SIGKILL,),
}
# A run says where it is and stays there until it is told to go on.
RUN = '''
import time
from pathlib import Path
import pytest

MOMENT = Path("moment").read_text()
GO = Path("go").absolute()

def here(moment):
    if moment == MOMENT:
        Path("here").touch()
        while moment != "running" and not GO.exists():
            time.sleep(0.05)

@pytest.fixture(scope="session")
def last(netlab_lab):
    yield
    here("closing")

@pytest.mark.netlab
def test_run(last, netlab):
    """Be killed."""
    if MOMENT == "paused":
        netlab.c1.container.pause()
        here("paused")
    with netlab.capture("docker0", "uplink"):
        here("capturing")
        if MOMENT == "running":
            here("running")
            script = "until [ -e $0 ]; do sleep 0.05; done"
            netlab.c1.run("sh", "-c", script, str(GO), timeout=600)
'''
STARTED = "netlab: starting the lab"
PASSED = "1 passed"


def draws() -> Iterator[Draw]:
    """Yield so many different rows of the table, in the order of the seed."""
    random = Random(SEED)  # noqa: S311 - to be drawn again is what it is for
    table = [*product(MOMENTS, TARGETS, WAYS)]
    random.shuffle(table)
    for moment, target, way in table[:DRAWS]:
        yield moment, target, way, random.uniform(0, 1.5)


class Run:
    """A pytest at some moment, and who is of it."""

    def __init__(self, folder: Path, moment: str) -> None:
        """Start it in an own process group."""
        self._folder, self._moment = folder, moment
        (folder / "test_it.py").write_text(RUN)
        (folder / "moment").write_text(moment)
        command = [sys.executable, "-u", "-m", "pytest", "-s", "-m", "netlab"]
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [*command, "--netlab-keep=never"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Return what it has said."""
        return (self._folder / "said").read_text()

    def reached(self) -> bool:
        """Return whether the moment is there, or never will be."""
        over = self.process.poll() is not None
        if self._moment == "starting":
            return over or STARTED in self.said
        return over or (self._folder / "here").exists()

    def go_on(self) -> None:
        """Let it go on to its end."""
        (self._folder / "go").touch()

    def end(self) -> None:
        """Kill it if it runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Run]]:
    """Return a function that starts a pytest on `RUN`, ended in any case."""
    started: list[Run] = []

    def start(moment: str) -> Run:
        started.append(Run(tmp_path, moment))
        return started[-1]

    yield start
    for one in started:
        one.end()


def name_of(path: Path) -> str:
    """Return the name of a process; none of one that has ended."""
    with suppress(OSError):
        return (path / "comm").read_text().strip()
    return ""


def words_of(path: Path) -> str:
    """Return the command of a process; nothing of one that has ended."""
    with suppress(OSError):
        return (path / "cmdline").read_text(errors="replace").replace("\0", " ")
    return ""


def below(path: Path) -> list[Path]:
    """Return the children of a process."""
    with suppress(OSError):
        text = (path / "task" / path.name / "children").read_text()
        return [Path("/proc") / pid for pid in text.split()]
    return []


def pid_namespaces(paths: list[Path]) -> set[int]:
    """Return the pid namespaces that processes or their children are in."""
    found = set()
    for path, kind in product(paths, ("pid", "pid_for_children")):
        with suppress(OSError):
            found.add((path / "ns" / kind).stat().st_ino)
    return found - {Path("/proc/self/ns/pid").stat().st_ino}


def found(target: str, marked: list[Path], members: list[Path]) -> list[Path]:
    """Return the processes of a run that a row of the table means."""
    if target == "init":
        inits = [p for p in marked if words_of(p).startswith("unshare --mount")]
        return [one for path in inits for one in (path, *below(path))]
    signs = {"supervisor": "netlab-supervisor", "nsenter": "exec setsid"}
    if target in signs:
        return [path for path in marked if signs[target] in words_of(path)]
    return [path for path in members if name_of(path) == target]


def freeze(cgroups: list[Path]) -> None:
    """Freeze every container below some cgroups, of whatever version."""
    for top in cgroups:
        with suppress(OSError):  # it has gone
            for place in [child for child in top.iterdir() if child.is_dir()]:
                freeze_one(place)


def freeze_one(cgroup: Path) -> None:
    """Freeze what is in a cgroup."""
    for key, value in (("freezer.state", "FROZEN"), ("cgroup.freeze", "1")):
        with suppress(OSError):
            if (cgroup / key).exists():
                (cgroup / key).write_text(value)


def strike(pid: int, way: str, *, group: bool = False) -> None:
    """Send a process what a row of the table says; one that has ended is as well."""
    for number in WAYS[way]:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(pid, number)


def expected(way: str, *, ours: bool) -> tuple[int, ...]:
    """Return the exit codes of a run in which pytest was hit, or a part of its lab."""
    if not ours:
        return int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED)
    number = WAYS[way][-1]
    if number == signal.SIGINT:
        return (int(pytest.ExitCode.INTERRUPTED),)
    return (-number if number == signal.SIGKILL else 128 + number,)


@pytest.mark.parametrize("draw", list(draws()), ids=lambda draw: "-".join(draw[:3]))
def test_nothing_is_left(
    draw: Draw,
    run: Callable[[str], Run],
    left: Callable[[int], Any],
    crowd_in: Callable[[set[int]], Any],
    until: Until,
) -> None:
    """Whoever dies: pytest ends, and of its lab nothing is left."""
    moment, target, way, delay = draw
    play = run(moment)
    stays = left(play.process.pid)
    assert until(play.reached, SECONDS), play.said
    if moment == "closing":
        play.go_on()
    if moment in ("starting", "closing"):  # what is hit there is the draw's affair
        time.sleep(delay if moment == "starting" else delay / 20)

    marked = stays.processes()
    crowd = crowd_in(pid_namespaces(marked))
    if way == "frozen":
        freeze(stays.cgroups())
    ours, way = hit(play, target, way, found(target, marked, crowd.paths()))
    play.go_on()
    code = play.process.wait(SECONDS)
    if target == "supervisor":
        clean()

    assert until(lambda: not stays.all() + crowd.alive(), SECONDS), (
        stays.all() + crowd.alive()
    )
    # After the lab is gone pytest is as ever, and it may have been gone before the hit.
    after = moment == "closing" or PASSED in play.said
    assert after or code in expected(way, ours=ours), play.said


def hit(play: Run, target: str, way: str, them: list[Path]) -> tuple[bool, str]:
    """Hit one of those a row means; pytest, where there is none of them.

    Returns whether pytest was hit, and how who was hit last was.
    """
    pid = play.process.pid
    ours = target in ("pytest", "group") or not them
    if ours:
        strike(pid, way, group=target == "group")
    else:
        strike(int(them[-1].name), way)
    if target != "supervisor":
        return ours, way
    strike(pid, "KILL")  # else closing does its work
    return True, "KILL"


def clean() -> None:
    """Do what the docs say of a run whose supervisor was killed as well."""
    code = "from pytest_netlab.cli import main; main()"
    command = [sys.executable, "-c", code, "clean"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    # 2: something stays, of whatever run of this machine.
    assert done.returncode in (0, 2), done.stdout + done.stderr
