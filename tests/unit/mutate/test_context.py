"""A capture as mutations see it: what each packet is, where it was, what it follows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    C2,
    FIN_ACK,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUT,
    OUTSIDE,
    STRANGER,
    SYN,
    SYN_ACK,
    WEB,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.mutate.context import Context
from pytest_netlab.trace import CanonicalTrace, canonicalize
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.capture import Capture

KEY = Tuple5(TCP, HOST01, 40000, WEB, 80)
VISIT = [
    Packet(key=KEY, flags=SYN, seq=10),
    Packet(key=KEY.reply, flags=SYN_ACK, seq=90, ack=11),
    Packet(key=KEY, seq=11, ack=91),
    Packet(key=KEY, seq=11, ack=91, data=b"get"),
    Packet(key=KEY, seq=14, ack=91, data=b"!"),
    Packet(key=KEY.reply, seq=91, ack=15, data=b"answer"),
    Packet(key=KEY, seq=15, ack=97, flags=FIN_ACK),
    Packet(key=KEY.reply, seq=97, ack=16, flags=FIN_ACK),
    Packet(key=KEY, seq=16, ack=98),
]
PING = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), data=b"ping", ip_id=50)
PONG = replace(PING, key=PING.key.reply, reply=True, ip_id=51)
QUERY = Packet(key=Tuple5(UDP, C2, 5555, HOST01, 53), data=b"query", ip_id=60)
MASQUERADED = PING.key._replace(src=HOST)
NOISE = (OUTSIDE, Packet(key=Tuple5(UDP, HOST, 123, STRANGER, 123), direction=OUT))


def crossing(
    packet: Packet, sent: Tuple5 | None = None
) -> list[tuple[str, Packet | bytes]]:
    """Return both sightings of a packet that a router sent on, with this key."""
    inwards = packet.key.src == HOST01
    first, last = (OUTSIDE, INSIDE) if inwards else (INSIDE, OUTSIDE)
    return [(first, replace(packet, direction=IN)), (last, routed(packet, sent))]


def seen(packets: Iterable[Packet]) -> list[tuple[str, Packet | bytes]]:
    """Return the sightings of packets that a router sent on, with IP ids."""
    return [
        sighting
        for number, one in enumerate(packets, 1)
        for sighting in crossing(replace(one, ip_id=one.ip_id or number))
    ]


def ground_of(capture: Capture) -> Context:
    """Return a capture, taken apart."""
    return Context(capture, canonicalize(capture))


@pytest.fixture(scope="module")
def visit() -> Context:
    """Return a connection of nine segments: the n-th is in rows 2n and 2n + 1."""
    return ground_of(two_points(seen(VISIT)))


@pytest.fixture(scope="module")
def mixed() -> Context:
    """Return a masqueraded ping, a query between its packets, noise at the end."""
    there = crossing(PING, MASQUERADED)
    back = crossing(replace(PONG, key=MASQUERADED.reply), PING.key.reply)
    return ground_of(two_points([*there, *crossing(QUERY), *back, NOISE]))


def test_nothing_told() -> None:
    """Of a story without conversations all packets are noise."""
    capture = two_points(seen(VISIT[:1]))
    context = Context(capture, CanonicalTrace((), ()))

    assert (context.packets, context.flows, context.noise) == ((), 0, (0, 1))
    assert not context.is_only_one(0)
    assert not context.is_embedded(0)


def test_flow_without_a_line() -> None:
    """A conversation of which a story has no line is noise."""
    capture = two_points(seen(VISIT[:1]))
    story = canonicalize(capture)
    (flow,) = story.flows

    untold = Context(capture, replace(story, flows=(replace(flow, packets=()),)))

    assert (untold.packets, untold.noise) == ((), (0, 1))


def test_packet_that_was_lost() -> None:
    """A packet that one point saw has one sighting."""
    lost = ground_of(two_points(crossing(QUERY)[:1]))

    assert [(told.rows, told.role) for told in lost.packets] == [((0,), "datagram")]


def test_roles_of_segments(visit: Context) -> None:
    """A segment's role is the one that says most, at all its sightings."""
    assert [told.role for told in visit.packets] == [
        *("SYN", "SYN-ACK", "ack", "data", "data", "data", "FIN", "FIN", "ack")
    ]
    assert {told.proto for told in visit.packets} == {"tcp"}
    assert [told.rows for told in visit.packets] == [
        (row, row + 1) for row in range(0, 18, 2)
    ]


def test_packets_in_order_of_time(mixed: Context) -> None:
    """Packets come in order of time, and know their conversation."""
    assert [(told.role, told.proto, told.flow) for told in mixed.packets] == [
        ("echo request", "icmp", 0),
        ("datagram", "udp", 1),
        ("echo reply", "icmp", 0),
    ]
    assert mixed.flows == 2
    assert (mixed.of_flow(0), mixed.of_flow(1)) == ([0, 1, 4, 5], [2, 3])


def test_error(refusal: Context) -> None:
    """An ICMP error is one, and belongs to the conversation that it is about."""
    assert [(told.role, told.flow) for told in refusal.packets] == [
        ("datagram", 0),
        ("icmp error", 0),
    ]


def test_protocol_without_a_name() -> None:
    """A protocol that has no name here is told by its number."""
    gre = Packet(key=Tuple5(47, C1, 0, HOST01, 0), body=bytes(8), ip_id=1)
    packets = ground_of(two_points(crossing(gre))).packets

    assert [told.proto for told in packets] in ([], ["protocol 47"])


def test_noise(mixed: Context, visit: Context) -> None:
    """Noise is what no told conversation has."""
    assert mixed.noise == (6,)
    assert visit.noise == ()


def test_points(mixed: Context) -> None:
    """A row was seen at one of two points, and not at the other."""
    assert [mixed.point(row) for row in (0, 1, 4)] == [INSIDE, OUTSIDE, OUTSIDE]
    assert [mixed.other_point(row) for row in (0, 1, 4)] == [1, 0, 0]


@pytest.mark.parametrize("points", [(INSIDE,), (INSIDE, OUTSIDE, "third")])
def test_no_other_point(points: tuple[str, ...]) -> None:
    """Of one point there is no other, of three there is no single one."""
    capture = two_points([(INSIDE, replace(PING, direction=IN))], points=points)

    assert ground_of(capture).other_point(0) is None


def test_direction(visit: Context) -> None:
    """A row travels as the first packet at its point did, or against it."""
    flow = visit.of_flow(0)

    replies = [row for row in flow if visit.is_reply(row, flow)]
    assert replies == [2, 3, 10, 11, 14, 15]


def test_direction_of_what_was_translated(mixed: Context) -> None:
    """Each point has keys of its own: a row is compared with what its point saw."""
    flow = mixed.of_flow(0)

    assert [row for row in flow if mixed.is_reply(row, flow)] == [4, 5]


def test_alone(mixed: Context, visit: Context) -> None:
    """A packet is alone if it is all there is of its conversation."""
    assert mixed.is_only_one(2)
    assert mixed.is_only_one(3)
    assert not mixed.is_only_one(0)
    assert not mixed.is_only_one(6)
    assert not visit.is_only_one(0)


def test_entered(mixed: Context) -> None:
    """A packet reached the host if any sighting of it says so; numbers are from 1."""
    assert mixed.entered([1])
    assert mixed.entered([2, 1])
    assert not mixed.entered([2])
    assert not mixed.entered([7])
    assert not mixed.entered([])


def test_quoted(refusal: Context, mixed: Context) -> None:
    """A packet is quoted if an error of its own conversation has its IP id."""
    quoted = [refusal.is_embedded(row) for row in range(4)]

    assert quoted == [True, True, False, False]
    assert not any(mixed.is_embedded(row) for row in range(7))


def test_quoted_in_another_conversation() -> None:
    """An IP id that an error of another conversation quotes is another packet's."""
    refused = error(HOST01, routed(QUERY), dst=C2, ip_id=9)
    ping = replace(PING, ip_id=QUERY.ip_id)
    unnumbered = replace(QUERY, key=QUERY.key._replace(sport=5556), ip_id=0)
    packets = (ping, QUERY, refused, unnumbered)

    context = ground_of(two_points([s for one in packets for s in crossing(one)]))

    assert [row for row in range(8) if context.is_embedded(row)] == [2, 3]


@pytest.mark.parametrize(
    ("segment", "first", "last"),
    [(2, 91, 91), (4, 91, 91), (6, 91, 97), (8, 91, 98), (1, 11, 11), (7, 11, 16)],
    ids=["SYN-ACK", "no data yet", "data", "FIN", "SYN", "all of the client's"],
)
@pytest.mark.parametrize("point", [0, 1])
def test_numbers_that_crossed(
    visit: Context, segment: int, first: int, last: int, point: int
) -> None:
    """What the other side sent before has crossed: SYN, data and FIN are counted."""
    row = 2 * segment + point

    known = [n for n in range(200) if visit.has_crossed(row, n)]
    assert known == list(range(first, last + 1))


def test_numbers_of_another_conversation() -> None:
    """Numbers of one conversation have not crossed in another."""
    context = ground_of(two_points([*crossing(PING), *seen(VISIT)]))

    known = [n for n in range(200) if context.has_crossed(2 + 2 * 6, n)]
    assert known == list(range(91, 98))


def test_numbers_at_each_point() -> None:
    """What crossed one point has not crossed the other until it is seen there."""
    answer, fin = seen(VISIT[:7])[10:12], seen(VISIT[:7])[12:14]
    late = ground_of(two_points([*seen(VISIT[:5]), answer[0], *fin, answer[1]]))

    crossed = [late.has_crossed(row, 97) for row in (11, 12)]
    assert [late.point(row) for row in (11, 12)] == [OUTSIDE, INSIDE]
    assert crossed == [False, True]


def test_nothing_crossed_before_the_first(visit: Context) -> None:
    """Before the other side sent anything no number of it has crossed."""
    assert not any(visit.has_crossed(0, number) for number in range(200))


def test_last_before_the_fin(visit: Context) -> None:
    """The last bytes of a direction end where its FIN begins, whatever has them."""
    at_fin = [visit.ends_at_fin(2 * number) for number in range(9)]

    assert at_fin == [False, False, False, False, True, True, True, True, False]


def test_no_fin() -> None:
    """Without a FIN nothing is the last before it."""
    open_ = ground_of(two_points(seen(VISIT[:6])))

    assert not any(open_.ends_at_fin(2 * number) for number in range(6))


def test_fin_that_has_other_flags() -> None:
    """A reset at the end of the bytes is no FIN."""
    reset = replace(VISIT[6], flags=tcp.RST | tcp.ACK)
    ended = ground_of(two_points(seen([*VISIT[:6], reset])))

    assert not ended.ends_at_fin(8)
