"""Routes, policy rules and neighbours of a namespace, read over netlink."""

from __future__ import annotations

from contextlib import suppress
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING, Any

from pytest_netlab.host import links
from pytest_netlab.host.routing import policy_rules, routes
from pytest_netlab.lab.net.links import listed as listed_links
from pytest_netlab.lab.net.links import netlink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.host.links import Link, Neighbour
    from pytest_netlab.host.routing.policy_rules import PolicyRule
    from pytest_netlab.host.routing.routes import Route

FAMILIES = (AF_INET, AF_INET6)
_CLONED = 0x200  # RTM_F_CLONED: a cached route to one destination


def listed(netns: str | None) -> tuple[Route, ...]:
    """Return the routes of all tables, those of IPv4 first.

    Raises:
        LabError: there is no such namespace.

    """
    with netlink(netns) as ip:
        names = _names(ip)
        return tuple(
            routes.route(message, names)
            for family in FAMILIES
            for message in ip.get_routes(family=family)
            if not message["flags"] & _CLONED
        )


def rules(netns: str | None, family: int) -> tuple[PolicyRule, ...]:
    """Return the policy rules of a family, in the order of evaluation.

    Raises:
        LabError: there is no such namespace.

    """
    with netlink(netns) as ip:
        return tuple(map(policy_rules.policy_rule, ip.get_rules(family=family)))


def neighbours(netns: str | None) -> tuple[Neighbour, ...]:
    """Return the neighbours that need resolving: no multicast, no local addresses.

    Raises:
        LabError: there is no such namespace.

    """
    with netlink(netns) as ip:
        names = _names(ip)
        found = (links.neighbour(one, names) for one in ip.get_neighbours())
        return tuple(one for one in found if one.state)


def known_links(netns: str | None) -> tuple[Link, ...]:
    """Return the links of a namespace.

    Raises:
        LabError: there is no such namespace.

    """
    with netlink(netns) as ip:
        return tuple(listed_links(ip))


def chosen(netns: str | None, addresses: Iterable[str]) -> list[Route | None]:
    """Return the route that the kernel takes to each address; None where it has none.

    Raises:
        LabError: there is no such namespace.

    """
    with netlink(netns) as ip:
        names = _names(ip)
        return [_chosen(ip, names, address) for address in addresses]


def _chosen(ip: Any, names: dict[int, str], address: str) -> Route | None:
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - slow

    with suppress(NetlinkError):
        (message,) = ip.route("get", dst=address)
        return routes.route(message, names)
    return None


def _names(ip: Any) -> dict[int, str]:
    return {link.index: link.name for link in listed_links(ip)}
