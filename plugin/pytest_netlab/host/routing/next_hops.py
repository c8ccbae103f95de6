"""To whom each machine of a lab sends what is for another, in names.

Knows policy rules, routes and neighbour tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.host import links
from pytest_netlab.host.routing import policy_rules, routes
from pytest_netlab.host.routing.decision import Asked, Routing, lookup
from pytest_netlab.host.routing.iproute import TABLES
from pytest_netlab.host.routing.routes import Hop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.host.links import Neighbour
    from pytest_netlab.host.routing.policy_rules import PolicyRule
    from pytest_netlab.host.routing.routes import Route

_KINDS = ("route ", "rule ", "neigh ")  # what a line begins with, after the node


class Reachable(NamedTuple):
    """What a node knows of the way to others: routes, IPv4's rules, neighbours."""

    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """What becomes of packets that a node sends to an address of another.

    Attributes:
        node: who sends them.
        to: whose address they are for.
        kind: of the route: unicast; local, where the address is the node's own; ...
        rule: the policy rule that leads to it, as `ip rule` prints it; "" for a usual
            one.
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
    rule: str = ""
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
        known: node -> its routes, policy rules and neighbours.
        names: address -> name; of Ethernet addresses too, where they are known.

    """
    addresses = {text: name for text, name in names.items() if _is_v4(text)}
    own = {name: text for text, name in addresses.items()}
    found = (
        _hop(node, to, Asked(source=own.get(node, ""), destination=text), one, names)
        for node, one in known.items()
        for text, to in addresses.items()
    )
    return tuple(filter(None, found))


def _hop(
    node: str, to: str, asked: Asked, reachable: Reachable, names: Mapping[str, str]
) -> NextHop | None:
    """Return the next hop; None where there is no route, or several hops."""
    found = lookup(Routing(rules=reachable.rules, routes=reachable.routes), asked)
    if found.route is None or len(found.hops) > 1:
        return None
    route, rule = found.route, found.rule
    hop = next(iter(found.hops), Hop(route.gateway, route.device))
    entries = {(one.address, one.device): one for one in reachable.neighbours}
    entry = entries.get((hop.gateway or asked.destination, hop.device))
    is_usual = rule is None or rule.table in TABLES.values()
    return NextHop(
        node=node,
        to=to,
        kind=route.kind,
        rule="" if is_usual else " ".join(f"{rule}".split()),
        route=f"{route}",
        gateway=names.get(hop.gateway, hop.gateway),
        entry=f"{entry}" if entry and entry.mac else "",
        station=names.get(entry.mac, "") if entry else "",
    )


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
        for kind, values in zip(_KINDS, reachable, strict=True)
        for value in values
        for line in f"{value}".splitlines()
    )


def parse(text: str) -> dict[str, Reachable]:
    """Return what `render` rendered; other lines are left out."""
    nodes = dict.fromkeys(line.partition(" ")[0] for line in text.splitlines())
    return {node: _reachable(text, node) for node in nodes if node}


def _reachable(text: str, node: str) -> Reachable:
    listed, rules, neighbours = (_after(text, f"{node} {kind}") for kind in _KINDS)
    return Reachable(
        routes.routes(listed),
        policy_rules.policy_rules(rules),
        links.neighbours(neighbours),
    )


def _after(text: str, prefix: str) -> str:
    """Return the lines that begin with a prefix, without it."""
    found = (line for line in text.splitlines() if line.startswith(prefix))
    return "\n".join(line.removeprefix(prefix) for line in found)
