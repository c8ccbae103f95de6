"""Replies that a bridge translated back before its tap are of the flow they answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import (
    BRIDGE,
    HOST,
    HOST01,
    SYN,
    SYN_ACK,
    WEB,
    Packet,
    capture,
    routed,
)

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import join_replies, learn

ASKED = Tuple5(TCP, HOST01, 40000, HOST, 81)
TRANSLATED = Tuple5(TCP, BRIDGE, 40000, WEB, 80)
BACK = ASKED._replace(dst=WEB, dport=80).reply
REQUEST = Packet(key=ASKED, flags=SYN, ip_id=1)
REPLY = Packet(key=BACK, flags=SYN_ACK, ip_id=2, reply=True)


def seen(reply: Tuple5 = BACK) -> tuple[list[Packet], list[Packet]]:
    """Return what both points see; `reply` is its key at the container's bridge."""
    answer = replace(REPLY, key=reply)
    inside = [routed(REQUEST, TRANSLATED), answer]
    return inside, [REQUEST, routed(answer, ASKED.reply)]


def test_joined() -> None:
    """Both directions are one flow, which was answered, and nothing is wrong."""
    learned = learn(*map(capture, seen()))
    assert [bad.field for bad in learned.violations] == ["undone"]

    found = join_replies(learned)

    (flow,) = found.flows
    assert (flow.inside, flow.outside, flow.kind) == (TRANSLATED, ASKED, "twice-nat")
    assert (flow.pairs, flow.inside_rows) == (((0, 0), (1, 1)), (0, 1))
    assert flow.answered
    assert flow.returned
    assert flow.packets == 2
    assert found.violations == ()


@pytest.mark.parametrize(
    "mapped",
    [
        TRANSLATED._replace(src=HOST01, sport=50000),
        TRANSLATED._replace(src="172.17.0.9", sport=50000),
    ],
    ids=["port", "address"],
)
def test_any_source(mapped: Tuple5) -> None:
    """It is the same for another port of the client, and for another's address."""
    inside, outside = seen()
    inside[0] = routed(REQUEST, mapped)

    (flow,) = join_replies(learn(capture(inside), capture(outside))).flows

    assert flow.inside == mapped


@pytest.mark.parametrize(
    "reply",
    [
        BACK._replace(dport=40001),
        BACK._replace(dst="172.16.211.3"),
        BACK._replace(sport=8080),
        BACK._replace(src="172.17.0.9"),
    ],
    ids=["port", "client", "target's port", "target"],
)
def test_not_the_answer(reply: Tuple5) -> None:
    """A reply from or for another end is still one that is not translated back."""
    learned = learn(*map(capture, seen(reply)))

    assert join_replies(learned) is learned
    assert [bad.field for bad in learned.violations] == ["undone"]


def test_each_to_its_own() -> None:
    """Of two clients with one port, each has its own replies."""
    other = ASKED._replace(src="172.16.211.3")
    mapped = TRANSLATED._replace(sport=40001)
    inside, outside = seen()
    request = replace(REQUEST, key=other, ip_id=3)
    answer = replace(REPLY, key=BACK._replace(dst=other.src), ip_id=4)
    inside += [routed(request, mapped), answer]
    outside += [request, routed(answer, other.reply)]

    found = join_replies(learn(capture(inside), capture(outside)))

    assert [(flow.outside, flow.pairs) for flow in found.flows] == [
        (ASKED, ((0, 0), (1, 1))),
        (other, ((2, 2), (3, 3))),
    ]
    assert found.violations == ()


@pytest.mark.parametrize("proto", [UDP, ICMP])
def test_other_protocols(proto: int) -> None:
    """It holds for datagrams and echoes."""
    asked, mapped, back = (
        key._replace(proto=proto) for key in (ASKED, TRANSLATED, BACK)
    )
    if proto == ICMP:
        asked, mapped, back = (
            key._replace(sport=9, dport=9) for key in (asked, mapped, back)
        )
    request = Packet(key=asked, data=b"asked", ip_id=1)
    reply = Packet(key=back, data=b"answered", ip_id=2, reply=True)
    inside = capture([routed(request, mapped), reply])
    outside = capture([request, routed(reply, asked.reply)])

    (flow,) = join_replies(learn(inside, outside)).flows

    assert flow.pairs == ((0, 0), (1, 1))
