"""What is no part of a story: links' own protocols, groups and strangers."""

from __future__ import annotations

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
    STRANGER,
    Packet,
    two_points,
)
from tests.unit.trace.test_build import PINGED, ping

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.host.naming import container
from pytest_netlab.trace import canonicalize, translations
from pytest_netlab.wire import arp, assigned, canary, ethernet, icmpv6, ipv6

OTHER = "172.17.0.99"


def neighbour_solicitation() -> bytes:
    """Return a frame of IPv6 neighbour discovery."""
    src, dst = "fe80::1", "fd00::2"
    body = icmpv6.build(src, dst, 135, 0, bytes(20))
    packet = ipv6.build(src, dst, ICMP6, body, ttl=255)
    return ethernet.build(*MACS, packet, ethertype=assigned.IPV6)


NOISE: list[tuple[str, Packet | bytes]] = [
    (INSIDE, canary.build(canary.Canary("1", INSIDE, "open"), bytes(6))),
    (
        INSIDE,
        ethernet.build(
            *MACS,
            arp.build(arp.REQUEST, C1, BRIDGE, MACS[0], MACS[1]),
            ethertype=assigned.ARP,
        ),
    ),
    (INSIDE, neighbour_solicitation()),
    (OUTSIDE, Packet(key=Tuple5(UDP, HOST01, 5353, "224.0.0.251", 5353), direction=IN)),
    (OUTSIDE, Packet(key=Tuple5(UDP, HOST01, 68, "255.255.255.255", 67), direction=IN)),
    (OUTSIDE, Packet(key=Tuple5(TCP, STRANGER, 4000, "192.0.2.8", 22), direction=IN)),
    (OUTSIDE, Packet(key=Tuple5(UDP, HOST, 123, STRANGER, 123), direction=OUT)),
    (OUTSIDE, Packet(key=Tuple5(UDP, HOST, 123, "172.16.211.2", 123), direction=OUT)),
    (INSIDE, Packet(key=Tuple5(ICMP, BRIDGE, 7, STRANGER, 7), direction=OUT)),
]


def test_noise_is_not_told() -> None:
    """Canaries, links' own protocols, groups and strangers are no part of a story."""
    alone = canonicalize(two_points(ping()))
    mixed: list[tuple[str, Packet | bytes]] = []
    for seen in ping():
        mixed += [*NOISE, seen]

    assert canonicalize(two_points(mixed)) == alone
    assert canonicalize(two_points(NOISE)).flows == ()


def test_stranger_with_a_node() -> None:
    """Who speaks to a node is told, by a number instead of a name."""
    probe = Packet(key=Tuple5(UDP, C1, 5555, STRANGER, 53), direction=IN)

    story = canonicalize(two_points([(INSIDE, probe)]))

    assert [fact.name for fact in story.facts] == ["udp c1 -> addr#1:53"]
    assert story.facts[0].disposition == "dropped"


def test_packet_numbers() -> None:
    """A line names its packet's number in the whole capture, from 1."""
    story = canonicalize(two_points([*NOISE, *ping()]))

    assert [x.number for x in story.flows[0].packets] == [10, 11, 12, 13]


def test_translations_of_a_capture() -> None:
    """What happened between two points of a capture is learned from their rows."""
    capture = two_points([*NOISE, *ping()])

    flows = translations(capture, INSIDE, OUTSIDE).flows

    assert [flow.translated for flow in flows if flow.kind == "snat"] == [PINGED]


def test_left_out() -> None:
    """What strangers say to each other or to the host is left out, and kept apart."""
    whole = canonicalize(two_points([*NOISE, *ping()]))

    assert [str(key) for key in whole.left_out] == [
        f"tcp {STRANGER}.4000 > 192.0.2.8.22",
        f"udp {HOST}.123 > {STRANGER}.123",
        f"icmp {BRIDGE} > {STRANGER} id 7",
    ]
    assert canonicalize(two_points(ping())).left_out == ()


def test_container_that_is_no_node() -> None:
    """What it says is in the trace by its name, and unrelated if it began."""
    names = {**NAMES, STRANGER: container(8081), OTHER: container(None)}
    talks = [
        (INSIDE, Packet(key=Tuple5(UDP, STRANGER, 5555, OTHER, 53), direction=IN)),
        (INSIDE, Packet(key=Tuple5(UDP, C1, 5555, OTHER, 53), direction=IN)),
    ]

    first, second = canonicalize(two_points(talks, names)).flows

    assert first.fact.name == "udp container/8081 -> container/none:53"
    assert second.fact.name == "udp c1 -> container/none:53"
    assert (first.unrelated, second.unrelated) == (True, False)
