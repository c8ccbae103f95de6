"""A golden that no bundled scenario has: an ICMP error, with what it quotes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    INSIDE,
    OUTSIDE,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab import capture as captures
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.mutate.context import Context
from pytest_netlab.store import CAPTURE, Store

if TYPE_CHECKING:
    from pathlib import Path

QUERY = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"query", ip_id=7)
SENT = Tuple5(UDP, HOST, 5555, HOST01, 53)


@pytest.fixture
def refused(tmp_path: Path) -> Store:
    """Record a datagram that a neighbour refuses, translated there and back."""
    there = routed(QUERY, SENT)
    refusal = error(HOST01, there, ip_id=9)
    undone = error(HOST01, replace(QUERY, ttl=63), ip_id=9, ttl=63)
    sightings = [(INSIDE, QUERY), (OUTSIDE, there), (OUTSIDE, refusal)]
    store = Store(tmp_path)
    store.save("refused", two_points([*sightings, (INSIDE, undone)]), {})
    return store


@pytest.fixture
def refusal(refused: Store) -> Context:
    """Return the same, taken apart."""
    capture = captures.read(refused.folder("refused") / CAPTURE)
    return Context(capture, refused.load("refused").canonical)
