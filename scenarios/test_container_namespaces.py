"""Where a container's network lives: its namespace, its veth, its routes, the rules."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_netlab.lab.protocol import Node
    from pytest_netlab.session import Netlab

CONTAINERS = ("c1", "c2", "c3", "web")
FIRST_WITHOUT_STAGES = 28  # moby#49518: DOCKER-FORWARD replaces the article's layout
ARTICLE_FILTER = (
    "-A FORWARD -j DOCKER-ISOLATION-STAGE-1",
    "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2",
    "-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP",
    "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
    "-A FORWARD -i docker0 -o docker0 -j ACCEPT",
    "-A DOCKER-USER -j RETURN",
)


def _ip(node: Node, *argv: str) -> list[dict[str, Any]]:
    """Return what `ip -j` says in a node's namespace."""
    found: list[dict[str, Any]] = json.loads(node.run("ip", "-j", *argv).stdout)
    return found


def _rules(netlab: Netlab, table: str) -> list[str]:
    """Return a table's rules of the host as `iptables -S` lists them."""
    listed = netlab.host.run("iptables", "-t", table, "-S").stdout
    return listed.splitlines()


def _major(netlab: Netlab) -> int:
    """Return the engine's major version."""
    return int(netlab.facts["engine"].partition(".")[0])


def _subnet(netlab: Netlab) -> str:
    """Return docker0's network, as the engine knows it."""
    bridge = netlab.docker.networks.get("bridge")
    return str(bridge.attrs["IPAM"]["Config"][0]["Subnet"])


@pytest.mark.netlab
def test_veth_pairs(netlab: Netlab) -> None:
    """Each container's eth0 and one veth on docker0 name each other by ifindex."""
    ports = {link["ifindex"]: link for link in _ip(netlab.host, "link", "show")}
    for name in CONTAINERS:
        eth0 = _ip(getattr(netlab, name), "link", "show", "dev", "eth0")[0]

        port = ports[eth0["link_index"]]
        assert port["ifname"].startswith("veth")
        assert port["master"] == "docker0"
        assert port["link_index"] == eth0["ifindex"]


@pytest.mark.netlab
def test_one_namespace_each(netlab: Netlab) -> None:
    """Every container has a net namespace of its own, none of them the host's."""
    nodes = [getattr(netlab, name) for name in ("host", *CONTAINERS)]

    found = {node.run("readlink", "/proc/self/ns/net").stdout for node in nodes}
    assert len(found) == len(nodes)


@pytest.mark.netlab
def test_host_does_not_list_eth0_of_containers(netlab: Netlab) -> None:
    """The host lists docker0 and its ports, but no container's own eth0."""
    nodes = [getattr(netlab, name) for name in CONTAINERS]
    theirs = {_ip(node, "link", "show", "dev", "eth0")[0]["address"] for node in nodes}

    links = {link["ifname"]: link for link in _ip(netlab.host, "link", "show")}
    assert links["docker0"]["mtu"] == 1500
    assert not theirs & {link.get("address") for link in links.values()}


@pytest.mark.netlab
def test_routes(netlab: Netlab) -> None:
    """A container routes by docker0's address; the host by docker0 and the uplink."""
    subnet = _subnet(netlab)
    bridge = next(
        route["prefsrc"]
        for route in _ip(netlab.host, "route", "show", "dev", "docker0")
        if route["dst"] == subnet
    )

    routes = {route["dst"]: route for route in _ip(netlab.c1, "route", "show")}
    assert routes["default"]["gateway"] == bridge
    assert routes["default"]["dev"] == "eth0"
    assert routes[subnet]["prefsrc"] == netlab.c1.address
    connected = [
        route["dst"]
        for route in _ip(netlab.host, "route", "show")
        if route.get("prefsrc") == netlab.host.address
    ]
    assert len(connected) == 1
    assert ipaddress.ip_address(netlab.host01.address) in ipaddress.ip_network(
        connected[0]
    )


@pytest.mark.netlab
def test_nat_rules(netlab: Netlab) -> None:
    """The nat table masquerades docker0's network and translates the published port."""
    rules = _rules(netlab, "nat")
    local = "-m addrtype --dst-type LOCAL -j DOCKER"
    dnat = (
        f"-A DOCKER -d {netlab.host.address}/32 ! -i docker0 -p tcp -m tcp --dport 81 "
        f"-j DNAT --to-destination {netlab.web.address}:80"
    )

    assert f"-A POSTROUTING -s {_subnet(netlab)} ! -o docker0 -j MASQUERADE" in rules
    assert f"-A PREROUTING {local}" in rules
    assert f"-A OUTPUT ! -d 127.0.0.0/8 {local}" in rules
    assert dnat in rules
    if _major(netlab) < FIRST_WITHOUT_STAGES:
        web = netlab.web.address
        own = f"-s {web}/32 -d {web}/32 -p tcp -m tcp --dport 80 -j MASQUERADE"
        assert f"-A POSTROUTING {own}" in rules
        assert "-A DOCKER -i docker0 -j RETURN" in rules


@pytest.mark.netlab
def test_filter_rules(netlab: Netlab) -> None:
    """Forwarding is closed but for docker0's own traffic and the published port."""
    rules = _rules(netlab, "filter")
    web = (
        f"-A DOCKER -d {netlab.web.address}/32 ! -i docker0 -o docker0 -p tcp -m tcp "
        "--dport 80 -j ACCEPT"
    )

    assert "-P FORWARD DROP" in rules
    assert web in rules
    assert "-A FORWARD -j DOCKER-USER" in rules
    if _major(netlab) < FIRST_WITHOUT_STAGES:
        assert set(ARTICLE_FILTER) <= set(rules)
    else:
        assert "-A FORWARD -j DOCKER-FORWARD" in rules
