"""Who began a flow that was captured from its middle, and that this is a guess."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.traffic import C1, HOST, HOST01, SYN, SYN_ACK, WEB, Packet, capture

from pytest_netlab.capture import read
from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.nat import Flow, learn

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).parents[2] / "data" / "nat"
OTHER = "172.16.211.3"


class Crossed(NamedTuple):
    """A packet as its sender's side has it, and the key that it has beyond the NAT."""

    here: Tuple5
    there: Tuple5
    outward: bool
    flags: int = 16


def asked(proto: int, sport: int, dport: int, flags: int = 16) -> Crossed:
    """Return a packet of a container that calls another host."""
    key = Tuple5(proto, C1, sport, HOST01, dport)
    return Crossed(key, key._replace(src=HOST), outward=True, flags=flags)


def answered(proto: int, sport: int, dport: int, flags: int = 16) -> Crossed:
    """Return a packet of the other host that goes back to the container."""
    key = Tuple5(proto, HOST01, sport, HOST, dport)
    return Crossed(key, key._replace(dst=C1), outward=False, flags=flags)


def published(
    client: str, sport: int, *, back: bool, flags: int = 16, at: int = 8080
) -> Crossed:
    """Return a packet of a connection to a published port, of the client or back."""
    there = Tuple5(TCP, client, sport, HOST, at)
    here = Tuple5(TCP, client, sport, WEB, 3000)
    if back:
        return Crossed(here.reply, there.reply, outward=True, flags=flags)
    return Crossed(there, here, outward=False, flags=flags)


def flows(crossed: Sequence[Crossed], *, guess: bool = True) -> tuple[Flow, ...]:
    """Return what is learned of packets that all crossed, in this order."""
    inside, outside = [], []
    for number, one in enumerate(crossed):
        sent = Packet(key=one.here, ip_id=number + 1, flags=one.flags, data=b"data")
        beyond = Packet(
            key=one.there, ip_id=number + 1, flags=one.flags, data=b"data", ttl=63
        )
        inside.append(sent if one.outward else beyond)
        outside.append(beyond if one.outward else sent)
    return learn(capture(inside), capture(outside), guess=guess).flows


def described(flow: Flow) -> str:
    """Return what was translated, who began it, and whether that is a guess."""
    began = f"{flow.kind} {flow.original.src} calls {flow.original.dport}"
    return f"{began} {flow.initiated}{' guessed' * flow.guessed}"


@pytest.mark.parametrize(
    ("crossed", "expected"),
    [
        (  # neither a SYN nor a clear port: the first packet decides, as a guess
            [answered(TCP, 5000, 6000), asked(TCP, 6000, 5000)],
            f"dnat {HOST01} calls 6000 outside guessed",
        ),
        (
            [answered(TCP, 443, 40_000), asked(TCP, 40_000, 443)],
            f"snat {C1} calls 443 inside guessed",
        ),
        (
            [answered(TCP, 5432, 50_000)],
            f"snat {C1} calls 5432 inside guessed",
        ),
        (
            [asked(TCP, 40_000, 443), answered(TCP, 443, 40_000)],
            f"snat {C1} calls 443 inside guessed",
        ),
        (  # a SYN-ACK shows it, whatever the ports are
            [answered(TCP, 40_000, 443, SYN_ACK), asked(TCP, 443, 40_000)],
            f"snat {C1} calls 40000 inside",
        ),
        (
            [answered(TCP, 443, 40_000, SYN), asked(TCP, 40_000, 443, SYN_ACK)],
            f"dnat {HOST01} calls 40000 outside",
        ),
        (  # a late answer of DNS
            [answered(UDP, 53, 40_000), asked(UDP, 40_000, 53)],
            f"snat {C1} calls 53 inside guessed",
        ),
        (  # whoever calls a service is no guess, of datagrams
            [asked(UDP, 40_000, 53), answered(UDP, 53, 40_000)],
            f"snat {C1} calls 53 inside",
        ),
        (  # an NFS client has a privileged port
            [asked(TCP, 700, 2049)],
            f"snat {C1} calls 2049 inside guessed",
        ),
        (  # the published port is a system one, the container's is none
            [published(OTHER, 5000, back=True, at=80)],
            f"dnat {OTHER} calls 80 outside guessed",
        ),
    ],
)
def test_a_flow_from_its_middle(crossed: list[Crossed], expected: str) -> None:
    """SYN and echo are evidence, then the ports of both points."""
    (flow,) = flows(crossed)

    assert described(flow) == expected


def test_who_calls_a_published_port_is_known_from_others() -> None:
    """A connection whose SYN was seen shows that this end answers."""
    middle = published(OTHER, 5000, back=True)
    opening = [
        published(HOST01, 40_000, back=False, flags=SYN),
        published(HOST01, 40_000, back=True, flags=SYN_ACK),
    ]

    alone = [described(flow) for flow in flows([middle])]
    known = [described(flow) for flow in flows([middle, *opening])]

    assert alone == [f"snat {WEB} calls 5000 inside guessed"]
    assert known == [
        f"dnat {OTHER} calls 8080 outside guessed",
        f"dnat {HOST01} calls 8080 outside",
    ]


def test_losses_have_the_direction_of_their_flow() -> None:
    """What the published service sent is a reply, also of flows turned at the end."""
    sent = [published(OTHER, 5000, back=True, at=80) for _ in range(3)]
    seen = [
        Packet(key=one.here, ip_id=number + 1, seq=1 + 4 * number, data=b"data")
        for number, one in enumerate(sent)
    ]
    beyond = [
        Packet(key=sent[at].there, ip_id=at + 1, seq=1 + 4 * at, data=b"data", ttl=63)
        for at in (0, 2)
    ]

    found = learn(capture(seen), capture(beyond), guess=True)

    (loss,) = found.account.lost
    assert (loss.reply, loss.rows) == (True, (1,))


def test_live_captures_are_not_guessed() -> None:
    """They begin before their flows do."""
    (flow,) = flows([answered(UDP, 53, 40_000), asked(UDP, 40_000, 53)], guess=False)

    assert described(flow) == f"dnat {HOST01} calls 40000 outside"


def test_a_reply_that_never_crossed_was_dropped() -> None:
    """An answer alone, of which the other side saw nothing, answers nothing here."""
    late = Packet(key=Tuple5(UDP, HOST01, 53, HOST, 40_000), data=b"answer")
    anchor = Packet(key=Tuple5(UDP, C1, 1, HOST01, 1), ip_id=7)
    crossed = Packet(key=Tuple5(UDP, HOST, 1, HOST01, 1), ip_id=7, ttl=63)

    found = learn(
        capture([anchor, anchor]), capture([crossed, late, crossed]), guess=True
    )

    flow = found.flows[-1]
    assert (flow.disposition, flow.outside) == ("dropped", late.key.reply)
    assert flow.guessed


def test_captures_that_begin_in_mid_connection() -> None:
    """The first packet is the server's."""
    names = (f"midflow-server-first.{side}.pcap" for side in ("in", "out"))

    (flow,) = learn(*(read(DATA / name) for name in names), guess=True).flows

    assert described(flow) == "snat 10.0.0.5 calls 443 inside guessed"
