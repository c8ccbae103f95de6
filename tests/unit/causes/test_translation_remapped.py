"""Ports and ids that were changed without need: the rule alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flowfacts import end
from tests.unit.causes.cases import (
    PING,
    Seen,
    case,
    words,
)

from pytest_netlab.causes import translation
from pytest_netlab.trace import End, PortTranslation, Rewrite, Symbol

PORT, OTHER = Symbol("port", 1), Symbol("port", 2)
BARE = replace(PING, sender=end("c1"), kind="none")
FREE = PortTranslation(
    field="port", original=PORT, mapped=OTHER, in_use=False, in_port_range=True
)
LOOK = "no rule asks for it: look for --random, --to-ports in nat"
HELD = "was changed although nobody else held it"


def rewritten(field: str, expected: object, found: object) -> Seen:
    """Return evidence that an end, an id or a rewrite differs."""
    return Seen(field, "", "", expected=expected, found=found)


@pytest.mark.parametrize(
    ("sign", "name", "text"),
    [
        (rewritten("port", None, FREE), "remapped although free", f"the port {HELD}"),
        (
            rewritten("id", None, replace(FREE, field="id")),
            "remapped although free",
            f"the ICMP id {HELD}",
        ),
        (
            rewritten("port", None, replace(FREE, in_port_range=False)),
            "remapped out of its class",
            "the port was changed to one of another class",
        ),
        (
            rewritten("source", End("c1", PORT), End("c1", OTHER)),
            "remapped although free",
            f"the port {HELD}",
        ),
        (
            rewritten(
                "source", End(Symbol("addr", 1), PORT), End(Symbol("addr", 1), OTHER)
            ),
            "remapped although free",
            f"the port {HELD}",
        ),
        (
            rewritten("destination", End("c1", PORT), End("c1", OTHER)),
            "remapped although free",
            f"the port {HELD}",
        ),
        (
            rewritten("id", Symbol("id", 1), Symbol("id", 2)),
            "remapped although free",
            f"the ICMP id {HELD}",
        ),
        (
            rewritten(
                "rewrite",
                Rewrite("snat", ((End("c1"), End("host")),)),
                Rewrite("snat", ((End("c1", PORT), End("host", OTHER)),)),
            ),
            "remapped although free",
            f"the port {HELD}",
        ),
    ],
    ids=["port", "id", "class", "source", "stranger", "destination", "echo", "rewrite"],
)
def test_remapped(sign: Seen, name: str, text: str) -> None:
    """A port or id that was changed without need is told, by whatever shows it."""
    signs = (Seen("ttl", "1", "2"), sign)

    found = translation.remapped(case(PING, PING, evidence=signs))

    assert words(found) == (name, f"{text}; {LOOK}")


@pytest.mark.parametrize(
    "sign",
    [
        rewritten("port", None, replace(FREE, in_use=True)),
        rewritten("source", End("c1", PORT), End("c2", OTHER)),
        rewritten("source", End("c1", PORT), End("c1", PORT)),
        rewritten("source", End("c1", PORT), End("c1")),
        rewritten("source", End("c1"), End("c1", OTHER)),
        rewritten(
            "source", End(Symbol("addr", 1), PORT), End(Symbol("addr", 2), OTHER)
        ),
        rewritten("source", Symbol("addr", 1), Symbol("addr", 2)),
        rewritten("packet", End("c1", PORT), End("c1", OTHER)),
    ],
    ids=[
        *("taken", "another node", "the same", "no port", "had none"),
        *("another address", "addresses alone", "another field"),
    ],
)
def test_not_remapped(sign: Seen) -> None:
    """What had to change, or differs in more than a port, was not remapped."""
    assert translation.remapped(case(PING, PING, evidence=(sign,))) is None


def test_remapped_as_it_should() -> None:
    """A flow that differs in more than its port has another cause."""
    signs = (rewritten("port", None, FREE),)

    assert translation.remapped(case(PING, BARE, evidence=signs)) is None
    assert translation.remapped(case(PING, PING)) is None
