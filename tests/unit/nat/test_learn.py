"""What two capture points show of a NAT: each flow's rewrite, and the rest's fate."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.traffic import (
    BRIDGE,
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    OUT,
    SYN,
    UNKNOWN,
    WEB,
    Packet,
    capture,
    error,
    routed,
)

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.nat import Nat, Translations, learn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.wire import Direction

CLIENT = "172.16.211.9"
NOTHING = capture([])


class Crossing(NamedTuple):
    """A flow's key where the host met it and where it left, and from which side."""

    kind: str
    side: str
    original: Tuple5
    translated: Tuple5


SNAT = Crossing(
    "snat",
    "inside",
    Tuple5(UDP, C1, 5555, HOST01, 53),
    Tuple5(UDP, HOST, 5555, HOST01, 53),
)
REMAPPED = Crossing(
    "snat", "inside", SNAT.original, SNAT.translated._replace(sport=1024)
)
PING = Crossing(
    "snat", "inside", Tuple5(ICMP, C1, 7, HOST01, 7), Tuple5(ICMP, HOST, 7, HOST01, 7)
)
PING_REMAPPED = PING._replace(translated=Tuple5(ICMP, HOST, 99, HOST01, 99))
DNAT = Crossing(
    "dnat",
    "outside",
    Tuple5(TCP, HOST01, 40000, HOST, 81),
    Tuple5(TCP, HOST01, 40000, WEB, 80),
)
TWICE = Crossing(
    "twice-nat",
    "outside",
    Tuple5(TCP, HOST01, 40000, HOST, 81),
    Tuple5(TCP, BRIDGE, 1024, WEB, 80),
)
PLAIN = Crossing("none", "inside", *[Tuple5(TCP, C1, 40000, HOST01, 80)] * 2)
PLAIN_IN = Crossing("none", "outside", *[Tuple5(TCP, HOST01, 40000, C1, 80)] * 2)
PLAIN6 = Crossing("none", "inside", *[Tuple5(ICMP6, "fd00::2", 7, "fd01::1", 7)] * 2)
NAT66 = Crossing(
    "snat",
    "inside",
    Tuple5(TCP, "fd00::2", 40000, "2001:db8::1", 80),
    Tuple5(TCP, "2001:db8::9", 40000, "2001:db8::1", 80),
)
CROSSINGS = [
    SNAT,
    REMAPPED,
    PING,
    PING_REMAPPED,
    DNAT,
    TWICE,
    PLAIN,
    PLAIN_IN,
    PLAIN6,
    NAT66,
]
NAMES = [
    "snat",
    "port remapped",
    "ping",
    "id remapped",
    "dnat",
    "twice-nat",
    "plain",
    "plain inwards",
    "plain6",
    "nat66",
]


def crossed(crossing: Crossing, packet: Packet) -> tuple[Packet, Packet]:
    """Return the inside and outside observation of a packet of the flow."""
    original, translated = crossing.original, crossing.translated
    if packet.reply:
        original, translated = translated.reply, original.reply
    first = replace(packet, key=original)
    observations = first, routed(first, translated)
    outwards = (crossing.side == "inside") != packet.reply
    return observations if outwards else (observations[1], observations[0])


def exchange(crossing: Crossing, start: int = 1) -> list[tuple[Packet, Packet]]:
    """Return both observations of a request, its answer, and a second request."""
    base = Packet(key=crossing.original)
    packets = [
        replace(base, data=b"request", ip_id=start),
        replace(base, data=b"answer", ip_id=start, reply=True),
        replace(base, data=b"again", seq=2, ip_id=start + 1),
    ]
    return [crossed(crossing, packet) for packet in packets]


def either_way(crossing: Crossing) -> list[tuple[Tuple5, Tuple5]]:
    """Return met and sent, also as they are if the answerer counts as initiator."""
    original, translated = crossing.original, crossing.translated
    return [(original, translated), (translated.reply, original.reply)]


def complaint(crossing: Crossing, request: tuple[Packet, Packet]) -> tuple[Packet, ...]:
    """Return both observations of an ICMP error about a request that crossed.

    From a third party on its way out; from the target itself on its way in, which
    the host then hides.
    """
    near, far = request
    ip_id = near.ip_id + 50
    if crossing.side == "outside":
        return error(WEB, near, ip_id=ip_id), error(HOST, far, ip_id=ip_id, ttl=63)
    third = "10.9.9.9"
    return error(third, near, ip_id=ip_id, ttl=63), error(third, far, ip_id=ip_id)


def learned(observations: Sequence[tuple[Packet, ...]]) -> Translations:
    """Learn from packets that all crossed; the outside's clock is two seconds ahead."""
    inside, outside = ([pair[side] for pair in observations] for side in (0, 1))
    return learn(capture(inside), capture(outside, start=2_000_000_000))


@pytest.mark.parametrize("crossing", CROSSINGS, ids=NAMES)
def test_rewrite(crossing: Crossing) -> None:
    """A flow's kind, side and keys are what its packets show on both sides."""
    found = learned(exchange(crossing))
    flow = found.flows[0]

    assert [crossing] == [
        (f.kind, f.initiated, f.original, f.translated)
        for f in found.flows
        if f.answered
    ]
    assert flow.disposition == "forwarded"
    assert flow.pairs == ((0, 0), (1, 1), (2, 2))
    assert (0, 1, 2) == flow.inside_rows == flow.outside_rows
    assert found.violations == ()
    assert found.unpaired == {}


@pytest.mark.parametrize("crossing", CROSSINGS, ids=NAMES)
def test_began_before_the_captures(crossing: Crossing) -> None:
    """Captures that begin with an answer still agree on how the flow was rewritten."""
    found = learned(exchange(crossing)[1:])

    assert [flow.disposition for flow in found.flows] == ["forwarded"]
    assert (found.flows[0].original, found.flows[0].translated) in either_way(crossing)
    assert found.violations == ()


@pytest.mark.parametrize("crossing", [SNAT, DNAT], ids=["snat", "dnat"])
def test_captures_begin_at_different_packets(crossing: Crossing) -> None:
    """One side may have begun with the answer: a packet of both orients the flow."""
    observations = exchange(crossing)
    inside = capture([near for near, _ in observations[1:]])
    outside = capture([far for _, far in observations])

    found = learn(inside, outside)

    assert [
        (f.original, f.translated) in either_way(crossing) for f in found.flows
    ] == [True]
    assert found.violations == ()


def test_interleaved() -> None:
    """Flows that interleave differently on both sides are told apart."""
    one, two = exchange(SNAT), exchange(DNAT, start=50)
    inside = [near for pair in zip(one, two, strict=True) for near, _ in pair]
    outside = [far for _, far in (*two, *one)]

    found = learn(capture(inside), capture(outside))

    assert [("snat", SNAT.translated), ("dnat", DNAT.translated)] == [
        (flow.kind, flow.translated) for flow in found.flows
    ]
    assert found.violations == ()


def test_collision() -> None:
    """Of two flows that wanted one port the second is remapped, and both are undone."""
    second = Crossing(
        "snat", "inside", SNAT.original._replace(src=C2), REMAPPED.translated
    )

    found = learned(exchange(SNAT) + exchange(second, start=9))

    assert [SNAT.translated, REMAPPED.translated] == [
        flow.translated for flow in found.flows
    ]
    assert found.violations == ()


def test_collision_of_twins_with_ip_id_zero() -> None:
    """Two containers that ping alike, without IP ids, keep their own mapping."""
    other = PING_REMAPPED._replace(original=PING.original._replace(src=C2))
    pings = [
        crossed(way, Packet(key=PING.original, data=b"same", seq=seq, reply=reply))
        for seq in range(1, 4)
        for reply in (False, True)
        for way in ((PING, other) if seq != 2 else (other, PING))
    ]

    found = learned(pings)

    assert {PING.translated, other.translated} == {
        flow.translated for flow in found.flows
    }
    assert found.violations == ()


@pytest.mark.parametrize("lost", ["inside", "outside"])
def test_loss_on_one_side(lost: str) -> None:
    """A packet that one tap missed, or the host dropped, stays with its flow."""
    observations = exchange(SNAT)
    near, far = ([pair[side] for pair in observations] for side in (0, 1))
    del (near if lost == "inside" else far)[2]

    found = learn(capture(near), capture(far))

    assert [SNAT.translated] == [flow.translated for flow in found.flows]
    assert found.flows[0].pairs == ((0, 0), (1, 1))
    assert {2, 3} == {
        len(found.flows[0].inside_rows),
        len(found.flows[0].outside_rows),
    }


@pytest.mark.parametrize("crossing", [SNAT, DNAT], ids=["snat", "dnat"])
@pytest.mark.parametrize("lost", [0, 1], ids=["inside", "outside"])
def test_answer_seen_on_one_side(crossing: Crossing, lost: int) -> None:
    """An answer counts wherever it was seen; it returned where the request was met."""
    request, answer, _ = exchange(crossing)
    sides = [[request[0], answer[0]], [request[1], answer[1]]]
    del sides[lost][1]

    found = learn(*map(capture, sides))

    original = 0 if crossing.side == "inside" else 1
    assert [(f.answered, f.returned) for f in found.flows] == [(True, lost != original)]


def test_retransmission() -> None:
    """A segment sent again, with the same IP id or another, is one more packet."""
    first = Packet(key=DNAT.original, flags=SYN, ip_id=1)
    again = [first, first, replace(first, ip_id=2)]

    found = learned([crossed(DNAT, packet) for packet in again])

    assert found.flows[0].pairs == ((0, 0), (1, 1), (2, 2))
    assert not found.flows[0].answered
    assert found.violations == ()


@pytest.mark.parametrize(
    "crossing", [SNAT, PING_REMAPPED, DNAT], ids=["snat", "id remapped", "dnat"]
)
def test_error_about_a_flow(crossing: Crossing) -> None:
    """An error whose quote was translated back belongs to the flow it quotes."""
    request = crossed(crossing, Packet(key=crossing.original, ip_id=3))

    found = learned([request, complaint(crossing, request)])

    assert [crossing.translated] == [flow.translated for flow in found.flows]
    assert found.flows[0].pairs == ((0, 0), (1, 1))
    assert found.violations == ()


def test_error_without_what_it_quotes() -> None:
    """An error alone tells how the flow it quotes was rewritten."""
    request = crossed(REMAPPED, Packet(key=SNAT.original, ip_id=3))

    found = learned([complaint(REMAPPED, request)])

    assert [(f.kind, f.initiated, f.original, f.translated) for f in found.flows] == [
        REMAPPED
    ]
    assert found.violations == ()


def test_errors_to_two_containers() -> None:
    """One router's errors to two containers are two flows', not one overloaded."""
    second = Crossing(
        "snat", "inside", SNAT.original._replace(src=C2), REMAPPED.translated
    )
    one, two = (
        crossed(crossing, Packet(key=crossing.original, ip_id=ip_id))
        for ip_id, crossing in enumerate((SNAT, second))
    )

    found = learned([one, two, complaint(SNAT, one), complaint(second, two)])

    assert [SNAT.translated, REMAPPED.translated] == [
        flow.translated for flow in found.flows
    ]
    assert found.violations == ()


def test_later_fragments() -> None:
    """Later parts of a datagram have no ports: they neither pair nor stay alone."""
    first = Packet(key=SNAT.original, data=b"x" * 16, mf=True, df=False, ip_id=5)
    later = replace(first, body=b"y" * 24, mf=False, frag_offset=24)
    observations = [crossed(SNAT, first), crossed(SNAT, later)]

    found = learned(observations)

    assert [SNAT.translated] == [flow.translated for flow in found.flows]
    assert found.flows[0].pairs == ((0, 0),)


def test_padding() -> None:
    """Padding that only one link adds is no difference."""
    near, far = crossed(SNAT, Packet(key=SNAT.original, data=b"x", ip_id=1))

    found = learned([(near, replace(far, tail=bytes(17)))])

    assert [SNAT.translated] == [flow.translated for flow in found.flows]
    assert found.violations == ()


def test_ttl_tells_who_began() -> None:
    """Without directions, the side with the higher ttl is where a packet came from."""
    for crossing in (SNAT, DNAT):
        near, far = crossed(
            crossing, Packet(key=crossing.original, ip_id=1, direction=IN)
        )
        untold = replace(near, direction=UNKNOWN), replace(far, direction=UNKNOWN)

        found = learned([untold])

        assert found.flows[0].initiated == crossing.side


@pytest.mark.parametrize(("way", "expected"), [(IN, "inside"), (OUT, "outside")])
def test_direction_tells_where_the_ttl_does_not(way: Direction, expected: str) -> None:
    """Of a packet whose ttl was not lowered the tap's direction tells its way."""
    near = Packet(key=PLAIN.original, ip_id=1, direction=way)
    far = replace(near, direction=OUT if way == IN else IN)

    assert learn(capture([near]), capture([far])).flows[0].initiated == expected


def test_nothing() -> None:
    """Two captures that saw nothing teach nothing."""
    assert Translations(()) == learn(NOTHING, NOTHING)


KEYS = st.builds(
    Tuple5,
    st.sampled_from([TCP, UDP, ICMP]),
    st.sampled_from([C1, C2, WEB]),
    st.integers(1, 4),
    st.sampled_from([HOST01, CLIENT]),
    st.integers(1, 4),
)
EVENTS = st.lists(st.tuples(KEYS, st.booleans(), st.booleans()), max_size=12)


def conversation(nat: Nat, key: Tuple5) -> Crossing | None:
    """Let one packet cross a NAT; None if it does not."""
    if key.dst == HOST:
        translated = nat.inbound(key)
        return translated and Crossing("", "outside", key, translated)
    return Crossing("", "inside", key, nat.outbound(key))


@given(events=EVENTS)
def test_learns_any_nat(events: list[tuple[Tuple5, bool, bool]]) -> None:
    """What is learned of a NAT's traffic is what that NAT did, whatever it was."""
    published = dict.fromkeys((1, 2), (WEB, 80))
    nat = Nat(subnet=IPv4Network("172.17.0.0/16"), address=HOST, published=published)
    expected: dict[Tuple5, Tuple5] = {}
    observations = []
    for number, (key, inwards, answered) in enumerate(events):
        if key.proto == ICMP:
            key = key._replace(dport=key.sport)  # noqa: PLW2901
        if inwards:
            key = key._replace(src=key.dst, dst=HOST)  # noqa: PLW2901
        crossing = conversation(nat, key)
        if crossing is None or crossing.translated.reply in expected:
            continue
        expected[crossing.original] = crossing.translated
        packet = Packet(key=key, ip_id=2 * number + 1, data=b"x")
        observations.append(crossed(crossing, packet))
        if answered:
            back = replace(packet, ip_id=2 * number + 2, reply=True)
            observations.append(crossed(crossing, back))

    found = learned(observations)

    assert expected == {flow.original: flow.translated for flow in found.flows}
    assert found.violations == ()
    assert found.unpaired == {}
