"""The addresses of a link, asked over a netlink socket of its own (rtnetlink(7)).

They are read at the end of every capture; pyroute2 takes ten milliseconds a namespace.
"""

from __future__ import annotations

import socket
import struct
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.host.routing.addresses import Address
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

_GETADDR, _DONE, _ERROR = 22, 3, 2
_REQUEST_DUMP = 0x301
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, number, sender
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, length, flags, scope, link
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_LOCAL = {socket.AF_INET: 2, socket.AF_INET6: 1}  # IFA_LOCAL; of IPv6 IFA_ADDRESS
_SECONDARY = 1  # IFA_F_SECONDARY; of IPv6 it says something else
_MOST = 1 << 16  # bytes of one answer


def addresses(netns: str | None, interface: str) -> list[str]:
    """Return a link's addresses as ADDRESS/LENGTH, in the kernel's order.

    None where there is no such link.

    Args:
        netns: path of a namespace; None is the one this thread is in.
        interface: name of the link.

    """
    with nullcontext() if netns is None else inside(netns):
        try:
            index = socket.if_nametoindex(interface)
        except OSError:
            return []
        return [one.text for link, one in _dumped() if link == index]


def listed(netns: str) -> tuple[Address, ...]:
    """Return the addresses of every link, in the kernel's order.

    Args:
        netns: path of a namespace.

    """
    with inside(netns):
        names = dict(socket.if_nameindex())
        return tuple(replace(one, device=names.get(n, "")) for n, one in _dumped())


def _dumped() -> Iterator[tuple[int, Address]]:
    """Yield every address in this thread's namespace, with the index of its link."""
    ask = _ADDRESS.pack(0, 0, 0, 0, 0)
    size = _HEADER.size + len(ask)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as it:
        it.send(_HEADER.pack(size, _GETADDR, _REQUEST_DUMP, 1, 0) + ask)
        while True:
            for kind, body in _parts(it.recv(_MOST), _HEADER):
                if kind in (_DONE, _ERROR):
                    return
                yield from _address(body)


def _address(body: bytes) -> Iterator[tuple[int, Address]]:
    family, length, flags, scope, link = _ADDRESS.unpack_from(body)
    for kind, packed in _parts(body[_ADDRESS.size :], _ATTRIBUTE):
        if kind == _LOCAL.get(family):
            text = f"{socket.inet_ntop(family, packed)}/{length}"
            secondary = family == socket.AF_INET and bool(flags & _SECONDARY)
            yield link, Address("", text, scope, secondary)


def _parts(data: bytes, head: struct.Struct) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each message, or of each attribute."""
    while len(data) >= head.size:
        size, kind, *_ = head.unpack_from(data)
        if size < head.size:
            return
        yield kind, data[head.size : size]
        data = data[(size + 3) & ~3 :]
