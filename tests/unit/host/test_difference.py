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
