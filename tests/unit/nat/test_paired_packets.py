"""Every packet that crossed: its rows on both sides, direction and delay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, IN, OUT, WEB, Packet, capture, routed

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import Translations, learn
from pytest_netlab.nat.clocks.clock import Clock
from pytest_netlab.nat.paired_packets import PairedPackets, paired_packets
from pytest_netlab.nat.translations import Account

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

START = 10**18
KEY, SENT = Tuple5(UDP, C1, 4000, HOST01, 53), Tuple5(UDP, HOST, 4000, HOST01, 53)
QUERY = Packet(key=KEY, data=b"query", ip_id=1, direction=IN)
ANSWER = Packet(key=SENT.reply, data=b"answer", ip_id=2, direction=IN)


def sides(
    inside: list[Packet], outside: list[Packet], ahead: int = 0
) -> tuple[Capture, Capture]:
    """Return both captures; the outside's clock is ahead by some ns."""
    return capture(inside, start=START), capture(outside, start=START + ahead)


def paired(
    ends: tuple[Capture, Capture], clock: Clock | None = None, doubtful: int = 0
) -> PairedPackets:
    """Return the pairs of two captures."""
    flows = tuple(one._replace(ambiguous=doubtful) for one in learn(*ends).flows)
    found = Translations(flows, account=Account(clock=clock))
    return paired_packets(found, *ends)


def test_directions() -> None:
    """A query is original and its answer is a reply, by the initiator's key."""
    answered = routed(ANSWER, KEY.reply)
    found = paired(sides([QUERY, answered], [routed(QUERY, SENT), ANSWER]))

    assert found.flow.tolist() == [0, 0]
    assert found.reply.tolist() == [False, True]
    assert found.delay is None
    assert not found.ambiguous.any()


@pytest.mark.parametrize("doubtful", [0, 1])
def test_a_flow_from_outside(doubtful: int) -> None:
    """Of a published port, what the client outside sends is original."""
    ask = Packet(key=Tuple5(TCP, HOST01, 5000, HOST, 81), ip_id=3, direction=IN)
    back = Packet(
        key=Tuple5(TCP, WEB, 80, HOST01, 5000), data=b"x", ip_id=4, direction=IN
    )
    inside = [routed(ask, back.key.reply), back]
    found = paired(sides(inside, [ask, routed(back, ask.key.reply)]), None, doubtful)

    assert found.reply.tolist() == [False, True]
    assert found.ambiguous.tolist() == [bool(doubtful)] * 2


def test_an_answer_that_was_captured_first() -> None:
    """Which packet is the reply does not depend on which was captured first."""
    ask = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), ip_id=1, direction=IN)
    back = Packet(
        key=Tuple5(ICMP, HOST01, 9, HOST, 9), reply=True, ip_id=2, direction=IN
    )
    outside = [back, routed(ask, Tuple5(ICMP, HOST, 9, HOST01, 9))]
    found = paired(sides([routed(back, Tuple5(ICMP, HOST01, 7, C1, 7)), ask], outside))

    assert (found.inside.tolist(), found.reply.tolist()) == ([0, 1], [True, False])


def test_rows_ascend() -> None:
    """Pairs come in the order of the inside, over all flows."""
    other = replace(QUERY, key=KEY._replace(sport=9), data=b"other", ip_id=7)
    inside = [QUERY, other, replace(QUERY, data=b"again", ip_id=8)]
    outside = [
        routed(inside[2], SENT),
        routed(other, SENT._replace(sport=9)),
        routed(QUERY, SENT),
    ]
    found = paired(sides(inside, outside))

    assert found.inside.tolist() == [0, 1, 2]
    assert found.outside.tolist() == [2, 1, 0]
    assert found.flow.tolist() == [0, 1, 0]


@pytest.mark.parametrize("offset", [0, -3_600_000_000_000, 7_777])
def test_delays(offset: int) -> None:
    """A delay counts from the point that a packet passed first, by one clock."""
    inside = [QUERY, routed(ANSWER, KEY.reply)]
    answered = replace(ANSWER, direction=IN)
    ends = sides(inside, [routed(QUERY, SENT), answered], ahead=300 + offset)
    found = paired(ends, Clock(start=START, offset=offset))

    assert found.delay is not None
    assert found.delay.tolist() == [300, -300]


def test_the_flow_says_who_began() -> None:
    """Where a capture begins with a reply, the flow may know better than the order."""
    inside = [QUERY, routed(ANSWER, KEY.reply)]
    ends = sides(inside, [routed(QUERY, SENT), ANSWER], ahead=300)
    (flow,) = learn(*ends).flows
    turned = flow._replace(
        inside=KEY.reply, outside=SENT.reply, initiated="outside", kind="dnat"
    )
    account = Account(clock=Clock(start=START, offset=0))
    found = paired_packets(Translations((turned,), account=account), *ends)

    assert found.reply.tolist() == [True, False]
    assert found.delay is not None
    assert (found.delay == paired(ends, account.clock).delay).all()


def test_drift() -> None:
    """A clock that runs faster has gained something later on."""
    later = replace(QUERY, data=b"later", ip_id=9, direction=OUT)
    ends = sides([QUERY, later], [routed(QUERY, SENT), routed(later, SENT)])
    found = paired(ends, Clock(start=START, offset=0, drift=-0.01))

    assert found.delay is not None
    assert found.delay.tolist() == [0, 10]


def test_nothing_crossed() -> None:
    """Without a pair all columns are empty."""
    found = paired(sides([QUERY], []))

    assert len(found.flow) == len(found.inside) == len(found.reply) == 0
