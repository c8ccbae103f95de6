"""What a host may not do to a packet on its way."""

from __future__ import annotations

from dataclasses import replace

from tests.traffic import C1, HOST01, IN, OUT, Packet, capture

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.diff.crossings import altered, stuck, turned
from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.wire import tcp

ACK = Packet(key=Tuple5(TCP, C1, 40000, HOST01, 80), seq=5, ack=7)


def test_tag_on_one_side() -> None:
    """A VLAN tag that one point saw and the other did not is told."""
    frames = list(capture([ACK, ACK]).frames())
    frames[1] = frames[1]._replace(vlan=7)
    seen = Capture.from_frames(frames, [Interface(name="tap")])

    assert [fault.field for fault in altered(seen, [(0, 1), (0, 0)])] == ["vlan"]


def test_half_a_datagram() -> None:
    """More fragments of a datagram that is whole on the other side are told."""
    seen = capture([ACK, replace(ACK, mf=True)])

    assert [fault.field for fault in altered(seen, [(0, 1)])] == ["fragment"]


def test_stuck_acknowledgement() -> None:
    """A packet without a twin is told: an acknowledgement, and what a line tells."""
    data, reset = replace(ACK, data=b"x"), replace(ACK, flags=tcp.RST, way=OUT)
    seen = capture([ACK, data, data, reset])

    assert [fault.row for fault in stuck(seen, [0, 1, 2, 3], {1, 3})] == [0, 1]


def test_one_direction_comes_from_one_side() -> None:
    """A packet that came in where others of its direction go out is told."""
    ways = [replace(ACK, way=way) for way in (IN, IN, OUT, OUT)]
    seen = capture(ways)

    pairs = [(row, row) for row in range(3)]
    replies = pairs[:2], lambda row: row == 1
    assert [fault.row for fault in turned(seen, pairs, lambda _: False)] == [2]
    assert list(turned(seen, *replies)) == []
    assert list(turned(seen, [(0, 0), (2, 2)], lambda row: row == 2)) == []
