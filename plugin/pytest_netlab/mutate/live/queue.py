"""Hold packets of the host in a queue, and send them on in another order (NFQUEUE).

Knows which packet came first, and nothing else of it.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from contextlib import contextmanager
from struct import pack, unpack_from
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabUnavailableError
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

NUMBER = 7  # of the queue
PAUSE = 0.1  # seconds for which the first of a pair waits for the second
# linux/netfilter/nfnetlink_queue.h
_NETLINK_NETFILTER, _SUBSYSTEM = 12, 3 << 8
_PACKET, _VERDICT, _CONFIG = (_SUBSYSTEM | one for one in (0, 1, 2))
_VERDICT_HEADER, _COMMAND, _PARAMETERS = 2, 1, 2
_BIND, _COPY_META, _ACCEPT, _ERROR = 1, 1, 1, 2
_HEADERS = 16 + 4  # nlmsghdr and nfgenmsg
_REQUEST, _ACKNOWLEDGED = 1, 4


def swapped(matches: str) -> Inject:
    """Return an `inject`: the first two packets that match leave in reverse order."""
    rule = f"FORWARD {matches} -j NFQUEUE --queue-num {NUMBER}".split()

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        host = lab.nodes["host"]
        with _opened(host.netns) as queue, _swapping(queue):
            host.run("iptables", "-t", "mangle", "-I", *rule)
            try:
                yield
            finally:
                host.run("iptables", "-t", "mangle", "-D", *rule)

    return inject


@contextmanager
def _opened(netns: str) -> Iterator[socket.socket]:
    """Yield the queue of a namespace."""
    with inside(netns):
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    with opened:
        opened.bind((0, 0))
        _ask(opened, _COMMAND, pack(">BxH", _BIND, socket.AF_INET))
        _ask(opened, _PARAMETERS, pack(">IB", 0, _COPY_META))
        yield opened


def _ask(queue: socket.socket, kind: int, value: bytes) -> None:
    flags = _REQUEST | _ACKNOWLEDGED
    queue.send(_message(_CONFIG, kind, value, flags))
    answer = queue.recv(1 << 12)
    code = -unpack_from("=i", answer, 16)[0]
    if unpack_from("=H", answer, 4)[0] == _ERROR and code:
        raise LabUnavailableError(f"this kernel has no NFQUEUE: {os.strerror(code)}")


def _message(kind: int, name: int, value: bytes, flags: int = _REQUEST) -> bytes:
    attribute = pack("=HH", 4 + len(value), name) + value + bytes(-len(value) % 4)
    body = pack(">BBH", socket.AF_UNSPEC, 0, NUMBER) + attribute
    return pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


@contextmanager
def _swapping(queue: socket.socket) -> Iterator[None]:
    """Send packets on in a thread, while the block runs."""
    bell = os.eventfd(0)
    thread = threading.Thread(target=_swap, args=(queue, bell), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.eventfd_write(bell, 1)
        thread.join()
        os.close(bell)


def _swap(queue: socket.socket, bell: int) -> None:
    """Exchange the first two packets after each pause, and send on all others."""
    held: list[int] = []
    wanted = 2
    while True:
        ready, _, _ = select.select([bell, queue.fileno()], [], [], PAUSE)
        if bell in ready:
            return
        if ready:
            message = queue.recv(1 << 16)
            if unpack_from("=H", message, 4)[0] == _PACKET:
                held.append(unpack_from(">I", message, _HEADERS + 4)[0])
        if len(held) >= wanted or not ready:
            wanted = 1 if ready else 2
            for number in reversed(held):
                value = pack(">II", _ACCEPT, number)
                queue.send(_message(_VERDICT, _VERDICT_HEADER, value))
            held.clear()
