"""Routes and links in a golden's provenance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.host import facts
from pytest_netlab.host.facts import LinkState, Reach

WORDS = st.text("abc019-._@", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("route c1 dev docker0", Reach("c1", "docker0")),
        ("route host01 none", Reach("host01")),
    ],
)
def test_reach(line: str, fact: Reach) -> None:
    """A line says by which link a node is reached, or that it is not."""
    assert facts.reach(line) == fact
    assert fact.text == line


def test_link_state() -> None:
    """A line says how large packets of a link may be, and whether it is up."""
    line, fact = "link uplink mtu 1500 up", LinkState("uplink", 1500, "up")

    assert facts.link_state(line) == fact
    assert fact.text == line


@given(st.builds(Reach, WORDS, st.just("") | WORDS))
def test_any_reach(fact: Reach) -> None:
    """Any that is written is read as it was."""
    assert facts.reach(fact.text) == fact


@given(st.builds(LinkState, WORDS, st.integers(0, 10**9 - 1), WORDS))
def test_any_link_state(fact: LinkState) -> None:
    """Any that is written is read as it was."""
    assert facts.link_state(fact.text) == fact


@pytest.mark.parametrize(
    "line",
    [
        *("", "route c1", "route c1 via a", "route c1 dev a b", "nat -A DOCKER"),
        *("link a mtu 1500", "link a mtu many up", "link a mtu ² up", "linked"),
        f"link a mtu {'9' * 5000} up",
    ],
)
def test_other(line: str) -> None:
    """Any other line is neither."""
    assert facts.reach(line) is None
    assert facts.link_state(line) is None
