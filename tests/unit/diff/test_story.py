"""The text of a story, as a reviewer reads it."""

from __future__ import annotations

from dataclasses import replace

from pytest_netlab.checks import Violation
from pytest_netlab.diff import Line, Story, Told
from pytest_netlab.nat import FlowFact

FACT = FlowFact(
    proto="icmp echo",
    initiator="c1",
    responder="host",
    sender="",
    target="",
    kind="none",
    fate="local",
)
LINE = Line(
    point="docker0",
    reply=False,
    src="c1",
    dst="host",
    what="echo request",
    fields=(("id", "id#1"), ("seq", "1"), ("identity", "id#1"), ("ttl", "64")),
)
REPLY = replace(LINE, reply=True, src="host", dst="c1", what="echo reply", packet=7)
BAD = Violation("ttl", "63", "64", (2,), "docker0", reply=False)
POINTS = ("docker0", "uplink")


def test_text() -> None:
    """Columns align, a symbol says what it is, a silent point is named."""
    told = Told(fact=FACT, lines=(LINE, replace(REPLY, note="undone")), broken=(BAD,))

    assert Story(POINTS, (told,)).text("ping") == (
        """\
ping   icmp echo   c1 -> host
  docker0  c1   > host  echo request  id#1  seq 1  identity id#1  ttl 64
  docker0  host > c1    echo reply    id#1  seq 1  identity id#1  ttl 64  undone
  uplink   nothing
  ! ttl: 64, not 63
"""
    )


def test_no_trailing_blanks() -> None:
    """A line ends where it has nothing more to say."""
    text = Story(POINTS, (Told(fact=FACT, lines=(LINE, REPLY)),)).text("ping")

    assert all(line == line.rstrip() for line in text.splitlines())


def test_nothing() -> None:
    """A capture without a conversation says so, and where it looked."""
    assert Story(POINTS, ()).text("quiet") == (
        "quiet   no conversation at docker0, uplink\n"
    )


def test_two_conversations() -> None:
    """Conversations are paragraphs, each under its own name."""
    text = Story(("docker0",), (Told(fact=FACT, lines=(LINE,)),) * 2).text("ping")

    assert text.split("\n\n")[1].startswith("ping   icmp echo   c1 -> host\n")


def test_conversation_without_lines() -> None:
    """A conversation of which nothing is told still has its paragraph."""
    text = Story(("docker0",), (Told(fact=FACT, lines=()),)).text("ping")

    assert text == "ping   icmp echo   c1 -> host\n  docker0  nothing\n"


def test_packet_numbers_are_not_compared() -> None:
    """Where in its capture a packet was is none of a story's."""
    assert replace(LINE, packet=9) == LINE
    assert replace(BAD, rows=(8,)) == BAD


def test_facts() -> None:
    """A story's facts are those of its conversations, in order."""
    assert Story(POINTS, (Told(fact=FACT, lines=()),)).facts == [FACT]
