"""Read untrusted folders: regular files only, and no link is followed."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Entered:
    """An open folder: its files are found even if its path is moved or replaced."""

    def __init__(self, fd: int) -> None:
        """Keep the descriptor of the folder."""
        self._fd = fd

    @property
    def inode(self) -> int:
        """Return the folder's inode number; a later folder at its path has another."""
        return os.fstat(self._fd).st_ino

    def opened(self, path: Path) -> IO[bytes]:
        """Open the file of this folder that a path's last component names.

        Raises:
            OSError: it does not exist, or is no regular file.

        """
        _demand(os.stat(path.name, dir_fd=self._fd, follow_symlinks=False), path)
        file = open(path, "rb", opener=self._open)  # noqa: SIM115 - needs opener
        try:
            _demand(os.fstat(file.fileno()), path)
        except OSError:
            file.close()
            raise
        return file

    def _open(self, path: str, flags: int) -> int:
        # A pipe may have replaced the file since its stat: opening must not block.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK
        return os.open(Path(path).name, flags, dir_fd=self._fd)


@contextmanager
def entered(folder: Path) -> Iterator[Entered]:
    """Open a folder, and close it afterwards.

    Raises:
        OSError: it is no folder, or is a link.

    """
    fd = os.open(folder, _FOLDER)
    try:
        yield Entered(fd)
    finally:
        os.close(fd)


def _demand(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is no regular file", str(path))


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file, and no link to one."""
    return path.is_file() and not path.is_symlink()
