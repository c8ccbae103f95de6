"""Replace a folder as a whole: whatever interrupts, it is the old one or the new.

The new content is written in a staging folder beside it, which its writer has locked. A
killed writer leaves a staging folder without a lock, and the next sweep removes it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.files import owners

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PREFIX = ".pytest-netlab-new-"
_NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")  # as tempfile makes them
_LOCK, _NEW, _OLD = "lock", "new", "old"
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
_LACKING = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)  # by libc or file system
_LAYERED = (
    "lies in a lower layer of an overlay file system, as in a container's image, and "
    "cannot be replaced: copy it, remove it, and give the copy its name"
)
_FILLED = (errno.ENOTEMPTY, errno.EEXIST)
_LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # NFS without lockd
_TRIES = 1000  # to make a folder that others' sweeps may remove
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOCK_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, in order: no links, and none that is hidden."""
    with suppress(OSError):
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
        return sorted(filter(_is_folder, found))
    return []


@contextmanager
def replaced(folder: Path, ours: Collection[str] | None = None) -> Iterator[Path]:
    """Yield an empty folder, and put it in place of another once it is filled.

    A link at its place is replaced, not followed.

    Args:
        folder: what is replaced; it and its parents may be missing.
        ours: names of the files that are replaced; all else in the folder is its
            user's and stays. None: nothing stays.

    Raises:
        OSError: the place is a file's, or the file system refuses; the old folder
            stays.

    """
    _refuse_file(folder)
    leftovers(folder.parent)
    with _staging(folder.parent) as staging:
        fresh = staging / _NEW / folder.name
        owners.make(fresh)
        yield fresh
        if ours is not None and _is_folder(folder):
            leftovers(folder)
            _carry(folder, fresh, ours)
        with _layers_counted(folder):
            _swap(fresh, folder, staging / _OLD / folder.name)


def _refuse_file(folder: Path) -> None:
    with suppress(FileNotFoundError):
        mode = folder.lstat().st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            text = "is no folder, and stays as it is"
            raise NotADirectoryError(errno.ENOTDIR, text, str(folder))


def remove(folder: Path) -> None:
    """Remove a folder and its content; whatever interrupts, all of it or nothing.

    Raises:
        OSError: it is not there, or cannot be taken away.

    """
    with _staging(folder.parent) as staging:
        owners.make(staging / _NEW)
        with _layers_counted(folder):
            folder.rename(staging / _NEW / folder.name)


@contextmanager
def _layers_counted(folder: Path) -> Iterator[None]:
    """Explain EXDEV, for a folder that cannot be renamed beside itself."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        raise OSError(errno.EXDEV, _LAYERED, str(folder)) from error


def leftovers(folder: Path) -> list[str]:
    """Remove what killed writers left in a folder; return the paths.

    A folder that a killed writer moved away and did not replace is put back. What a
    living writer has locked stays; so does a user's folder of such a name, and another
    user's.
    """
    removed = []
    with suppress(OSError), _entered(folder) as parent:
        names = [name for name in _names(parent) if _NAME.fullmatch(name)]
        removed = [str(folder / name) for name in names if _sweep(name, parent)]
    return removed


def everywhere(root: Path) -> list[str]:
    """Remove what killed writers left in a folder and in its subfolders."""
    return [path for folder in (root, *subfolders(root)) for path in leftovers(folder)]


def left(root: Path) -> list[str]:
    """Return what killed writers left in a folder and in its subfolders."""
    found = []
    for folder in (root, *subfolders(root)):
        with suppress(OSError), _entered(folder) as parent:
            for name in filter(_NAME.fullmatch, _names(parent)):
                with suppress(OSError), _dead(name, parent) as here:
                    found += [str(folder / name)] * (here is not None)
    return found


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _names(fd: int) -> list[str]:
    return sorted(os.listdir(fd))


@contextmanager
def _entered(name: str | Path, within: int | None = None) -> Iterator[int]:
    """Yield a folder's descriptor; within another one, links are not followed."""
    follow = 0 if within is None else os.O_NOFOLLOW
    fd = os.open(name, _FOLDER | follow, dir_fd=within)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Yield a staging folder that this process has locked; remove it in the end."""
    with ExitStack() as stack:
        for _ in range(_TRIES):
            owners.make(folder)
            with suppress(FileNotFoundError):
                staging = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
                owners.adopt(staging)
                parent = stack.enter_context(_entered(folder))
                here = stack.enter_context(_entered(staging.name, parent))
                if stack.enter_context(_locked(here, os.O_CREAT)):
                    break
            # A sweep took the empty folder for a dead writer's, or the parent is gone.
        else:  # in /proc no folder can be made
            text = "no folder can be made in it"
            raise FileNotFoundError(errno.ENOENT, text, str(folder))
        owners.adopt(staging / _LOCK)
        try:
            yield staging
        finally:
            # What cannot be removed now is left to a sweep: the folder is replaced, or
            # the error being raised says why it is not.
            with suppress(OSError):
                _finish(here, staging.name, parent)


def _sweep(name: str, parent: int) -> bool:
    """Remove a staging folder that nobody has locked; return whether it is gone."""
    with suppress(OSError):
        os.rmdir(name, dir_fd=parent)  # empty: its writer has not locked it
        return True
    with suppress(OSError), _dead(name, parent) as here:
        return here is not None and _finish(here, name, parent)
    return False


@contextmanager
def _dead(name: str, parent: int) -> Iterator[int | None]:
    """Lock what a killed writer left; None if a writer lives, or it is not ours."""
    with _entered(name, parent) as here:
        owner, around = os.fstat(here).st_uid, os.fstat(parent).st_uid
        names = set(_names(here))
        if owner not in (os.geteuid(), around) or not names <= {_LOCK, _NEW, _OLD}:
            yield None
            return
        with _locked(here) as ours:
            yield here if ours else None


@contextmanager
def _locked(here: int, flags: int = 0) -> Iterator[bool]:
    """Lock a staging folder; yield False if another process has, or it is gone."""
    with ExitStack() as closing:
        ours = False
        with suppress(FileNotFoundError, BlockingIOError):
            fd = os.open(_LOCK, _LOCK_FILE | flags, owners.FILE_MODE, dir_fd=here)
            closing.callback(os.close, fd)
            _lock(fd, made=bool(flags))
            ours = os.path.samestat(os.fstat(fd), os.stat(_LOCK, dir_fd=here))
        yield ours


def _lock(fd: int, *, made: bool) -> None:
    """Lock a file; where there are no locks, only its maker may go on without."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if not made or error.errno not in _LOCKLESS:
            raise


def _finish(here: int, name: str, parent: int) -> bool:
    """Put back what was moved away and not replaced; remove the staging folder.

    Return False, and change nothing, if something else has taken its place.
    """
    if not _put_back(here, parent):
        return False
    for part in (_NEW, _OLD):
        with suppress(FileNotFoundError):
            shutil.rmtree(part, dir_fd=here)
    os.unlink(_LOCK, dir_fd=here)
    os.rmdir(name, dir_fd=parent)
    return True


def _put_back(here: int, parent: int) -> bool:
    """Undo the first of two renames if the second was never made."""
    with (
        suppress(FileNotFoundError),
        _entered(_OLD, here) as old,
        _entered(_NEW, here) as new,
    ):
        for name in set(_names(old)).intersection(_names(new)):
            if name in _names(parent):
                return False
            os.rename(name, name, src_dir_fd=old, dst_dir_fd=parent)
    return True


def _carry(folder: Path, fresh: Path, ours: Collection[str] = ()) -> None:
    """Link or copy a user's own files in a folder into another one."""
    for path in folder.iterdir():
        if path.name in ours:
            continue
        copy = fresh / path.name
        if _is_folder(path):
            copy.mkdir(owners.FOLDER_MODE)
            _carry(path, copy)
            owners.liken(copy, path)
            continue
        try:
            os.link(path, copy, follow_symlinks=False)
        except OSError:  # there are no hard links here, or none to another's file
            shutil.copy2(path, copy, follow_symlinks=False)
            owners.liken(copy, path)


def _swap(fresh: Path, folder: Path, backup: Path) -> None:
    """Put a folder in place of another, which moves to `backup` or to `fresh`."""
    while True:  # another writer may fill the place, or empty it, at the same time
        try:
            return _exchange(fresh, folder)
        except FileNotFoundError:
            if _renamed(fresh, folder):
                return None
        except OSError as error:
            if error.errno not in _LACKING:
                raise
            owners.make(backup.parent)
            with suppress(FileNotFoundError):
                folder.rename(backup)
            fresh.rename(folder)
            return None


def _renamed(fresh: Path, folder: Path) -> bool:
    """Put a folder where there is none; return False if there is one by now."""
    try:
        fresh.rename(folder)
    except OSError as error:
        if error.errno not in _FILLED:
            raise
        return False
    return True


def _exchange(one: Path, other: Path) -> None:
    """Exchange two paths in one step.

    Raises:
        FileNotFoundError: one of them is not there.
        OSError: as renameat2(2) says; ENOSYS where libc does not have it.

    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    paths = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
    if libc.renameat2(*paths, ctypes.c_uint(_EXCHANGE)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))
