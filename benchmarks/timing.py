"""Time one task at a time, each in a process of its own. Knows no task.

A task is a function of a script here; it is timed inside its process, without its
imports. So nobody pays for another's garbage, and one that crashes takes none along.
It runs again and again for a while: the first run pays for memory that the kernel has
to clear, page by page, and is told apart.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).parent
_PEAK = "VmHWM:"
_AGAIN, _MOST = 1.0, 5  # seconds for more runs after the first, and how many at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One task in one process: `peak` is in MiB, `facts` what else the task said.

    `seconds` is the median of the runs after the `first`; that itself if it was long.
    """

    seconds: float
    first: float
    packets: int
    size: int
    peak: float = 0.0
    facts: Mapping[str, float] | None = None

    @property
    def rate(self) -> float:
        """Return packets a second."""
        return self.packets / self.seconds


class SkippedError(Exception):
    """A task could not run here: not installed, or it crashed."""


def run_task(script: str, task: str, files: Sequence[Path], **env: str) -> Sample:
    """Run a task of a script in a process of its own.

    Raises:
        SkippedError: it cannot run here; the text says why.

    """
    command = [sys.executable, str(HERE / script), task, *map(str, files)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | env
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SkippedError(f"exit {done.returncode}: {last}")
    said = json.loads(done.stdout.splitlines()[-1])
    if "skipped" in said:
        raise SkippedError(said["skipped"])
    return Sample(size=_size(files), **said)


def run_command(
    command: Sequence[str], files: Sequence[Path], packets: int, *, good: int = 0
) -> Sample:
    """Run a command as a whole process, its output thrown away.

    Args:
        command: the command; the files are part of it.
        files: what it reads, for bytes a second.
        packets: how many packets that is.
        good: the highest exit code that means it did its work.

    Raises:
        SkippedError: it is not installed, or failed.

    """
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        raise SkippedError(f"{command[0]} is not installed") from None
    seconds = time.perf_counter() - started
    if not 0 <= done.returncode <= good:
        text = done.stderr.decode().strip()[-200:]
        raise SkippedError(f"exit {done.returncode}: {text}")
    return Sample(seconds=seconds, first=seconds, packets=packets, size=_size(files))


def be_task(tasks: Mapping[str, Callable[..., Callable[[], object]]]) -> None:
    """Run the task that the command line names, and print what it took.

    A task is prepared with the files (its imports) and returns what is timed; that
    returns packets, or a count of them and a dict of facts.
    """
    _, name, *files = sys.argv
    try:
        timed = tasks[name](*map(Path, files))
    except ImportError as error:
        _leave({"skipped": f"{error.name} is not installed"})
    first, result = _timed(timed)
    count, facts = result if isinstance(result, tuple) else (result, None)
    packets = count if isinstance(count, int) else len(count)
    del result, count
    peak, more = _peak(), []
    while len(more) < _MOST and first + sum(more) < _AGAIN:
        more.append(_timed(timed)[0])
    said = {"seconds": statistics.median(more or [first]), "first": first}
    _leave(said | {"packets": packets, "peak": peak, "facts": facts})


def _timed(timed: Callable[[], object]) -> tuple[float, object]:
    """Return what a run took and returned."""
    started = time.perf_counter()
    result = timed()
    return time.perf_counter() - started, result


def _leave(said: Mapping[str, object]) -> None:
    """Print and be gone: at exit, one peer's extension module crashes."""
    print(json.dumps(said), flush=True)
    os._exit(0)


def _peak() -> float:
    """Return the MiB this process held at most: of its own image, not its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(one.split()[1]) / 1024 for one in lines if one.startswith(_PEAK))


def warm(files: Sequence[Path]) -> None:
    """Have the files in the page cache."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files if path.suffix != ".npy")
