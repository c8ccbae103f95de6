"""nft's JSON, parsed and rendered: nothing is lost, be it known here or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.errors import DocumentError
from pytest_netlab.host import Action, Chain, Line, Match, Rule
from pytest_netlab.host.firewall.nft_json import parse, render

PLACE = {"family": "inet", "table": "site"}
MARK = {"meta": {"key": "mark"}}
DADDR = {"payload": {"protocol": "ip", "field": "daddr"}}


def listed(*objects: object) -> bytes:
    """Return these as nft prints them."""
    return (json.dumps({"nftables": objects}) + "\n").encode()


def rule(*expr: object, **others: object) -> dict[str, Any]:
    """Return a rule as nft prints it."""
    return {"rule": {**PLACE, "chain": "c", "handle": 4, **others, "expr": list(expr)}}


def statements(*expr: object) -> list[tuple[str, tuple[str, ...]]]:
    """Return names and words of a rule's statements."""
    (found,) = parse(listed(rule(*expr)))
    assert isinstance(found, Rule)
    return [(one.name, one.tokens) for one in found.statements]


def test_chain() -> None:
    """A chain has a hook and a policy, or is jumped to."""
    base = {**PLACE, "name": "f", "handle": 1, "type": "filter", "hook": "forward"}
    text = listed(
        {"chain": {**base, "prio": -5, "policy": "drop"}},
        {"chain": {**PLACE, "name": "c", "handle": 2}},
    )

    assert parse(text) == (
        Chain(
            family="inet",
            backend="nft",
            table="site",
            name="f",
            policy="drop",
            hook="type filter hook forward priority -5",
            handle=1,
        ),
        Chain(family="inet", backend="nft", table="site", name="c", handle=2),
    )
    assert render(parse(text)).encode() == text


def test_rule() -> None:
    """A rule has its place, its handle, its statements and its comment."""
    match = {"match": {"op": "==", "left": DADDR, "right": "192.0.2.1"}}
    text = listed(rule(match, {"drop": None}, comment='no "reject"'))
    (found,) = parse(text)

    assert found == Rule(
        family="inet",
        backend="nft",
        table="site",
        chain="c",
        statements=(
            Match("ip daddr", ("==", "192.0.2.1"), detail=json.dumps(match)),
            Action("drop", detail='{"drop": null}'),
            Action("comment", ('"no "reject""',)),
        ),
        handle=4,
    )
    assert found.comment == 'no "reject"'
    assert render([found]).encode() == text


@pytest.mark.parametrize(
    ("expr", "name", "words"),
    [
        ({"jump": {"target": "x"}}, "jump", ("x",)),
        ({"dnat": {"addr": "192.0.2.1", "port": 80}}, "dnat", ("192.0.2.1", "80")),
        ({"masquerade": None}, "masquerade", ()),
        ({"masquerade": {"flags": ["random"]}}, "masquerade", ("random",)),
        (
            {
                "mangle": {
                    "key": {"payload": {"protocol": "ip", "field": "ttl"}},
                    "value": 5,
                }
            },
            "ip ttl set",
            ("5",),
        ),
        (
            {
                "mangle": {
                    "key": {"payload": {"base": "nh", "offset": 48, "len": 8}},
                    "value": 0,
                }
            },
            "@nh,48,8 set",
            ("0",),
        ),
        (
            {
                "mangle": {
                    "key": {"tcp option": {"name": "maxseg", "field": "size"}},
                    "value": 1200,
                }
            },
            "tcp option maxseg size set",
            ("1200",),
        ),
        (
            {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}},
            "meta mark set",
            ("1",),
        ),
        (
            {
                "match": {
                    "op": "!=",
                    "left": {"&": [{"meta": {"key": "mark"}}, 1]},
                    "right": 0,
                }
            },
            "meta mark",
            ("!=", "0"),
        ),
        (
            {"match": {"op": "==", "left": "x", "right": {"range": [1, 2]}}},
            "x",
            ("==", "1", "2"),
        ),
        (
            {"vmap": {"key": DADDR, "data": {"set": [["drop", {"accept": None}]]}}},
            "vmap",
            ('"ip"', '"daddr"', '"drop"', "accept"),
        ),
        ({"odd": [1, {"a": "b"}]}, "odd", ("1", "b")),
    ],
)
def test_statements(expr: object, name: str, words: tuple[str, ...]) -> None:
    """Statements have the names and words that nft's text has for them."""
    assert statements(expr) == [(name, words)]


@pytest.mark.parametrize(
    "found",
    [
        {"metainfo": {"version": "1.1.7"}},
        {"map": {**PLACE, "name": "m", "elem": [["a", {"drop": None}]]}},
        rule(other=1),
        rule(handle="4"),
        rule(handle=True),
        {"rule": {**PLACE, "expr": []}},
        {"rule": None},
        rule(5),
        rule({"match": {"op": "=="}}),
        rule({"match": {"op": 1, "left": 1, "right": 2}}),
        {"chain": {**PLACE, "name": "f", "hook": "forward"}},
        {"chain": {**PLACE, "name": "f", "dev": "eth0"}},
        *(5, None, [], {}, {"rule": {}, "chain": {}}),
    ],
)
def test_unknown(found: object) -> None:
    """What is of no known shape is kept as it is."""
    text = listed(found)

    assert render(parse(text)).encode() == text


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"nftables": {}}', b'{"nftables": ' + b"[" * 10_000]
)
def test_no_ruleset(text: bytes) -> None:
    """What is no ruleset, or nests deeper than any, is refused."""
    with pytest.raises(DocumentError):
        parse(text)


TEXT = st.text('ad =:"\\é', max_size=4)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["set", "drop", "key", "left"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
EXPR = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("match", "mangle", "drop", "vmap", "counter", "xt"), VALUE),
) | st.fixed_dictionaries(
    {
        "match": st.fixed_dictionaries(
            {"op": st.just("=="), "left": VALUE, "right": VALUE}
        )
    }
)
OBJECT = (
    st.builds(lambda expr, **more: rule(*expr, **more), st.lists(EXPR, max_size=3))
    | st.builds(lambda comment: rule(comment=comment), st.text('a" \\', max_size=4))
    | st.fixed_dictionaries({"chain": VALUE})
    | VALUE
)


@given(st.lists(OBJECT, max_size=4))
def test_generated(objects: list[object]) -> None:
    """Values are parsed from the JSON that they render as, and it is the one given."""
    found = parse(listed(*objects))

    assert json.loads(render(found)) == {"nftables": objects}
    assert parse(render(found).encode()) == found


def test_lines() -> None:
    """A line of JSON is what its object was."""
    assert parse(listed({"table": PLACE})) == (Line(json.dumps({"table": PLACE})),)
