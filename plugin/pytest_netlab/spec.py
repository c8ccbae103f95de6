"""Frozen declarations of scenarios and labs. They say what is wanted, never how."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Any
from zlib import crc32

from pytest_netlab.errors import DeclarationError
from pytest_netlab.files.documents import brief
from pytest_netlab.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTAINERS = ("c1", "c2", "c3", "web")
PEERS = ("host01", "host02")
WEB_PORT = 80
PUBLISHED_PORT = 81
LONGEST_ID, LONGEST_LABEL = 100, 200  # a folder's name has 255 bytes at most
LONGEST_PREFIX, SHORTEST_PREFIX = 29, 8
ARTICLE_UPLINK = IPv4Interface("172.16.211.128/24")

ARTIFACTS = "netlab-artifacts"  # where evidence and proposals go, from rootdir
PENDING = "pending"  # the folder of proposals in it
# Property of a report: why evidence or a pending golden could not be written. It may
# quote an error, so it is masked; properties that begin with "netlab_" never are.
TROUBLE = "netlab-trouble"
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")  # of a scenario: it becomes a folder's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A capture point: an interface of the host.

    Attributes:
        name: the point's.
        inside: whether it is on the containers' side of the NAT.
        promiscuous: whether it also captures frames for other hardware addresses.

    """

    name: str
    inside: bool
    promiscuous: bool = True


DOCKER0 = Point(name="docker0", inside=True)
UPLINK = Point(name="uplink", inside=False)
POINTS = {point.name: point for point in (DOCKER0, UPLINK)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The address plan beyond the host; what is on docker0 is the engine's choice.

    Nothing answers behind the gateway; host01 and host02 are neighbours of the host on
    the uplink's subnet.

    Attributes:
        uplink: the host's address and its network.
        published: the port of the host that leads to `web`.

    """

    uplink: IPv4Interface = ARTICLE_UPLINK
    published: int = PUBLISHED_PORT

    def __post_init__(self) -> None:
        """Refuse an address or network that cannot have the neighbours.

        Raises:
            ValueError: says what is wrong with the address or its network.

        """
        plan, network = self.uplink, self.uplink.network
        if network.prefixlen > LONGEST_PREFIX:
            raise ValueError(f"{plan}: write ADDRESS/LENGTH, the length at most /29")
        if network.prefixlen < SHORTEST_PREFIX:
            raise ValueError(f"{plan}: the network is too large, /8 at most")
        if plan.ip in (network.network_address, network.broadcast_address):
            raise ValueError(f"{plan} is the network's own or broadcast address")
        if plan.is_loopback or plan.is_multicast or plan.is_reserved:
            raise ValueError(f"{plan} is no address of a link")

    @property
    def bridge(self) -> IPv4Interface | None:
        """Return docker0's address, in the first of Docker's networks that is free."""
        pools = (IPv4Interface(f"172.{second}.0.1/16") for second in range(17, 32))
        free = (one for one in pools if not one.network.overlaps(self.uplink.network))
        return next(free, None)

    @property
    def peers(self) -> dict[str, IPv4Interface]:
        """Return the neighbours' addresses: the network's first ones that are free."""
        names = ("host01", "gateway", "host02")
        free = (ip for ip in self.uplink.network.hosts() if ip != self.uplink.ip)
        length = self.uplink.network.prefixlen
        return {
            name: IPv4Interface(f"{ip}/{length}")
            for name, ip in zip(names, free, strict=False)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A behaviour to watch.

    Attributes:
        id: hyphenated; its golden's name.
        description: for golden.toml; "" for none.
        test: the pytest item's name, where several share an id or one has parameters.
        waive: the forbidden behaviours that it may show.

    """

    id: str
    description: str = ""
    test: str = ""
    waive: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an id that cannot be a folder's name.

        Raises:
            DeclarationError: says what an id looks like.

        """
        if len(self.id) > LONGEST_ID:
            text = f"scenario id {brief(self.id)}: use at most {LONGEST_ID} characters"
            raise DeclarationError(text)
        if not ID.fullmatch(self.id):
            text = f"scenario id {brief(self.id)}: use lower case, digits and -"
            raise DeclarationError(text)

    @property
    def label(self) -> str:
        """Return the name of this test's evidence folder: unique, and never PENDING."""
        usual = f"test_{self.id.replace('-', '_')}"
        if self.test in ("", usual) and self.id != PENDING:
            return self.id
        test = self.test or usual
        name = re.sub(r"[^\w.=-]+", "-", f"{self.id}.{test}")
        is_short = len(name.encode()) <= LONGEST_LABEL
        if is_short and re.fullmatch(r"\w+(\[[\w.=-]+\])?", test):
            return name
        name = name.encode()[:LONGEST_LABEL].decode(errors="ignore")
        return f"{name}{crc32(test.encode()):08x}"  # others may shorten to the same


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOptions:
    """What a user may choose about a lab; every backend gets the same.

    Attributes:
        topology: the address plan.
        image: a name, or an archive's path; None for one made of the machine's busybox.
        root: the folder that a private engine is taken from; None for the machine's.
        daemon: keys of a private engine's daemon.json, besides the lab's own.
        sysctls: what the host's network has when its engine starts, besides defaults.
        firewall: what writes the host's rules: `nft` or `legacy`, iptables of that
            kind; `native`, an engine's own nftables backend; "" for the iptables that
            the host has.
        transports: those of the published port.
        worker: numbers labs that run in parallel (pytest-xdist), from 0.
        mask: learns secrets from the environments sent to and read from the engine.

    """

    topology: Topology = field(default_factory=Topology)
    image: str | None = None
    root: Path | None = None
    daemon: Mapping[str, Any] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    firewall: str = ""
    transports: tuple[str, ...] = ("tcp",)
    worker: int = 0
    mask: Mask = field(default_factory=Mask, compare=False, repr=False)
