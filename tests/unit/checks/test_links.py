"""Octets behind a datagram, and frames from and for others than they say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    INSIDE,
    NAMES,
    OUT,
    OUTSIDE,
    STRANGER,
    Packet,
)

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.checks import Observed, Stations
from pytest_netlab.checks.links import neighbours, others, trailing
from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.wire import ethernet, mac_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.checks import Violation
    from pytest_netlab.wire import Direction

STATIONS = {
    "02:00:00:00:00:01": "c1",
    "02:00:00:00:00:02": "c2",
    "02:00:00:00:00:10": "bridge",
    "02:00:00:00:00:20": "host",
    "02:00:00:00:00:21": "host01",
    "02:00:00:00:00:22": "gateway",
}
MAC = {name: text for text, name in STATIONS.items()} | {
    "nobody": "02:00:00:00:00:99",
    "all": "ff:ff:ff:ff:ff:ff",
}
POINTS = (INSIDE, OUTSIDE)
ADDRESSES = {INSIDE: (f"{BRIDGE}/16",), OUTSIDE: (f"{HOST}/24",)}
Seen = tuple[str, str, str, "Direction", str, str]  # point, MACs, direction, addresses


def frame(seen: Seen, number: int = 0) -> Frame:
    """Return a ping as a tap sees it, with these Ethernet addresses."""
    point, src, dst, direction, source, target = seen
    packet = Packet(key=Tuple5(ICMP, source, 7, target, 7), data=bytes(40))
    data = mac_bytes(MAC[dst]) + mac_bytes(MAC[src]) + packet.frame[ethernet.TYPE :]
    return Frame(POINTS.index(point), number, data, len(data), direction)


def observed(frames: Iterable[Frame], *, known: bool = True) -> Observed:
    """Return a conversation at the host's two points."""
    interfaces = [Interface(name=one, addresses=ADDRESSES[one]) for one in POINTS]
    names = {**NAMES, **STATIONS} if known else NAMES
    capture = Capture.from_frames(frames, interfaces, names)
    stations = Stations(capture, names, {0: "bridge", 1: "host"})
    return Observed(capture=capture, points=(), is_reply=bool, stations=stations)


def told(found: Iterable[Violation]) -> list[tuple[str, str, str]]:
    """Return field, want and got of each violation."""
    return [(bad.field, bad.want, bad.got) for bad in found]


PING = (INSIDE, "c1", "bridge", IN, C1, HOST01)
PONG = (INSIDE, "bridge", "c1", OUT, HOST01, C1)
LEFT = (OUTSIDE, "host", "host01", OUT, HOST, HOST01)
CAME = (OUTSIDE, "host01", "host", IN, HOST01, HOST)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        *[(usual, []) for usual in (PING, PONG, LEFT, CAME)],
        ((INSIDE, "c1", "c2", IN, C1, C2), []),
        ((INSIDE, "c1", "nobody", IN, C1, "172.17.0.9"), []),
        ((INSIDE, "c1", "all", IN, C1, "172.17.255.255"), []),
        (
            (INSIDE, "c1", "c2", IN, C1, HOST01),
            [("destination MAC", "that of bridge", "that of c2")],
        ),
        (
            (INSIDE, "c1", "host01", IN, C1, HOST01),
            [("destination MAC", "that of bridge", "that of host01")],
        ),
        (
            (INSIDE, "c2", "c1", OUT, HOST01, C1),
            [("source MAC", "that of bridge", "that of c2")],
        ),
        (
            (OUTSIDE, "nobody", "host01", OUT, HOST, HOST01),
            [("source MAC", "that of host", MAC["nobody"])],
        ),
    ],
)
def test_whose_frames(seen: Seen, expected: list[tuple[str, str, str]]) -> None:
    """The host's frames have its interface's address; a bridge also floods others'."""
    whole = observed([frame(seen)])

    assert told(others(whole, [0])) == expected
    assert told(others(observed([frame(seen)], known=False), [0])) == []


@pytest.mark.parametrize(
    ("seen", "via"),
    [
        *[(usual, None) for usual in (PING, PONG, LEFT, CAME)],
        ((OUTSIDE, "host", "gateway", OUT, HOST, HOST01), "gateway"),
        ((OUTSIDE, "host", "gateway", OUT, HOST, STRANGER), None),
        ((OUTSIDE, "host", "host01", OUT, HOST, STRANGER), "host01"),
        ((OUTSIDE, "host", "nobody", OUT, HOST, STRANGER), None),
        ((OUTSIDE, "host", "nobody", OUT, HOST, HOST01), "an address of no node"),
        ((INSIDE, "c2", "c1", IN, HOST, C1), "c2"),
        ((INSIDE, "c2", "bridge", IN, C1, HOST01), "c2"),
        ((INSIDE, "c1", "bridge", IN, "172.17.0.9", HOST01), None),
    ],
)
def test_next_hop(seen: Seen, via: str | None) -> None:
    """Told is who is beyond the link, where that is not the packet's own end."""
    assert observed([frame(seen)]).stations.via(0) == via


def test_another_neighbour() -> None:
    """A conversation keeps its neighbours, each for its direction and its end."""
    other = (OUTSIDE, "host", "gateway", OUT, HOST, HOST01)
    seen = [frame(one, at) for at, one in enumerate((LEFT, CAME, LEFT, other))]

    assert told(neighbours(observed(seen), range(4))) == [
        ("neighbour", "that of host01", "that of gateway")
    ]
    assert told(neighbours(observed(seen), range(3))) == []


@pytest.mark.parametrize(
    ("seen", "tail", "expected"),
    [(LEFT, 9, ["9 octets"]), (CAME, 9, []), (LEFT, 0, []), (PONG, 1, ["1 octets"])],
)
def test_octets_behind(seen: Seen, tail: int, expected: list[str]) -> None:
    """What the host sends ends with its datagram."""
    whole = frame(seen)
    longer = replace_data(whole, whole.data + bytes(tail))

    assert [bad.got for bad in trailing(observed([longer]), [0])] == expected


def replace_data(one: Frame, data: bytes) -> Frame:
    """Return a frame with other bytes."""
    return one._replace(data=data, wirelen=len(data))


def test_shortest_frame() -> None:
    """A device fills up the shortest frames."""
    short = replace(
        Packet(key=Tuple5(ICMP, HOST, 7, HOST01, 7)), tail=bytes(18), direction=OUT
    )
    filled = Frame(1, 0, short.frame, len(short.frame), OUT)

    assert len(short.frame) == 60
    assert list(trailing(observed([filled]), [0])) == []
    longer = replace_data(filled, filled.data + b"x")
    assert [bad.got for bad in trailing(observed([longer]), [0])] == ["19 octets"]
