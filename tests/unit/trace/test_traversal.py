"""What is told of one packet's traversal: whether it crossed, entered, or replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUT,
    OUTSIDE,
    UNKNOWN,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.trace import translations
from pytest_netlab.trace.traversal import Traversal, entered, is_reply
from pytest_netlab.trace.values import Step

if TYPE_CHECKING:
    from pytest_netlab.wire import Direction

MET = Tuple5(UDP, C1, 5555, HOST01, 53)
SENT = MET._replace(src=HOST)


@pytest.mark.parametrize(
    ("steps", "crossed"),
    [
        ((), False),
        ((Step.BRIDGED, Step.BRIDGED), False),
        ((Step.BRIDGED, Step.FORWARDED, Step.BRIDGED), True),
    ],
)
def test_crossed(steps: tuple[Step, ...], *, crossed: bool) -> None:
    """A packet crossed the host if one of its steps was forwarded."""
    rows = tuple(range(len(steps) + 1))

    assert Traversal(rows, steps, reply=False).crossed is crossed


@pytest.mark.parametrize(("way", "found"), [(IN, True), (OUT, False), (UNKNOWN, False)])
def test_entered(way: Direction, *, found: bool) -> None:
    """It entered if the tap says that the host received its first observation."""
    capture = two_points([(INSIDE, Packet(key=MET, direction=way))])

    assert entered(capture, Traversal((0,), (), reply=False)) is found


def test_is_reply() -> None:
    """At either point; an ICMP error travels against what it is about."""
    request = Packet(key=MET, ip_id=1, direction=IN)
    answer = Packet(key=SENT.reply, ip_id=2, direction=IN)
    there = routed(request, SENT)
    seen = [(INSIDE, request), (OUTSIDE, there), (OUTSIDE, answer)]
    seen += [(INSIDE, routed(answer, MET.reply)), (OUTSIDE, error(HOST01, there))]
    capture = two_points(seen)
    flow = translations(capture, INSIDE, OUTSIDE).flows[0]

    found = [is_reply(capture, flow, row) for row in range(len(seen))]

    assert found == [False, False, True, True, True]
