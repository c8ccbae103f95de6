"""Enter a network namespace on the calling thread. Knows no links and no labs."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.lifetime.signals import deferred

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNET = 0x40000000

# os.setns is Python 3.12. pyroute2.netns.pushns would do, but it goes back to the
# namespace of the *process's first thread* (/proc/self) and keeps one stack for all
# threads, so that two labs entering at once would leave each other's namespaces.
_HERE = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(path: str) -> Iterator[None]:
    """Run the block in the network namespace at ``path``; sockets opened there stay.

    Only the calling thread moves, and it comes back whatever the block raises. Threads
    and processes that it starts in the block begin there, and they do not come back.
    Signals are deferred until it is back (`signals.deferred`).

    Raises:
        LabError: there is no such namespace, or this process may not enter it.

    """
    with deferred():
        home = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter_path(path)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)


def _enter_path(path: str) -> None:
    try:
        target = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(target)
        finally:
            os.close(target)
    except PermissionError as error:
        raise LabUnavailableError(
            f"may not enter the network namespace {path}: run as root (CAP_SYS_ADMIN)"
        ) from error
    except OSError as error:
        raise LabError(
            f"cannot enter the network namespace {path}: {error.strerror}"
        ) from error


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
