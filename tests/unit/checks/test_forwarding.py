"""What a host may not do to a packet on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import (
    C1,
    HOST01,
    IN,
    INSIDE,
    OUT,
    OUTSIDE,
    Packet,
    capture,
    error,
    two_points,
)

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.checks import Observed
from pytest_netlab.checks.forwarding import (
    not_forwarded_intact,
    reordered,
    reversed_direction,
    unpaired,
)
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.checks import Violation

ACK = Packet(key=Tuple5(TCP, C1, 40000, HOST01, 80), seq=5, ack=7)


def rows(found: Iterable[Violation]) -> list[tuple[str, int]]:
    """Return field and row of each violation."""
    return [(bad.field, bad.rows[0]) for bad in found]


def observed(seen: Capture, *pairs: tuple[int, int], **rest: Any) -> Observed:
    """Return a conversation with these pairs."""
    known = {"points": (), "is_reply": lambda _: False, **rest}
    return Observed(capture=seen, pairs=pairs, **known)


def test_tag_on_one_side() -> None:
    """A VLAN tag that one point saw and the other did not is told."""
    frames = list(capture([ACK, ACK]).frames())
    frames[1] = frames[1]._replace(vlan=7)
    seen = Capture.from_frames(frames, [Interface(name="tap")])

    assert rows(not_forwarded_intact(observed(seen, (0, 1), (0, 0)))) == [("vlan", 0)]


def test_half_a_datagram() -> None:
    """More fragments of a datagram that is whole on the other side are told."""
    seen = capture([ACK, replace(ACK, mf=True)])

    assert rows(not_forwarded_intact(observed(seen, (0, 1)))) == [("fragment", 0)]


def test_unpaired_without_directions() -> None:
    """Where no tap told directions, an acknowledgement and what is compared count."""
    data = replace(ACK, data=b"x")
    seen = capture([ACK, data, data])

    found = rows(unpaired(observed(seen, unpaired=[0, 1, 2], compared={1})))
    assert [row for _, row in found] == [0, 1]


SEGMENTS = {
    "ack": ACK,
    "data": replace(ACK, data=b"x"),
    "FIN": replace(ACK, flags=tcp.FIN | tcp.ACK),
    "SYN": replace(ACK, flags=tcp.SYN),
    "RST": replace(ACK, flags=tcp.RST),
    "datagram": Packet(key=Tuple5(UDP, C1, 40000, HOST01, 53), data=b"x"),
    "echo": Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7)),
}


@pytest.mark.parametrize("packet", SEGMENTS.values(), ids=SEGMENTS)
def test_dropped_or_made(packet: Packet) -> None:
    """What reached the host had to leave it, and what left it to reach it."""
    seen = capture([replace(packet, direction=way) for way in (IN, OUT)])

    found = rows(unpaired(observed(seen, unpaired=[0, 1])))

    assert found == [("unpaired-forwarded", 0), ("made-by-host", 1)]


def test_dropped_in_another_namespace() -> None:
    """What left the interface of a container reached the host."""
    seen = capture([replace(ACK, direction=way) for way in (IN, OUT)])

    found = rows(unpaired(observed(seen, unpaired=[0, 1], apart={0})))

    assert found == [("made-by-host", 0), ("unpaired-forwarded", 1)]


def test_resets_of_the_host() -> None:
    """A reset from an address of the host is a refusal; any other was made."""
    sent = replace(ACK, direction=OUT)
    reset, refusal = replace(sent, flags=tcp.RST), error(HOST01, ACK, direction=OUT)
    seen = capture([reset, sent, refusal])
    every = {"unpaired": [0, 1, 2]}

    own = rows(unpaired(observed(seen, is_own=lambda _: True, **every)))
    spoofed = rows(unpaired(observed(seen, **every)))
    assert own == [("made-by-host", 1)]
    assert spoofed == [("made-by-host", 0), ("made-by-host", 1)]


def test_the_first_of_equals() -> None:
    """Of two equal resets, the one that left after both had come is the second."""
    reset = replace(ACK, flags=tcp.RST, direction=IN)
    seen = capture([reset, reset, replace(reset, direction=OUT)])

    assert rows(unpaired(observed(seen, (0, 2), unpaired=[1]))) == [
        ("unpaired-forwarded", 0)
    ]


def swapped(*packets: Packet, order: tuple[int, ...]) -> list[tuple[str, int]]:
    """Return what is found where packets leave the host in this order."""
    here = [(INSIDE, replace(one, direction=IN)) for one in packets]
    there = [(OUTSIDE, replace(packets[n], direction=OUT)) for n in order]
    pairs = [(number, len(here) + order.index(number)) for number in order]
    return rows(reordered(observed(two_points([*here, *there]), *pairs)))


def data(number: int, **changes: Any) -> Packet:
    """Return a segment of 10 octets, by its number."""
    known = {"seq": 5 + 10 * number, "ip_id": number + 1, "data": bytes(10)}
    return replace(ACK, **{**known, **changes})


def test_reordered() -> None:
    """Segments leave in the order in which they came."""
    three = data(0), data(1), data(2)

    assert swapped(*three, order=(0, 1, 2)) == []
    assert swapped(*three, order=(1, 0, 2)) == [("reordered-by-host", 3)]
    assert swapped(*three, order=(2, 0, 1)) == [("reordered-by-host", 3)]
    fin = data(1, data=b"", flags=tcp.FIN | tcp.ACK)
    assert swapped(data(0), fin, order=(1, 0)) == [("reordered-by-host", 2)]


@pytest.mark.parametrize(
    "packets",
    [(data(0), replace(ACK, ip_id=7)), (data(0), data(0)), (SEGMENTS["datagram"],) * 2],
    ids=["bare acknowledgement", "equal", "no segments"],
)
def test_order_that_nobody_can_tell(packets: tuple[Packet, ...]) -> None:
    """Acknowledgements, equal segments and datagrams have no order to keep."""
    assert swapped(*packets, order=(1, 0)) == []


def test_two_processors() -> None:
    """Two bursts are forwarded at once; what a sender sent out of order may go so.

    The first one of the second burst, which came amid the first, is overtaken by it.
    """
    assert swapped(data(0), data(3), data(1), data(2), order=(0, 2, 3, 1)) == []
    assert swapped(data(0), data(3), data(1), data(2), order=(0, 1, 3, 2)) == [
        ("reordered-by-host", 6)
    ]


def test_order_of_directions() -> None:
    """The two directions of a connection do not wait for each other."""
    ways = [(INSIDE, IN), (OUTSIDE, IN), (INSIDE, OUT), (OUTSIDE, OUT)]
    seen = two_points((at, replace(data(0), direction=way)) for at, way in ways)
    crossed = observed(seen, (0, 3), (2, 1), is_reply=lambda row: row in (1, 2))

    assert rows(reordered(crossed)) == []


def test_order_of_what_was_cut() -> None:
    """Of a super-frame and its segments nothing is said: repeats share their bytes."""
    whole = data(0, data=bytes(20), direction=IN)
    parts = [(OUTSIDE, data(n, direction=OUT)) for n in range(2)]
    seen = two_points([(INSIDE, whole), (INSIDE, replace(whole, ip_id=9)), *parts])

    assert rows(reordered(observed(seen, (0, 3), (1, 2)))) == []


def test_one_direction_comes_from_one_side() -> None:
    """A packet that came in where others of its direction go out is told."""
    ways = [replace(ACK, direction=way) for way in (IN, IN, OUT, OUT)]
    seen = capture(ways)
    pairs = [(row, row) for row in range(3)]

    wrong = observed(seen, *pairs)
    replies = observed(seen, *pairs[:2], is_reply=lambda row: row == 1)
    other_way = observed(seen, (0, 0), (2, 2), is_reply=lambda row: row == 2)
    assert rows(reversed_direction(wrong)) == [("crossing", 2)]
    assert rows(reversed_direction(replies)) == []
    assert rows(reversed_direction(other_way)) == []
