"""The text of a story, as a reviewer reads it."""

from __future__ import annotations

from dataclasses import replace

from tests.flowfacts import fact

from pytest_netlab.checks import Violation
from pytest_netlab.flows import ICMP
from pytest_netlab.trace import (
    CanonicalFlow,
    CanonicalTrace,
    End,
    Fields,
    Packet,
    Rewrite,
    Symbol,
    What,
)

FACT = fact("icmp echo", "c1", "host")
REQUEST = Packet(
    point="docker0",
    reply=False,
    src=End("c1"),
    dst=End("host"),
    what=What(ICMP, icmp=(8, 0)),
    fields=Fields(id=Symbol("id", 1), seq=1, length=64, ttl=64),
)
REPLY = replace(
    REQUEST,
    reply=True,
    src=End("host"),
    dst=End("c1"),
    what=What(ICMP, icmp=(0, 0)),
    row=6,
)
BAD = Violation("ttl", "63", "64", (2,), "docker0")
POINTS = ("docker0", "uplink")


def test_text() -> None:
    """Columns align, a symbol says what it is, a silent point is named."""
    back = replace(REPLY, rewrite=Rewrite("undone", ((End("host"), End("c1")),)))
    late = replace(REPLY, ignored="late")
    flow = CanonicalFlow(fact=FACT, packets=(REQUEST, back, late), violations=(BAD,))

    assert CanonicalTrace(POINTS, (flow,)).text("ping") == (
        """\
ping   icmp echo   c1 -> host
  docker0  c1   > host  echo request  id#1  seq 1  length 64  ttl 64
  docker0  host > c1    echo reply    id#1  seq 1  length 64  ttl 64  undone host -> c1
  docker0  host > c1    echo reply    id#1  seq 1  length 64  ttl 64  (late)
  uplink   nothing
  ! ttl: 64, not 63
"""
    )


def test_no_trailing_blanks() -> None:
    """A line ends where it has nothing more to say."""
    text = CanonicalTrace(
        POINTS, (CanonicalFlow(fact=FACT, packets=(REQUEST, REPLY)),)
    ).text("ping")

    assert all(line == line.rstrip() for line in text.splitlines())


def test_nothing() -> None:
    """A capture without a conversation says so, and where it looked."""
    assert CanonicalTrace(POINTS, ()).text("quiet") == (
        "quiet   no conversation at docker0, uplink\n"
    )


def test_two_conversations() -> None:
    """Conversations are paragraphs, each under its own name."""
    text = CanonicalTrace(
        ("docker0",), (CanonicalFlow(fact=FACT, packets=(REQUEST,)),) * 2
    ).text("ping")

    assert text.split("\n\n")[1].startswith("ping   icmp echo   c1 -> host\n")


def test_conversation_without_lines() -> None:
    """A conversation of which nothing is told still has its paragraph."""
    text = CanonicalTrace(("docker0",), (CanonicalFlow(fact=FACT, packets=()),)).text(
        "ping"
    )

    assert text == "ping   icmp echo   c1 -> host\n  docker0  nothing\n"


def test_packet_numbers_are_not_compared() -> None:
    """Where in its capture a packet was is none of a trace's."""
    assert replace(REQUEST, row=8) == REQUEST
    assert replace(BAD, rows=(8,)) == BAD


def test_facts() -> None:
    """A story's facts are those of its conversations, in order."""
    assert CanonicalTrace(POINTS, (CanonicalFlow(fact=FACT, packets=()),)).facts == [
        FACT
    ]
