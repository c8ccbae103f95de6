"""List and delete conntrack entries: they live 30 s and more, into the next test."""

from __future__ import annotations

import os
import socket
from contextlib import closing, contextmanager, suppress
from struct import Struct
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.host.tracking import ctnetlink
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_netlab.host.tracking.conntrack import Entry

IPV4 = 2
SECONDS = 5
MOST_BYTES = 1 << 16  # of a datagram
NETLINK_NETFILTER = 12
ERROR, DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
DUMP = 0x301  # NLM_F_REQUEST, NLM_F_ROOT, NLM_F_MATCH
_ERRNO = Struct("=i")


def entries(netns: str) -> tuple[Entry, ...]:
    """Return every conntrack entry of a namespace, of IPv4 and IPv6.

    Raises:
        LabError: there is no such namespace, or the kernel refuses the dump.

    """
    try:
        with inside(netns):
            table = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        with table:
            table.settimeout(SECONDS)
            table.bind((0, 0))
            table.send(ctnetlink.request(DUMP))
            return tuple(map(ctnetlink.entry, _dumped(table)))
    except OSError as error:
        raise LabError(f"cannot list connections: {error.strerror or error}") from error


def _dumped(table: socket.socket) -> Iterator[ctnetlink.Message]:
    while True:
        for message in ctnetlink.messages(table.recv(MOST_BYTES)):
            if message.kind == DONE:
                return
            if message.kind == ERROR:
                (code,) = _ERRNO.unpack_from(message.body)
                raise OSError(-code, os.strerror(-code))
            yield message


def flush(netns: str) -> None:
    """Delete every conntrack entry of a namespace."""
    with _conntrack(netns) as table:
        table.flush()


def forget(netns: str, addresses: Collection[str]) -> None:
    """Delete the entries of IPv4 connections between these addresses, and no other.

    The kernel filters by source (since 5.8; older ones dump all): a busy host has
    thousands of entries, and other masqueraded ones have the host's address too.
    """
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - slow
    from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple  # noqa: PLC0415

    ours = {address for address in addresses if ":" not in address}
    with _conntrack(netns) as table:
        for address in ours:
            begun = NFCTAttrTuple(saddr=address)
            for item in list(table.dump(tuple_orig=begun)):
                source, *targets = _ends(item)
                if source != address or not ours.intersection(targets):
                    continue
                original = item.get_attr("CTA_TUPLE_ORIG")
                with suppress(NetlinkError):  # it has expired by itself
                    key = NFCTAttrTuple.from_netlink(IPV4, original)
                    table.entry("del", tuple_orig=key)


def _ends(item: Any) -> tuple[str, str, str]:
    """Return initiator, original destination, and reply source (DNAT changes it)."""
    original, reply = (
        item.get_attr(name).get_attr("CTA_TUPLE_IP")
        for name in ("CTA_TUPLE_ORIG", "CTA_TUPLE_REPLY")
    )
    asked = [original.get_attr(name) for name in ("CTA_IP_V4_SRC", "CTA_IP_V4_DST")]
    return asked[0], asked[1], reply.get_attr("CTA_IP_V4_SRC")


@contextmanager
def _conntrack(netns: str) -> Iterator[Any]:
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - slow
    from pyroute2.netlink.nfnetlink.nfctsocket import NFCTSocket  # noqa: PLC0415 - slow

    try:
        with inside(netns), closing(NFCTSocket()) as table:
            yield table
    except NetlinkError as error:
        raise LabError(
            f"cannot reset connection tracking: {error}. The kernel needs "
            "nf_conntrack_netlink."
        ) from error
