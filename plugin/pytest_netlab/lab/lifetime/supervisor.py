"""A shell outside a lab that ends what is left of it as soon as its pipe closes.

SIGKILL cannot be handled, so whoever ends a lab must be another process. Knows marks in
environments and names of cgroups; not what a lab is made of.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from glob import iglob
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.lab.lifetime import owner, scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

CGROUPS = Path("/sys/fs/cgroup")
SECONDS = 10
GRACE_SECONDS = 20  # beyond its own limit, on a busy machine


class Supervisor:
    """A shell that outlives this process if need be."""

    def __init__(self, token: str, lifeline: int) -> None:
        """Start it; it reads a pipe whose other end only this process has."""
        self._process = subprocess.Popen(
            _shell(scripts.SUPERVISOR, token, SECONDS),
            stdin=lifeline,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, owner.MARK: token},
            cwd="/",
            start_new_session=True,  # a signal to this process's group spares it
        )

    def wait(self) -> bool:
        """Wait for it, once its pipe is closed; return whether it ended everything."""
        try:
            return self._process.wait(SECONDS + GRACE_SECONDS) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False


def end(token: str, seconds: float = SECONDS) -> bool:
    """End all that carries an owner's token, as a supervisor does; False if any stays.

    Frozen cgroups are thawed, processes killed, and the cgroups removed. This process
    and those above it are spared: they may have inherited the token.
    """
    environment = {k: v for k, v in os.environ.items() if k != owner.MARK}
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [*_shell(scripts.END, token, seconds), " ".join(owner.ancestors())],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            cwd="/",
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
        return done.returncode == 0
    return False


def carriers() -> Iterator[tuple[str, str]]:
    """Yield token and name of each process and each cgroup that carries a token.

    This process and those above it are left out, as `end` spares them.
    """
    spared = owner.ancestors()
    for process in owner.processes():
        if process.name not in spared and (token := owner.of_process(process)):
            yield token, f"process {process.name} ({_command(process)})"
    for cgroup in cgroups(f"{owner.PREFIX}*"):
        if token := owner.find(cgroup.name):
            yield token, str(cgroup)


def cgroups(name: str) -> Iterator[Path]:
    """Yield the topmost cgroups whose name matches: of v2, of each hierarchy of v1."""
    for pattern in (f"{CGROUPS}/{name}", f"{CGROUPS}/*/{name}"):
        # Path.glob raises if a cgroup disappears before it is read.
        yield from map(Path, iglob(pattern))  # noqa: PTH207


def _command(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:  # it has ended meanwhile
        return "ended"


def _shell(script: str, token: str, seconds: float) -> list[str]:
    hundredths = str(int(seconds * 100))
    return ["sh", "-c", script, "netlab-supervisor", token, str(CGROUPS), hundredths]
