"""The output of a program of the lab, kept in memory: no file stays behind."""

from __future__ import annotations

import os
from time import monotonic, sleep
from typing import Self

from pytest_netlab.errors import LabError

TAIL_LINES = 15


class Log:
    """A file in memory: a child writes to `fileno`, and `tail` reads at any time."""

    def __init__(self) -> None:
        """Open it; a child inherits it only as its stdout or stderr."""
        self._fd = os.memfd_create("netlab-log", os.MFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor for subprocess.Popen."""
        return self._fd

    def text(self) -> str:
        """Return all of it.

        The child shares the descriptor's offset, so it must be read without seeking.
        """
        size = os.fstat(self._fd).st_size
        return os.pread(self._fd, size, 0).decode(errors="replace")

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines."""
        return "\n".join(self.text().strip().splitlines()[-lines:])

    def await_line(self, line: str, seconds: float) -> None:
        """Return when a line has been written.

        Raises:
            LabError: it was not, in that time; the text has the last lines.

        """
        end = monotonic() + seconds
        while line not in self.text().splitlines():
            if monotonic() > end:
                raise LabError(f"a program did not start: {self.tail() or 'silence'}")
            sleep(0.002)

    def close(self) -> None:
        """Free it; may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
