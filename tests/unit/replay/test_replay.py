"""Which nodes play a golden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import fact

from pytest_netlab.errors import ReplayError
from pytest_netlab.replay import ends_of

if TYPE_CHECKING:
    from pytest_netlab.trace import FlowFact


def tcp(initiator: str, responder: str, target: str) -> FlowFact:
    """Return a connection that was sent on without a change of its source."""
    sent = (initiator, target) if target else ()
    return fact("tcp", initiator, responder, *sent, disposition="forwarded")


OUT = tcp("c1", "host01:21", "host01:21")


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ([OUT], ("c1", "host01:21")),
        ([OUT, tcp("host01", "host:39817", "c1:39817")], ("c1", "host01:21")),
        ([tcp("host01", "host:81", "web:80")], ("host01", "web:80")),
        ([tcp("c1", "host", "host")], ("c1", "host")),
        ([tcp("c1", "host01:9", "")], ("c1", "host01:9")),
    ],
    ids=["outbound", "server begins", "published", "host", "never sent on"],
)
def test_ends(facts: list[FlowFact], ends: tuple[str, str]) -> None:
    """A golden's flows name client and server."""
    assert ends_of(facts) == ends


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ([], "no conversation"),
        ([OUT, tcp("c2", "host01:21", "host01:21")], "several pairs"),
        ([tcp("host01", "web:80", "web:80")], "a route that the test sets up"),
    ],
)
def test_no_ends(facts: list[FlowFact], words: str) -> None:
    """What cannot be played says why."""
    with pytest.raises(ReplayError, match=words):
        ends_of(facts)
