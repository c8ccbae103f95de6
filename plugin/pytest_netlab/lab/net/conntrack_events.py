"""Conntrack events of a namespace, from netlink multicast. Knows no scenario.

The kernel queues events at a socket from the moment it is bound, so no helper process
has to start; the socket ends with this process.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_netlab.host.tracking import ctnetlink
from pytest_netlab.lab.net.conntrack import MOST_BYTES, NETLINK_NETFILTER
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.host.tracking.conntrack import Event

NEW, UPDATE, DESTROY = 1, 2, 4  # multicast groups, as bits
SO_RCVBUFFORCE = 33  # not in the socket module
QUEUE_BYTES = 8 << 20


class Events:
    """The events of a network namespace from construction to `close`."""

    def __init__(self, netns: str) -> None:
        """Listen; return when no event can be missed any more.

        Raises:
            LabError: there is no such namespace.
            OSError: the kernel has no nf_conntrack_netlink.

        """
        self._heard: list[Event | None] = []
        with inside(netns):
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER
            )
        try:
            with suppress(PermissionError):
                self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_BYTES)
            self._socket.settimeout(0)
            self._socket.bind((0, NEW | UPDATE | DESTROY))
        except OSError:
            self.close()
            raise

    def heard(self) -> list[Event | None]:
        """Return all events so far in the kernel's order; None where some were lost."""
        for data in self._queued():
            events = map(ctnetlink.event, ctnetlink.messages(data))
            self._heard += events if data else [None]
        return [*self._heard]

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._socket.close()

    def _queued(self) -> Iterator[bytes]:
        """Yield what waits in the queue; b"" where it overflowed."""
        while True:
            try:
                yield self._socket.recv(MOST_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                yield b""
