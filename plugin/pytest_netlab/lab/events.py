"""What connection tracking did while someone listened. Knows no scenario.

The kernel queues events at a socket from the moment it is bound, so there is no process
to wait for; the socket ends with this process.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_netlab.lab.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

NETLINK_NETFILTER = 12
NEW, UPDATE, DESTROY = 1, 2, 4  # multicast groups, as bits
SO_RCVBUFFORCE = 33  # not in the socket module
QUEUE_BYTES = 8 << 20
MOST_BYTES = 1 << 16
DELETED, CREATED = 2, 0x400  # IPCTNL_MSG_CT_DELETE, NLM_F_CREATE
LOST = "(the kernel's queue overflowed here: events are missing)\n"
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}
PARTS = (
    ("CTA_TUPLE_IP", "CTA_IP_V4_SRC", "src"),
    ("CTA_TUPLE_IP", "CTA_IP_V4_DST", "dst"),
    ("CTA_TUPLE_IP", "CTA_IP_V6_SRC", "src"),
    ("CTA_TUPLE_IP", "CTA_IP_V6_DST", "dst"),
    ("CTA_TUPLE_PROTO", "CTA_PROTO_SRC_PORT", "sport"),
    ("CTA_TUPLE_PROTO", "CTA_PROTO_DST_PORT", "dport"),
    ("CTA_TUPLE_PROTO", "CTA_PROTO_ICMP_TYPE", "type"),
    ("CTA_TUPLE_PROTO", "CTA_PROTO_ICMP_CODE", "code"),
    ("CTA_TUPLE_PROTO", "CTA_PROTO_ICMP_ID", "id"),
)


class Events:
    """The events of a network namespace from construction to `close`."""

    def __init__(self, netns: str) -> None:
        """Listen; return when no event can be missed any more.

        Raises:
            LabError: there is no such namespace.
            OSError: the kernel has no nf_conntrack_netlink.

        """
        self._lines: list[str] = []
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

    def text(self) -> str:
        """Return all events so far, a line each, in the order of the kernel."""
        for data in self._queued():
            self._lines += _told(data) if data else [LOST]
        return "".join(self._lines)

    def close(self) -> None:
        """Listen no more; may be called twice."""
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


def _told(data: bytes) -> Iterator[str]:
    """Yield each message of a datagram as a line like those of `conntrack -E`."""
    from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg  # noqa: PLC0415 - slow

    at = 0
    while at < len(data):
        message = nfct_msg(data, offset=at)
        message.decode()
        at += max((message["header"]["length"] + 3) & ~3, 16)
        yield f"{_verb(message['header'])} {_entry(message)}\n"


def _verb(header: Any) -> str:
    if header["type"] & 0xFF == DELETED:
        return "[DESTROY]"
    return "    [NEW]" if header["flags"] & CREATED else " [UPDATE]"


def _entry(message: Any) -> str:
    there = message.get_attr("CTA_TUPLE_ORIG")
    back = message.get_attr("CTA_TUPLE_REPLY")
    number = there.get_attr("CTA_TUPLE_PROTO").get_attr("CTA_PROTO_NUM")
    return f"{PROTOCOLS.get(number, number)} {_ends(there)} {_ends(back)}"


def _ends(half: Any) -> str:
    found = []
    for part, name, label in PARTS:
        inner = half.get_attr(part) if half else None
        value = inner.get_attr(name) if inner else None
        if value is not None:
            found.append(f"{label}={value}")
    return " ".join(found)
