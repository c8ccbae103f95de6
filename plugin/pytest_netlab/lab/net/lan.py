"""The network beyond the host: a switch with the gateway's address, and two neighbours.

Knows existing namespaces and the address plan; not who made them, nor any engine.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.lab.net.links import index_of, netlink, silence, stop_offloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Interface

    from pytest_netlab.spec import Topology

PEER_LINK = "eth0"
SWITCH = "lan"
PEERS = ("host01", "host02")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lan:
    """An address plan, and the namespaces that it is configured in.

    Attributes:
        topology: the address plan.
        switch: path of the switch's namespace.
        peers: neighbour -> path of its namespace.
        host: path of the host's namespace.
        uplink: name of the host's link to the switch.

    """

    topology: Topology
    switch: str
    peers: Mapping[str, str]
    host: str
    uplink: str

    def build(self, *, alias: str, route: bool) -> None:
        """Make the links; with `route` the gateway is the host's default route."""
        plan = self.topology.peers
        with netlink(self.switch) as ip:
            _lo_up(ip)
            _add_switch(ip, plan["gateway"])
            self._plug(ip, "host", self.host, self.uplink)
            for name, netns in self.peers.items():
                self._plug(ip, name, netns, PEER_LINK)
        via = str(plan["gateway"].ip)
        for name, netns in self.peers.items():
            with netlink(netns) as ip:
                _lo_up(ip)
                _configure(ip, PEER_LINK, plan[name], via=via)
            stop_offloads(netns, PEER_LINK)
        silence(self.host, self.uplink)
        with netlink(self.host) as ip:
            _configure(ip, self.uplink, self.topology.uplink, via=via if route else "")
            ip.link("set", index=index_of(ip, self.uplink), ifalias=alias)
        stop_offloads(self.host, self.uplink)
        stop_offloads(self.switch, SWITCH, *map(port_of, ("host", *self.peers)))

    def unplug(self) -> None:
        """Remove the host's link at once, if it is still there."""
        with netlink(self.host) as ip:
            for index in ip.link_lookup(ifname=self.uplink):
                ip.link("del", index=index)

    def _plug(self, ip: Any, name: str, netns: str, interface: str) -> None:
        with _opened(netns) as fd:
            peer = {"ifname": interface, "net_ns_fd": fd}
            ip.link("add", ifname=port_of(name), kind="veth", peer=peer)
        switch = index_of(ip, SWITCH)
        ip.link("set", index=index_of(ip, port_of(name)), master=switch, state="up")


def port_of(name: str) -> str:
    """Return the name of the switch port that a machine is plugged into."""
    return f"to-{name}"


def _add_switch(ip: Any, gateway: IPv4Interface) -> None:
    # No spanning tree: a port of a bridge that learns drops frames for 15 s at first.
    # No multicast snooping: the switch would query every port for listeners.
    ip.link(
        *("add",),
        ifname=SWITCH,
        kind="bridge",
        br_stp_state=0,
        br_forward_delay=0,
        br_mcast_snooping=0,
    )
    _configure(ip, SWITCH, gateway, via="")


def _configure(ip: Any, interface: str, address: IPv4Interface, *, via: str) -> None:
    index = index_of(ip, interface)
    ip.addr(
        *("add",),
        index=index,
        address=str(address.ip),
        prefixlen=address.network.prefixlen,
        broadcast=str(address.network.broadcast_address),
    )
    ip.link("set", index=index, state="up")
    if via:
        ip.route("add", dst="default", gateway=via)


def _lo_up(ip: Any) -> None:
    ip.link("set", index=index_of(ip, "lo"), state="up")


@contextmanager
def _opened(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
