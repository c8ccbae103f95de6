"""Owner and mode of the files that the package writes.

Root that works for a user (sudo) leaves files that the user can change and remove.
Nothing is writable by everybody, and a link is never followed.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

FOLDER_MODE, FILE_MODE = 0o755, 0o644  # at most: the umask takes more away
_WRITE, _NEW = os.O_WRONLY | os.O_CLOEXEC, os.O_CREAT | os.O_EXCL
_NO_ID = (1 << 32) - 1  # chown reads it as "leave it as it is"
_OPEN_FILES = tuple(map(Path, ("/dev", "/dev/fd", "/proc/self/fd")))


def make(folder: Path, tries: int = 20) -> None:
    """Make a folder and the parents it lacks; others may remove a parent meanwhile.

    Raises:
        OSError: it cannot be made, or something else has its name.

    """
    try:
        folder.mkdir(FOLDER_MODE)
    except FileNotFoundError:
        if folder.parent == folder or not tries:  # in /proc none can be made
            raise
        make(folder.parent, tries)
        make(folder, tries - 1)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        adopt(folder)


def opened(path: Path) -> IO[bytes]:
    """Open a file to write it from its beginning; make it if it is not there.

    What is there keeps its owner and mode. A link is refused, except for the names that
    Linux gives to open files: /dev/stdout is a link.

    Raises:
        OSError: it cannot be written, or is a link.

    """
    try:
        fd = os.open(path, _WRITE | os.O_NOFOLLOW | _NEW, FILE_MODE)
    except FileExistsError:
        return os.fdopen(_again(path), "wb")
    file = os.fdopen(fd, "wb")
    if (user := _user_of(path)) is not None:
        os.fchown(fd, *user)
    return file


def write(path: Path, text: str) -> None:
    """Write a text as UTF-8, with lone surrogates escaped (backslashreplace).

    Raises:
        OSError: as `opened`.

    """
    with opened(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def adopt(path: Path) -> None:
    """Give a new file or folder to the user that root works for.

    Nothing changes without sudo, or if its parent folder belongs to another user.
    """
    if (user := _user_of(path)) is not None:
        os.chown(path, *user, follow_symlinks=False)


def liken(path: Path, other: Path) -> None:
    """Give a copy the owner and the mode of its original."""
    of = other.lstat()
    if os.geteuid() == 0:
        os.chown(path, of.st_uid, of.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(of.st_mode):
        path.chmod(stat.S_IMODE(of.st_mode))


def _user_of(path: Path) -> tuple[int, int] | None:
    """Return uid and gid of sudo's user, if a path's parent is that user's."""
    user = _id("SUDO_UID"), _id("SUDO_GID")
    if os.geteuid() != 0 or None in user or not user[0]:
        return None
    theirs = path.parent.stat().st_uid == user[0]
    return (user[0], user[1] or 0) if theirs else None


def _id(variable: str) -> int | None:
    """Return the number that sudo left in the environment; None for none."""
    text = os.environ.get(variable, "")
    known = text.isascii() and text.isdigit() and len(text) <= len(str(_NO_ID))
    return int(text) if known and int(text) < _NO_ID else None


def _again(path: Path) -> int:
    """Open an existing file, and empty it."""
    if path.parent in _OPEN_FILES:
        return os.open(path, _WRITE)
    if path.is_symlink():
        text = "is a link, and none is followed: name the file itself"
        raise FileExistsError(errno.EEXIST, text, str(path))
    return os.open(path, _WRITE | os.O_NOFOLLOW | os.O_TRUNC)
