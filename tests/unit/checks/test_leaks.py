"""Addresses that must not leave on the uplink, in any protocol."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
    at_uplink,
    error,
    two_points,
)

from pytest_netlab.checks import leaks
from pytest_netlab.checks.forbidden import CONTAINER, LOOPBACK
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.wire import arp, assigned, ethernet

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

PING = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), direction=OUT)
C1_SIX, HOST01_SIX = "fd00:17::2", "2001:db8::1"


def found(capture: Capture) -> list[tuple[str, str]]:
    """Return which addresses must not have left, and why."""
    return [(one.field, one.got) for one in leaks(capture, INSIDE, OUTSIDE, NAMES)]


def quoting(inner: str) -> Packet:
    """Return an ICMP error of the host that quotes a packet of this source."""
    quoted = replace(PING, key=Tuple5(UDP, inner, 9, HOST01, 53))
    return error(HOST, quoted, dst=HOST01, direction=OUT)


def asking(source: str, target: str) -> bytes:
    """Return the frame of an ARP request of these addresses."""
    body = arp.build(1, source, target, MACS[0], MACS[1])
    return ethernet.build(*MACS, body, ethertype=assigned.ARP)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (PING, [(CONTAINER, C1)]),
        (replace(PING, direction=UNKNOWN), [(CONTAINER, C1)]),
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
        (replace(PING, key=Tuple5(TCP, HOST01, 1, WEB, 80), direction=IN), []),
        (replace(PING, key=Tuple5(TCP, HOST01, 1, WEB, 80), direction=UNKNOWN), []),
        (replace(PING, key=Tuple5(UDP, "127.0.0.1", 1, HOST, 2), direction=IN), []),
    ],
)
def test_leaks(packet: Packet | bytes, expected: list[tuple[str, str]]) -> None:
    """What the host sends is looked at: IPv4, IPv6, ARP, what ICMP errors quote."""
    assert found(at_uplink(packet)) == expected


def test_no_networks_known() -> None:
    """Of a capture that does not say what the containers' networks are, nothing is."""
    assert found(two_points([(OUTSIDE, PING)])) == []


def test_stranger() -> None:
    """What leaks of a container that talks on docker0 and is no node is its own."""
    leak = replace(PING, key=PING.key._replace(src="172.17.0.99"))
    own = replace(leak, direction=IN)

    assert found(at_uplink(leak)) == [(CONTAINER, "172.17.0.99")]
    assert found(at_uplink(leak, inside=(own,))) == []
    assert found(at_uplink(PING, inside=(replace(PING, direction=IN),))) == [
        (CONTAINER, C1)
    ]


def test_other_addresses_of_containers() -> None:
    """A container's other address must not leave, though no bridge has its network."""
    other, elsewhere = "2001:db8:5::2", "192.0.2.7"
    asked = Packet(key=Tuple5(ICMP6, other, 7, HOST01_SIX, 7), direction=OUT)
    named = {**NAMES, other: "c1", elsewhere: "host"}

    def named_leaks(packet: Packet) -> list[str]:
        capture = at_uplink(packet)
        return [one.got for one in leaks(capture, INSIDE, OUTSIDE, named)]

    assert named_leaks(asked) == [other]
    ours = replace(asked, key=asked.key._replace(src="fd00:99::1"))
    assert named_leaks(ours) == []
    host = Packet(key=Tuple5(ICMP, elsewhere, 7, HOST01, 7), direction=OUT)
    assert named_leaks(host) == []
