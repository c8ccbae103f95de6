"""A command that undoes a rule is typed in a shell as it is."""

from __future__ import annotations

import shlex

import pytest
from tests.hosts import changed

from pytest_netlab.causes.remedies import undo


def undone(line: str) -> str:
    """Return the command that undoes a new rule."""
    host = changed(extra=(line,), lines={line: line})
    return undo(host, host.extra[0])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("filter -A DOCKER-USER -j DROP", "iptables -D DOCKER-USER -j DROP"),
        (
            "nat -A OUTPUT ! -o lo -j ACCEPT",
            "iptables -t nat -D OUTPUT ! -o lo -j ACCEPT",
        ),
        ("ip6 filter -A INPUT -j DROP", "ip6tables -D INPUT -j DROP"),
        ("legacy filter -A INPUT -j DROP", "iptables-legacy -D INPUT -j DROP"),
    ],
)
def test_rule(line: str, words: str) -> None:
    """A rule of iptables is deleted by all its words, in its table."""
    assert shlex.split(undone(line)) == words.split()


@pytest.mark.parametrize(
    ("printed", "comment"),
    [
        (r'"a b"', "a b"),
        (r'"don\'t \"go\" \\ $(reboot)"', r"""don't "go" \ $(reboot)"""),
        ("plain", "plain"),
    ],
)
def test_comment(printed: str, comment: str) -> None:
    """A comment is what it was before iptables escaped it, and a shell leaves it so."""
    line = f"filter -A FORWARD -m comment --comment {printed} -j DROP"

    command = shlex.split(undone(line))

    assert command[command.index("--comment") + 1] == comment
