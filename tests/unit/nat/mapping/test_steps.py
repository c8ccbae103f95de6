"""By how much the ttl is lowered between the points: learned, or demanded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, Packet, capture
from tests.unit.nat.mapping.test_table import IN, OUT, enter
from tests.unit.nat.test_streams import chunks

from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.nat import Translations, learn
from pytest_netlab.nat.mapping.table import MappingTable
from pytest_netlab.nat.translations import Hops

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = Tuple5(UDP, C1, 5555, HOST01, 53)
SENT = KEY._replace(src=HOST)
ROUTER = Hops(1, 1, learned=True)


def table(facts: Sequence[tuple[int, int]], hops: int | None = None) -> MappingTable:
    """Return a table with pairs of these facts, a flow each."""
    made = MappingTable(hops=hops)
    ways = [(2 * flow, 2 * flow) for flow in range(len(facts))]
    enter(made, ways, facts)
    return made


@pytest.mark.parametrize(
    ("near", "far", "is_right"),
    [
        (64, 63, True),
        (63, 64, True),
        (64, 64, False),
        (64, 62, False),
        (0, 255, False),
        (64 | IN, 63, True),
        (63 | IN, 64, False),
        (64 | IN, 64, False),
        (63 | OUT, 64, True),
        (64 | OUT, 63, False),
        (64 | OUT, 64, False),
        (64, 63 | IN, True),
        (63, 64 | OUT, True),
    ],
)
def test_one_is_demanded(near: int, far: int, is_right: bool) -> None:  # noqa: FBT001 - a table
    """A router lowers the ttl by one, in the order that the near tap knows."""
    made = table([(near, far)], hops=1)

    assert (made.steps.deviating() == 0) is is_right
    assert (list(made.steps.deviations()) == []) is is_right


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], Hops(None, None, learned=True)),
        ([(64, 63)], ROUTER),
        ([(64, 59)], Hops(5, 5, learned=True)),
        ([(64, 64)] * 3, Hops(0, 0, learned=True)),
        ([(64, 59), (64, 63)], ROUTER),
        ([(64, 59), (64, 61)], Hops(3, 3, learned=True)),
        ([(64, 59), (64, 64)], Hops(0, 0, learned=True)),
        ([(64, 59)] * 3 + [(56, 59)] * 2, Hops(5, 3, learned=True)),
        ([(64, 59)] * 3 + [(56, 59)], Hops(5, 5, learned=True)),
        ([(64, 59)] * 3 + [(56, 59)] * 2 + [(57, 59)] * 2, Hops(5, 5, learned=True)),
        ([(64 | IN, 63)] * 3 + [(64 | OUT, 64)] * 2, ROUTER),
        ([(63 | IN, 64)] * 3, ROUTER),
    ],
    ids=[
        "nothing",
        "a router",
        "five",
        "a bridge",
        "a tie prefers one",
        "a tie prefers less",
        "a tie prefers a bridge to five",
        "other routes back",
        "one packet is no route",
        "not most packets",
        "not lowered inwards is no route",
        "raised",
    ],
)
def test_learned(facts: list[tuple[int, int]], expected: Hops) -> None:
    """Most pairs tell, of each direction if that shows routers of its own."""
    assert table(facts).steps.hops() == expected


def test_deviations() -> None:
    """A pair with another step is kept with its rows, its flow and both ttls."""
    made = table([(64, 59), (64, 62), (64, 59), (55, 59)])
    found = [tuple(one) for one in made.steps.deviations()]

    assert found == [(1, 1, 1, 5, (64, 62)), (3, 3, 3, 5, (59, 55))]
    assert made.steps.deviating() == 2


def test_examples_are_bounded() -> None:
    """Of a step that very many pairs have, the first are kept, and all counted."""
    made = table([(64, 62)] * 40_000, hops=1)

    assert made.steps.deviating() == 40_000
    assert [one.inside for one in made.steps.deviations()] == list(range(1 << 15))


def datagrams(
    count: int, ttl: int, *, key: Tuple5 = KEY, lowered: int = 0
) -> list[Packet]:
    """Return datagrams of one direction."""
    return [
        Packet(key=key, data=b"%d" % i, ip_id=i + 1, ttl=ttl - lowered)
        for i in range(count)
    ]


def learned(
    near: list[Packet], far: list[Packet], hops: int | None, *, streamed: bool
) -> Translations:
    """Return what is learned, from memory or from chunks."""
    ends = capture(near), capture(far)
    if streamed:
        return learn(chunks(ends[0], 3), chunks(ends[1], 4), hops=hops)
    return learn(*ends, hops=hops)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("hops", [0, 3, 5])
def test_whatever_is_between(hops: int, *, streamed: bool) -> None:
    """A bridge, three or five routers break nothing; the one that differs is told."""
    near = datagrams(10, 64)
    far = [*datagrams(10, 64, key=SENT, lowered=hops)]
    far[4] = replace(far[4], ttl=64 - hops - 2)

    found = learned(near, far, None, streamed=streamed)

    assert found.hops == Hops(hops, hops, learned=True)
    assert [(bad.field, bad.want, bad.got, bad.rows) for bad in found.violations] == [
        ("ttl", f"{64 - hops} after 64", f"{62 - hops}", (4, 4))
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_demanded(*, streamed: bool) -> None:
    """What is demanded is not learned: every packet deviates."""
    near, far = datagrams(5, 64), datagrams(5, 64, key=SENT, lowered=5)

    found = learned(near, far, 4, streamed=streamed)

    assert found.hops == Hops(4, 4, learned=False)
    assert [bad.want for bad in found.violations] == ["60 after 64"] * 5


@pytest.mark.parametrize("hops", [0, 5])
def test_altered_packets_pair(hops: int) -> None:
    """A packet of which another field was altered has the usual step."""
    near, far = datagrams(5, 64), datagrams(5, 64, key=SENT, lowered=hops)
    far[2] = replace(far[2], data=b"X")

    found = learn(capture(near), capture(far))

    assert [bad.field for bad in found.violations] == ["payload"]
