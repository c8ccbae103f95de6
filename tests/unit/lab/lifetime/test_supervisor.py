"""What the shell outside a lab ends: real processes in real cgroups, frozen or not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.lifetime import owner, scripts, supervisor
from pytest_netlab.lab.lifetime.supervisor import CGROUPS, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 60
# How a cgroup of each version is frozen, and which file says that it is.
V1 = ("freezer.state", "FROZEN", "freezer.state", "FROZEN")
V2 = ("cgroup.freeze", "1", "cgroup.events", "frozen 1")

UNSHARED = ("unshare", "--pid", "--mount", "--fork", "--kill-child")
# Carries the token of a process 1 that began at another time; tells its pid outside.
FIRST = """
read -r pid _ </proc/self/stat
mount -t proc proc /proc
token=1-1-$(stat -Lc %i /proc/self/ns/pid)-1
exec env "$1=$token" sh -c 'echo "$0"; read -r _; exit' "$pid"
"""
CLEAN = """
from pytest_netlab.cli import main
from pytest_netlab.lab.lifetime import supervisor
supervisor.SECONDS = 0.1
main(["clean"])
"""
# Two processes that carry such a token, one below the other.
HEIR = """
mount -t proc proc /proc
export PYTEST_NETLAB_OWNER=1-1-$(stat -Lc %i /proc/self/ns/pid)-1
sh -c '"$0" -c "$1"; exit $?' "$0" "$1"
exit $?
"""
LOOK = """
import os
from pytest_netlab.lab import sweep
from pytest_netlab.lab.lifetime import owner
sweep.locally(0.1)
print(owner.MARK in os.environ)
"""


def until(condition: Callable[[], bool]) -> bool:
    """Wait until something is true; return whether it is."""
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def hierarchy(version: tuple[str, ...]) -> Path:
    """Return where cgroups of a version are; skip where there are none."""
    found = [CGROUPS / "freezer"] if version == V1 else [CGROUPS, CGROUPS / "unified"]
    sign = "cgroup.controllers" if version == V2 else "cgroup.procs"
    places = [path for path in found if (path / sign).exists()]
    if not places or not os.access(places[0], os.W_OK):
        pytest.skip("needs root, and this version of cgroups")
    return places[0]


def freeze(cgroup: Path, version: tuple[str, ...]) -> None:
    """Freeze a cgroup; return when it is."""
    key, value, told, word = version
    (cgroup / key).write_text(value)
    assert until(lambda: word in (cgroup / told).read_text())


def ignored(pid: int) -> set[int]:
    """Return the signals that a process ignores."""
    status = Path(f"/proc/{pid}/status").read_text()
    bits = int(status.partition("SigIgn:")[2].split()[0], 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def _empty(path: Path) -> bool:
    return not path.read_text()


@pytest.fixture
def sleeper() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that runs a process in a cgroup; it is ended in any case."""
    started: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(cgroup: Path, **env: str) -> subprocess.Popen[bytes]:
        cgroup.mkdir(parents=True)
        process = subprocess.Popen(["sleep", "600"], env={**os.environ, **env})
        started.append((process, cgroup))
        (cgroup / "cgroup.procs").write_text(str(process.pid))
        return process

    yield start
    for process, cgroup in started:
        for key, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            if (cgroup / key).exists():
                (cgroup / key).write_text(value)
        process.kill()
        process.wait()
        with suppress(FileNotFoundError):
            members = cgroup / "cgroup.procs"
            until(partial(_empty, members))
            cgroup.rmdir()


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("levels", [(0,), (1,), (0, 1)])
def test_frozen_processes_end(
    version: tuple[str, ...],
    levels: tuple[int, ...],
    sleeper: Callable[..., subprocess.Popen[bytes]],
) -> None:
    """When the pipe closes, what is frozen at any level ends, and its cgroups go."""
    token = owner.mint()
    top = hierarchy(version) / f"{owner.PREFIX}{token}"
    process = sleeper(top / "container")
    for level in levels:
        freeze((top, top / "container")[level], version)
    reader, writer = os.pipe()
    ends = Supervisor(token, reader)
    os.close(reader)

    os.close(writer)

    assert ends.wait()
    assert process.wait(SECONDS) == -9
    assert not top.exists()


def test_clean_names_what_it_cannot_end() -> None:
    """A process that cannot be ended is named, with exit code 2.

    No signal from inside ends process 1 of a pid namespace. The token is a dead owner's
    only there, so that no other sweep takes it, and the namespace ends with its pipe.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with subprocess.Popen(
        [*UNSHARED, "sh", "-c", FIRST, "sh", owner.MARK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        pid = first.stdout.readline().strip()
        enter = ("nsenter", "--target", pid, "--pid", "--mount", "--")
        done = subprocess.run(
            [*enter, sys.executable, "-c", CLEAN],
            capture_output=True,
            text=True,
            check=False,
        )
        first.communicate("")

    assert done.returncode == 2, done.stdout
    assert "process 1 (sh)" in done.stderr.partition("cannot")[2]
    assert "removed process 1 " not in done.stdout


def test_inherited_token_of_a_dead_owner() -> None:
    """Who inherits a dead owner's token ends neither itself nor what started it."""
    if os.geteuid() != 0:
        pytest.skip("needs root")

    done = subprocess.run(
        [*UNSHARED, "sh", "-c", HEIR, sys.executable, LOOK],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_supervisor_is_spared_while_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another who ends the same ends the supervisor last."""
    monkeypatch.setattr(supervisor, "CGROUPS", tmp_path)
    token = owner.mint()
    busy = tmp_path / f"{owner.PREFIX}{token}" / "busy"
    busy.parent.mkdir()
    busy.touch()
    reader, writer = os.pipe()
    ends = Supervisor(token, reader)
    os.close(reader)

    ended = supervisor.end(token, seconds=1)
    works = ends._process.poll() is None
    busy.unlink()

    assert not ended
    assert works
    assert supervisor.end(token, seconds=SECONDS)
    assert ends._process.wait(SECONDS) == -9
    os.close(writer)


def test_blind_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where grep cannot look into environments, nothing is known to be gone."""
    program = tmp_path / "grep"
    program.write_text("#!/bin/sh\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert not supervisor.end(owner.mint(), seconds=0.1)


def test_script_looks_for_the_mark() -> None:
    """The scripts, which know no Python, look for what processes are marked with."""
    assert f'"{owner.MARK}=$1"' in scripts.END
    assert f"unset {owner.MARK}" in scripts.SUPERVISOR
    assert f"/{owner.PREFIX}$1" in scripts.END


def test_it_outlives_signals() -> None:
    """TERM, HUP and INT, which may reach whole sessions, do not end the supervisor."""
    reader, writer = os.pipe()
    ends = Supervisor(owner.mint(), reader)
    os.close(reader)
    pid = ends._process.pid
    assert until(lambda: ignored(pid) >= {1, 2, 15})

    for number in (1, 2, 15):
        os.kill(pid, number)
    os.close(writer)

    assert ends.wait()


def test_cgroups_that_come_and_go_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another lab's cgroups vanish while all are looked through; ours are found."""
    monkeypatch.setattr(supervisor, "CGROUPS", tmp_path)
    (ours := tmp_path / f"{owner.PREFIX}{owner.mint()}").mkdir()
    theirs, over = tmp_path / "theirs", Event()

    def come_and_go() -> None:
        while not over.is_set():
            theirs.mkdir()
            theirs.rmdir()

    with ThreadPoolExecutor() as pool:
        other = pool.submit(come_and_go)
        try:
            found = [dict(supervisor.carriers()).values() for _ in range(200)]
        finally:
            over.set()
        other.result()

    assert all(str(ours) in names for names in found)
