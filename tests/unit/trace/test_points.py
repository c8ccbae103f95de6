"""Any number of points of several kinds: what each saw of a packet is one traversal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, C2, HOST, HOST01, IN, OUT, Packet, routed
from tests.traffic import two_points as at_points

from pytest_netlab.diff import compare
from pytest_netlab.flows import ICMP, UDP, Tuple5
from pytest_netlab.trace import CanonicalTrace, Place, Point, Step, canonicalize
from pytest_netlab.trace.points import side

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

PORT, BRIDGE, UPLINK, UPLINK2, NODE = (
    Point("veth:c1", Place.CONTAINER_PORT),
    Point("docker0", Place.BRIDGE),
    Point("uplink", Place.UPLINK),
    Point("uplink2", Place.UPLINK),
    Point("eth0:host01", Place.NODE),
)
POINTS = (PORT, BRIDGE, UPLINK, UPLINK2, NODE)
NAMES = tuple(point.name for point in POINTS)
HOST2, FAR = "192.0.2.1", "192.0.2.9"
KNOWN = {C1: "c1", C2: "c2", HOST: "host", HOST2: "host2", HOST01: "host01", FAR: "far"}

ASK = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"ask", ip_id=1, direction=IN)
SENT = routed(ASK, ASK.key._replace(src=HOST))
ANSWER = Packet(key=SENT.key.reply, data=b"yes", ip_id=2, direction=IN)
BACK = routed(ANSWER, ASK.key.reply)
PING = Packet(key=Tuple5(ICMP, C1, 7, FAR, 7), data=b"x", ip_id=3, direction=IN)
PINGED = routed(PING, PING.key._replace(src=HOST2))
# At the node's own interface, what it receives comes in and what it sends goes out.
QUERY = [
    (PORT, ASK),
    (BRIDGE, ASK),
    (UPLINK, SENT),
    (NODE, replace(SENT, direction=IN)),
]
REPLY = [
    (NODE, replace(ANSWER, direction=OUT)),
    (UPLINK, ANSWER),
    (BRIDGE, BACK),
    (PORT, BACK),
]
ELSEWHERE = [(PORT, PING), (BRIDGE, PING), (UPLINK2, PINGED)]
Seen = list[tuple[Point, Packet]]


def seen(observations: Seen) -> Capture:
    """Return what the five points saw."""
    named = ((point.name, packet) for point, packet in observations)
    return at_points(named, names=KNOWN, points=NAMES)


def trace(*parts: Seen, points: tuple[Point, ...] = POINTS) -> CanonicalTrace:
    """Return the canonical trace of what the points saw."""
    return canonicalize(seen([one for part in parts for one in part]), points=points)


WHOLE = trace(QUERY, REPLY, ELSEWHERE)


def test_traversals() -> None:
    """A packet is observed at each point that it passes, in its order, by step."""
    first, second = WHOLE.flows

    assert [(one.point, one.reply, one.step) for one in first.packets] == [
        ("veth:c1", False, None),
        ("docker0", False, Step.BRIDGED),
        ("uplink", False, Step.FORWARDED),
        ("eth0:host01", False, Step.BRIDGED),
        ("eth0:host01", True, None),
        ("uplink", True, Step.BRIDGED),
        ("docker0", True, Step.FORWARDED),
        ("veth:c1", True, Step.BRIDGED),
    ]
    assert [(one.point, one.step) for one in second.packets] == [
        ("veth:c1", None),
        ("docker0", Step.BRIDGED),
        ("uplink2", Step.FORWARDED),
    ]
    assert not first.violations
    assert not second.violations


def test_text() -> None:
    """Every observation is a line; only the NAT rewrites anything."""
    assert WHOLE.text("dns").split("\n\n")[0] == (
        """\
dns   udp   c1 -> host01:53
  veth:c1      c1:port#1   > host01:53    datagram  length 3  ttl 64
  docker0      c1:port#1   > host01:53    datagram  length 3  ttl 64
  uplink       host:port#1 > host01:53    datagram  length 3  ttl 63  snat c1 -> host
  eth0:host01  host:port#1 > host01:53    datagram  length 3  ttl 63
  eth0:host01  host01:53   > host:port#1  datagram  length 3  ttl 64
  uplink       host01:53   > host:port#1  datagram  length 3  ttl 64
  docker0      host01:53   > c1:port#1    datagram  length 3  ttl 63  undone host -> c1
  veth:c1      host01:53   > c1:port#1    datagram  length 3  ttl 63
  uplink2      nothing"""
    )


def test_equal() -> None:
    """A trace over five points does not differ from itself, in whatever order told."""
    late = trace([*QUERY[2:], *QUERY[:2]], REPLY, ELSEWHERE)

    assert compare(WHOLE, WHOLE) == []
    assert compare(WHOLE, late) == []


@pytest.mark.parametrize("at", range(len(QUERY)))
def test_missing(at: int) -> None:
    """A packet that one point did not see is missing there, and nowhere else."""
    observed = trace([*QUERY[:at], *QUERY[at + 1 :]], REPLY, ELSEWHERE)
    point = QUERY[at][0].name

    assert (point, "packet") in {
        (one.point, one.field) for one in compare(WHOLE, observed) if not one.packet
    }


def test_another_uplink() -> None:
    """What leaves by the other uplink is missing at one, and too much at the other."""
    observed = trace(QUERY, REPLY, [*ELSEWHERE[:2], (UPLINK, PINGED)])

    found = {(one.point, one.packet is None) for one in compare(WHOLE, observed)}
    assert found == {("uplink2", True), ("uplink", False)}


@pytest.mark.parametrize(
    ("change", "field"),
    [({"ttl": 63}, "ttl"), ({"tos": 8}, "tos"), ({"ip_id": 9}, "ip_id")],
)
def test_bridge_changes_nothing(change: dict[str, int], field: str) -> None:
    """Between the port and the bridge there is no router: nothing may change."""
    odd = [(PORT, replace(ASK, **change)), *QUERY[1:]]  # type: ignore[arg-type]
    observed = trace(odd, REPLY, ELSEWHERE)

    assert field in [bad.field for bad in observed.flows[0].violations]
    assert field in [one.field for one in compare(WHOLE, observed)]


def test_between_containers() -> None:
    """What never leaves the bridge comes in by one port and goes out by the other."""
    other = Point("veth:c2", Place.CONTAINER_PORT)
    ask = replace(ASK, key=ASK.key._replace(dst=C2))
    parts = [(other, replace(ask, direction=OUT)), (BRIDGE, ask), (PORT, ask)]
    names = (PORT.name, other.name, BRIDGE.name)
    capture = at_points(
        ((point.name, packet) for point, packet in parts), names=KNOWN, points=names
    )
    (flow,) = canonicalize(capture, points=(PORT, other, BRIDGE)).flows

    assert [one.point for one in flow.packets] == ["veth:c1", "docker0", "veth:c2"]
    assert [one.step for one in flow.packets] == [None, Step.BRIDGED, Step.BRIDGED]


def test_side() -> None:
    """Of each packet the observation nearest to the host stands for the others."""
    inside = side(seen([*QUERY, (PORT, PING)]), [BRIDGE, PORT])

    assert inside.rows.tolist() == [1, 4]
    assert inside.observations(1) == [1, 0]
    assert inside.observations(4) == [4]


def test_points_that_were_not_captured() -> None:
    """Nobody looked at a point that the capture does not have."""
    there = trace(QUERY, points=(BRIDGE, Point("uplink9", Place.UPLINK)))

    assert there.points == ("docker0",)
