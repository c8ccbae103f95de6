"""When a column's value means something, in words and as a mask."""

from __future__ import annotations

import pytest
from tests.traffic import C1, HOST01

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.wire import (
    UNTAGGED,
    Condition,
    arp,
    assigned,
    ethernet,
    icmp,
    icmpv6,
    ipv4,
    ipv6,
    tcp,
    udp,
    validity,
)
from pytest_netlab.wire.validity import among, present

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
A6, B6 = "fd00::1", "fd00::2"


def v4(proto: int, body: bytes) -> bytes:
    """Return a frame of IPv4."""
    return ethernet.build(*MACS, ipv4.build(C1, HOST01, proto, body))


SEGMENT = v4(assigned.TCP, tcp.build(C1, HOST01, 1, 2))
DATAGRAM = v4(assigned.UDP, udp.build(C1, HOST01, 1, 2))
ECHO = v4(assigned.ICMP, icmp.build_echo(assigned.ECHO_REQUEST, 7, 1))
ECHO6 = ethernet.build(
    *MACS,
    ipv6.build(A6, B6, 58, icmpv6.build_echo(A6, B6, assigned.ECHO_REPLY6, 7, 1)),
    ethertype=assigned.IPV6,
)
REFUSED = icmp.build_error(assigned.UNREACHABLE, 3, DATAGRAM[ethernet.HEADER :])
ERROR = v4(assigned.ICMP, REFUSED)
LOST = icmp.build_error(assigned.UNREACHABLE, 1, ECHO[ethernet.HEADER :])
ERROR_ON_ECHO = v4(assigned.ICMP, LOST)
ASK = arp.build(arp.REQUEST, C1, HOST01, MACS[0], MACS[1])
FRAMES = {
    "segment": SEGMENT,
    "datagram": DATAGRAM,
    "echo": ECHO,
    "echo6": ECHO6,
    "error": ERROR,
    "error on echo": ERROR_ON_ECHO,
    "arp": ethernet.build(*MACS, ASK, ethertype=assigned.ARP, vlan=3),
    "headless": SEGMENT[:36],
    "nothing": b"",
}
IP = {"segment", "datagram", "echo", "echo6", "error", "error on echo", "headless"}
ICMP = {"echo", "echo6", "error", "error on echo"}


def capture(*frames: bytes, linktype: int = assigned.ETHERNET) -> Capture:
    """Return a capture of these frames."""
    found = [Frame(0, row, frame, len(frame)) for row, frame in enumerate(frames)]
    return Capture.from_frames(found, [Interface(name="tap", linktype=linktype)])


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (validity.ALWAYS, set(FRAMES)),
        (validity.LINKED, set(FRAMES) - {"nothing"}),
        (validity.TAGGED, {"arp"}),
        (validity.OF_ARP, {"arp"}),
        (validity.OF_IP, IP),
        (validity.IDENTIFIED, IP - {"echo6"}),
        (validity.OF_TCP, {"segment"}),
        (validity.WITH_PORTS, {"segment", "datagram"}),
        (validity.OF_ICMP, ICMP),
        (validity.OF_ECHO, {"echo", "echo6"}),
        (validity.QUOTED, {"error", "error on echo"}),
        (validity.QUOTED_PORTS, {"error"}),
        (validity.QUOTED_ICMP, {"error on echo"}),
    ],
    ids=lambda value: value.text if isinstance(value, Condition) else "",
)
def test_mask(condition: Condition, names: set[str]) -> None:
    """Each condition is true of the packets that it speaks of."""
    present = condition.mask(capture(*FRAMES.values())).tolist()

    assert {name for name, there in zip(FRAMES, present, strict=True) if there} == names


def test_type_of_the_other_protocol_is_no_echo() -> None:
    """128 is a request of ICMPv6 only, and 8 one of ICMP."""
    seen = capture(v4(assigned.ICMP, icmp.build_echo(assigned.ECHO_REQUEST6, 7, 1)))

    assert validity.OF_ECHO.mask(seen).tolist() == [False]


def test_other_links_have_no_ethernet() -> None:
    """An IP packet without a link header has no hardware addresses."""
    seen = capture(SEGMENT[ethernet.HEADER :], linktype=assigned.RAW)

    assert validity.LINKED.mask(seen).tolist() == [False]
    assert seen.vlan.tolist() == [UNTAGGED]


def test_both_and_either() -> None:
    """Conditions are put together as their words say."""
    both, either = (
        present("sport") & present("tcp_seq"),
        present("sport") | present("icmp_id"),
    )
    seen = capture(SEGMENT, v4(assigned.TCP, tcp.build(C1, HOST01, 1, 2, seq=9)), ECHO)

    assert str(both) == "sport != 0 and tcp_seq != 0"
    assert both.mask(seen).tolist() == [False, True, False]
    assert str(either) == "sport != 0, or icmp_id != 0"
    assert either.mask(seen).tolist() == [True, True, True]


def test_words() -> None:
    """Values have names for people."""
    assert str(among("proto", TCP=6, UDP=17)) == "proto is TCP or UDP"


def test_an_address_is_told_by_any_of_its_octets() -> None:
    """Zero are all of them, or it is none."""
    assert present("src").mask(capture(SEGMENT, b"")).tolist() == [True, False]
