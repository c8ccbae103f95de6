"""Who is beyond a link: another next hop, another sender, another who answers."""

from __future__ import annotations

from pytest_netlab.mutate.live.fault import (
    ALL,
    DIRECT,
    PING_BEYOND,
    PING_HOST,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.inject import on

_WRONG = ("wrong neighbour",)


_FORWARD, _HOLD = "sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.ip_forward=0"
_QUIET, _LOUD = (
    f"sysctl -qw net.ipv4.conf.all.send_redirects={value} "
    f"net.ipv4.conf.eth0.send_redirects={value}"
    for value in (0, 1)
)
_THROUGH_HOST02 = (("host02", _FORWARD, _HOLD), ("host02", _QUIET, _LOUD))
_EGRESS = "netdev netlab_mutate"
_HOOK = "{{ type filter hook egress device {uplink} priority 0 ; }}"
_SPOOF = "ether type ip ether saddr set 02:00:00:00:00:99"
FAULTS = (
    Fault(
        name="next-hop",
        about="the host reaches host01 by host02, on the same link",
        inject=on(
            *_THROUGH_HOST02,
            (
                "host",
                "ip route add {host01}/32 via {host02}",
                "ip route del {host01}/32",
            ),
        ),
        red=dict.fromkeys((PING_BEYOND, WEB, DIRECT), _WRONG),
        cites={ALL: ("{host01} via {host02}",)},
    ),
    Fault(
        name="neighbour-of-another",
        about="the host's neighbour table has host02's Ethernet address for host01",
        inject=on(
            *_THROUGH_HOST02,
            (
                "host",
                "ip neigh replace {host01} lladdr {mac-host02} dev {uplink}",
                "ip neigh del {host01} dev {uplink}",
            ),
        ),
        red=dict.fromkeys((PING_BEYOND, WEB, DIRECT), _WRONG),
        cites={ALL: ("{host01}", "{mac-host02} | of {host02}")},
    ),
    Fault(
        name="impostor",
        about="c2 has the host's address, and answers c1 in its place",
        inject=on(
            (
                "c2",
                "ip address add {host}/32 dev lo",
                "ip address del {host}/32 dev lo",
            ),
            (
                "c1",
                "ip neigh replace {bridge} lladdr {mac-c2} dev eth0",
                "ip neigh del {bridge} dev eth0",
            ),
        ),
        own_stack=True,
        red={PING_HOST: _WRONG, PING_BEYOND: _WRONG},
        cites={ALL: ("{bridge}", "{mac-c2} | {c2}")},
    ),
    Fault(
        name="through-c2",
        about="c1 reaches all beyond docker0 by c2",
        inject=on(
            ("c2", _FORWARD, _HOLD),
            ("c2", _QUIET, _LOUD),
            (
                "c1",
                "ip route replace default via {c2}",
                "ip route replace default via {bridge}",
            ),
        ),
        red={PING_HOST: _WRONG, PING_BEYOND: _WRONG},
        cites={ALL: ("via {c2}",)},
    ),
    Fault(
        name="spoofed-source",
        about="what leaves on the uplink has an Ethernet source of nobody",
        inject=on(
            ("host", f"nft add table {_EGRESS}", f"nft delete table {_EGRESS}"),
            ("host", f"nft add chain {_EGRESS} foreign {_HOOK}", ""),
            ("host", f"nft add rule {_EGRESS} foreign {_SPOOF}", ""),
        ),
        red=dict.fromkeys((PING_BEYOND, WEB, DIRECT), _WRONG),
        cites={ALL: ("netlab_mutate foreign", "ether saddr set 02:00:00:00:00:99")},
    ),
)
