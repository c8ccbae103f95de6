"""Routes: as `ip` prints them, and as the kernel sends them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.rtmsg import nh, rtmsg

from pytest_netlab.host.routing import routes
from pytest_netlab.host.routing.routes import KINDS, Hop, Route

LINKS = {1: "lo", 2: "docker0", 3: "ens160"}
# As `ip route show table all` of iproute2 6.1 prints them, without the last space.
LISTED = """\
default via 172.16.211.2 dev ens160 metric 100
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown
10.9.0.0/16 via 172.16.211.3 dev ens160 table 77 proto static src 172.16.211.128 \
mtu 1400
10.8.0.0/16 via 192.0.2.1 dev ens160 onlink
10.3.0.0/16
\tnexthop via 172.16.211.1 dev ens160 weight 2
\tnexthop dev docker0 weight 1
unreachable 10.7.0.0/16 metric 5
blackhole 10.6.0.0/16
throw 10.4.0.0/16 table 77
local 172.17.0.1 dev docker0 table local proto kernel scope host src 172.17.0.1
local ::1 dev lo table local proto kernel metric 0 pref medium
fd66::/32 via fe80::9 dev ens160 metric 1024 mtu 1300 pref high
"""
ROUTES = (
    Route(destination="default", gateway="172.16.211.2", device="ens160", metric=100),
    Route(
        destination="172.17.0.0/16",
        device="docker0",
        protocol="kernel",
        scope="link",
        source="172.17.0.1",
        flags=("linkdown",),
    ),
    Route(
        destination="10.9.0.0/16",
        gateway="172.16.211.3",
        device="ens160",
        table="77",
        protocol="static",
        source="172.16.211.128",
        mtu=1400,
    ),
    Route(
        destination="10.8.0.0/16",
        gateway="192.0.2.1",
        device="ens160",
        flags=("onlink",),
    ),
    Route(
        destination="10.3.0.0/16",
        hops=(Hop("172.16.211.1", "ens160", 2), Hop("", "docker0")),
    ),
    Route(destination="10.7.0.0/16", kind="unreachable", metric=5),
    Route(destination="10.6.0.0/16", kind="blackhole"),
    Route(destination="10.4.0.0/16", kind="throw", table="77"),
    Route(
        destination="172.17.0.1",
        kind="local",
        device="docker0",
        table="local",
        protocol="kernel",
        scope="host",
        source="172.17.0.1",
    ),
    Route(
        destination="::1",
        kind="local",
        device="lo",
        table="local",
        protocol="kernel",
        metric=0,
        preference="medium",
    ),
    Route(
        destination="fd66::/32",
        gateway="fe80::9",
        device="ens160",
        metric=1024,
        mtu=1300,
        preference="high",
    ),
)
NAMES = st.text("abc019-.", min_size=1, max_size=8).filter(lambda n: n not in KINDS)
ENDS = st.ip_addresses().map(str)
NETWORKS = st.builds("{}/{}".format, ENDS, st.integers(0, 31))


@st.composite
def any_route(draw: st.DrawFn) -> Route:
    """Return a route with any attributes."""
    hop = st.builds(Hop, st.just("") | ENDS, NAMES, st.integers(1, 256))
    several = draw(st.booleans())
    flags = draw(st.sets(st.sampled_from(["dead", "onlink", "linkdown"])))
    return Route(
        destination=draw(st.just("default") | ENDS | NETWORKS),
        kind=draw(st.sampled_from(KINDS)),
        gateway="" if several else draw(st.just("") | ENDS),
        device="" if several else draw(st.just("") | NAMES),
        table=draw(st.sampled_from(["main", "local", "default", "77"])),
        protocol=draw(st.sampled_from(["boot", "kernel", "static", "99"])),
        scope=draw(st.sampled_from(["global", "link", "host"])),
        source=draw(st.just("") | ENDS),
        metric=draw(st.none() | st.integers(0, (1 << 32) - 1)),
        flags=tuple(sorted(flags)),
        mtu=draw(st.none() | st.integers(68, 65535)),
        preference=draw(st.sampled_from(["", "medium", "low"])),
        hops=tuple(draw(st.lists(hop, min_size=2, max_size=3))) if several else (),
    )


def test_listed() -> None:
    """Routes are written as `ip` writes them, and read from that."""
    assert "".join(f"{one}\n" for one in ROUTES) == LISTED
    assert routes.routes(LISTED) == ROUTES


@given(st.lists(any_route()))
def test_any(found: list[Route]) -> None:
    """Any routes that are written are read as they were."""
    assert routes.routes("".join(f"{one}\n" for one in found)) == tuple(found)


def test_what_ip_adds() -> None:
    """Clocks and caches are left out, and the last space."""
    said = f"{ROUTES[0]} expires 1795sec \n"

    assert routes.routes(said) == ROUTES[:1]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "unreachable",
        "Cannot open network namespace: No such file",
        "\tnexthop via 10.0.0.1 dev a weight 1",
        f"default dev a metric {'9' * 5000}",
        "default dev a mtu many",
    ],
)
def test_no_route(line: str) -> None:
    """What is no route is left out."""
    assert routes.routes(f"{line}\n{ROUTES[0]}\n") == ROUTES[:1]


def message(family: int, *attributes: tuple[str, Any], **fields: int) -> rtmsg:
    """Return a message as pyroute2 decodes it."""
    found = rtmsg()
    usual = {"type": 1, "proto": 3, "scope": 0, "flags": 0, "dst_len": 0, "src_len": 0}
    for name, value in {**usual, "family": family, **fields}.items():
        found[name] = value
    found["attrs"] = list(attributes)
    return found


def hop(gateway: str | None, link: int, others: int) -> Any:
    """Return a next hop as pyroute2 decodes it: its weight is one more."""
    found = nh()
    found["oif"], found["hops"] = link, others
    found["attrs"] = [("RTA_GATEWAY", gateway)] if gateway else []
    return found


@pytest.mark.parametrize(
    ("sent", "route"),
    [
        (
            message(
                2,
                ("RTA_TABLE", 254),
                ("RTA_GATEWAY", "172.16.211.2"),
                ("RTA_OIF", 3),
                ("RTA_PRIORITY", 100),
            ),
            ROUTES[0],
        ),
        (
            message(
                2,
                ("RTA_TABLE", 254),
                ("RTA_DST", "172.17.0.0"),
                ("RTA_PREFSRC", "172.17.0.1"),
                ("RTA_OIF", 2),
                dst_len=16,
                proto=2,
                scope=253,
                flags=16,
            ),
            ROUTES[1],
        ),
        (
            message(2, ("RTA_TABLE", 77), ("RTA_DST", "10.4.0.0"), dst_len=16, type=9),
            ROUTES[7],
        ),
        (
            message(
                2,
                ("RTA_TABLE", 254),
                ("RTA_DST", "10.3.0.0"),
                ("RTA_MULTIPATH", [hop("172.16.211.1", 3, 1), hop(None, 2, 0)]),
                dst_len=16,
            ),
            ROUTES[4],
        ),
        (
            message(
                2,
                ("RTA_TABLE", 255),
                ("RTA_DST", "172.17.0.1"),
                ("RTA_PREFSRC", "172.17.0.1"),
                ("RTA_OIF", 2),
                dst_len=32,
                proto=2,
                scope=254,
                type=2,
            ),
            ROUTES[8],
        ),
        (
            message(
                10,
                ("RTA_TABLE", 255),
                ("RTA_DST", "::1"),
                ("RTA_PRIORITY", 0),
                ("RTA_OIF", 1),
                ("RTA_PREF", 0),
                dst_len=128,
                proto=2,
                type=2,
            ),
            ROUTES[9],
        ),
        (
            message(
                2, ("RTA_TABLE", 1000), ("RTA_OIF", 9), proto=200, scope=7, flags=5
            ),
            Route(
                destination="default",
                table="1000",
                protocol="200",
                scope="7",
                flags=("dead", "onlink"),
            ),
        ),
    ],
    ids=["default", "network", "throw", "several", "local", "IPv6", "no names"],
)
def test_message(sent: rtmsg, route: Route) -> None:
    """A message of the kernel is a route, with names for what has one."""
    assert routes.route(sent, LINKS) == route
