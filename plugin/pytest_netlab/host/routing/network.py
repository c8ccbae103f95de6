"""Where a host sends packets, and what keeps it from that: now, and at its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.host.routing.decision import Routing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.host.links import Link, Neighbour
    from pytest_netlab.host.routing.addresses import Address
    from pytest_netlab.host.routing.routes import Route
    from pytest_netlab.host.routing.xfrm import Policy

UNANSWERED = ("INCOMPLETE", "FAILED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What decides where a host sends packets, at one moment.

    Attributes:
        routing: its policy rules, routes and settings.
        addresses: of its links.
        neighbours: who is known beyond them.
        links: all of them.
        policies: of IPsec.

    """

    routing: Routing = field(default_factory=Routing)
    addresses: tuple[Address, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    links: tuple[Link, ...] = ()
    policies: tuple[Policy, ...] = ()

    def neighbour(self, address: str, device: str) -> Neighbour | None:
        """Return what is known of a neighbour; None where nothing is."""
        found = (x for x in self.neighbours if x.address == address)
        return next((x for x in found if x.device == device), None)

    def link(self, name: str) -> Link | None:
        """Return a link; None where there is none of that name."""
        return next((one for one in self.links if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkChange:
    """How a host sends packets now, and how it did when its lab had just started.

    Attributes:
        now: when the capture had ended.
        then: None where nobody looked.
        names: address -> whose it is.
        places: name of a link -> whom it leads to: a node, docker0, uplink.
        nodes: node -> the routes of its main table.
        counts: counter of the kernel -> by how much it grew during the capture.

    """

    now: Network
    then: Network | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def link(self, place: str) -> str:
        """Return the name of the link that leads somewhere, if it is known."""
        return next((x for x, one in self.places.items() if one == place), place)
