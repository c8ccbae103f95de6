"""Who listens on a unix socket. Asks the kernel; says nothing to whoever it is."""

from __future__ import annotations

import socket
import struct

SECONDS = 5.0
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def listens(path: str) -> bool:
    """Tell whether someone listens on a unix socket.

    Asked before each call of the SDK, which leaves its own socket open if nobody does.
    """
    return _listener(path) is not None


def pid_of(where: str) -> int | None:
    """Return the process that listens at an address; None where that cannot be seen.

    That is the engine, or systemd where that hands the socket on.
    """
    return _listener(where.removeprefix("unix://")) or None


def _listener(path: str) -> int | None:
    """Return the pid that listens on a unix socket: 0 for one that is out of sight."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(SECONDS)  # the queue of who never accepts may be full
        try:
            probe.connect(path)
            found = probe.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
            )
        except OSError:
            return None
    pid: int = _CREDENTIALS.unpack(found)[0]
    return pid
