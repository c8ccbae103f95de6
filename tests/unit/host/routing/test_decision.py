"""Which rule and which route decide about a packet; the kernel is asked elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_netlab.host.routing.decision import Asked, Routing, decide
from pytest_netlab.host.routing.policy_rules import policy_rules
from pytest_netlab.host.routing.routes import routes
from pytest_netlab.host.sysctls import per_link

RULES = "0:\tfrom all lookup local\n{}32766:\tfrom all lookup main\n"
ROUTES = """\
default via 172.16.211.2 dev ens160
172.16.211.0/24 dev ens160 proto kernel scope link src 172.16.211.128
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1
default via 172.16.211.2 dev ens160 table 77
default dev wg0 table 51820
unreachable 10.0.0.0/8 table 78
local 172.16.211.128 dev ens160 table local proto kernel scope host
local 172.17.0.1 dev docker0 table local proto kernel scope host
"""
C1, HOST, HOST01 = "172.17.0.2", "172.16.211.128", "172.16.211.1"
FORWARDS = {per_link(link, "forwarding"): "1" for link in ("docker0", "ens160", "all")}
OUT = Asked(source=C1, destination=HOST01, incoming="docker0", protocol=6, dport=80)
BACK = Asked(source=HOST01, destination=C1, incoming="ens160", protocol=6, sport=80)
REPLY = Asked(source=HOST, destination=C1)


def host(rule: str = "", **settings: str) -> Routing:
    """Return a host with one more rule, and with settings: link_name=value."""
    line = f"100:\t{rule}\n" if rule else ""
    parts = ((name.partition("_"), value) for name, value in settings.items())
    names = {per_link(link, name): value for (link, _, name), value in parts}
    return Routing(
        rules=policy_rules(RULES.format(line)),
        routes=routes(ROUTES),
        settings={**FORWARDS, **names},
    )


@pytest.mark.parametrize(
    ("rule", "asked", "kind", "link"),
    [
        ("", OUT, "unicast", "ens160"),
        ("", BACK, "unicast", "docker0"),
        ("", REPLY, "unicast", "docker0"),
        ("from 172.16.211.0/24 lookup 77", REPLY, "unicast", "ens160"),
        ("from 172.16.211.0/24 lookup 77", OUT, "unicast", "ens160"),
        ("from all iif docker0 prohibit", OUT, "prohibit", ""),
        ("from all iif docker0 prohibit", REPLY, "unicast", "docker0"),
        ("from all iif lo blackhole", REPLY, "blackhole", ""),
        ("not from all fwmark 0xca6c lookup 51820", OUT, "unicast", "wg0"),
        ("not from all fwmark 0xca6c lookup 51820", REPLY, "unicast", "wg0"),
        (
            "not from all fwmark 0xca6c lookup 51820",
            replace(OUT, mark=0xCA6C),
            "unicast",
            "ens160",
        ),
        ("from all lookup 99", OUT, "unicast", "ens160"),
        ("from all lookup main suppress_prefixlength 0", BACK, "unicast", "docker0"),
        ("from all lookup 77 suppress_prefixlength 0", BACK, "unicast", "docker0"),
        ("from all ipproto tcp dport 80 lookup 51820", OUT, "unicast", "wg0"),
        ("from all ipproto udp lookup 51820", OUT, "unicast", "ens160"),
        ("from all to 172.17.0.1 unreachable", REPLY, "unicast", "docker0"),
        ("from all goto 32766", BACK, "unicast", "docker0"),
        ("from all nop", BACK, "unicast", "docker0"),
        ("from all tos 0x10 prohibit", OUT, "unicast", "ens160"),
        ("from all oif ens160 prohibit", OUT, "unicast", "ens160"),
        ("from all lookup 78", replace(OUT, destination="10.1.1.1"), "unreachable", ""),
        ("", replace(OUT, destination="172.17.0.1"), "local", "docker0"),
    ],
)
def test_decided(rule: str, asked: Asked, kind: str, link: str) -> None:
    """A packet takes the first route that a rule it meets leads to."""
    found = decide(host(rule), asked)

    assert (found.kind, found.devices) == (kind, frozenset([link] * bool(link)))
    assert found.passes == (kind in ("unicast", "local"))


def test_no_rule_left() -> None:
    """Where no rule leads to a route, there is none."""
    known = replace(host(), rules=host().rules[:1])

    assert decide(known, OUT).kind == "none"
    assert not decide(known, OUT).passes


@pytest.mark.parametrize(
    ("rule", "settings", "asked", "stopped"),
    [
        ("", {"docker0_forwarding": "0"}, OUT, "forwarding"),
        ("", {"docker0_forwarding": "0"}, BACK, ""),
        ("", {"docker0_forwarding": "0"}, REPLY, ""),
        ("", {"ens160_rp_filter": "1"}, BACK, ""),
        (
            "from all iif docker0 lookup 51820",
            {"ens160_rp_filter": "1"},
            BACK,
            "source",
        ),
        ("from all iif docker0 lookup 51820", {"all_rp_filter": "1"}, BACK, "source"),
        ("from all iif docker0 lookup 51820", {"all_rp_filter": "2"}, BACK, ""),
        ("from all iif docker0 lookup 51820", {}, BACK, ""),
        ("", {}, replace(BACK, source=HOST), "source"),
        ("", {"ens160_accept_local": "1"}, replace(BACK, source=HOST), ""),
    ],
)
def test_stopped(
    rule: str, settings: dict[str, str], asked: Asked, stopped: str
) -> None:
    """A link may not forward, or may not believe a source."""
    found = decide(host(rule, **settings), asked)

    assert found.stopped == stopped
    assert (found.back is not None) == (stopped == "source")


def test_dead_hops() -> None:
    """A dead next hop is not used; one without carrier only where it is ignored."""
    listed = (
        "default\n\tnexthop dev a weight 1 dead\n\tnexthop dev b weight 1 linkdown\n"
    )
    known = Routing(rules=policy_rules(RULES.format("")), routes=routes(listed))
    ignored = {per_link("b", "ignore_routes_with_linkdown"): "1"}

    assert decide(known, REPLY).devices == {"b"}
    assert decide(replace(known, settings=ignored), REPLY).kind == "none"


def test_six() -> None:
    """IPv6 has rules of its own, no filter of sources, and one switch of forwarding."""
    known = Routing(
        rules6=policy_rules("0:\tfrom all lookup main\n"),
        routes=routes("fd00::/64 dev a pref medium\ndefault dev b pref medium\n"),
        settings={per_link("all", "forwarding", 6): "0"},
    )
    asked = Asked(source="fd00::1", destination="fd01::1")

    assert decide(known, asked).devices == {"b"}
    assert decide(known, replace(asked, incoming="a")).stopped == "forwarding"


def test_dots() -> None:
    """A link's dots are slashes in the name of a setting, as sysctl(8) has them."""
    assert per_link("eth0.7", "rp_filter") == "net.ipv4.conf.eth0/7.rp_filter"
