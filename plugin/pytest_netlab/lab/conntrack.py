"""Forget connections: entries live 30 s and more, so one test would shape the next."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.lab.netns import inside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

IPV4 = 2


def flush(netns: str) -> None:
    """Forget every connection of a namespace."""
    with _conntrack(netns) as table:
        table.flush()


def forget(netns: str, addresses: Collection[str]) -> None:
    """Forget the connections of some addresses, and leave the machine's own alone."""
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - slow
    from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple  # noqa: PLC0415

    with _conntrack(netns) as table:
        ours = [item for item in table.dump() if _ends(item) & set(addresses)]
        for item in ours:
            original = item.get_attr("CTA_TUPLE_ORIG")
            try:
                key = NFCTAttrTuple.from_netlink(IPV4, original)
                table.entry("del", tuple_orig=key)
            except NetlinkError:
                continue  # it has expired by itself


def _ends(item: Any) -> set[str]:
    """Return the addresses of an entry, as they are before and after translation."""
    tuples = (item.get_attr("CTA_TUPLE_ORIG"), item.get_attr("CTA_TUPLE_REPLY"))
    parts = [half.get_attr("CTA_TUPLE_IP") for half in tuples if half]
    names = ("CTA_IP_V4_SRC", "CTA_IP_V4_DST")
    return {part.get_attr(name) for part in parts if part for name in names}


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
