"""Owner tokens: they name the process that made a thing, and whether it is dead.

Knows processes only; removes nothing.
"""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = "org.pytest-netlab.owner"
PREFIX = "pytest-netlab-"
MARK = "PYTEST_NETLAB_OWNER"  # in the environment of every process of a lab

_TOKEN = re.compile(r"(?P<pid>\d+)-(?P<start>\d+)-(?P<pidns>\d+)-\d+")
_serial = count(1)
_INITIAL = 0xEFFFFFFC  # PROC_PID_INIT_INO: in this namespace every process is visible
_DEAD = "ZX"  # states of proc(5): zombie, its parent has not reaped it; dead


def mint() -> str:
    """Return the token of a new lab of this process.

    A pid alone is reused, and means another process in another pid namespace; with the
    start time and the namespace's inode it is unique as long as the machine is up.
    """
    pid = os.getpid()
    return f"{pid}-{_start_time(pid)}-{_pid_namespace()}-{next(_serial)}"


def is_dead(token: str) -> bool:
    """Return whether the process that minted a token is gone for certain.

    Processes of a pid namespace above or beside this one cannot be seen from here, so
    they count as alive.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        return False
    pid, namespace = int(match["pid"]), int(match["pidns"])
    if namespace == _pid_namespace():
        return _start_time(pid) != int(match["start"])
    if _pid_namespace() != _INITIAL:
        return False
    return not any(_may_be(path, pid, namespace) for path in processes())


def processes() -> Iterator[Path]:
    """Yield /proc/PID of every process that can be seen from here."""
    yield from (path for path in Path("/proc").iterdir() if path.name.isdigit())


def ancestors() -> list[str]:
    """Return the pids of this process and of those above it that can be seen."""
    found, pid = [], str(os.getpid())
    while pid != "0":
        found.append(pid)
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        except OSError:  # it has ended: its child has another parent now
            break
        pid = stat.rpartition(")")[2].split()[1]
    return found


def disown_dead() -> None:
    """Take a dead owner's token out of this process's environment.

    It comes from a command of a lab; a child that inherits it would be killed.
    """
    if is_dead(os.environ.get(MARK, "")):
        del os.environ[MARK]


def of_process(path: Path) -> str | None:
    """Return the token in the environment of a process; None if it has none."""
    mark = f"{MARK}=".encode()
    try:
        fields = (path / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return None
    found = (word.removeprefix(mark) for word in fields if word.startswith(mark))
    return find(next(found, b"").decode(errors="replace"))


def find(text: str) -> str | None:
    """Return the token in a name, label or alias that a lab gave to a thing."""
    match = _TOKEN.search(text)
    return match[0] if match else None


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _may_be(path: Path, pid: int, namespace: int) -> bool:
    """Return whether a process may be the one with a pid in a pid namespace below."""
    try:
        status = (path / "status").read_text(encoding="utf-8", errors="replace")
        lines = (line for line in status.splitlines() if line.startswith("NSpid:"))
        _, *below = next(lines, "NSpid: 0").split()[1:]
        if below[-1:] != [str(pid)]:
            return False
        return (path / "ns" / "pid").stat().st_ino == namespace
    except PermissionError:
        return True
    except OSError:  # it has ended
        return False


def _start_time(pid: int) -> int | None:
    """Return when a process began, in ticks since boot; None if none runs.

    The first thread of a process is a zombie too when it has ended before the others.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name is in parentheses and may itself have spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    state, threads, start = fields[0], int(fields[17]), int(fields[19])
    return None if state in _DEAD and threads < 2 else start  # noqa: PLR2004 - itself
