"""Addresses that must not leave on the uplink, in any protocol."""

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
    MACS,
    NAMES,
    OUT,
    OUTSIDE,
    UNKNOWN,
    WEB,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.capture import Capture
from pytest_netlab.diff import Policy, Story, canonicalize, compare
from pytest_netlab.diff.negatives import CONTAINER, LOOPBACK, NEGATIVES, strays
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.wire import arp, ethernet, tcp

PING = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), way=OUT)
OWN = ("172.17.0.1/16", "fd00:17::1/64", "fe80::1/64")
C1_SIX, HOST01_SIX = "fd00:17::2", "2001:db8::1"


def seen(*packets: Packet | bytes, inside: tuple[Packet, ...] = ()) -> Capture:
    """Return what was seen, of which the inside knows its networks."""
    sightings = [(INSIDE, one) for one in inside] + [(OUTSIDE, one) for one in packets]
    capture = two_points(sightings)
    interfaces = [
        replace(one, addresses=OWN if one.name == INSIDE else ())
        for one in capture.interfaces
    ]
    return Capture.from_frames(capture.frames(), interfaces, capture.names)


def found(capture: Capture) -> list[tuple[str, str]]:
    """Return which addresses must not have left, and why."""
    return [one[:2] for one in strays(capture, INSIDE, OUTSIDE, NAMES)]


def quoting(inner: str) -> Packet:
    """Return an ICMP error of the host that quotes a packet of this source."""
    quoted = replace(PING, key=Tuple5(UDP, inner, 9, HOST01, 53))
    return error(HOST, quoted, dst=HOST01, way=OUT)


def asking(source: str, target: str) -> bytes:
    """Return the frame of an ARP request of these addresses."""
    body = arp.build(1, source, target, MACS[0], MACS[1])
    return ethernet.build(*MACS, body, ethertype=ethernet.ARP)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (PING, [(CONTAINER, C1)]),
        (replace(PING, way=UNKNOWN), [(CONTAINER, C1)]),
        (replace(PING, key=Tuple5(UDP, BRIDGE, 1, HOST01, 2)), [(CONTAINER, BRIDGE)]),
        (replace(PING, key=Tuple5(TCP, HOST01, 1, WEB, 80)), [(CONTAINER, WEB)]),
        (
            replace(PING, key=Tuple5(UDP, C1_SIX, 1, HOST01_SIX, 2)),
            [(CONTAINER, C1_SIX)],
        ),
        (asking(C1, HOST01), [(CONTAINER, C1)]),
        (quoting(C1), [(CONTAINER, C1)]),
        (quoting("127.0.0.1"), [(LOOPBACK, "127.0.0.1")]),
        (
            replace(PING, key=Tuple5(UDP, "127.0.0.1", 1, HOST01, 2)),
            [(LOOPBACK, "127.0.0.1")],
        ),
        (replace(PING, key=Tuple5(UDP, "::1", 1, HOST01_SIX, 2)), [(LOOPBACK, "::1")]),
        (replace(PING, key=Tuple5(UDP, HOST, 1, HOST01, 2)), []),
        (replace(PING, key=Tuple5(UDP, "172.18.0.1", 1, HOST01, 2)), []),
        (replace(PING, key=Tuple5(UDP, "fe80::2", 1, "fe80::3", 2)), []),
        (replace(PING, key=Tuple5(TCP, HOST01, 1, WEB, 80), way=IN), []),
        (replace(PING, key=Tuple5(TCP, HOST01, 1, WEB, 80), way=UNKNOWN), []),
        (replace(PING, key=Tuple5(UDP, "127.0.0.1", 1, HOST, 2), way=IN), []),
    ],
)
def test_strays(packet: Packet | bytes, expected: list[tuple[str, str]]) -> None:
    """What the host sends is looked at: IPv4, IPv6, ARP, what ICMP errors quote."""
    assert found(seen(packet)) == expected


def test_no_networks_known() -> None:
    """Of a capture that does not say what the containers' networks are, nothing is."""
    assert found(two_points([(OUTSIDE, PING)])) == []


def test_stranger() -> None:
    """What leaks of a container that talks on docker0 and is no node is its own."""
    leak = replace(PING, key=PING.key._replace(src="172.17.0.99"))
    own = replace(leak, way=IN)

    assert found(seen(leak)) == [(CONTAINER, "172.17.0.99")]
    assert found(seen(leak, inside=(own,))) == []
    assert found(seen(PING, inside=(replace(PING, way=IN),))) == [(CONTAINER, C1)]


def story(*packets: Packet | bytes) -> Story:
    """Return the story of what the uplink saw."""
    return canonicalize(seen(*packets))


def fields(golden: Story, observed: Story, *waived: str) -> list[str]:
    """Return what differs where negatives are demanded."""
    policy = Policy().demanding(waived)
    return [one.field for one in compare(golden, observed, policy)]


def test_demanded_whatever_the_golden_has() -> None:
    """A golden does not forgive an address that leaks; a waiver does."""
    leak = story(PING)

    assert leak.never[0].flow == "icmp echo c1 -> host01"
    assert leak.never[0].got == "c1"
    assert "! container-address-on-uplink: c1" in leak.text("leak")
    assert compare(leak, leak) == []
    assert fields(leak, leak) == [CONTAINER]
    assert fields(leak, leak, LOOPBACK) == [CONTAINER]
    assert fields(leak, leak, CONTAINER) == []


def test_packet_of_no_conversation() -> None:
    """ARP has no conversation, and leaks all the same."""
    asked = story(asking(C1, HOST01))

    (one,) = compare(story(), asked, Policy().demanding())
    assert (one.field, one.flow, one.packet, one.got) == (CONTAINER, "arp", 1, "c1")
    assert one.cause is not None
    assert one.cause.name == CONTAINER


def test_told_once() -> None:
    """A packet that differs from the golden already is told once."""
    sent = routed(PING, PING.key._replace(src=HOST))
    inside = (replace(PING, way=IN),)
    golden = canonicalize(seen(sent, inside=inside))
    leak = canonicalize(seen(routed(PING), inside=inside))

    assert CONTAINER not in fields(golden, leak)
    assert {"source", "rewrite"} <= set(fields(golden, leak))


def test_unpaired() -> None:
    """What the host forwards crosses it, even where the golden has it lost."""
    syn = Packet(key=Tuple5(TCP, C1, 4001, HOST01, 80), flags=tcp.SYN, ip_id=1, way=IN)
    sent = syn.key._replace(src=HOST)
    data = replace(syn, flags=tcp.ACK, seq=2, ip_id=2, data=b"x")
    lost = canonicalize(seen(routed(syn, sent), inside=(syn, data)))

    assert compare(lost, lost) == []
    assert fields(lost, lost) == ["unpaired-forwarded"]
    assert fields(lost, lost, "unpaired-forwarded") == []


def test_bad_checksum() -> None:
    """A bad checksum is red even where the golden has one."""
    udp = Packet(key=Tuple5(UDP, HOST, 1, HOST01, 2), data=b"x", way=OUT)
    frame = bytearray(udp.frame)
    frame[-1] ^= 1
    bad = story(bytes(frame))

    assert compare(bad, bad) == []
    assert fields(bad, bad) == ["l4_checksum"]
    assert fields(bad, bad, "bad-checksum") == []


def test_refusal() -> None:
    """The host's own reset is named; one that it passes on is a packet like others."""
    syn = Packet(
        key=Tuple5(TCP, HOST01, 4001, HOST, 81), flags=tcp.SYN, ip_id=1, way=IN
    )
    reset = Packet(key=syn.key.reply, flags=tcp.RST | tcp.ACK, way=OUT)
    golden, refused = story(syn), story(syn, reset)

    assert fields(golden, refused) == ["unexplained-refusal"]
    assert fields(refused, refused) == []
    assert fields(golden, refused, "unexplained-refusal") == []


def test_names() -> None:
    """A policy names what it waives."""
    assert Policy.parse({"waive": [CONTAINER]}).waived == {CONTAINER}
    assert all(text for text in NEGATIVES.values())
