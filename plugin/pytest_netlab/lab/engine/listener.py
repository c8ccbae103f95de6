"""Who listens on a unix socket. Asks the kernel; sends the listener nothing."""

from __future__ import annotations

import socket
import struct

SECONDS = 5.0
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def listens(path: str) -> bool:
    """Return whether someone listens on a unix socket.

    Checked before each call of the SDK, which leaks its own socket if nobody does.
    """
    return _listener(path) is not None


def pid_of(where: str) -> int | None:
    """Return the pid that listens at an address; None where it cannot be seen.

    That is the engine, or systemd where it activates the engine by its socket.
    """
    return _listener(where.removeprefix("unix://")) or None


def _listener(path: str) -> int | None:
    """Return the pid that listens on a unix socket: 0 if invisible, None for none."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(SECONDS)  # the backlog of a hung listener may be full
        try:
            probe.connect(path)
            found = probe.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
            )
        except OSError:
            return None
    pid: int = _CREDENTIALS.unpack(found)[0]
    return pid
