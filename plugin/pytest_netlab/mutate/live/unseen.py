"""What acts before docker0's tap, or before any packet was sent at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.mutate.live.fault import (
    ALL,
    COUNTED,
    PING_BEYOND,
    PING_HOST,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.hosts import TCP
from pytest_netlab.mutate.live.inject import added, on

if TYPE_CHECKING:
    from pytest_netlab.mutate.live.fault import Inject

_PINGS = (PING_HOST, PING_BEYOND)
_BRIDGE = "bridge netlab_mutate"
_HOOK = "{{{{ type filter hook {} priority 0 ; }}}}"
_UNSEEN = ("unseen",)


def bridged(family: str, chain: str, rule: str) -> Inject:
    """Return an `inject`: a rule in a table of an nft family below IP."""
    table = f"{family} netlab_mutate"
    return on(
        ("host", f"nft add table {table}", f"nft delete table {table}"),
        ("host", f"nft add chain {table} early {{{{ {chain} ; }}}}", ""),
        ("host", f"nft add rule {table} early {rule}", ""),
    )


FAULTS = (
    Fault(
        name="raw-drops-pings",
        about="a raw rule drops c1's pings; with br_netfilter no tap sees them",
        inject=added("raw", "PREROUTING", "-i docker0 -p icmp -j DROP"),
        red=dict.fromkeys(_PINGS, _UNSEEN),
        cites={ALL: ("raw -A PREROUTING -i docker0 -p icmp -j DROP", COUNTED)},
    ),
    Fault(
        name="raw-drops-replies",
        about="a raw rule drops what web sends, before docker0's tap",
        inject=added("raw", "PREROUTING", "-i docker0 -p tcp --sport 80 -j DROP"),
        red=dict.fromkeys(TCP, _UNSEEN),
        cites={
            ALL: ("raw -A PREROUTING -i docker0 -p tcp", "--sport 80 -j DROP", COUNTED)
        },
    ),
    Fault(
        name="mangle-drops-pings",
        about="a mangle rule drops c1's pings in PREROUTING",
        inject=added("mangle", "PREROUTING", "-s {c1} -p icmp -j DROP"),
        red=dict.fromkeys(_PINGS, _UNSEEN),
        cites={ALL: ("mangle -A PREROUTING -s {c1}", "-j DROP", COUNTED)},
    ),
    Fault(
        name="raw-drops-port",
        about="a raw rule drops what comes in on the uplink for the published port",
        inject=added("raw", "PREROUTING", "-i {uplink} -p tcp --dport 81 -j DROP"),
        red={WEB: ("not forwarded",)},
        cites={ALL: ("raw -A PREROUTING", "--dport 81 -j DROP", COUNTED)},
    ),
    Fault(
        name="bridge-drops-pings",
        about="an nft bridge chain drops c1's pings",
        inject=bridged(
            "bridge",
            "type filter hook prerouting priority 0",
            "ip protocol icmp counter drop",
        ),
        red=dict.fromkeys(_PINGS, _UNSEEN),
        cites={ALL: ("bridge", "ip protocol icmp", "drop", COUNTED)},
    ),
    Fault(
        name="bridge-drops-replies",
        about="an nft bridge chain drops what web sends on its way to the host",
        inject=bridged(
            "bridge",
            "type filter hook input priority 0",
            "ip saddr {web} counter drop",
        ),
        red=dict.fromkeys(TCP, _UNSEEN),
        cites={ALL: ("bridge", "ip saddr {web}", "drop", COUNTED)},
    ),
    Fault(
        name="ingress-drops-pings",
        about="an nft netdev chain drops pings at c1's port of docker0",
        inject=bridged(
            "netdev",
            "type filter hook ingress device {veth-c1} priority 0",
            "ip protocol icmp counter drop",
        ),
        red=dict.fromkeys(_PINGS, _UNSEEN),
        cites={ALL: ("netdev", "ip protocol icmp", "drop", COUNTED)},
    ),
    Fault(
        name="ebtables-drops-pings",
        about="ebtables drops what comes from c1's port in IP",
        inject=on(
            (
                "host",
                "ebtables -t filter -I INPUT -i {veth-c1} -p IPv4 -j DROP",
                "ebtables -t filter -D INPUT -i {veth-c1} -p IPv4 -j DROP",
            ),
        ),
        red=dict.fromkeys(_PINGS, _UNSEEN),
        cites={ALL: ("bridge | ebtables", "{veth-c1} | c1", "drop | DROP", COUNTED)},
    ),
    Fault(
        name="arp-dropped",
        about="an nft bridge chain drops ARP: c1 and the host do not find each other",
        inject=on(
            ("host", f"nft add table {_BRIDGE}", f"nft delete table {_BRIDGE}"),
            *(
                ("host", f"nft add {what}", "")
                for hook in ("input", "output")
                for what in (
                    f"chain {_BRIDGE} {hook} {_HOOK.format(hook)}",
                    f"rule {_BRIDGE} {hook} ether type arp counter drop",
                )
            ),
            *((node, "ip neigh flush all", "") for node in ("host", "c1", "web")),
        ),
        red={
            **dict.fromkeys(_PINGS, _UNSEEN),
            **dict.fromkeys(TCP, ("not forwarded", "rejected")),
        },
        cites={ALL: ("ether type arp | type arp | ARP", "drop | nobody", COUNTED)},
    ),
    Fault(
        name="tc-drops-pings",
        about="a tc filter drops all from c1's port",
        inject=on(
            (
                "host",
                "tc qdisc add dev {veth-c1} clsact",
                "tc qdisc del dev {veth-c1} clsact",
            ),
            (
                "host",
                "tc filter add dev {veth-c1} ingress protocol ip matchall action drop",
                "",
            ),
        ),
        red=dict.fromkeys(_PINGS, _UNSEEN),
        cites={ALL: ("tc | ingress", "{veth-c1} | c1")},
    ),
    Fault(
        name="pings-redirected",
        about="a nat rule redirects c1's pings to the host, before docker0's tap",
        inject=added("nat", "PREROUTING", "-i docker0 -p icmp -j REDIRECT"),
        red=dict.fromkeys(_PINGS, ("redirected",)),
        cites={ALL: ("nat -A PREROUTING -i docker0 -p icmp -j REDIRECT", COUNTED)},
    ),
    Fault(
        name="c1-without-route",
        about="c1 has no route beyond docker0: it never sends",
        inject=on(
            ("c1", "ip route del default", "ip route replace default via {bridge}"),
        ),
        red=dict.fromkeys(_PINGS, ("no traffic",)),
        cites={ALL: ("c1 has no route | no route",)},
    ),
    Fault(
        name="c1-drops-its-own",
        about="a rule in c1 drops what it sends",
        inject=on(
            (
                "c1",
                "iptables -I OUTPUT -p icmp -j DROP",
                "iptables -D OUTPUT -p icmp -j DROP",
            ),
        ),
        red=dict.fromkeys(_PINGS, ("no traffic",)),
        cites={ALL: ("c1 never sent | c1 sent no | never sent | sent nothing",)},
    ),
)
