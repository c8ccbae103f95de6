"""Tracked connections, with the lab's names in place of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.flows import ICMP, ICMP6, Tuple5
from pytest_netlab.host.tracking.conntrack import NAMES, WITH_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.host.tracking.conntrack import Entry

_PROTOCOLS = {ICMP: "icmp echo", ICMP6: "icmp6 echo"}


class Connection(NamedTuple):
    """A tracked connection, with names in place of addresses.

    Attributes:
        original: the tuple as the initiator sends it, before translation.
        reply: the tuple of replies when they reach the host.

    """

    original: Tuple5
    reply: Tuple5

    @property
    def protocol(self) -> str:
        """Return the name of a flow's protocol."""
        return _PROTOCOLS.get(self.original.proto, NAMES[self.original.proto])

    @property
    def initiator(self) -> str:
        """Return who began it."""
        return self.original.src

    @property
    def responder(self) -> str:
        """Return the initiator's destination, with the port where there are ports."""
        return _service(self.original.proto, self.original.dst, self.original.dport)

    @property
    def sender(self) -> str:
        """Return the initiator after translation: replies are for it."""
        return self.reply.dst

    @property
    def target(self) -> str:
        """Return the responder after translation, with its port if it has one."""
        return _service(self.reply.proto, self.reply.src, self.reply.sport)

    def __str__(self) -> str:
        """Render as a flow, and how it was translated."""
        ends = f"{self.protocol} {self.initiator} -> {self.responder}"
        return f"{ends}, sent on as {self.sender} -> {self.target}"


def named(
    entries: Iterable[Entry], symbols: Mapping[str, str]
) -> dict[Tuple5, Connection]:
    """Return original tuple -> entry with names for addresses.

    Protocols without a name are left out.

    Args:
        entries: of a conntrack table.
        symbols: address -> name.

    """

    def name(tuple_: Tuple5) -> Tuple5:
        proto, src, sport, dst, dport = tuple_
        return Tuple5(proto, symbols.get(src, src), sport, symbols.get(dst, dst), dport)

    return {
        one.original: Connection(name(one.original), name(one.reply))
        for one in entries
        if one.original.proto in NAMES
    }


def _service(proto: int, node: str, port: int) -> str:
    return f"{node}:{port}" if proto in WITH_PORTS else node
