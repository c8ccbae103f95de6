"""The host beside Docker's rules: sysctls, foreign rules, MTU, links."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.mutate.live.fault import (
    ALL,
    COUNTED,
    DIRECT,
    PING_BEYOND,
    PING_HOST,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.inject import added, commands, nft, sysctl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

_NOT, _REJECTED = ("not forwarded",), ("rejected",)
FORWARDED, TCP = (PING_BEYOND, WEB, DIRECT), (WEB, DIRECT)


def remapped(*others: str) -> Inject:
    """Return an `inject`: ids of pings are changed, and rules concern others alone."""
    ids = "ip protocol icmp masquerade to :1000-1010"
    return nft(*others, ids, hook="postrouting", priority=90, kind="nat")


def down(name: str) -> Inject:
    """Return an `inject` that takes the host's end of a link down; routes come back."""

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        host = lab.nodes["host"]
        link = lab.uplink if name == "uplink" else lab.veth(name)
        routes = host.run("ip", "route", "show", "default").stdout.split()
        host.run("ip", "link", "set", link, "down")
        try:
            yield
        finally:
            host.run("ip", "link", "set", link, "up")
            host.run("ip", "route", "replace", *routes)

    return inject


@contextmanager
def _small_mtu(lab: DockerLab) -> Iterator[None]:
    host, web = lab.nodes["host"], lab.nodes["web"]
    host.run("ip", "link", "set", lab.uplink, "mtu", "300")
    try:
        yield
    finally:
        host.run("ip", "link", "set", lab.uplink, "mtu", "1500")
        web.run("ip", "route", "flush", "cache")  # it has learned the path's MTU


def _lossy(what: str, match: str, red: str) -> Fault:
    """Return a fault: the host drops the first of some packets in an hour."""
    limit = "-m conntrack --ctorigdstport 81 -m limit --limit 1/hour --limit-burst 1"
    return Fault(
        name=f"first-{what.lower()}-lost",
        about=f"the host drops the first {what} in an hour",
        inject=added("mangle", "FORWARD", f"{match} {limit} -j DROP"),
        red={WEB: (red,)},
        cites={
            ALL: ("mangle -A FORWARD", "-m limit --limit 1/hour", "-j DROP", COUNTED)
        },
    )


_LOST = (
    ("SYN-ACK", "-i docker0 -p tcp --tcp-flags SYN,ACK SYN,ACK", "reply not forwarded"),
    ("answer", "-i docker0 -p tcp --tcp-flags PSH PSH", "reply not forwarded"),
    ("FIN", "-i docker0 -p tcp --tcp-flags FIN FIN", "reply not forwarded"),
    ("ack", "-o docker0 -p tcp --tcp-flags SYN,ACK,PSH,FIN ACK", "not forwarded"),
    ("data", "-o docker0 -p tcp --tcp-flags PSH PSH", "not forwarded"),
)
FAULTS = (
    Fault(
        name="ip-forward-off",
        about="ip_forward is 0",
        inject=sysctl("net.ipv4.ip_forward", "0", "1"),
        red=dict.fromkeys(FORWARDED, _NOT),
        cites={ALL: ("net.ipv4.ip_forward",)},
    ),
    Fault(
        name="uplink-forwarding-off",
        about="forwarding is off on the uplink",
        inject=sysctl("net.ipv4.conf.{uplink}.forwarding", "0", "1"),
        red={PING_BEYOND: ("reply not forwarded",), WEB: _NOT, DIRECT: _NOT},
        cites={ALL: ("{uplink}.forwarding | {uplink}/forwarding",)},
    ),
    Fault(
        name="bridge-nf-off",
        about="bridge-nf-call-iptables is 0",
        inject=sysctl("net.bridge.bridge-nf-call-iptables", "0", "1"),
    ),
    Fault(
        name="rp-filter-loose",
        about="rp_filter is loose",
        inject=sysctl("net.ipv4.conf.all.rp_filter", "2", "0"),
    ),
    Fault(
        name="legacy-policy",
        about="iptables-legacy drops what is forwarded",
        inject=commands(
            ("iptables-legacy -P FORWARD DROP", "iptables-legacy -P FORWARD ACCEPT")
        ),
        red=dict.fromkeys(FORWARDED, _NOT),
        cites={ALL: ("legacy filter :FORWARD DROP",)},
    ),
    Fault(
        name="foreign-reject",
        about="a foreign nft table rejects what is forwarded",
        inject=nft("reject with icmpx type admin-prohibited"),
        red=dict.fromkeys(FORWARDED, _REJECTED),
        cites={ALL: ("netlab_mutate", "reject with icmpx")},
    ),
    Fault(
        name="foreign-drop",
        about="a foreign nft table drops what is forwarded",
        inject=nft("drop"),
        red=dict.fromkeys(FORWARDED, _NOT),
        cites={ALL: ("netlab_mutate foreign", "drop")},
    ),
    Fault(
        name="foreign-drop-replies",
        about="a foreign nft table drops replies",
        inject=nft("ct direction reply drop"),
        red=dict.fromkeys(FORWARDED, ("reply not forwarded",)),
        cites={ALL: ("netlab_mutate foreign", "ct direction reply", "drop")},
    ),
    Fault(
        name="input-drop",
        about="INPUT drops pings",
        inject=added("filter", "INPUT", "-p icmp -j DROP"),
        own_stack=True,
        red={PING_HOST: ("not answered",)},
        cites={ALL: ("filter -A INPUT -p icmp -j DROP", COUNTED)},
    ),
    Fault(
        name="input-reject",
        about="INPUT rejects pings",
        inject=added("filter", "INPUT", "-p icmp --icmp-type 8 -j REJECT"),
        own_stack=True,
        red={PING_HOST: _REJECTED},
        cites={ALL: ("filter -A INPUT -p icmp", "-j REJECT", COUNTED)},
    ),
    Fault(
        name="replies-untracked",
        about="a raw rule takes the web server's replies out of connection tracking",
        inject=added(
            "raw", "PREROUTING", "-i docker0 -p tcp --sport 80 -j CT --notrack"
        ),
        red={WEB: ("reply not undone",)},
        cites={ALL: ("raw -A PREROUTING -i docker0 -p tcp", "--sport 80 -j")},
    ),
    Fault(
        name="ids-remapped",
        about="a foreign nft table chooses ids of pings; it asks c2's for random ones",
        inject=remapped("ip saddr {c2} masquerade fully-random"),
        red={PING_BEYOND: ("remapped although free",)},
        cites={ALL: ("masquerade to :1000-1010",)},
    ),
    Fault(
        name="ids-remapped-elsewhere",
        about="the same; it asks for random ports of TCP, and on another link",
        inject=remapped(
            "oifname != docker0 meta l4proto tcp masquerade fully-random",
            "oifname tun7 masquerade fully-random",
        ),
        red={PING_BEYOND: ("remapped although free",)},
        cites={ALL: ("masquerade to :1000-1010",)},
    ),
    Fault(
        name="foreign-notrack",
        about="a foreign nft table takes pings out of connection tracking",
        inject=nft("ip protocol icmp notrack", hook="prerouting", priority=-300),
        red={PING_BEYOND: ("leaked",)},
        cites={ALL: ("netlab_mutate foreign", "notrack")},
    ),
    *(_lossy(what, match, red) for what, match, red in _LOST),
    Fault(
        name="uplink-mtu",
        about="the uplink's MTU is smaller than a page",
        inject=_small_mtu,
        red=dict.fromkeys(TCP, _REJECTED),
        cites={ALL: ("mtu 300",)},
    ),
    Fault(
        name="route-gone",
        about="the host has no route to host01",
        inject=commands(
            ("ip route add unreachable {host01}", "ip route del unreachable {host01}")
        ),
        red={
            PING_BEYOND: _REJECTED,
            **dict.fromkeys(TCP, ("rejected", "reply not forwarded")),
        },
        cites={ALL: ("unreachable", "{host01}")},
    ),
    Fault(
        name="uplink-down",
        about="the uplink is down: its tap is blind",
        inject=down("uplink"),
        blind=True,
    ),
    Fault(
        name="container-link-down",
        about="the canary's path to docker0 is cut: its tap is blind",
        inject=down("c1"),
        blind=True,
    ),
)
