"""Sysctls of a kernel's network: which are read, their names, and their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Name in a golden's provenance -> sysctl. Two hosts are compared by these.
FACTS = {
    "ip_forward": "net.ipv4.ip_forward",
    "bridge_nf": "net.bridge.bridge-nf-call-iptables",
    "bridge_nf6": "net.bridge.bridge-nf-call-ip6tables",
    "tcp_loose": "net.netfilter.nf_conntrack_tcp_loose",
    "tcp_liberal": "net.netfilter.nf_conntrack_tcp_be_liberal",
    "conntrack_checksum": "net.netfilter.nf_conntrack_checksum",
}
COUNT = "net.netfilter.nf_conntrack_count"
MOST = "net.netfilter.nf_conntrack_max"
# Evidence also has these.
OTHERS = (
    *("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.all.route_localnet"),
    *("net.ipv4.conf.all.forwarding", "net.ipv4.ip_local_port_range"),
    *("net.ipv6.conf.all.forwarding", MOST, COUNT),
    "net.bridge.bridge-nf-call-arptables",
    *("net.ipv4.icmp_echo_ignore_all", "net.ipv4.icmp_echo_ignore_broadcasts"),
    *("net.ipv6.icmp.echo_ignore_all", "net.ipv4.ip_nonlocal_bind"),
    *("net.ipv4.fib_multipath_hash_policy", "net.ipv4.fwmark_reflect"),
)
# Settings of each link, and of all and those to come.
PER_LINK = (
    *("rp_filter", "forwarding", "accept_local", "route_localnet", "src_valid_mark"),
    *("ignore_routes_with_linkdown", "proxy_arp", "proxy_arp_pvlan", "arp_ignore"),
    *("arp_announce", "arp_filter", "arp_accept", "disable_policy", "disable_xfrm"),
)
KNOWN = (*FACTS.values(), *OTHERS)
# What decides how the packets of an end look, and what it is unless somebody set it
# (Documentation/networking/ip-sysctl.rst). A golden does not record it.
ENDS = {
    "net.ipv4.icmp_echo_ignore_all": "0",
    "net.ipv4.ip_default_ttl": "64",
    "net.ipv4.ip_no_pmtu_disc": "0",
    "net.ipv4.tcp_sack": "1",
    "net.ipv4.tcp_timestamps": "1",
    "net.ipv4.tcp_window_scaling": "1",
}
_NEARLY = 0.999
_DIGITS = 18  # Python is slow at parsing thousands of them


def per_link(link: str, name: str, version: int = 4) -> str:
    """Return the name of a link's setting; as in sysctl(8), its dots are slashes."""
    return f"net.ipv{version}.conf.{link.replace('.', '/')}.{name}"


def of_links(links: Iterable[str]) -> tuple[str, ...]:
    """Return the names of these links' settings."""
    return tuple(per_link(link, name) for link in links for name in PER_LINK)


def render(sysctls: Mapping[str, str]) -> str:
    """Return settings as `sysctl` prints them: name = value, a line each."""
    return "".join(f"{name} = {value}\n" for name, value in sysctls.items())


def parse(printed: str) -> dict[str, str]:
    """Return what `sysctl` printed, name -> value; other lines are left out."""
    found = (line.partition(" = ") for line in printed.splitlines())
    return {name: value for name, equals, value in found if equals}


def render_ends(ends: Mapping[str, Mapping[str, str]]) -> str:
    """Return the settings of nodes: node name = value, a line each."""
    lines = (
        f"{node} {name} = {value}\n"
        for node, settings in ends.items()
        for name, value in settings.items()
    )
    return "".join(lines)


def parse_ends(text: str) -> dict[str, dict[str, str]]:
    """Return what `render_ends` rendered; other lines are left out."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        setting, equals, value = line.partition(" = ")
        node, space, name = setting.partition(" ")
        if equals and space:
            found.setdefault(node, {})[name] = value
    return found


def crowd(sysctls: Mapping[str, str]) -> str:
    """Return how many connections there are if the conntrack table is full; else "".

    A full table drops new ones (nf_conntrack_core.c, __nf_conntrack_alloc). Some end
    between the drop and the reading of the count, so nearly full counts as full.
    """
    count, most = (number(sysctls.get(name, "")) for name in (COUNT, MOST))
    is_full = most and count >= most * _NEARLY
    return f"{count} of {most} connections" if is_full else ""


def number(text: str) -> int:
    """Return the number that a setting is; 0 for any other text."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_number else 0
