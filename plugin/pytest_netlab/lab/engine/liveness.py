"""Whether the engine of a lab is the one that the lab started with, and answers.

An engine that died leaves containers and rules behind, and packets are forwarded as
before, so they do not show it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_netlab.errors import LabError
from pytest_netlab.lab.engine import host_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECONDS = 30.0  # how long a process may stay stopped
POLL_SECONDS = 0.02
PROGRAMS = ("dockerd", "containerd")
STOPPED, OVER = "Tt", "ZX"  # states of a process, proc(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process at one moment. Pid and start time identify it: a pid alone is reused.

    Attributes:
        pid: in this pid namespace.
        parent: the parent's pid.
        name: of its command, 15 bytes at most.
        state: a letter of proc(5).
        started: ticks since boot.

    """

    pid: int
    parent: int
    name: str
    state: str
    started: int

    @classmethod
    def read(cls, pid: int) -> Self | None:
        """Return a process as /proc shows it now; None if it is gone."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        # The name is in parentheses, and may have spaces and parentheses.
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        return cls(
            pid=pid,
            parent=int(fields[1]),
            name=head.partition("(")[2],
            state=fields[0],
            started=int(fields[19]),
        )

    def __str__(self) -> str:
        """Return name and pid."""
        return f"{self.name} (pid {self.pid})"

    @property
    def now(self) -> Self | None:
        """Return it as it is now; None if it has ended."""
        found = self.read(self.pid)
        same = found is not None and found.started == self.started
        return found if found is not None and same and found.state not in OVER else None


def programs_below(pid: int) -> list[Process]:
    """Return dockerd and its containerd among the descendants of a process."""
    folders = Path("/proc").glob("[0-9]*")
    everyone = [one for path in folders if (one := Process.read(int(path.name)))]
    return [one for one in _descendants(pid, everyone) if one.name in PROGRAMS]


def _descendants(pid: int, everyone: list[Process]) -> Iterator[Process]:
    for one in everyone:
        if one.parent == pid:
            yield one
            yield from _descendants(one.pid, everyone)


class Liveness:
    """Checks whether an engine lives; once it has failed, it fails for good."""

    def __init__(
        self,
        client: Any,
        processes: Iterable[Process],
        last_log_lines: Callable[[], str],
    ) -> None:
        """Remember the engine as it is now.

        Args:
            client: of the engine.
            processes: those that must not end; none where they cannot be seen.
            last_log_lines: returns a text for errors: its last log lines, if any.

        """
        self._client = client
        self._processes = tuple(processes)
        self._last_log_lines = last_log_lines
        self.trouble = ""

    @property
    def runs(self) -> bool:
        """Whether every process runs at this moment, and nothing was wrong before."""
        now = [process.now for process in self._processes]
        running = all(one is not None and one.state not in STOPPED for one in now)
        return running and not self.trouble

    def demand(self) -> None:
        """Check that every process still runs and that the engine answers.

        Raises:
            LabError: one died or is stopped, or the engine is silent. Every later
                call raises it too: the rest of the lab proves nothing of an engine.

        """
        if self.trouble:
            raise LabError(self.trouble)
        if found := self._ended() or self._silent():
            self.trouble = f"no scenario of this lab can be judged any more: {found}"
            raise LabError(f"{self.trouble}. {self._last_log_lines()}")

    def _ended(self) -> str:
        """Return which process has ended or stayed stopped, as text; "" for none."""
        end = time.monotonic() + SECONDS
        for process in self._processes:
            now = process.now
            while now is not None and now.state in STOPPED:
                if time.monotonic() > end:
                    return f"{process} is stopped, and was for {SECONDS:g} s"
                time.sleep(POLL_SECONDS)
                now = process.now
            if now is None:
                return f"{process} has died since the lab was started"
        return ""

    def _silent(self) -> str:
        try:
            with host_engine.refusals("asking whether it lives"):
                self._client.ping()
        except LabError as error:
            return self._ended() or f"{error}".rstrip(".")
        return ""
