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
FORWARD = "-A FORWARD -j DOCKER-FORWARD"  # moby#49518 replaces the article's layout
# Without docker-proxy Docker translates what the host and docker0 itself send too.
HAIRPIN = "-A POSTROUTING -o docker0 -m addrtype --src-type LOCAL -j MASQUERADE"
NATIVE_HAIRPIN = "MASQUERADE FROM HOST"
OTHERS = 'iifname != "docker0" '
# What FORWARD does with the rest, by whether the host forwarded before its engine did.
POLICIES = {"0": ("DROP",), "1": ("ACCEPT",), "unknown": ("DROP", "ACCEPT")}
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
# What an engine writes of nftables itself, for its own bridge.
NATIVE_FILTER = (
    "type filter hook forward priority filter; policy accept;",
    "oifname vmap @filter-forward-in-jumps",
    "iifname vmap @filter-forward-out-jumps",
    "ct state established,related counter accept",
    'iifname "docker0" counter accept comment "ICC"',
    'counter drop comment "UNPUBLISHED PORT DROP"',
    'counter accept comment "OUTGOING"',
)


def _ip(node: Node, *argv: str) -> list[dict[str, Any]]:
    """Return what `ip -j` says in a node's namespace."""
    found: list[dict[str, Any]] = json.loads(node.run("ip", "-j", *argv).stdout)
    return found


def _rules(netlab: Netlab, table: str) -> list[str]:
    """Return a table's rules of the host as `iptables -S` lists them."""
    listed = netlab.host.run("iptables", "-t", table, "-S").stdout
    return listed.splitlines()


def _native(netlab: Netlab) -> list[str]:
    """Return the lines of nftables' rules, without what they counted."""
    listed = netlab.host.run("nft", "-s", "list", "table", "ip", "docker-bridges")
    return [line.strip() for line in listed.stdout.splitlines()]


def _writes_nft(netlab: Netlab) -> bool:
    """Return whether the engine writes rules of nftables, not of iptables."""
    return netlab.facts.get("firewall", "").startswith("nftables")


def _subnet(netlab: Netlab) -> str:
    """Return docker0's network."""
    (link,) = _ip(netlab.host, "-4", "addr", "show", "dev", "docker0")
    own = link["addr_info"][0]
    found = ipaddress.ip_interface(f"{own['local']}/{own['prefixlen']}")
    return str(found.network)


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
    """Docker masquerades docker0's network and translates the published port."""
    if _writes_nft(netlab):
        native = _native(netlab)
        assert _native_nat(netlab, native) <= set(native)
        return
    rules = _rules(netlab, "nat")
    web, local = netlab.web.address, "-m addrtype --dst-type LOCAL -j DOCKER"
    hairpin = HAIRPIN in rules
    beyond, others = ("", "") if hairpin else ("! -d 127.0.0.0/8 ", "! -i docker0 ")
    dnat = (
        f"-A DOCKER -d {netlab.host.address}/32 {others}-p tcp -m tcp --dport 81 "
        f"-j DNAT --to-destination {web}:80"
    )

    assert f"-A POSTROUTING -s {_subnet(netlab)} ! -o docker0 -j MASQUERADE" in rules
    assert f"-A PREROUTING {local}" in rules
    assert f"-A OUTPUT {beyond}{local}" in rules
    assert dnat in rules
    if FORWARD not in _rules(netlab, "filter"):
        own = f"-s {web}/32 -d {web}/32 -p tcp -m tcp --dport 80 -j MASQUERADE"
        assert f"-A POSTROUTING {own}" in rules
        assert hairpin or "-A DOCKER -i docker0 -j RETURN" in rules


def _native_nat(netlab: Netlab, rules: list[str]) -> set[str]:
    """Return what translates in rules of nftables, and what leads there."""
    hairpin = any(NATIVE_HAIRPIN in line for line in rules)
    beyond, others = ("", "") if hairpin else ("ip daddr != 127.0.0.0/8 ", OTHERS)
    local = "fib daddr type local counter jump nat-prerouting-and-output"
    published = f"ip daddr {netlab.host.address} tcp dport 81"
    dnat = f'dnat to {netlab.web.address}:80 comment "DNAT"'
    beyond_docker0 = f'oifname != "docker0" ip saddr {_subnet(netlab)}'
    return {
        local,
        f"{beyond}{local}",
        f"{others}{published} counter {dnat}",
        "iifname vmap @nat-postrouting-out-jumps",
        f'{beyond_docker0} counter masquerade comment "MASQUERADE"',
    }


@pytest.mark.netlab
def test_filter_rules(netlab: Netlab) -> None:
    """Forwarding is closed but for docker0's own traffic and the published port.

    An engine with iptables leaves the policy alone where the host forwards already.
    """
    if _writes_nft(netlab):
        web = f"ip daddr {netlab.web.address} tcp dport 80 counter accept"
        assert {web, *NATIVE_FILTER} <= set(_native(netlab))
        return
    rules = _rules(netlab, "filter")
    web = (
        f"-A DOCKER -d {netlab.web.address}/32 ! -i docker0 -o docker0 -p tcp -m tcp "
        "--dport 80 -j ACCEPT"
    )
    policies = POLICIES[netlab.facts.get("forwarded_before", "unknown")]

    assert {f"-P FORWARD {one}" for one in policies} & set(rules)
    assert web in rules
    assert "-A FORWARD -j DOCKER-USER" in rules
    assert FORWARD in rules or set(ARTICLE_FILTER) <= set(rules)
