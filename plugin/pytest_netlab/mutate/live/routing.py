"""Where the host sends packets: policy rules, tables, addresses, ARP, xfrm."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.mutate.live.fault import (
    ALL,
    DIRECT,
    PING_BEYOND,
    PING_HOST,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.hosts import FORWARDED, TCP, down
from pytest_netlab.mutate.live.inject import addresses, on, rule, setting, sysctl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

TABLE = 77
_LOOKUP = f"lookup {TABLE} | table {TABLE}"
# A second uplink, that leads nowhere.
_SECOND = (
    ("host", "ip link add second type veth peer name nowhere", "ip link del second"),
    ("host", "ip address add 192.0.2.1/24 dev second", ""),
    ("host", "ip link set second up", ""),
    ("host", "ip link set nowhere up", ""),
)
_FLUSH, _DELETE = f"ip route flush table {TABLE}", "ip rule del pref 100"
_LOST = ("misrouted", "not forwarded")
_BACK = ("misrouted", "reply not forwarded")
_UNBELIEVED = (*_LOST, "no traffic")  # its ARP is not believed either
_UNANSWERED = ("misrouted", "not answered")


def ruled(selector: str, *routes: str) -> Inject:
    """Return an `inject`: a policy rule, and what its table has."""
    return on(
        *_SECOND,
        *(("host", f"ip route add {route} table {TABLE}", _FLUSH) for route in routes),
        ("host", f"ip rule add pref 100 {selector}", _DELETE),
    )


def routed(route: str) -> Inject:
    """Return an `inject`: a route of the host, in its main table."""
    return on(*_SECOND, ("host", f"ip route add {route}", f"ip route del {route}"))


@contextmanager
def _another_first(lab: DockerLab) -> Iterator[None]:
    """Put another address before the uplink's own: masquerading takes the first."""
    host, words = lab.nodes["host"], addresses(lab)
    own, spare = (f"{words[name]}/24" for name in ("host", "spare"))
    default = host.run("ip", "route", "show", "default").stdout.split()

    def arranged(*there: str) -> None:
        host.run("ip", "-4", "address", "flush", "dev", lab.uplink)
        for address in there:
            host.run("ip", "address", "add", address, "dev", lab.uplink)
        host.run("ip", "route", "replace", *default)

    try:
        arranged(spare, own)
        yield
    finally:
        arranged(own)


FAULTS = (
    Fault(
        name="rule-from-lan",
        about="a policy rule sends what comes from the uplink's network to it again",
        inject=ruled("from {lan} lookup 77", "default via {gateway} dev {uplink}"),
        red={
            PING_HOST: _UNANSWERED,
            PING_BEYOND: _BACK,
            WEB: _LOST,
            DIRECT: _LOST,
        },
        cites={ALL: (_LOOKUP, "from {lan} | {lan}")},
    ),
    Fault(
        name="rule-prohibits",
        about="a policy rule prohibits what comes from docker0",
        inject=ruled("iif docker0 prohibit"),
        red={
            PING_BEYOND: ("rejected", "not forwarded"),
            **dict.fromkeys(TCP, ("rejected", "reply not forwarded")),
        },
        cites={ALL: ("iif docker0 prohibit",)},
    ),
    Fault(
        name="rule-to-web",
        about="a policy rule finds web unreachable",
        inject=ruled("to {web} unreachable"),
        red=dict.fromkeys(TCP, ("rejected", "not forwarded")),
        cites={ALL: ("to {web} unreachable",)},
    ),
    Fault(
        name="rule-of-a-mark",
        about="a policy rule drops what a mangle rule marks: the published port",
        inject=on(
            rule("mangle", "PREROUTING", "-p tcp --dport 81 -j MARK --set-mark 7"),
            ("host", "ip rule add pref 100 fwmark 7 blackhole", _DELETE),
        ),
        red={WEB: _LOST},
        cites={ALL: ("fwmark 0x7", "blackhole")},
    ),
    Fault(
        name="tunnel-takes-all",
        about="all that has no mark is routed into a tunnel, as wg-quick does",
        inject=ruled("not fwmark 51820 lookup 77", "default dev second"),
        red={
            PING_HOST: _UNANSWERED,
            PING_BEYOND: _LOST,
            WEB: _LOST,
            DIRECT: _LOST,
        },
        cites={ALL: (_LOOKUP, "fwmark 0xca6c")},
    ),
    Fault(
        name="second-uplink",
        about="what c1 sends leaves by a second uplink",
        inject=ruled("from {c1} lookup 77", "default via 192.0.2.2 dev second"),
        red={PING_BEYOND: _LOST},
        cites={ALL: (_LOOKUP, "from {c1}")},
    ),
    Fault(
        name="second-uplink-by-route",
        about="the host reaches host01 by a second uplink",
        inject=routed("{host01} dev second"),
        red=dict.fromkeys(FORWARDED, (*_LOST, "reply not forwarded", "rejected")),
        cites={ALL: ("second", "{host01}")},
    ),
    Fault(
        name="blackhole-to-c1",
        about="a route drops what is for c1",
        inject=routed("blackhole {c1}"),
        red={PING_HOST: _UNANSWERED, PING_BEYOND: _BACK},
        cites={ALL: ("blackhole", "{c1}")},
    ),
    Fault(
        name="throw-to-web",
        about="a table of its own finds no route to web, and a rule asks it",
        inject=ruled("to {web} lookup 77", "prohibit {web}"),
        red=dict.fromkeys(TCP, ("rejected", "not forwarded")),
        cites={ALL: ("prohibit", _LOOKUP)},
    ),
    Fault(
        name="rp-filter-strict",
        about="rp_filter is strict, and what has no mark is routed to a second uplink",
        inject=on(
            *_SECOND,
            rule("mangle", "PREROUTING", "-i docker0 -j MARK --set-mark 7"),
            ("host", "ip route add {host01} dev second table 77", _FLUSH),
            ("host", "ip rule add pref 99 fwmark 7 lookup main", "ip rule del pref 99"),
            ("host", "ip rule add pref 100 to {host01} lookup 77", _DELETE),
            setting("host", "net.ipv4.conf.all.rp_filter", "1", "0"),
        ),
        red={PING_BEYOND: _BACK, **dict.fromkeys(TCP, _UNBELIEVED)},
        cites={ALL: ("rp_filter",)},
    ),
    Fault(
        name="rp-filter-of-uplink",
        about="rp_filter is strict on the uplink, and docker0 is routed elsewhere",
        inject=on(
            *_SECOND,
            ("host", "ip route add default dev second table 77", _FLUSH),
            ("host", "ip rule add pref 100 iif docker0 lookup 77", _DELETE),
            setting("host", "net.ipv4.conf.{uplink}.rp_filter", "1", "0"),
        ),
        red={PING_BEYOND: _LOST, **dict.fromkeys(TCP, _UNBELIEVED)},
        cites={
            PING_BEYOND: ("iif docker0 lookup 77 | iif docker0",),
            ALL: ("rp_filter",),
        },
    ),
    Fault(
        name="docker0-forwarding-off",
        about="forwarding is off on docker0",
        inject=sysctl("net.ipv4.conf.docker0.forwarding", "0", "1"),
        red={
            PING_BEYOND: ("not forwarded",),
            **dict.fromkeys(TCP, ("reply not forwarded",)),
        },
        cites={ALL: ("docker0.forwarding | docker0/forwarding",)},
    ),
    Fault(
        name="echo-ignored",
        about="the host answers no pings (icmp_echo_ignore_all)",
        inject=sysctl("net.ipv4.icmp_echo_ignore_all", "1", "0"),
        own_stack=True,
        red={PING_HOST: ("not answered",)},
        cites={ALL: ("icmp_echo_ignore_all",)},
    ),
    Fault(
        name="web-link-down",
        about="web's link is down",
        inject=down("web"),
        red=dict.fromkeys(TCP, ("not forwarded", "not answered", "rejected")),
        cites={ALL: ("ARP | {veth-web}", "web")},
    ),
    Fault(
        name="web-silent",
        about="web answers no ARP",
        inject=on(
            setting("web", "net.ipv4.conf.eth0.arp_ignore", "8", "0"),
            ("host", "ip neigh flush dev docker0", ""),
        ),
        red=dict.fromkeys(TCP, ("not forwarded", "not answered", "rejected")),
        cites={ALL: ("ARP", "web")},
    ),
    Fault(
        name="neighbour-of-nobody",
        about="the host's neighbour table has nobody's Ethernet address for web",
        inject=on(
            (
                "host",
                "ip neigh replace {web} lladdr 02:00:00:00:00:99 dev docker0",
                "ip neigh del {web} dev docker0",
            ),
        ),
        red=dict.fromkeys(TCP, ("wrong neighbour",)),
        cites={ALL: ("02:00:00:00:00:99",)},
    ),
    Fault(
        name="another-address-first",
        about="another address of the uplink comes first, and masquerading takes it",
        inject=_another_first,
        red={PING_BEYOND: ("wrong source",)},
        cites={ALL: ("{spare}", "{uplink}")},
    ),
    Fault(
        name="host01-hijacked",
        about="the host has host01's address too, and answers in its place",
        inject=on(
            (
                "host",
                "ip address add {host01}/32 dev lo",
                "ip address del {host01}/32 dev lo",
            ),
        ),
        red=dict.fromkeys(FORWARDED, ("address taken",)),
        cites={ALL: ("{host01}", "on lo | dev lo | lo has")},
    ),
    Fault(
        name="web-hijacked",
        about="docker0 has web's address too: the host answers in web's place",
        inject=on(
            (
                "host",
                "ip address add {web}/32 dev docker0",
                "ip address del {web}/32 dev docker0",
            ),
        ),
        red=dict.fromkeys(TCP, ("address taken",)),
        cites={ALL: ("{web}", "on docker0 | dev docker0 | docker0 has | dev lo")},
    ),
    Fault(
        name="xfrm-forward-block",
        about="an xfrm policy blocks what is forwarded to host01",
        inject=on(
            (
                "host",
                "ip xfrm policy add dst {host01} dir fwd action block",
                "ip xfrm policy del dst {host01} dir fwd",
            ),
        ),
        red={
            PING_BEYOND: ("not forwarded",),
            **dict.fromkeys(TCP, ("reply not forwarded",)),
        },
        cites={ALL: ("xfrm", "block")},
    ),
    Fault(
        name="xfrm-out-block",
        about="an xfrm policy blocks what leaves for docker0's network",
        inject=on(
            (
                "host",
                "ip xfrm policy add dst {web} dir out action block",
                "ip xfrm policy del dst {web} dir out",
            ),
        ),
        red=dict.fromkeys(TCP, ("not forwarded",)),
        cites={ALL: ("xfrm", "block")},
    ),
)
