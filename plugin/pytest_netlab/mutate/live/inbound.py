"""Rules of users on what comes in: other sources, other ports, others who answer."""

from __future__ import annotations

from pytest_netlab.mutate.live.fault import (
    ALL,
    COUNTED,
    PING_HOST,
    WEB,
    Fault,
)
from pytest_netlab.mutate.live.hosts import FORWARDED, TCP
from pytest_netlab.mutate.live.inject import added, nft, on, rule, setting

_PROXY = "--sack-perm --timestamp --wscale 7 --mss 1460"
FAULTS = (
    Fault(
        name="masquerade-inbound",
        about="what enters docker0 is masqueraded: web sees the bridge",
        inject=added("nat", "POSTROUTING", "-o docker0 -p tcp -j MASQUERADE"),
        red=dict.fromkeys(TCP, ("masqueraded",)),
        cites={ALL: ("nat -A POSTROUTING -o docker0 -p tcp -j MASQUERADE", COUNTED)},
    ),
    Fault(
        name="masquerade-everything",
        about="whatever leaves the host anywhere is masqueraded",
        inject=added("nat", "POSTROUTING", "-j MASQUERADE"),
        red=dict.fromkeys(TCP, ("masqueraded",)),
        cites={ALL: ("nat -A POSTROUTING -j MASQUERADE", COUNTED)},
    ),
    Fault(
        name="snat-inbound",
        about="another neighbour's address stands for the client's",
        inject=added(
            "nat", "POSTROUTING", "-o docker0 -p tcp -j SNAT --to-source {host02}"
        ),
        red=dict.fromkeys(TCP, ("wrong source",)),
        cites={
            ALL: ("POSTROUTING -o docker0 -p tcp -j SNAT --to-source {host02}", COUNTED)
        },
    ),
    Fault(
        name="snat-inbound-of-nft",
        about="a foreign nft table does the same",
        inject=nft(
            "oifname docker0 ip protocol tcp snat ip to {host02}",
            hook="postrouting",
            priority=90,
            kind="nat",
        ),
        red=dict.fromkeys(TCP, ("wrong source",)),
        cites={ALL: ("oifname", "docker0", "snat", "{host02}")},
    ),
    Fault(
        name="client-port-remapped",
        about="another port stands for the client's",
        inject=added(
            "nat",
            "POSTROUTING",
            "-o docker0 -p tcp -j SNAT --to-source {host01}:50000-50100",
        ),
        red=dict.fromkeys(TCP, ("remapped although free",)),
        cites={ALL: ("SNAT --to-source {host01}:50000-50100", COUNTED)},
    ),
    Fault(
        name="port-redirected",
        about="the published port is redirected to a port of the host",
        inject=added(
            "nat",
            "PREROUTING",
            "-i {uplink} -p tcp --dport 81 -j REDIRECT --to-ports 9",
        ),
        red={WEB: ("intercepted",)},
        cites={ALL: ("--dport 81 -j REDIRECT --to-ports 9", COUNTED)},
    ),
    Fault(
        name="port-redirected-by-nft",
        about="a foreign nft table does the same",
        inject=nft(
            "iifname {uplink} tcp dport 81 redirect to :9",
            hook="prerouting",
            priority=-110,
            kind="nat",
        ),
        red={WEB: ("intercepted",)},
        cites={ALL: ("tcp dport 81 redirect to",)},
    ),
    Fault(
        name="port-intercepted",
        about="TPROXY takes the published port for a socket that nobody has",
        inject=added(
            "mangle",
            "PREROUTING",
            "-i {uplink} -p tcp --dport 81 -j TPROXY --on-port 9 --on-ip 127.0.0.1 "
            "--tproxy-mark 7",
        ),
        red={WEB: ("intercepted",)},
        cites={ALL: ("mangle -A PREROUTING", "TPROXY --on-port 9", COUNTED)},
    ),
    Fault(
        name="synproxy",
        about="SYNPROXY answers handshakes with the published port",
        inject=on(
            rule(
                "raw",
                "PREROUTING",
                "-i {uplink} -p tcp --dport 81 --syn -j CT --notrack",
            ),
            rule(
                "filter",
                "INPUT",
                "-i {uplink} -p tcp --dport 81 -m conntrack --ctstate "
                f"INVALID,UNTRACKED -j SYNPROXY {_PROXY}",
            ),
            setting("host", "net.netfilter.nf_conntrack_tcp_loose", "0", "1"),
        ),
        red={WEB: ("intercepted",)},
        cites={ALL: ("SYNPROXY", COUNTED)},
    ),
    Fault(
        name="answered-by-the-bridge",
        about="the host answers pings from docker0's address instead of its own",
        inject=nft(
            "ip saddr {host} icmp type echo-reply ip saddr set {bridge}",
            hook="output",
        ),
        own_stack=True,
        red={PING_HOST: ("wrong responder",)},
        cites={ALL: ("bridge", "saddr set")},
    ),
    Fault(
        name="copied-to-gateway",
        about="the host sends the gateway a copy of what it forwards to host01",
        inject=added("mangle", "POSTROUTING", "-d {host01} -j TEE --gateway {gateway}"),
        red=dict.fromkeys(FORWARDED, ("copied",)),
        cites={ALL: ("TEE --gateway {gateway}", COUNTED)},
    ),
    Fault(
        name="copied-beyond",
        about="the host sends the gateway a copy of what c1 sends",
        inject=added("mangle", "PREROUTING", "-i docker0 -j TEE --gateway {gateway}"),
        red=dict.fromkeys((PING_HOST, *FORWARDED), ("copied",)),
        cites={ALL: ("TEE --gateway {gateway}", COUNTED)},
    ),
)
