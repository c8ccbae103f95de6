"""What values say of themselves: their text, and their parts."""

from __future__ import annotations

import pytest

from pytest_netlab.host import Action, Chain, Line, Match, Rule

STATEMENTS = (
    Match("-i", ("docker0",), negated=True),
    Match("-m", ("comment",)),
    Match("--comment", ('"a b"',)),
    Action("DNAT", ("--to-destination", "web:80"), "-j"),
)
RULE = Rule(
    family="ip",
    backend="iptables",
    table="nat",
    chain="DOCKER",
    statements=STATEMENTS,
    counters=(3, 180),
)


def test_rule() -> None:
    """A rule is a line without counters; its parts are matches and actions."""
    assert RULE.text == (
        'nat -A DOCKER ! -i docker0 -m comment --comment "a b" -j DNAT '
        "--to-destination web:80"
    )
    assert (RULE.matches, RULE.actions) == (STATEMENTS[:3], STATEMENTS[3:])
    assert RULE.comment == "a b"


@pytest.mark.parametrize(
    ("option", "word"), [("--to-destination", "web:80"), ("web:80", ""), ("-p", "")]
)
def test_argument(option: str, word: str) -> None:
    """The word behind an option is its argument; where there is none, none."""
    assert STATEMENTS[3].argument(option) == word


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (Rule(family="ip", backend="legacy", table="t", chain="C"), "legacy t -A C"),
        (Rule(family="ip6", backend="iptables", table="t", chain="C"), "ip6 t -A C"),
        (
            Rule(family="ip6", backend="legacy", table="t", chain="C"),
            "ip6 legacy t -A C",
        ),
        (
            Rule(
                family="inet",
                backend="nft",
                table="t",
                chain="c",
                statements=(Match("iif", ("lo",)), Action("drop")),
            ),
            "nft inet t c iif lo drop",
        ),
        (
            Chain(family="ip6", backend="legacy", table="t", name="C", policy="-"),
            "ip6 legacy t :C -",
        ),
        (
            Chain(
                family="ip",
                backend="nft",
                table="t",
                name="c",
                policy="drop",
                hook="type filter hook input priority 0",
            ),
            "nft ip t c type filter hook input priority 0; policy drop;",
        ),
        (Chain(family="ip", backend="nft", table="t", name="c"), "nft ip t c"),
        (Line("route c1 none"), "route c1 none"),
    ],
)
def test_text(one: Rule | Chain | Line, text: str) -> None:
    """A line says family and backend where they are not the usual ones."""
    assert one.text == text


def test_no_comment() -> None:
    """A rule that nobody commented has no comment."""
    assert Rule(family="ip", backend="nft", table="t", chain="c").comment == ""
