"""Run a command in this process, and write how much memory it held at most, in KiB.

Run as a script: where to write it, the command's arguments. VmHWM begins with the
program; ru_maxrss would begin with what the process was forked from.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_netlab.cli import main


def highest() -> str:
    """Return the peak of this process so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    target, *arguments = sys.argv[1:]
    try:
        main(arguments)
    finally:
        Path(target).write_text(highest())
