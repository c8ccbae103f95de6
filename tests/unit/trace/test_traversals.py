"""A packet's way through the points, and the order in which it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    FIN_ACK,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUT,
    OUTSIDE,
    SYN,
    SYN_ACK,
    WEB,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.trace import translations
from pytest_netlab.trace.points import JoinedPoints
from pytest_netlab.trace.traversal import Traversal
from pytest_netlab.trace.traversals import traversals
from pytest_netlab.trace.values import Step
from pytest_netlab.wire import tcp

MET = Tuple5(UDP, C1, 5555, HOST01, 53)
SENT = MET._replace(src=HOST)
CROSSED = (Step.FORWARDED,)
LOCAL = Tuple5(TCP, HOST01, 40000, HOST, 22)

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture


def told(capture: Capture) -> list[Traversal]:
    """Return the traversals of the only flow."""
    (flow,) = translations(capture, INSIDE, OUTSIDE).flows
    sides = [JoinedPoints((capture.point == number).nonzero()[0]) for number in (0, 1)]
    return traversals(capture, flow, (sides[0], sides[1]))


def connection(*segments: Packet) -> Capture:
    """Return a connection with the host itself, seen on the uplink."""
    return two_points(
        (OUTSIDE, replace(p, direction=IN if p.key == LOCAL else OUT)) for p in segments
    )


def test_way_outwards_and_back() -> None:
    """Sightings of one packet are in the order it travelled, replies as replies."""
    request = Packet(key=MET, data=b"a", direction=IN)
    answer = Packet(key=SENT.reply, data=b"b", direction=IN)
    capture = two_points(
        [
            (INSIDE, request),
            (OUTSIDE, routed(request, SENT)),
            (OUTSIDE, answer),
            (INSIDE, routed(answer, MET.reply)),
        ]
    )

    assert told(capture) == [
        Traversal((0, 1), CROSSED, reply=False),
        Traversal((2, 3), CROSSED, reply=True),
    ]


def test_taps_out_of_step() -> None:
    """A tap that reports earlier than the other does not turn a packet around."""
    request = Packet(key=MET, data=b"a", direction=IN)
    capture = two_points([(OUTSIDE, routed(request, SENT)), (INSIDE, request)])

    assert told(capture) == [Traversal((1, 0), CROSSED, reply=False)]


def test_inwards() -> None:
    """What was met on the outside is told from there."""
    asked = Tuple5(UDP, HOST01, 5555, HOST, 5300)
    target = asked._replace(dst=WEB, dport=53)
    request = Packet(key=asked, data=b"a", direction=IN)
    answer = Packet(key=target.reply, data=b"b", direction=IN)
    capture = two_points(
        [
            (OUTSIDE, request),
            (INSIDE, routed(request, target)),
            (INSIDE, answer),
            (OUTSIDE, routed(answer, asked.reply)),
        ]
    )

    assert told(capture) == [
        Traversal((0, 1), CROSSED, reply=False),
        Traversal((2, 3), CROSSED, reply=True),
    ]


def test_alone() -> None:
    """A packet without a twin is told where it was seen, in order of time."""
    first, lost = (
        Packet(key=MET, data=b"a", direction=IN),
        Packet(key=MET, data=b"b", direction=IN),
    )
    capture = two_points(
        [(INSIDE, lost), (INSIDE, first), (OUTSIDE, routed(first, SENT))]
    )

    assert told(capture) == [
        Traversal((0,), (), reply=False),
        Traversal((1, 2), CROSSED, reply=False),
    ]


def test_errors() -> None:
    """An error travels against what it quotes, in either direction."""
    request, answer = (
        Packet(key=MET, direction=IN),
        Packet(key=MET.reply, direction=OUT),
    )
    capture = two_points(
        [
            (INSIDE, request),
            (INSIDE, answer),
            (INSIDE, replace(error(C1, answer), direction=IN)),
            (INSIDE, replace(error(HOST01, request), direction=OUT)),
        ]
    )

    assert [passage.reply for passage in told(capture)] == [False, True, False, True]


def test_connection() -> None:
    """A connection is handshake, data, one FIN a side: the initiator's first."""
    capture = connection(
        Packet(key=LOCAL, flags=SYN, seq=10),
        Packet(key=LOCAL.reply, flags=SYN_ACK, seq=90),
        Packet(key=LOCAL, seq=11),
        Packet(key=LOCAL, seq=11, data=b"ask"),
        Packet(key=LOCAL, seq=14, data=b"more"),
        Packet(key=LOCAL.reply, seq=91, data=b"answer", flags=FIN_ACK),
        Packet(key=LOCAL, seq=18, flags=FIN_ACK),
        Packet(key=LOCAL.reply, seq=98),
    )

    assert [(p.role, p.rows, p.reply) for p in told(capture)] == [
        ("SYN", (0,), False),
        ("SYN-ACK", (1,), True),
        ("data", (3,), False),
        ("data", (5,), True),
        ("FIN", (6,), False),
        ("FIN", (5,), True),
    ]


def test_reset_comes_last() -> None:
    """A reset ends a connection, whatever else was on its way."""
    capture = connection(
        Packet(key=LOCAL, flags=SYN, seq=10),
        Packet(key=LOCAL.reply, flags=tcp.RST | tcp.ACK),
        Packet(key=LOCAL, seq=11, data=b"late"),
    )

    assert [p.role for p in told(capture)] == ["SYN", "data", "RST"]


@pytest.mark.parametrize("ttl", [64, 32])
def test_merged_only_if_they_fared_alike(ttl: int) -> None:
    """Adjacent data is one passage unless its ttl tells that it took another way."""
    capture = connection(
        Packet(key=LOCAL, seq=1, data=b"a"),
        Packet(key=LOCAL, seq=2, data=b"b", ttl=ttl),
    )

    assert len(told(capture)) == (1 if ttl == 64 else 2)
