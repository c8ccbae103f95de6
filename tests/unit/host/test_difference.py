"""How two hosts' facts differ: by setting, and by rule, route and link."""

from __future__ import annotations

import pytest
from tests.hosts import changed

from pytest_netlab.host import (
    Chain,
    Fact,
    HostChange,
    Line,
    LinkState,
    Reach,
    difference,
    read,
)


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({}, {}, HostChange()),
        ({"a": "1", "gone": "1"}, {"a": "1", "new": "1"}, HostChange()),
        ({"a": "1"}, {"a": "0"}, HostChange(settings={"a": ("1", "0")})),
        ({"ruleset": "x\ny"}, {"ruleset": "y\nz"}, changed(missing="x", extra="z")),
        ({"ruleset": ""}, {"ruleset": "z"}, HostChange()),
        ({"ruleset": "x"}, {"a": "1"}, HostChange()),
    ],
    ids=["nothing", "unshared", "setting", "rules", "unknown then", "unknown now"],
)
def test_difference(
    was: dict[str, str], now: dict[str, str], expected: HostChange
) -> None:
    """What both hosts know and say differently is what changed."""
    assert difference(was, now) == expected


def test_values() -> None:
    """What differs is given as values."""
    lines = ("filter :FORWARD ACCEPT", "filter :FORWARD DROP")
    was, now = ({"ruleset": line} for line in lines)

    assert difference(was, now).extra == (
        Chain(
            family="ip",
            backend="iptables",
            table="filter",
            name="FORWARD",
            policy="DROP",
        ),
    )


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("route c1 dev docker0", Reach("c1", "docker0")),
        ("route c1 none", Reach("c1")),
        ("link uplink mtu 1500 up", LinkState("uplink", 1500, "up")),
        ("link uplink mtu 01500 up", Line("link uplink mtu 01500 up")),
        ("route c1 via x", Line("route c1 via x")),
    ],
)
def test_read(line: str, fact: Fact) -> None:
    """A line is a rule, a chain, a route or a link; or it is kept as it is."""
    assert read(line) == fact
    assert read(line).text == line


def test_only_rules_move() -> None:
    """Routes and links have no order, also where no rules are known."""
    was = {"routes": "route c1 dev docker0\nroute c2 dev docker0"}
    now = {"routes": "route c2 dev docker0\nroute c1 dev docker0"}

    assert difference(was, now) == HostChange(
        devices={"c1": "docker0", "c2": "docker0"}
    )


def test_elements_do_not_move() -> None:
    """Elements of a set have no order."""
    was = "nft ip x @s c1\nnft ip x @s c2"
    now = "nft ip x @s c2\nnft ip x @s c1"

    assert difference({"ruleset": was}, {"ruleset": now}).moved == ()


def test_moved_rules_and_routes() -> None:
    """Rules in another order are told, and routes and links line by line."""
    was = {"ruleset": "a\nb\nc", "routes": "route c1 dev docker0", "links": "link a\n"}
    now = {"ruleset": "b\na\nc", "routes": "route c1 none", "links": "link a"}
    found = difference(was, now)

    assert found == changed(
        missing=("route c1 dev docker0",),
        extra=("route c1 none",),
        moved="b",
        devices={"c1": "docker0"},
    )


OLD = {
    "engine": "20.10.24+dfsg1",
    "ruleset": "filter -A FORWARD -j DOCKER-USER\n"
    "filter -A FORWARD -j DOCKER-ISOLATION-STAGE-1\n"
    "filter -A INPUT -s host02 -j DROP",
}
NEW = "filter -A FORWARD -j DOCKER-USER\nfilter -A FORWARD -j DOCKER-FORWARD"
MINE = "filter -A DOCKER-USER -j DROP"


def test_another_engine() -> None:
    """Rules that engines write differently say nothing; foreign ones do."""
    now = {"engine": "28.5.2", "ruleset": f"{NEW}\n{MINE}"}
    found = difference(OLD, now, {"ruleset": f"{NEW}\n{MINE}"})

    assert "DOCKER-ISOLATION" not in " ".join(one.text for one in found.missing)
    assert "filter -A INPUT -s host02 -j DROP" in {one.text for one in found.missing}
    assert [one.text for one in found.extra] == [MINE]


def test_changed_since_the_start() -> None:
    """Of another engine, what counts is also what its lab did not have, or had."""
    gone = "filter -A DOCKER-FORWARD -j DOCKER-BRIDGE"
    now = {"engine": "28.5.2", "ruleset": NEW}
    found = difference(OLD, now, {"ruleset": f"{NEW}\n{gone}"})

    assert gone in {one.text for one in found.missing}
    same = difference(OLD, {**now, "engine": "20.10.5"}, {"ruleset": f"{NEW}\n{gone}"})
    assert gone not in {one.text for one in same.missing}


def test_other_backend() -> None:
    """The same engine with another firewall backend writes other rules."""
    was = {**OLD, "firewall": "iptables"}
    now = {**was, "firewall": "nftables", "ruleset": "filter :FORWARD ACCEPT"}

    found = {one.text for one in difference(was, now).missing}
    assert "filter -A FORWARD -j DOCKER-ISOLATION-STAGE-1" not in found


def test_golden_that_does_not_name_the_backend() -> None:
    """One recorded before engines had backends is of iptables: the same engine."""
    now = {**OLD, "firewall": "iptables", "ruleset": NEW}
    found = {one.text for one in difference(OLD, now).missing}

    assert "filter -A FORWARD -j DOCKER-ISOLATION-STAGE-1" in found


def test_flushed() -> None:
    """An empty ruleset is a fact; one that could not be read is none."""
    found = difference(OLD, {**OLD, "ruleset": ""})

    assert [one.text for one in found.missing] == OLD["ruleset"].splitlines()
    assert found.bare
    unread = difference(OLD, {"engine": OLD["engine"]})
    assert (unread.missing, unread.bare) == ((), False)
    assert not difference(OLD, OLD).bare


def test_what_acted() -> None:
    """Rules that counted are known, the most first; others did nothing."""
    counts = {MINE: 1, "filter :FORWARD DROP": 3, NEW.splitlines()[0]: 0}
    host = HostChange(counts=counts)

    assert [one.text for one in host.acted] == ["filter :FORWARD DROP", MINE]
    assert [host.packets(one) for one in (*host.acted, read(NEW))] == [3, 1, None]
    assert HostChange().packets(read(MINE)) is None


DROP = "filter -A DOCKER-USER -j DROP"


def test_other_engines_rules_are_counted() -> None:
    """Rules that differ as engines do are a number; what is foreign is listed."""
    old = "filter -A FORWARD -j DOCKER-USER\nfilter -A FORWARD -o docker0 -j DOCKER"
    new = "filter :DOCKER-CT -\nfilter -A FORWARD -j DOCKER-USER"
    was = {"engine": "20.10.24", "ruleset": old}
    now = {"engine": "28.5.2", "ruleset": f"{new}\n{DROP}"}
    found = difference(was, now)

    assert [one.text for one in found.extra] == [DROP]
    assert found.usual == len(["filter :DOCKER-CT -"])
    assert found.since is None


def test_what_changed_since_the_start() -> None:
    """Rules, routes and links that changed since the lab started are known as such."""
    start = {"ruleset": "a\nb", "routes": "route c1 dev docker0"}
    now = {"ruleset": f"a\n{DROP}", "routes": "route c1 none"}
    found = difference({"ruleset": "a\nc"}, now, start)

    lines = ("b", DROP, "route c1 dev docker0", "route c1 none")
    assert found.since == frozenset(lines)


def test_networks_that_a_test_makes() -> None:
    """What an engine writes for a network that is new explains nothing."""
    docker0 = "filter -A DOCKER-BRIDGE -o docker0 -j DOCKER"
    start = {"engine": "28.5.2", "ruleset": docker0}
    theirs = (
        "filter -A DOCKER-BRIDGE -o br-1 -j DOCKER",
        "filter -A DOCKER ! -i br-1 -o br-1 -j DROP",
        "nat -A POSTROUTING -s net ! -o br-1 -j MASQUERADE",
        "raw -A PREROUTING -d 172.18.0.2 ! -i br-1 -j DROP",
        (
            "nft ip docker-bridges raw-PREROUTING ip daddr 172.18.0.2 iifname != "
            '"br-1" counter drop comment "DROP DIRECT ACCESS"'
        ),
        (
            'nft ip docker-bridges filter-forward-in__br-1 iifname "br-1" counter '
            'accept comment "ICC"'
        ),
    )
    faults = (DROP, "filter -A FORWARD -o br-1 -j DROP", "filter -A FORWARD -j DROP")
    news = ("filter -A FORWARD -i docker0 -o docker0 -j DROP",)
    now = start | {"ruleset": "\n".join((docker0, *theirs, *faults, *news))}
    found = difference({"engine": "20.10.24", "ruleset": docker0}, now, start)

    assert {one.text for one in found.extra} == {*faults, *news}
