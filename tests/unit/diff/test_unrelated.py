"""Which observed conversations a golden speaks of, and which it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flowfacts import end, fact, reset

from pytest_netlab.checks import Violation
from pytest_netlab.diff.unrelated import without_unrelated
from pytest_netlab.flows import TCP, Role
from pytest_netlab.trace import (
    CanonicalFlow,
    CanonicalTrace,
    End,
    Fields,
    Packet,
    PortTranslation,
    Rewrite,
    Symbol,
    What,
)

FACT = fact(
    "tcp", "c1", "host01:80", "host", "host01:80", kind="snat", disposition="forwarded"
)
SYN = Packet(
    point="uplink",
    reply=False,
    src=End("host", Symbol("port", 1)),
    dst=End("host01", 80),
    what=What(TCP, role=Role.SYN),
    fields=Fields(ttl=63),
)
DATA = replace(SYN, what=What(TCP, role=Role.DATA))
GOLDEN = CanonicalFlow(fact=FACT, packets=(SYN, DATA))
ATTEMPT = CanonicalFlow(
    fact=replace(FACT, answered=False, returned=False), packets=(SYN,), lost=True
)
OTHER = replace(
    GOLDEN, fact=replace(FACT, initiator=end("addr#1")), packets=(), unrelated=True
)
MAPPED = PortTranslation(
    field="port",
    original=Symbol("port", 1),
    mapped=Symbol("port", 2),
    in_use=True,
    in_port_range=True,
)


def trace(*flows: CanonicalFlow) -> CanonicalTrace:
    """Return a trace of these flows."""
    return CanonicalTrace(("docker0", "uplink"), flows)


def kept(
    golden: tuple[CanonicalFlow, ...], observed: tuple[CanonicalFlow, ...]
) -> list[CanonicalFlow]:
    """Return the observed flows that a golden can speak of."""
    return list(without_unrelated(trace(*golden), trace(*observed)).flows)


def test_nothing_observed() -> None:
    """Of nothing there is nothing to leave out."""
    assert kept((), ()) == []
    assert kept((GOLDEN,), ()) == []


def test_as_expected() -> None:
    """What is as the golden has it stays, and so does what is told of all packets."""
    bad = Violation("loopback-on-uplink", "x", "y", (0,))
    observed = replace(trace(GOLDEN, GOLDEN), forbidden=(bad,))

    assert without_unrelated(trace(GOLDEN), observed) == observed


def test_attempt() -> None:
    """An attempt that the network lost is left out where a later one came about."""
    assert kept((GOLDEN,), (ATTEMPT, GOLDEN)) == [GOLDEN]
    assert kept((GOLDEN,), (ATTEMPT, ATTEMPT, GOLDEN)) == [GOLDEN]
    assert kept((GOLDEN, GOLDEN), (GOLDEN, ATTEMPT, GOLDEN)) == [GOLDEN, GOLDEN]


def test_attempt_without_another() -> None:
    """As many as the golden has must stay, though the network lost them."""
    assert kept((GOLDEN,), (ATTEMPT,)) == [ATTEMPT]
    assert kept((GOLDEN,), (ATTEMPT, ATTEMPT)) == [ATTEMPT]
    assert kept((GOLDEN, GOLDEN), (ATTEMPT, GOLDEN)) == [ATTEMPT, GOLDEN]


def test_attempt_of_another_flow() -> None:
    """An attempt at what the golden does not have is no attempt at anything."""
    other = replace(ATTEMPT, fact=replace(ATTEMPT.fact, initiator=end("c2")))

    assert kept((GOLDEN,), (other, GOLDEN)) == [other, GOLDEN]


def test_golden_that_was_lost_itself() -> None:
    """Where the golden's own flow was lost, another lost one is one too many."""
    lost = replace(GOLDEN, lost=True)

    assert kept((lost,), (ATTEMPT, lost)) == [ATTEMPT, lost]
    assert kept((lost, GOLDEN), (ATTEMPT, lost, GOLDEN)) == [lost, GOLDEN]


@pytest.mark.parametrize(
    "change",
    [
        {"lost": False},
        {"violations": (Violation("ttl", "63 after 64", "64", (0,)),)},
        {"translation": replace(MAPPED, in_use=False)},
        {"translation": replace(MAPPED, in_port_range=False)},
        {"fact": replace(ATTEMPT.fact, sender=end("c1"), kind="none")},
        {"fact": replace(ATTEMPT.fact, target=end("host01:81"))},
        {"packets": (replace(SYN, fields=Fields(ttl=60)),)},
        {"packets": (replace(SYN, point="docker0"),)},
        {"packets": (replace(SYN, src=End("c1", Symbol("port", 1))),)},
        {"packets": (replace(SYN, dst=End("host01", 81)),)},
        {"packets": (replace(SYN, what=What(TCP, role=Role.RST)),)},
        {"packets": (SYN, replace(SYN, rewrite=Rewrite("snat", ())))},
    ],
    ids=[
        *("not lost", "violation", "remapped although free", "out of class"),
        *("source", "target", "ttl", "point", "from", "to", "role", "rewrite"),
    ],
)
def test_what_the_host_did_to_an_attempt(change: dict[str, object]) -> None:
    """An attempt that the host treated otherwise may be lost for that."""
    wrong = replace(ATTEMPT, **change)  # type: ignore[arg-type]

    assert kept((GOLDEN,), (wrong, GOLDEN)) == [wrong, GOLDEN]


@pytest.mark.parametrize(
    "change",
    [
        {"translation": MAPPED},
        {"packets": ()},
        {"packets": (SYN, replace(DATA, fields=Fields(ttl=1), ignored="repeated"))},
        {"packets": (replace(SYN, row=9, reply=True),)},
        {"fact": replace(ATTEMPT.fact, refusal=reset("host01"))},
    ],
    ids=["rightly remapped", "nothing told", "ignored packet", "row", "refusal"],
)
def test_what_means_nothing_in_an_attempt(change: dict[str, object]) -> None:
    """What the host had to do, and what is ignored, is right in an attempt too."""
    attempt = replace(ATTEMPT, **change)  # type: ignore[arg-type]

    assert kept((GOLDEN,), (attempt, GOLDEN)) == [GOLDEN]


def test_unanswered_golden() -> None:
    """An attempt is compared with any flow of its name in the golden."""
    wrong = replace(GOLDEN, fact=replace(FACT, target=end("host01:81")))

    assert kept((wrong, GOLDEN), (ATTEMPT, wrong, GOLDEN)) == [wrong, GOLDEN]


def test_unrelated() -> None:
    """A container that is no node is left out, unless the golden has its flow."""
    assert kept((GOLDEN,), (OTHER, GOLDEN)) == [GOLDEN]
    assert kept((GOLDEN, OTHER), (OTHER, GOLDEN)) == [OTHER, GOLDEN]
    assert kept((OTHER,), (OTHER, OTHER)) == [OTHER, OTHER]


def test_related_and_unexpected() -> None:
    """A node's conversation stays though the golden has none like it."""
    stranger = replace(OTHER, unrelated=False)

    assert kept((GOLDEN,), (stranger, GOLDEN)) == [stranger, GOLDEN]
