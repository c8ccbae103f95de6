"""Sysctls of a kernel's network: which are read, their names, and their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
)
KNOWN = (*FACTS.values(), *OTHERS)
_NEARLY = 0.999
_DIGITS = 18  # Python is slow at parsing thousands of them


def render(sysctls: Mapping[str, str]) -> str:
    """Return settings as `sysctl` prints them: name = value, a line each."""
    return "".join(f"{name} = {value}\n" for name, value in sysctls.items())


def parse(printed: str) -> dict[str, str]:
    """Return what `sysctl` printed, name -> value; other lines are left out."""
    found = (line.partition(" = ") for line in printed.splitlines())
    return {name: value for name, equals, value in found if equals}


def crowd(sysctls: Mapping[str, str]) -> str:
    """Return how many connections there are if the conntrack table is full; else "".

    A full table drops new ones (nf_conntrack_core.c, __nf_conntrack_alloc). Some end
    between the drop and the reading of the count, so nearly full counts as full.
    """
    count, most = (_number(sysctls.get(name, "")) for name in (COUNT, MOST))
    is_full = most and count >= most * _NEARLY
    return f"{count} of {most} connections" if is_full else ""


def _number(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_number else 0
