"""To whom a node sends what is for another: its route, and its neighbour table."""

from __future__ import annotations

from pytest_netlab.host import links
from pytest_netlab.host.routing import next_hops, policy_rules, routes
from pytest_netlab.host.routing.next_hops import NextHop, Reachable

C2_MAC, BRIDGE_MAC = "02:42:ac:11:00:03", "02:42:ac:11:00:01"
NAMES = {
    "172.17.0.1": "bridge",
    "172.17.0.2": "c1",
    "172.17.0.3": "c2",
    "172.16.211.1": "host01",
    "fd00::1": "bridge",
    C2_MAC: "c2",
    BRIDGE_MAC: "bridge",
}
USUAL = (
    "local 172.17.0.2 dev eth0 table local proto kernel scope host src 172.17.0.2\n"
    "default via 172.17.0.1 dev eth0\n"
    "172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2\n"
    "default via fd00::1 dev eth0 metric 1024 pref medium\n"
)
BY_BRIDGE = f"172.17.0.1 dev eth0 lladdr {BRIDGE_MAC} REACHABLE"
BY_C2 = f"172.17.0.1 dev eth0 lladdr {C2_MAC} PERMANENT"


RULES = "0:\tfrom all lookup local\n{}32766:\tfrom all lookup main\n"


def hops(listed: str, neighbours: str = "", rules: str = "") -> dict[str, NextHop]:
    """Return c1's next hops, by whom they are for; `rules` come before main's."""
    known = Reachable(
        routes.routes(listed),
        policy_rules.policy_rules(RULES.format(rules)),
        links.neighbours(neighbours),
    )
    return {one.to: one for one in next_hops.next_hops({"c1": known}, NAMES)}


def test_usual() -> None:
    """Others of the link are asked themselves, anybody beyond by the gateway."""
    found = hops(USUAL, BY_BRIDGE)

    assert (found["c2"].gateway, found["c2"].entry) == ("", "")
    assert found["host01"] == NextHop(
        node="c1",
        to="host01",
        gateway="bridge",
        route="default via 172.17.0.1 dev eth0",
        entry=BY_BRIDGE,
    )
    assert found["host01"].station == "bridge"
    assert (found["host01"].asked, found["c2"].asked) == ("bridge", "c2")


def test_another_gateway() -> None:
    """The longest network decides, and the gateway has its name."""
    found = hops(USUAL + "172.16.211.0/24 via 172.17.0.3 dev eth0\n")

    assert found["host01"].gateway == "c2"
    assert found["bridge"].gateway == ""


def test_unknown_gateway() -> None:
    """A gateway that nobody is, is told by its address."""
    assert hops("default via 172.17.0.99 dev eth0")["host01"].gateway == "172.17.0.99"


def test_lower_metric() -> None:
    """Of two routes to a network, the one with the lower metric is taken."""
    listed = (
        "default via 172.17.0.3 dev eth0 metric 200\n"
        "default via 172.17.0.1 dev eth0 metric 100\n"
    )

    assert hops(listed)["host01"].gateway == "bridge"


def test_impostor() -> None:
    """A neighbour entry names another station than the one that was asked for."""
    found = hops(USUAL, BY_C2)["host01"]

    assert (found.asked, found.station, found.entry) == ("bridge", "c2", BY_C2)


def test_never_answered() -> None:
    """An entry without an Ethernet address says nothing of a station."""
    found = hops(USUAL, "172.17.0.1 dev eth0 FAILED")["host01"]

    assert (found.entry, found.station) == ("", "")


def test_another_link() -> None:
    """An entry of another link is not the next hop's."""
    assert hops(USUAL, BY_C2.replace("eth0", "eth1"))["host01"].station == ""


def test_own_address() -> None:
    """The table local comes first, whatever main has for the address."""
    own = "local 172.16.211.1 dev lo table local proto kernel scope host\n"
    found = hops(USUAL + "172.16.211.1 via 172.17.0.3 dev eth0\n" + own)["host01"]

    assert (found.kind, found.route) == ("local", own.strip())


def test_no_route() -> None:
    """Whom a node cannot reach has no next hop."""
    assert set(hops("172.17.0.0/16 dev eth0")) == {"bridge", "c1", "c2"}


def test_another_table() -> None:
    """A policy rule that leads to another table is told."""
    listed = USUAL + "default via 172.17.0.3 dev eth0 table 100\n"
    found = hops(listed, rules="100:\tfrom all lookup 100\n")["host01"]

    assert (found.gateway, found.rule) == ("c2", "100: from all lookup 100")
    assert found.route == "default via 172.17.0.3 dev eth0 table 100"
    assert hops(listed)["host01"].rule == ""


def test_several_hops() -> None:
    """Of a route with several next hops nobody knows which is taken."""
    one = "default\n\tnexthop via 172.17.0.3 dev eth0 weight 1\n"
    several = f"{one}\tnexthop via 172.17.0.1 dev eth0 weight 1\n"

    assert hops(one)["host01"].gateway == "c2"
    assert hops(several) == {}


def test_text() -> None:
    """What is kept as evidence is read as what it was, other lines are left out."""
    several = "default\n\tnexthop via 172.17.0.1 dev eth0 weight 1\n"
    known = {
        "c1": Reachable(
            routes.routes(USUAL),
            policy_rules.policy_rules(RULES.format("")),
            links.neighbours(BY_C2),
        ),
        "c2": Reachable(routes.routes(several)),
    }
    text = next_hops.render(known)

    assert next_hops.parse(text) == known
    assert next_hops.parse("") == {}
    assert next_hops.parse("c1 nonsense\n") == {"c1": Reachable()}
