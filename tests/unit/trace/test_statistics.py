"""The numbers of a flow: what was sent on, what never was, what was seen again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import C1, HOST01, IN, OUT, UNKNOWN, Packet, capture, error

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.trace.statistics import Statistics, statistics

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_netlab.wire import Direction

QUERY = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=bytes(12), direction=IN)
DATA = Packet(
    key=Tuple5(TCP, C1, 40000, HOST01, 80), data=bytes(60), seq=5, direction=IN
)
HEADERS = 20 + 8  # octets of IPv4 and UDP


def counted(*packets: Packet, crossed: Collection[int] = ()) -> Statistics:
    """Return the statistics of a flow of these packets, some of which crossed."""
    seen = capture(packets)
    return statistics(seen, iter(range(len(packets))), crossed)


def sized(*sizes: int) -> list[Packet]:
    """Return datagrams of so many octets of payload."""
    return [replace(QUERY, data=bytes(size)) for size in sizes]


def test_nothing_seen() -> None:
    """A flow without packets has no sizes and no copies."""
    assert counted() == Statistics(passed=0, stuck=0, copies=0)


def test_the_largest_that_passed_and_the_smallest_that_did_not() -> None:
    """Sizes are those of IP packets, whatever the link has around them."""
    seen = counted(*sized(100, 300, 200, 500, 400), crossed={0, 1, 2})

    assert seen == Statistics(passed=HEADERS + 300, stuck=HEADERS + 400, copies=0)


def test_size_of_a_packet_that_was_cut() -> None:
    """A packet of which a tap kept the beginning counts with all of its octets."""
    whole = capture(sized(900))
    (frame,) = whole.frames()
    cut = frame._replace(data=frame.data[:60])
    seen = whole.from_frames([cut], whole.interfaces)

    assert statistics(seen, [0], {0}).passed == HEADERS + 900


@pytest.mark.parametrize(("way", "stuck"), [(IN, 40), (UNKNOWN, 40), (OUT, 0)])
def test_what_the_host_sent_is_not_stuck(way: Direction, stuck: int) -> None:
    """A packet that the tap saw leave the host did not get stuck in it."""
    assert counted(replace(QUERY, direction=way)).stuck == stuck


def test_an_error_is_not_stuck() -> None:
    """An ICMP error that nobody sent on is none of the flow's own packets."""
    assert counted(replace(error(HOST01, QUERY), direction=IN)).stuck == 0


@pytest.mark.parametrize(
    ("change", "stuck"),
    [({}, 0), ({"ip_id": 9}, 0), ({"seq": 6}, 100), ({"data": bytes(59)}, 99)],
    ids=["itself", "repeat", "another number", "another length"],
)
def test_a_repeat_that_passed(change: dict[str, object], stuck: int) -> None:
    """A segment that passed once was not stuck, however often it was before."""
    again = replace(DATA, **change)  # type: ignore[arg-type]

    assert counted(again, DATA, crossed={1}).stuck == stuck


def test_each_datagram_for_itself() -> None:
    """A datagram that did not pass is stuck, though one of its size and content did."""
    assert counted(QUERY, QUERY, crossed={1}).stuck == HEADERS + 12


@pytest.mark.parametrize(
    ("change", "copies"),
    [
        ({}, 1),
        ({"ip_id": 8}, 0),
        ({"data": bytes(11) + b"x"}, 0),
        ({"key": QUERY.key.reply}, 0),
        ({"key": QUERY.key._replace(sport=5556)}, 0),
        ({"frag_offset": 24}, 0),
        ({"ttl": 9}, 1),
    ],
    ids=["same", "id", "content", "direction", "port", "fragment", "ttl"],
)
def test_copies(change: dict[str, object], copies: int) -> None:
    """A packet was seen again if id, content, place and direction are the same."""
    first = replace(QUERY, ip_id=7)

    again = replace(first, **change)  # type: ignore[arg-type]

    assert counted(first, again).copies == copies


def test_copies_of_segments() -> None:
    """Segments of one IP id and other numbers are no copies."""
    first = replace(DATA, ip_id=7)

    assert counted(first, first, replace(first, seq=6)).copies == 1


def test_copies_of_echoes_and_fragments() -> None:
    """Echoes of other numbers, and other fragments of a datagram, are no copies."""
    echo = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), data=b"ping", ip_id=7)
    part = replace(QUERY, body=bytes(24), ip_id=8, frag_offset=24)

    assert counted(echo, echo, replace(echo, seq=2)).copies == 1
    assert counted(part, part, replace(part, frag_offset=48)).copies == 1


def test_copies_are_counted_beyond_the_first() -> None:
    """A packet that was seen three times has two copies; ids of 0 tell nothing."""
    first, other = replace(QUERY, ip_id=7), replace(QUERY, ip_id=8)

    assert counted(first, other, first, other, first).copies == 3
    assert counted(QUERY, QUERY, QUERY).copies == 0


def test_copies_at_each_point() -> None:
    """That a packet was seen at two points is its way, and no copy."""
    seen = capture([replace(QUERY, ip_id=7)] * 2)
    first, second = seen.frames()
    frames = [first, second._replace(interface=1)]
    apart = seen.from_frames(frames, seen.interfaces * 2)

    assert statistics(seen, [0, 1], ()).copies == 1
    assert statistics(apart, [0, 1], ()).copies == 0


@pytest.mark.parametrize(
    ("change", "copies"),
    [
        ({}, 1),
        ({"ip_id": 7}, 1),
        ({"seq": 6}, 0),
        ({"data": bytes(61)}, 0),
        ({"direction": IN}, 0),
    ],
    ids=["equal", "another IP id", "another number", "other data", "came"],
)
def test_what_the_host_sent_again(change: dict[str, Any], copies: int) -> None:
    """What left the host and never reached it is a copy of what it had sent on."""
    sent = replace(DATA, direction=OUT)

    assert counted(sent, replace(sent, **change), crossed={0}).copies == copies
    assert counted(sent, replace(sent, **change)).copies == 0
