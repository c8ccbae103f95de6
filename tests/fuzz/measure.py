"""Read a capture in a process that may use so much memory and time, and no more.

Run as a script: file, bytes of memory beyond what it starts with, seconds of CPU.
Prints how many packets there are, and what was wrong with the file.
"""

from __future__ import annotations

import io
import resource
import sys
from pathlib import Path

from pytest_netlab.capture import read
from pytest_netlab.errors import CaptureError


def main(path: str, memory: str, seconds: str) -> None:
    """Read the file."""
    file = io.BytesIO(Path(path).read_bytes())
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + int(memory)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    try:
        told = repr(read(file))
    except CaptureError as error:
        told = f"{error.partial!r} {error}"
    sys.stdout.write(told)


if __name__ == "__main__":
    main(*sys.argv[1:])
