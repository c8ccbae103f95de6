"""Policies: which fields are compared; what cannot be meant is refused."""

from __future__ import annotations

import pytest

from pytest_netlab.diff import Policy
from pytest_netlab.diff.policy import FIELDS
from pytest_netlab.errors import PolicyError


@pytest.mark.parametrize(
    ("table", "expected"),
    [({}, True), ({"ttl": "exact"}, True), ({"ttl": "any"}, False)],
)
def test_compares(table: dict[str, object], expected: bool) -> None:  # noqa: FBT001
    """A field is compared unless its rule is any."""
    assert Policy.parse(table).compares("ttl") is expected
    assert Policy.parse(table).compares("tos")


def test_every_field_has_rules() -> None:
    """Every field that is known takes every rule."""
    for name in FIELDS:
        for rule in FIELDS[name]:
            assert Policy.parse({name: rule}).rules[name] == rule
        assert "any" in FIELDS[name]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"colour": "any"}, "unknown field 'colour' in .policy.; known are: checks"),
        ({"packet": "any"}, "unknown field 'packet'"),
        (
            {"ttl": "some"},
            "unknown rule for ttl 'some' in .policy.; known are: exact, ",
        ),
        ({"ttl": ["any"]}, "unknown rule for ttl"),
        ({"ttl": 3}, "unknown rule for ttl 3"),
    ],
)
def test_unknown(table: dict[str, object], words: str) -> None:
    """A key or value that does not exist is named, with those that do."""
    with pytest.raises(PolicyError, match=words):
        Policy.parse(table)
