"""The host beside Docker's rules: sysctls, foreign rules, MTU, links."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.mutate.live.fault import (
    CLOSED,
    DIRECT,
    PING_BEYOND,
    PING_HOST,
    WEB,
    Fault,
    commands,
)
from pytest_netlab.mutate.live.queue import swapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

_TABLE = "inet netlab_mutate"
_CHANGED, _NOT, _REJECTED = ("header changed",), ("not forwarded",), ("rejected",)
_SENDER = ("sender differs",)
FORWARDED, TCP = (PING_BEYOND, WEB, DIRECT), (WEB, DIRECT)


def sysctl(name: str, value: str, back: str) -> Inject:
    """Return an `inject` that sets a sysctl of the host, and sets it back."""
    first, last = (f"sysctl -qw {name}={setting}" for setting in (value, back))
    return commands((first, last))


def nft(
    *rules: str, hook: str = "forward", priority: int = 10, kind: str = "filter"
) -> Inject:
    """Return an `inject` that adds a foreign nft table with these rules to the host."""
    chain = f"{{{{ type {kind} hook {hook} priority {priority} ; }}}}"
    return commands(
        (f"nft add table {_TABLE}", f"nft delete table {_TABLE}"),
        (f"nft add chain {_TABLE} foreign {chain}", ""),
        *((f"nft add rule {_TABLE} foreign {rule}", "") for rule in rules),
    )


def remapped(*others: str) -> Inject:
    """Return an `inject`: ids of pings are changed, and rules concern others alone."""
    ids = "ip protocol icmp masquerade to :1000-1010"
    return nft(*others, ids, hook="postrouting", priority=90, kind="nat")


def added(table: str, chain: str, rule: str) -> Inject:
    """Return an `inject`: a rule, first in a chain that Docker does not use."""
    verbs = ("-I", "-D")
    first, last = (f"iptables -t {table} {verb} {chain} {rule}" for verb in verbs)
    return commands((first, last))


def _at_ends(name: str, value: str) -> Inject:
    """Return an `inject` that sets a sysctl of every node but the host, and back."""

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        with ExitStack() as undo:
            for node in [lab.nodes[one] for one in lab.nodes if one != "host"]:
                was = node.run("sysctl", "-n", name).stdout.strip()
                undo.callback(node.run, "sysctl", "-qw", f"{name}={was}")
                node.run("sysctl", "-qw", f"{name}={value}")
            yield

    return inject


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


def _copying(hook: str, link: str, to: str, proto: str = "") -> Inject:
    """Return an `inject`: a copy of what leaves on a link, with an IP id of its own.

    Copies pass the host's own output, where nothing else does that is forwarded.
    """
    matches = f"oifname {link} meta l4proto {proto or '{{{{ icmp, tcp }}}}'}"
    chain = "{{{{ type {} hook {} priority 300 ; }}}}"
    table = "ip netlab_copies"
    return commands(
        (f"nft add table {table}", f"nft delete table {table}"),
        (f"nft add chain {table} copy {chain.format('filter', hook)}", ""),
        (f"nft add rule {table} copy {matches} dup to {to} device {link}", ""),
        (f"nft add chain {table} renumber {chain.format('route', 'output')}", ""),
        (f"nft add rule {table} renumber oifname {link} ip id set 0x7777", ""),
    )


def _lossy(what: str, match: str, red: str) -> Fault:
    """Return a fault: the host drops the first of some packets in an hour."""
    limit = "-m conntrack --ctorigdstport 81 -m limit --limit 1/hour --limit-burst 1"
    return Fault(
        name=f"first-{what.lower()}-lost",
        about=f"the host drops the first {what} in an hour",
        inject=added("mangle", "FORWARD", f"{match} {limit} -j DROP"),
        red={WEB: (red,)},
    )


_LOST = (
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
    ),
    Fault(
        name="uplink-forwarding-off",
        about="forwarding is off on the uplink",
        inject=sysctl("net.ipv4.conf.{uplink}.forwarding", "0", "1"),
        red={PING_BEYOND: ("reply not forwarded",), WEB: _NOT, DIRECT: _NOT},
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
    ),
    Fault(
        name="foreign-reject",
        about="a foreign nft table rejects what is forwarded",
        inject=nft("reject with icmpx type admin-prohibited"),
        red=dict.fromkeys(FORWARDED, _REJECTED),
    ),
    Fault(
        name="foreign-drop",
        about="a foreign nft table drops what is forwarded",
        inject=nft("drop"),
        red=dict.fromkeys(FORWARDED, _NOT),
    ),
    Fault(
        name="foreign-drop-replies",
        about="a foreign nft table drops replies",
        inject=nft("ct direction reply drop"),
        red=dict.fromkeys(FORWARDED, ("reply not forwarded",)),
    ),
    Fault(
        name="input-drop",
        about="INPUT drops pings",
        inject=added("filter", "INPUT", "-p icmp -j DROP"),
        own_stack=True,
        red={PING_HOST: ("not answered",)},
    ),
    Fault(
        name="input-reject",
        about="INPUT rejects pings",
        inject=added("filter", "INPUT", "-p icmp --icmp-type 8 -j REJECT"),
        own_stack=True,
        red={PING_HOST: _REJECTED},
    ),
    Fault(
        name="replies-untracked",
        about="a raw rule takes the web server's replies out of connection tracking",
        inject=added(
            "raw", "PREROUTING", "-i docker0 -p tcp --sport 80 -j CT --notrack"
        ),
        red={WEB: ("reply not undone",)},
    ),
    Fault(
        name="ids-remapped",
        about="a foreign nft table chooses ids of pings; it asks c2's for random ones",
        inject=remapped("ip saddr {c2} masquerade fully-random"),
        red={PING_BEYOND: ("remapped although free",)},
    ),
    Fault(
        name="ids-remapped-elsewhere",
        about="the same; it asks for random ports of TCP, and on another link",
        inject=remapped(
            "oifname != docker0 meta l4proto tcp masquerade fully-random",
            "oifname tun7 masquerade fully-random",
        ),
        red={PING_BEYOND: ("remapped although free",)},
    ),
    Fault(
        name="foreign-notrack",
        about="a foreign nft table takes pings out of connection tracking",
        inject=nft("ip protocol icmp notrack", hook="prerouting", priority=-300),
        red={PING_BEYOND: ("leaked",)},
    ),
    Fault(
        name="ttl-set",
        about="a mangle rule sets the ttl",
        inject=added("mangle", "FORWARD", "-j TTL --ttl-set 9"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
    ),
    Fault(
        name="dscp-set",
        about="a foreign nft table sets the DSCP",
        inject=nft("ip dscp set cs1"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
    ),
    Fault(
        name="ecn-set",
        about="a foreign nft table marks congestion that there is none of",
        inject=nft("ip ecn set ce"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
    ),
    Fault(
        name="ip-id-set",
        about="a foreign nft table sets the IP id",
        inject=nft("ip id set 7"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
    ),
    Fault(
        name="df-cleared",
        about="a foreign nft table clears DF",
        inject=nft("ip frag-off set 0"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
    ),
    Fault(
        name="reserved-flag-set",
        about="a foreign nft table sets the reserved IP flag",
        inject=nft("ip frag-off set 0xc000"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
    ),
    Fault(
        name="own-reserved-flag-set",
        about="a foreign nft table sets the reserved IP flag of what the host sends",
        inject=nft("ip protocol icmp ip frag-off set 0x8000", hook="output"),
        own_stack=True,
        red={PING_HOST: _CHANGED},
    ),
    Fault(
        name="reserved-bits-set",
        about="a foreign nft table sets reserved bits of TCP",
        inject=nft("ip protocol tcp @th,100,3 set 7"),
        red=dict.fromkeys(TCP, (*_CHANGED, "corrupted checksum")),
    ),
    Fault(
        name="urgent-pointer-set",
        about="a foreign nft table sets an urgent pointer that no flag makes one",
        inject=nft("tcp urgptr set 7"),
        red=dict.fromkeys(TCP, _CHANGED),
    ),
    Fault(
        name="tcp-window-set",
        about="a foreign nft table sets the TCP window",
        inject=nft("tcp window set 1000"),
        red=dict.fromkeys(TCP, _CHANGED),
    ),
    Fault(
        name="mss-set",
        about="a mangle rule clamps the MSS",
        inject=added(
            "mangle",
            "FORWARD",
            "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 500",
        ),
        red=dict.fromkeys(TCP, _CHANGED),
    ),
    Fault(
        name="options-stripped",
        about="a mangle rule strips TCP timestamps",
        inject=added(
            "mangle", "FORWARD", "-p tcp -j TCPOPTSTRIP --strip-options timestamp"
        ),
        red=dict.fromkeys(TCP, _CHANGED),
    ),
    Fault(
        name="checksum-broken",
        about="a foreign nft table breaks the checksum of pings",
        inject=nft("meta l4proto icmp @th,16,16 set 0x1234", hook="forward"),
        red={PING_BEYOND: ("corrupted checksum",)},
    ),
    Fault(
        name="cloned",
        about="the host sends a clone of each segment after it",
        inject=added(
            "mangle", "PREROUTING", "-i {uplink} -p tcp -j TEE --gateway {host02}"
        ),
        red={WEB: ("delivered twice",), DIRECT: ("delivered twice",)},
    ),
    Fault(
        name="ends-ttl",
        about="containers and neighbours send with a ttl of 128",
        inject=_at_ends("net.ipv4.ip_default_ttl", "128"),
        red=dict.fromkeys((PING_HOST, PING_BEYOND, *TCP, CLOSED), _SENDER),
        own_stack=True,
    ),
    Fault(
        name="ends-timestamps",
        about="containers and neighbours use no TCP timestamps",
        inject=_at_ends("net.ipv4.tcp_timestamps", "0"),
        red=dict.fromkeys((*TCP, CLOSED), _SENDER),
        own_stack=True,
    ),
    Fault(
        name="copied-to-uplink",
        about="the host sends a copy of each packet on the uplink, with another IP id",
        inject=_copying("postrouting", "{uplink}", "{host01}"),
        red=dict.fromkeys(FORWARDED, ("delivered twice",)),
    ),
    Fault(
        name="copied-to-container",
        about="the host sends the web server a copy of each segment, with another id",
        inject=_copying("forward", "docker0", "{web}", "tcp"),
        red=dict.fromkeys(TCP, ("delivered twice",)),
    ),
    Fault(
        name="segments-swapped",
        about="the host sends the second segment of an answer before the first",
        inject=swapped("-i docker0 -p tcp -m length --length 100:1500"),
        red=dict.fromkeys(TCP, ("reordered-by-host",)),
    ),
    *(_lossy(what, match, red) for what, match, red in _LOST),
    Fault(
        name="uplink-mtu",
        about="the uplink's MTU is smaller than a page",
        inject=_small_mtu,
        red=dict.fromkeys(TCP, _REJECTED),
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
