"""What a program of the lab says while it runs, kept where nothing stays behind."""

from __future__ import annotations

import os
from typing import Self

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

    def close(self) -> None:
        """Forget it; may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
