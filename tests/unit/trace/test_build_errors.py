"""ICMP errors in a story: about which conversation, quoting what, refusing or not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUT,
    OUTSIDE,
    SYN,
    WEB,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.diff import compare
from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.trace import Packet as Told
from pytest_netlab.trace import canonicalize, refusal_text, value_text, what_text


def noted(packet: Told) -> str:
    """Return what was rewritten, in words; "" for nothing."""
    return value_text(packet.rewrite) if packet.rewrite else ""


def test_error_in_a_connection() -> None:
    """An ICMP error about a segment is told as itself, once for all repeats."""
    syn = Packet(key=Tuple5(TCP, C1, 40000, HOST01, 80), flags=SYN, direction=IN)
    again = replace(syn, ip_id=5)
    refused = error(BRIDGE, syn, kind=(3, 10))
    refused2 = error(BRIDGE, again, kind=(3, 10), ip_id=1)

    once = canonicalize(two_points([(INSIDE, syn), (INSIDE, refused)]))
    twice = canonicalize(
        two_points((INSIDE, packet) for packet in (syn, refused, again, refused2))
    )

    assert compare(once, twice) == []
    assert [(what_text(x.what), x.reply) for x in once.flows[0].packets] == [
        ("SYN", False),
        ("host prohibited", True),
    ]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], ""),
        ([(3, 10)], "host prohibited from bridge"),
        ([(12, 0)], "icmp error 12/0 from bridge"),
        ([(11, 0)], ""),
        ([(11, 0), (3, 3), (3, 1)], "port unreachable from bridge"),
    ],
    ids=["none", "prohibited", "odd", "on its way", "first of two"],
)
def test_refusal(answers: list[tuple[int, int]], expected: str) -> None:
    """The first ICMP error that refuses a flow is its refusal."""
    request = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), direction=IN)
    errors = [error(BRIDGE, request, kind=kind) for kind in answers]

    story = canonicalize(two_points((INSIDE, packet) for packet in (request, *errors)))

    assert refusal_text(story.facts[0].refusal) == expected


def test_different_errors_in_a_connection() -> None:
    """Errors of different kinds are both told."""
    syn = Packet(key=Tuple5(TCP, C1, 40000, HOST01, 80), flags=SYN, direction=IN)
    errors = [error(BRIDGE, syn, kind=kind) for kind in ((3, 1), (3, 10))]

    story = canonicalize(two_points((INSIDE, packet) for packet in (syn, *errors)))

    assert [what_text(x.what) for x in story.flows[0].packets] == [
        "SYN",
        "host unreachable",
        "host prohibited",
    ]


def test_error_is_undone() -> None:
    """An error from the target is re-sourced on its way out, and so is its quote."""
    asked = Tuple5(UDP, HOST01, 5555, HOST, 5300)
    translated = asked._replace(dst=WEB, dport=53)
    request = Packet(key=asked, ip_id=1, direction=IN)
    near = error(WEB, routed(request, translated), ip_id=2)
    far = error(HOST, replace(request, ttl=63), ip_id=2, ttl=63)

    story = canonicalize(
        two_points(
            [
                (OUTSIDE, request),
                (INSIDE, routed(request, translated)),
                (INSIDE, replace(near, direction=IN)),
                (OUTSIDE, replace(far, direction=OUT)),
            ]
        )
    )

    assert [(what_text(x.what), noted(x)) for x in story.flows[0].packets] == [
        ("datagram", ""),
        ("datagram", "dnat host:5300 -> web:53"),
        ("port unreachable", ""),
        ("port unreachable", "undone web -> host"),
    ]
    assert [
        value_text(x.fields.quotes, "quotes") for x in story.flows[0].packets[2:]
    ] == [
        "host01:port#1 > web:53",
        "host01:port#1 > host:5300",
    ]
    assert story.flows[0].violations == ()
