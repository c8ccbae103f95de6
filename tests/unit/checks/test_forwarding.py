"""What a host may not do to a packet on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.traffic import C1, HOST01, IN, OUT, Packet, capture

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.checks import Observed
from pytest_netlab.checks.forwarding import (
    not_forwarded_intact,
    reversed_direction,
    unpaired,
)
from pytest_netlab.flows import TCP, Tuple5
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


def test_unpaired_acknowledgement() -> None:
    """An unpaired packet is told: an acknowledgement, and what is compared."""
    data, reset = replace(ACK, data=b"x"), replace(ACK, flags=tcp.RST, direction=OUT)
    seen = capture([ACK, data, data, reset])

    found = rows(unpaired(observed(seen, unpaired=[0, 1, 2, 3], compared={1, 3})))
    assert [row for _, row in found] == [0, 1]


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
