"""Which nodes play a golden."""

from __future__ import annotations

import pytest

from pytest_netlab.errors import ReplayError
from pytest_netlab.replay import ends_of
from pytest_netlab.trace import FlowFact


def fact(initiator: str, responder: str, target: str) -> FlowFact:
    """Return a flow in symbols."""
    return FlowFact(
        proto="tcp",
        initiator=initiator,
        responder=responder,
        sender=initiator,
        target=target,
        kind="none",
        fate="forwarded",
    )


OUT = fact("c1", "host01:21", "host01:21")


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ([OUT], ("c1", "host01:21")),
        ([OUT, fact("host01", "host:39817", "c1:39817")], ("c1", "host01:21")),
        ([fact("host01", "host:81", "web:80")], ("host01", "web:80")),
        ([fact("c1", "host", "host")], ("c1", "host")),
        ([fact("c1", "host01:9", "")], ("c1", "host01:9")),
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
        ([OUT, fact("c2", "host01:21", "host01:21")], "several pairs"),
        ([fact("host01", "web:80", "web:80")], "a route that the test sets up"),
    ],
)
def test_no_ends(facts: list[FlowFact], words: str) -> None:
    """What cannot be played says why."""
    with pytest.raises(ReplayError, match=words):
        ends_of(facts)
