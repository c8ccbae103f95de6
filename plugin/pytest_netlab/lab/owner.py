"""Whose lab is it: names that say which process made a thing, and whether it is dead.

Knows processes only; removes nothing.
"""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path

LABEL = "org.pytest-netlab.owner"
PREFIX = "pytest-netlab-"

_TOKEN = re.compile(r"(?P<pid>\d+)-(?P<start>\d+)-(?P<pidns>\d+)-\d+")
_serial = count(1)


def mint() -> str:
    """Return a token for one more lab of this process.

    A pid alone is reused, and means another process in another pid namespace; with the
    start time and the namespace's inode it is unique as long as the machine is up.
    """
    pid = os.getpid()
    return f"{pid}-{_start_time(pid)}-{_pid_namespace()}-{next(_serial)}"


def is_dead(token: str) -> bool:
    """Tell whether the process that minted a token is gone for certain.

    Processes of another pid namespace cannot be seen from here, so they count as alive.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or int(match["pidns"]) != _pid_namespace():
        return False
    return _start_time(int(match["pid"])) != int(match["start"])


def find(text: str) -> str | None:
    """Return the token in a name, label or alias that a lab gave to a thing."""
    match = _TOKEN.search(text)
    return match[0] if match else None


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _start_time(pid: int) -> int | None:
    """Return when a process began, in ticks since boot; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name is in parentheses and may itself hold spaces and parentheses.
    return int(stat.rpartition(")")[2].split()[19])
