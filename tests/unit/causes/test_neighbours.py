"""Who is at the other end of a link: what is told of it, and what is cited."""

from __future__ import annotations

import pytest
from tests.hosts import changed
from tests.unit.causes.cases import PING, Seen, case, words

from pytest_netlab.causes import neighbours


@pytest.mark.parametrize(
    ("field", "expected", "told"),
    [
        ("via", None, "the packet's neighbour on the link is host02, not its own end"),
        ("source MAC", "host", "the frame's Ethernet source is host02, not host"),
        (
            "destination MAC",
            "host",
            "the frame's Ethernet destination is host02, not host",
        ),
        (
            "neighbour",
            "host",
            "the conversation's neighbour changed from host to host02",
        ),
    ],
)
def test_wrong_neighbour(field: str, expected: str | None, told: str) -> None:
    """The first difference is told, with what to look at."""
    seen = Seen(field, "host", "host02", expected=expected, found="host02")
    found = words(neighbours.wrong(case(PING, PING, changed(), evidence=(seen,))))

    assert found[0] == "wrong neighbour"
    assert found[1].startswith(f"at {seen.point} {told}; look at `ip route`")


def test_right_neighbours() -> None:
    """Other differences are none of its own."""
    ttl = Seen("ttl", "63", "60")

    assert neighbours.wrong(case(PING, PING, changed(), evidence=(ttl,))) is None
