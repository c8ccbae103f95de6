"""Frozen declarations of scenarios and labs. They say what is wanted, never how."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Interface

CONTAINERS = ("c1", "c2", "c3", "web")
PEERS = ("host01", "host02")
WEB_PORT = 80
PUBLISHED_PORT = 81
ARTICLE_UPLINK = IPv4Interface("172.16.211.128/24")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A capture point: an interface of the host, and which side of the NAT it is on."""

    name: str
    inside: bool
    promiscuous: bool = True


DOCKER0 = Point(name="docker0", inside=True)
UPLINK = Point(name="uplink", inside=False)
POINTS = {point.name: point for point in (DOCKER0, UPLINK)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The address plan beyond the host; what is on docker0 is the engine's choice.

    The gateway is a router nothing answers behind; host01 and host02 are neighbours of
    the host on the uplink's subnet.
    """

    uplink: IPv4Interface = ARTICLE_UPLINK
    published: int = PUBLISHED_PORT

    @property
    def peers(self) -> dict[str, IPv4Interface]:
        """Return the neighbours' addresses: the first hosts that are not taken."""
        names = ("host01", "gateway", "host02")
        free = (ip for ip in self.uplink.network.hosts() if ip != self.uplink.ip)
        length = self.uplink.network.prefixlen
        return {
            name: IPv4Interface(f"{ip}/{length}")
            for name, ip in zip(names, free, strict=False)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A behaviour to watch; `id` is hyphenated and names its golden."""

    id: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOptions:
    """What a user may choose about a lab; every backend gets the same.

    `image` is a name or an archive's path; `worker` numbers labs that run side by side
    (pytest-xdist), from 0.
    """

    topology: Topology = field(default_factory=Topology)
    image: str | None = None
    daemon: tuple[str, ...] = ()
    worker: int = 0
