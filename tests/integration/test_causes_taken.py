"""Faults by which others take a flow's packets: what is cited is what was done.

Bundled scenarios are judged by their goldens.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.mutate.live.bodies import Body
from pytest_netlab.mutate.live.fault import PING_BEYOND, PING_HOST, WEB
from pytest_netlab.mutate.live.inject import addresses, on
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject


def rule(text: str) -> Inject:
    """Return a fault: this iptables rule, `TABLE CHAIN ...`, before all others."""
    table, rest = text.split(" ", 1)
    return on(
        ("host", f"iptables -t {table} -I {rest}", f"iptables -t {table} -D {rest}")
    )


def nft(hook: str, statement: str) -> Inject:
    """Return a fault: this nft statement, in a table of its own."""
    chain = f"{{{{ type filter hook {hook} priority -350 ; }}}}"
    return on(
        ("host", "nft add table ip site", "nft delete table ip site"),
        ("host", f"nft add chain ip site {hook} {chain}", ""),
        ("host", f"nft add rule ip site {hook} {statement}", ""),
    )


LIMIT = "-m conntrack --ctorigdstport 81 -m limit --limit 1/hour --limit-burst 1"
LOST = f"mangle FORWARD -i docker0 -p tcp --tcp-flags SYN,ACK SYN,ACK {LIMIT} -j DROP"
PROXY = "-p tcp --dport 81 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY"
TPROXY = "-p tcp --dport 81 -j TPROXY --on-port 9999 --tproxy-mark 1"
FORWARD = "net.ipv4.ip_forward"
GOLDEN = Path(__file__).parents[2] / "golden"
FAULTS = {
    "masquerade inbound": (
        rule("nat POSTROUTING -o docker0 -j MASQUERADE"),
        WEB,
        "masqueraded",
        (
            "web:80 sees bridge as its client instead of host01; this rule is new: "
            "nat -A POSTROUTING -o docker0 -j MASQUERADE (it counted "
        ),
    ),
    "masquerade all": (
        rule("nat POSTROUTING -j MASQUERADE"),
        WEB,
        "masqueraded",
        "this rule is new: nat -A POSTROUTING -j MASQUERADE (it counted ",
    ),
    "snat inbound": (
        rule("nat POSTROUTING -o docker0 -p tcp -j SNAT --to-source {host02}"),
        WEB,
        "wrong source",
        "web:80 sees host02 as its client instead of host01; this rule is new: nat -A",
    ),
    "client's port": (
        rule("nat POSTROUTING -o docker0 -p tcp -j SNAT --to {host01}:50000-50100"),
        WEB,
        "remapped although free",
        "-j SNAT --to-source host01:50000-50100 (it counted ",
    ),
    "first SYN-ACK": (
        rule(LOST),
        WEB,
        "reply not forwarded",
        "this rule is new: mangle -A FORWARD -i docker0 -p tcp -m tcp --tcp-flags",
    ),
    "gateway": (
        on(
            (
                "c1",
                "ip route replace default via {c2}",
                "ip route replace default via {bridge}",
            )
        ),
        PING_BEYOND,
        "wrong neighbour",
        "c1 reaches host01 by c2: its route is `default via {c2} dev eth0`",
    ),
    "forwarding gateway": (
        on(
            ("c2", f"sysctl -qw {FORWARD}=1", f"sysctl -qw {FORWARD}=0"),
            (
                "c1",
                "ip route replace default via {c2}",
                "ip route replace default via {bridge}",
            ),
        ),
        PING_BEYOND,
        "wrong neighbour",
        "c1 reaches host01 by c2: its route is `default via {c2} dev eth0`",
    ),
    "policy rule of a container": (
        on(
            ("c1", "ip rule add lookup 100", "ip rule del lookup 100"),
            ("c1", "ip route add default via {c2} table 100", ""),
        ),
        PING_BEYOND,
        "wrong neighbour",
        "its route is `default via {c2} dev eth0 table 100`, to which its rule leads",
    ),
    "route of a neighbour": (
        on(
            (
                "host01",
                "ip route add {host}/32 via {host02}",
                "ip route del {host}/32",
            )
        ),
        WEB,
        "wrong neighbour",
        "comes by the host; host01 reaches host by host02: its route is `{host} via ",
    ),
    "impostor": (
        on(
            (
                "c2",
                "ip address add {bridge}/32 dev lo",
                "ip address del {bridge}/32 dev lo",
            ),
            (
                "c1",
                "ip neigh replace {bridge} lladdr {mac-c2} dev eth0",
                "ip neigh del {bridge} dev eth0",
            ),
        ),
        PING_HOST,
        "wrong neighbour",
        (
            "c1 takes c2 for bridge: its neighbour table says `{bridge} dev eth0 "
            "lladdr {mac-c2} PERMANENT`, the Ethernet address of c2, which has bridge's"
        ),
    ),
    "hijack": (
        on(
            (
                "host",
                "ip address add {host01}/32 dev lo",
                "ip address del {host01}/32 dev lo",
            )
        ),
        PING_BEYOND,
        "address taken",
        (
            "it keeps what c1 sends to host01, and answers it; {host01} is an address "
            "of lo (`local {host01} dev lo"
        ),
    ),
    "hijack of a client": (
        on(
            (
                "host",
                "ip route add local {host01} dev lo",
                "ip route del local {host01} dev lo",
            )
        ),
        WEB,
        "address taken",
        "it drops what host01 sends, as if somebody had forged it; a route says so",
    ),
    "another address answers": (
        nft("output", "icmp type echo-reply ip saddr set {bridge}"),
        PING_HOST,
        "wrong responder",
        "c1 asked host, and bridge answered instead; this rule is new: nft ip site",
    ),
    "SYNPROXY": (
        on(
            (
                "host",
                "iptables -t raw -I PREROUTING -p tcp --dport 81 --syn -j CT --notrack",
                "iptables -t raw -D PREROUTING -p tcp --dport 81 --syn -j CT --notrack",
            ),
            ("host", f"iptables -I INPUT {PROXY}", f"iptables -D INPUT {PROXY}"),
        ),
        WEB,
        "intercepted",
        (
            "answers host01's handshake itself, and only then begins one of its own "
            "with web:80; this rule is new: filter -A INPUT -p tcp -m tcp --dport 81"
        ),
    ),
    "TEE": (
        rule("mangle PREROUTING -i docker0 -j TEE --gateway {host02}"),
        WEB,
        "copied",
        (
            "packets of tcp host01 -> host:81 once more, to host02, at uplink; this "
            "rule is new: mangle -A PREROUTING -i docker0 -j TEE --gateway host02 (it"
        ),
    ),
    "TEE of a ping": (
        rule("mangle PREROUTING -i docker0 -j TEE --gateway {host02}"),
        PING_HOST,
        "copied",
        "the host sends a copy of icmp echo c1 -> host to host02; this rule is new",
    ),
    "dup": (
        nft("prerouting", "iifname docker0 dup to {host02}"),
        PING_BEYOND,
        "copied",
        'this rule is new: nft ip site prerouting iifname "docker0" dup to host02',
    ),
    "REDIRECT": (
        rule("nat PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 9999"),
        WEB,
        "intercepted",
        "-j REDIRECT --to-ports 9999 (it counted ",
    ),
    "REDIRECT to a proxy": (
        rule("nat PREROUTING -p tcp --dport 81 -j REDIRECT"),
        WEB,
        "proxied",
        "this rule is new: nat -A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT (it",
    ),
    "TPROXY": (
        on(
            ("host", "ip rule add fwmark 1 lookup 100", "ip rule del fwmark 1"),
            (
                "host",
                "ip route add local default dev lo table 100",
                "ip route del local default dev lo table 100",
            ),
            (
                "host",
                f"iptables -t mangle -I PREROUTING {TPROXY}",
                f"iptables -t mangle -D PREROUTING {TPROXY}",
            ),
        ),
        WEB,
        "intercepted",
        "and nobody there answers; this rule is new: mangle -A PREROUTING -p tcp -m",
    ),
}


@pytest.mark.parametrize(
    ("inject", "golden", "name", "words"), FAULTS.values(), ids=FAULTS
)
def test_taken(
    lab: DockerLab, inject: Inject, golden: str, name: str, words: str
) -> None:
    """Each is named for what it is, and the text has the rule, route or address."""
    body = Body(golden, Store(GOLDEN))
    with inject(lab):
        error = body.run(lab).error

    assert isinstance(error, ScenarioFailedError)
    causes = [one.cause for one in error.verdict.differences if one.cause is not None]
    assert error.verdict.cause == name, causes
    assert words.format(**addresses(lab)) in causes[0].text
    assert body.run(lab).outcome == "pass"
