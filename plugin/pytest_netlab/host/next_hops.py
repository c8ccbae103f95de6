"""To whom each machine of a lab sends what is for another, in names.

Knows routes and neighbour tables; says nothing of a node that has other tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.host import links, routes
from pytest_netlab.host.iproute import TABLES
from pytest_netlab.host.routes import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.host.links import Neighbour
    from pytest_netlab.host.routes import Route

_ROUTES, _NEIGHBOURS = "route ", "neigh "  # what a line begins with, after the node
# Of the usual rules, local comes first: its routes decide before those of main.
_ORDER = ("local", "main", "default")


class Reachable(NamedTuple):
    """What a node knows of the way to others: its routes, and its neighbours."""

    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """What becomes of packets that a node sends to an address of another.

    Attributes:
        node: who sends them.
        to: whose address they are for.
        kind: of the route: unicast; local, where the address is the node's own; ...
        route: the route that decides, as `ip route` prints it.
        gateway: the next hop's name, or its address where nobody has it; "" where the
            destination is on the link.
        entry: the neighbour entry of the next hop, as `ip neigh` prints it; "" for
            none.
        station: who has the Ethernet address in that entry; "" for no known node.

    """

    node: str
    to: str
    kind: str = "unicast"
    route: str = ""
    gateway: str = ""
    entry: str = ""
    station: str = field(default="", compare=False)

    @property
    def asked(self) -> str:
        """Return whose Ethernet address is needed."""
        return self.gateway or self.to


def next_hops(
    known: Mapping[str, Reachable], names: Mapping[str, str]
) -> tuple[NextHop, ...]:
    """Return what each node does with packets to each IPv4 address that has a name.

    Args:
        known: node -> its routes and neighbours.
        names: address -> name; of Ethernet addresses too, where they are known.

    """
    addresses = {text: name for text, name in names.items() if _is_v4(text)}
    return tuple(
        hop
        for node, reachable in known.items()
        if all(one.table in TABLES.values() for one in reachable.routes)
        for address, to in addresses.items()
        if (hop := _hop(node, to, address, reachable, names)) is not None
    )


def _hop(
    node: str,
    to: str,
    address: str,
    reachable: Reachable,
    names: Mapping[str, str],
) -> NextHop | None:
    route = chosen(reachable.routes, address)
    if route is None or route.hops:
        return None
    asked = route.gateway or address
    entry = next(
        (
            one
            for one in reachable.neighbours
            if (one.address, one.device) == (asked, route.device)
        ),
        None,
    )
    return NextHop(
        node=node,
        to=to,
        kind=route.kind,
        route=f"{route}",
        gateway=names.get(route.gateway, route.gateway),
        entry=f"{entry}" if entry and entry.mac else "",
        station=names.get(entry.mac, "") if entry else "",
    )


def chosen(known: Iterable[Route], address: str) -> Route | None:
    """Return the route to an address by the usual rules; None where there is none."""
    here = IPv4Address(address)
    able = [(length, one) for one in known if (length := _length(one, here)) >= 0]
    for table in _ORDER:
        found = [pair for pair in able if pair[1].table == table]
        if found:
            return max(found, key=lambda pair: (pair[0], -(pair[1].metric or 0)))[1]
    return None


def _length(one: Route, address: IPv4Address) -> int:
    """Return the length of a route's network if it has an address, else -1."""
    if one.destination == DEFAULT:
        return -1 if one.preference else 0  # only IPv6's has one
    network = ip_network(one.destination, strict=False)
    return network.prefixlen if address in network else -1


def _is_v4(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv4Address)
    except ValueError:
        return False


def render(known: Mapping[str, Reachable]) -> str:
    """Return the routes and neighbours of nodes, a line each, after the node's name."""
    return "".join(
        f"{node} {kind}{line}\n"
        for node, reachable in known.items()
        for kind, values in zip((_ROUTES, _NEIGHBOURS), reachable, strict=True)
        for value in values
        for line in f"{value}".splitlines()
    )


def parse(text: str) -> dict[str, Reachable]:
    """Return what `render` rendered; other lines are left out."""
    nodes = dict.fromkeys(line.partition(" ")[0] for line in text.splitlines())
    return {
        node: Reachable(
            routes.routes(_after(text, f"{node} {_ROUTES}")),
            links.neighbours(_after(text, f"{node} {_NEIGHBOURS}")),
        )
        for node in nodes
        if node
    }


def _after(text: str, prefix: str) -> str:
    """Return the lines that begin with a prefix, without it."""
    found = (line for line in text.splitlines() if line.startswith(prefix))
    return "\n".join(line.removeprefix(prefix) for line in found)
