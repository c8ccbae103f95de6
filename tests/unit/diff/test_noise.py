"""What a scenario does not speak of is no difference; what the host does wrong is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.diff import Policy, compare
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.trace import CanonicalTrace, canonicalize
from pytest_netlab.wire import tcp

PING, STRANGER = Tuple5(ICMP, C1, 7, HOST01, 7), "172.17.0.99"
Seen = list[tuple[str, Packet]]


def ping(seq: int, lost: str = "", src: str = C1) -> Seen:
    """Return one ping beyond the host; `lost` says where it came to nothing."""
    ident = PING.sport if src == C1 else 8
    met = Tuple5(ICMP, src, ident, HOST01, ident)
    sent = met._replace(src=HOST)
    ask = Packet(key=met, data=bytes(56), seq=seq, ip_id=seq * 10, direction=IN)
    answer = replace(ask, key=sent.reply, reply=True, ip_id=seq * 10 + 1)
    seen = [
        (INSIDE, ask),
        (OUTSIDE, routed(ask, sent)),
        (OUTSIDE, answer),
        (INSIDE, routed(answer, met.reply)),
    ]
    return seen[: {"": 4, "host": 1, "network": 2, "host, back": 3}[lost]]


def ask(number: int, *, answered: bool = True) -> Seen:
    """Return one datagram with a content of its own name, and its answer."""
    met = Tuple5(UDP, C1, 5555, HOST01, 53)
    sent = met._replace(src=HOST)
    question = Packet(key=met, data=b"who?", ip_id=number, direction=IN)
    answer = Packet(key=sent.reply, data=b"me", ip_id=number + 1, direction=IN)
    seen = [(INSIDE, question), (OUTSIDE, routed(question, sent))]
    back = [(OUTSIDE, answer), (INSIDE, routed(answer, met.reply))]
    return seen + back if answered else seen


def told(*parts: Seen) -> CanonicalTrace:
    """Return the story of what was seen, in this order."""
    return canonicalize(two_points(seen for part in parts for seen in part))


ONCE, TWICE = told(ping(1)), told(ping(1), ping(2))


@pytest.mark.parametrize(
    ("golden", "seen"),
    [
        (ONCE, told(ping(1, "network"), ping(2))),
        (ONCE, told(ping(1, "network"), ping(2, "network"), ping(3))),
        (TWICE, told(ping(1), ping(2, "network"), ping(3))),
        (TWICE, told(ping(1)[:2], ping(2), ping(1)[2:])),
        (TWICE, told(ping(1)[:2], ping(2)[:2], ping(2)[2:], ping(1)[2:])),
        (ONCE, told(ping(1), ping(1)[2:])),
        (told(ask(1)), told(ask(1, answered=False), ask(3))),
        (told(ask(1)), told(ask(1), ask(1)[2:])),
        (ONCE, told(ping(1, src=STRANGER), ping(1))),
        (ONCE, told(ping(1, src=STRANGER)[2:], ping(1))),
    ],
    ids=[
        "lost once",
        "lost twice",
        "lost in the middle",
        "late reply",
        "replies out of order",
        "reply doubled",
        "datagram asked again",
        "datagram doubled",
        "stranger",
        "stranger cut in half",
    ],
)
def test_no_difference(golden: CanonicalTrace, seen: CanonicalTrace) -> None:
    """The network may lose, double and delay; strangers may talk."""
    assert compare(golden, seen) == []


@pytest.mark.parametrize(
    ("golden", "seen"),
    [
        (ONCE, told(ping(1, "network"))),
        (ONCE, told(ping(1, "host"), ping(2))),
        (ONCE, told(ping(1, "host, back"), ping(2))),
        (ONCE, told(ping(1), ping(1)[1:2])),
        (ONCE, TWICE),
        (TWICE, told(ping(1, "network"), ping(2))),
        (told(ask(1)), told(ask(1), ask(3))),
        (told(ask(1)), told(ask(1, answered=False))),
    ],
    ids=[
        "never answered",
        "request lost by the host",
        "reply lost by the host",
        "doubled by the host",
        "one more",
        "one too few",
        "asked twice",
        "datagram never answered",
    ],
)
def test_difference(golden: CanonicalTrace, seen: CanonicalTrace) -> None:
    """What the host loses or doubles, and what nobody answers, is a difference."""
    assert compare(golden, seen)


def test_named_once() -> None:
    """A packet that the host lost or made is named so, and not told as extra too."""
    lost = [*ping(1), (INSIDE, replace(ping(1)[0][1], ip_id=3))]
    made = [*ping(1), (OUTSIDE, replace(ping(1)[1][1], ip_id=9))]

    def fields(seen: Seen) -> list[str]:
        return [one.field for one in compare(ONCE, told(seen))]

    assert fields(lost) == ["unpaired-forwarded"]
    assert fields(made) == ["made-by-host"]


def test_asides_are_told() -> None:
    """What is not compared is still in the story, and says what it is."""
    text = told(ping(1, "network"), ping(2), ping(2)[2:]).text("ping")

    assert text.count("(unanswered)") == 2
    assert text.count("(duplicate)") == 2


def test_lost_connection_that_was_tried_again() -> None:
    """A connection that the network lost is no difference if another one came about."""

    def syn(sport: int) -> Seen:
        met = Tuple5(TCP, C1, sport, HOST01, 80)
        packet = Packet(key=met, flags=tcp.SYN, ip_id=sport, direction=IN)
        return [(INSIDE, packet), (OUTSIDE, routed(packet, met._replace(src=HOST)))]

    def refused(sport: int) -> Seen:
        sent = Tuple5(TCP, HOST, sport, HOST01, 80)
        packet = Packet(key=sent.reply, flags=tcp.RST | tcp.ACK, direction=IN)
        back = sent._replace(src=C1).reply
        return [*syn(sport), (OUTSIDE, packet), (INSIDE, routed(packet, back))]

    golden = told(refused(4001))

    assert compare(golden, told(syn(4000), refused(4001))) == []
    assert compare(golden, told(syn(4000)[:1], refused(4001)))
    assert compare(golden, told(syn(4000)))


def closed(*late: tuple[bool, int], crossing: bool = True) -> Seen:
    """Return a connection that both ends close, and what came after, answers first."""
    met = Tuple5(TCP, C1, 4001, HOST01, 80)
    sent = met._replace(src=HOST)
    segments = [
        (False, tcp.SYN),
        (True, tcp.SYN | tcp.ACK),
        (False, tcp.FIN | tcp.ACK),
        (True, tcp.FIN | tcp.ACK),
        *late,
    ]
    seen: Seen = []
    for number, (reply, flags) in enumerate(segments):
        first, second = (sent.reply, met.reply) if reply else (met, sent)
        bare = flags & (tcp.SYN | tcp.RST)
        packet = Packet(key=first, flags=flags, seq=0 if bare else 1, direction=IN)
        packet = replace(packet, ip_id=number + 1)
        points = (OUTSIDE, INSIDE) if reply else (INSIDE, OUTSIDE)
        seen.append((points[0], packet))
        if crossing or number < len(segments) - 1:
            seen.append((points[1], routed(packet, second)))
    return seen


def test_late_reset() -> None:
    """A reset that answers a late segment is an aside; any other is a difference."""
    golden, answer = told(closed()), told(closed((True, tcp.RST)))

    assert compare(golden, answer) == []
    assert "(late)" in answer.text("late")
    assert compare(golden, told(closed((True, tcp.RST | tcp.ACK))))
    assert compare(golden, told(closed((True, tcp.RST), crossing=False)))


def test_broken_invariant_and_policy() -> None:
    """An invariant that is broken is no difference where the policy says any."""
    seen = ping(1)
    seen[1] = (OUTSIDE, replace(seen[1][1], ttl=60, tos=8, df=False))
    broken = told(seen)

    def fields(**rules: object) -> set[str]:
        return {one.field for one in compare(ONCE, broken, Policy.parse(rules))}

    assert fields() == {"ttl", "tos", "df", "ip_flags"}
    assert fields(ttl="any") == {"tos", "df", "ip_flags"}
    assert fields(ttl="preserved", tos="any", df="any") == {"ttl"}
    assert fields(ttl="any", tos="any", df="any") == set()


def test_error_is_no_aside() -> None:
    """A request that was refused is told in full."""
    seen = ping(1, "network")
    refusal = error(HOST01, seen[1][1], dst=HOST, direction=IN)

    assert compare(ONCE, told([*seen, (OUTSIDE, refusal)], ping(2)))


def test_lost_by_what_the_host_did() -> None:
    """An attempt with a wrong source has no answer: that is not the network's doing."""

    def pinged(number: int, source: str = HOST, seq: int = 1) -> Seen:
        met = Tuple5(ICMP, C1, number, HOST01, number)
        sent = met._replace(src=source)
        packet = Packet(key=met, data=bytes(56), seq=seq, ip_id=number, direction=IN)
        there = [(INSIDE, packet), (OUTSIDE, routed(packet, sent))]
        if number == 7:
            return there
        answer = replace(packet, key=sent.reply, reply=True, ip_id=number + 50)
        back = routed(replace(answer, direction=IN), met.reply)
        return [*there, (OUTSIDE, replace(answer, direction=IN)), (INSIDE, back)]

    golden = told(pinged(8))

    assert compare(golden, told(pinged(7), pinged(8))) == []
    assert compare(golden, told(pinged(7, "172.16.211.9"), pinged(8)))
