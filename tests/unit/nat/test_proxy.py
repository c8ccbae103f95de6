"""A user-space proxy is known by what it says: the same bytes on two connections."""

from __future__ import annotations

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    HOST,
    HOST01,
    IN,
    OUT,
    SYN,
    WEB,
    Packet,
    capture,
)

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import learn

ASKED = Tuple5(TCP, HOST01, 40000, HOST, 81)
LEG = Tuple5(TCP, BRIDGE, 50000, WEB, 80)


def said(key: Tuple5, data: bytes, *, outside: bool, seq: int = 1) -> list[Packet]:
    """Return a connection's first segments at one point; each has its own sequence."""
    forth, back = (IN, OUT) if outside else (OUT, IN)
    return [
        Packet(key=key, flags=SYN, seq=seq, direction=forth),
        Packet(key=key, seq=seq + 1, data=data, direction=forth),
        Packet(key=key.reply, seq=seq + 2, data=b"answer", direction=back),
    ]


def fates(inside: list[Packet], outside: list[Packet]) -> list[tuple[object, ...]]:
    """Return what became of each flow, with its keys."""
    found = learn(capture(inside), capture(outside))
    return [(flow.disposition, flow.original, flow.translated) for flow in found.flows]


@pytest.mark.parametrize("proto", [TCP, UDP])
def test_proxied(proto: int) -> None:
    """Two connections whose initiators say the same are one proxied flow."""
    asked, leg = ASKED._replace(proto=proto), LEG._replace(proto=proto)
    outside = said(asked, b"GET /", outside=True)
    inside = said(leg, b"GET /", outside=False, seq=900)

    found = learn(capture(inside), capture(outside))

    assert [(f.kind, f.disposition, f.original, f.translated) for f in found.flows] == [
        ("proxied", "proxied", asked, leg)
    ]
    assert found.flows[0].answered
    assert found.flows[0].pairs == ()
    assert found.flows[0].inside_rows == found.flows[0].outside_rows == (0, 1, 2)


def test_other_words() -> None:
    """Connections that say different things are two flows of the host itself."""
    outside = said(ASKED, b"GET /", outside=True)
    inside = said(LEG, b"GET /other", outside=False, seq=900)

    assert fates(inside, outside) == [("local", LEG, None), ("local", ASKED, None)]


def test_silence() -> None:
    """Connections in which the initiator says nothing are not joined."""
    outside = said(ASKED, b"", outside=True)
    inside = said(LEG, b"", outside=False, seq=900)

    assert fates(inside, outside) == [("local", LEG, None), ("local", ASKED, None)]


def test_banner() -> None:
    """What the server says first does not join connections."""
    halves = []
    for key, seq, outside in ((LEG, 900, False), (ASKED, 1, True)):
        banner = Packet(key=key.reply, seq=seq, data=b"SSH-2.0")
        data = b"one" if outside else b"another"
        halves.append([*said(key, data, outside=outside, seq=seq)[:1], banner])
        halves[-1] += said(key, data, outside=outside, seq=seq)[1:]

    assert fates(*halves) == [("local", LEG, None), ("local", ASKED, None)]


@pytest.mark.parametrize("silent", ["inside", "outside"])
def test_unanswered(silent: str) -> None:
    """A proxied flow is answered when both of its halves are."""
    inside = said(LEG, b"GET /", outside=False, seq=900)
    outside = said(ASKED, b"GET /", outside=True)
    del (inside if silent == "inside" else outside)[2]

    found = learn(capture(inside), capture(outside))

    assert [(flow.disposition, flow.answered) for flow in found.flows] == [
        ("proxied", False)
    ]


def test_two_clients_in_order() -> None:
    """Two clients that say the same are joined with two legs, in order."""
    second = ASKED._replace(sport=40001)
    other = LEG._replace(sport=50001)
    outside = said(ASKED, b"GET /", outside=True)
    outside += said(second, b"GET /", outside=True, seq=100)
    inside = said(LEG, b"GET /", outside=False, seq=900)
    inside += said(other, b"GET /", outside=False, seq=950)

    assert fates(inside, outside) == [
        ("proxied", ASKED, LEG),
        ("proxied", second, other),
    ]


def test_more_legs_than_clients() -> None:
    """A leg that no client is left for stays what it was."""
    inside = said(LEG, b"GET /", outside=False, seq=900)
    inside += said(LEG._replace(sport=1), b"GET /", outside=False, seq=950)

    assert fates(inside, said(ASKED, b"GET /", outside=True)) == [
        ("proxied", ASKED, LEG),
        ("local", LEG._replace(sport=1), None),
    ]


def test_container_is_no_proxy() -> None:
    """What a container asks the host is no leg of what a neighbour asks it."""
    asks = Tuple5(TCP, C1, 40000, HOST, 81)
    inside = said(asks, b"GET /", outside=True, seq=900)  # it arrives, on either side

    assert fates(inside, said(ASKED, b"GET /", outside=True)) == [
        ("local", asks, None),
        ("local", ASKED, None),
    ]


def test_host_as_client_is_not_proxied() -> None:
    """What the host asks a neighbour is not heard from a client."""
    asks = Tuple5(TCP, HOST, 40000, HOST01, 80)

    assert fates(
        said(LEG, b"GET /", outside=False, seq=900),
        said(asks, b"GET /", outside=False),
    ) == [("local", LEG, None), ("local", asks, None)]


def test_pings_are_not_proxied() -> None:
    """Equal pings on both sides are two pings: a proxy carries no ICMP."""
    here = Packet(key=Tuple5(ICMP, BRIDGE, 1, WEB, 1), data=b"same", direction=OUT)
    there = Packet(
        key=Tuple5(ICMP, HOST01, 1, HOST, 1), data=b"same", direction=IN, ip_id=1
    )

    assert fates([here], [there]) == [
        ("dropped", here.key, None),
        ("dropped", there.key, None),
    ]
