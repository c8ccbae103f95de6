"""What learning amounts to: flows with their rows, fates of the rest, violations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    OUT,
    SYN,
    WEB,
    Packet,
    capture,
    error,
    routed,
)
from tests.unit.nat.conftest import sure

from pytest_netlab.capture import Budget
from pytest_netlab.checks import Violation
from pytest_netlab.errors import MemoryLimitError
from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.nat import findings, learn
from pytest_netlab.nat.findings import Findings
from pytest_netlab.nat.mapping.table import MappingTable
from pytest_netlab.nat.side import SideReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from pytest_netlab.nat import Translations
    from pytest_netlab.nat.pairing.observations import Observations
    from pytest_netlab.nat.side import Source
    from pytest_netlab.wire import Direction

    Rows: TypeAlias = Sequence[tuple[int, int]]

MET = Tuple5(UDP, C1, 5555, HOST01, 53)
SENT = MET._replace(src=HOST)
MOVED = SENT._replace(sport=1024)
SECOND, SECOND_SENT = MET._replace(src=C2), SENT._replace(sport=6000)
PUBLISHED = Tuple5(TCP, HOST01, 40000, WEB, 80)
PLAIN = Tuple5(TCP, C1, 40000, HOST01, 80)
PLAIN_IN = Tuple5(TCP, HOST01, 40000, C1, 80)
NOTHING = capture([])
QUERY, OTHER = Packet(key=MET, data=b"query"), Packet(key=SECOND, data=b"query")


def pending(point: SideReader) -> Observations:
    """Read a point to its end; return all that it saw."""
    point.start(0)
    while point.alive:
        point.read()
    point.stop()
    return point.pending()[0]


def found(
    near: Source,
    far: Source,
    pairs: Rows = (),
    *,
    budget: Budget | None = None,
    steps: int = 1,
    mapped_only: bool = False,
) -> Translations:
    """Return the findings from two points of which these rows are pairs."""
    points, flows = (SideReader(near), SideReader(far)), MappingTable()
    kept = Findings(*points, flows, budget or Budget())
    here, there = (pending(point) for point in points)
    size = -(-len(pairs) // steps) or 1
    for first in range(0, len(pairs), size):
        part = np.array(pairs[first : first + size], dtype=np.int32)
        rows = part[:, 0].copy(), part[:, 1].copy()
        flow, wrong = flows.enter(here, there, rows, sure(rows[0]), (64, 64))
        more = {"mapped_only": True} if mapped_only else {}
        kept.add(here, there, rows, flow, wrong, **more)
    for side, (point, seen) in enumerate(zip(points, (here, there), strict=True)):
        used = [pair[side] for pair in pairs]
        point.carry(seen.take(np.setdiff1d(np.arange(len(seen)), used)), 99)
    return kept.translations()


def rows(told: Translations) -> list[tuple[object, ...]]:
    """Return the rows of each flow."""
    return [(f.pairs, f.inside_rows, f.outside_rows) for f in told.flows]


def test_nothing() -> None:
    """Two points that saw nothing have no flows."""
    told = found(NOTHING, NOTHING)

    assert (told.flows, told.violations) == ((), ())
    assert told.pairs is not None
    assert told.pairs.shape == (0, 2)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_rows(steps: int) -> None:
    """Every row is one flow's, whether it was paired or not, in order."""
    near = [QUERY, OTHER, QUERY, OTHER, QUERY]
    far = [routed(OTHER, SECOND_SENT), *[routed(QUERY, SENT)] * 3]
    told = found(
        capture(near), capture(far), [(0, 1), (1, 0), (4, 2), (4, 3)], steps=steps
    )

    assert rows(told) == [
        (((0, 1), (4, 2), (4, 3)), (0, 2, 4), (1, 2, 3)),
        (((1, 0),), (1, 3), (0,)),
    ]
    assert [flow.packets for flow in told.flows] == [3, 1]
    assert [(f.inside, f.outside) for f in told.flows] == [
        (MET, SENT),
        (SECOND, SECOND_SENT),
    ]


def test_order() -> None:
    """Forwarded flows come by their first packet, then those of the near side only."""
    lost, stray = (Packet(key=MET._replace(sport=port)) for port in (7, 8))
    near = [lost, OTHER, QUERY]
    far = [stray, routed(QUERY, SENT), routed(OTHER, SECOND_SENT)]
    told = found(capture(near), capture(far), [(2, 1), (1, 2)], steps=2)

    assert [(f.inside, f.outside) for f in told.flows] == [
        (SECOND, SECOND_SENT),
        (MET, SENT),
        (lost.key, None),
        (None, stray.key),
    ]
    assert [f.inside_rows for f in told.flows] == [(1,), (2,), (0,), ()]
    assert [f.outside_rows for f in told.flows] == [(2,), (1,), (), (0,)]


def test_seen_on_one_side_beside_others() -> None:
    """Each conversation of one side is told by its own key, rows and answers."""
    near = [QUERY, OTHER, routed(Packet(key=SECOND.reply)), Packet(key=PLAIN), OTHER]
    far = [
        routed(QUERY, SENT),
        Packet(key=PLAIN_IN),
        Packet(key=PUBLISHED, direction=OUT),
    ]
    told = found(capture(near), capture(far), [(0, 0)])

    assert [(f.inside, f.outside) for f in told.flows] == [
        (MET, SENT),
        (SECOND, None),
        (PLAIN, None),
        (None, PLAIN_IN),
        (None, PUBLISHED),
    ]
    assert [(f.disposition, f.initiated, f.answered) for f in told.flows[1:]] == [
        ("local", "inside", True),
        ("dropped", "inside", False),
        ("dropped", "outside", False),
        ("dropped", "inside", False),
    ]
    assert [f.inside_rows + f.outside_rows for f in told.flows[1:]] == [
        (1, 2, 4),
        (3,),
        (1,),
        (2,),
    ]


def test_counts_of_streams() -> None:
    """Of chunks there are neither pairs nor rows, but counts."""
    near, far = capture([QUERY, OTHER, QUERY]), capture([routed(QUERY, SENT)] * 2)
    pairs = [(0, 0), (2, 1)]
    counts = [
        flow._replace(pairs=(), inside_rows=(), outside_rows=())
        for flow in found(near, far, pairs).flows
    ]
    streams: list[tuple[Source, Source]] = [([near], far), (near, [far])]
    for ends in (*streams, ([near], [far])):
        told = found(ends[0], ends[1], pairs)

        assert told.pairs is None
        assert list(told.flows) == counts


@pytest.mark.parametrize(
    ("near", "far", "initiated"),
    [
        (QUERY, routed(QUERY, SENT), "inside"),
        (routed(QUERY, SENT), QUERY, "outside"),
        (
            routed(QUERY, MET.reply),
            replace(QUERY, key=SENT.reply),
            "outside",
        ),
    ],
    ids=["outwards", "inwards", "an answer alone counts as a request"],
)
def test_initiated(near: Packet, far: Packet, initiated: str) -> None:
    """A flow began on the side where its first packet had the higher ttl."""
    (flow,) = found(capture([near]), capture([far]), [(0, 0)]).flows

    assert (flow.initiated, flow.inside, flow.outside) == (
        initiated,
        near.key,
        far.key,
    )


def test_orientation_of_the_other_side() -> None:
    """A side that began with the answer is turned around by a packet of both."""
    answer = Packet(key=SENT.reply, data=b"answer")
    near = [QUERY, routed(answer, MET.reply)]
    (flow,) = found(capture(near), capture([answer]), [(1, 0)]).flows

    assert (flow.inside, flow.outside, flow.initiated) == (MET, SENT, "inside")
    assert (flow.answered, flow.returned) == (True, True)


@pytest.mark.parametrize(
    ("seen", "answered", "returned"),
    [
        ((False, False), False, False),
        ((True, False), True, True),
        ((False, True), True, False),
        ((True, True), True, True),
    ],
)
@pytest.mark.parametrize("inwards", [False, True])
def test_answers(
    seen: tuple[bool, bool],
    answered: bool,  # noqa: FBT001 - a table
    returned: bool,  # noqa: FBT001 - a table
    inwards: bool,  # noqa: FBT001 - a table
) -> None:
    """An answer counts wherever it was seen; it returned where the request was met."""
    first = [Packet(key=MET, ip_id=1), routed(Packet(key=MET, ip_id=1), SENT)]
    sides = [
        [packet, replace(packet, key=packet.key.reply, ip_id=2)][: 1 + answer]
        for packet, answer in zip(first, seen, strict=True)
    ]
    if inwards:
        sides.reverse()
    (flow,) = found(capture(sides[0]), capture(sides[1]), [(0, 0)]).flows

    assert (flow.answered, flow.returned) == (answered, returned)


def test_violations_in_order() -> None:
    """Violations and pairs come by their inside row, whatever was found first."""
    near = [replace(QUERY, tos=i) for i in (1, 2, 3)]
    far = [routed(QUERY, SENT)] * 3
    told = found(capture(near), capture(far), [(2, 0), (0, 1), (1, 2)], steps=3)

    assert [(bad.field, bad.rows) for bad in told.violations] == [
        ("tos", (0, 1)),
        ("tos", (1, 2)),
        ("tos", (2, 0)),
    ]
    assert told.flows[0].pairs == ((0, 1), (1, 2), (2, 0))


@pytest.mark.parametrize("whole", [True, False])
def test_rows_of_violations(whole: bool) -> None:  # noqa: FBT001 - a table
    """Violations name packets by their numbers, which packets of no flow have too."""
    group = Packet(key=MET._replace(dst="224.0.0.251"))
    near = capture([group, QUERY])
    far = capture([group, group, replace(routed(QUERY, SENT), tos=4, ttl=9)])
    told = found(near if whole else [near], far, [(0, 0)])

    assert [(b.field, b.want, b.got, b.rows) for b in told.violations] == [
        ("ttl", "63 after 64", "9", (1, 2)),
        ("tos", "0", "4", (1, 2)),
    ]


@pytest.mark.parametrize("whole", [True, False])
def test_mappings_only(whole: bool) -> None:  # noqa: FBT001 - a table
    """Where somebody else tells of the packets only mappings are told of."""
    near = capture([QUERY, replace(QUERY, tos=4)])
    far = capture([routed(QUERY, SENT), routed(QUERY, MOVED)])
    pairs = [(0, 0), (1, 1)]
    told = found(near if whole else [near], far, pairs, mapped_only=True)

    assert [bad.field for bad in told.violations] == ["mapping"]


def test_mapping_and_packet() -> None:
    """A pair that breaks both is told of both, the mapping first."""
    near = [QUERY, replace(QUERY, tos=4)]
    told = found(
        capture(near),
        capture([routed(QUERY, SENT), routed(QUERY, MOVED)]),
        [(0, 0), (1, 1)],
    )

    assert [(b.field, b.rows) for b in told.violations] == [
        ("mapping", (1, 1)),
        ("tos", (1, 1)),
    ]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_only_so_many_violations(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a bound on violations are counted in nobody's memory."""
    monkeypatch.setattr(findings, "_MOST_VIOLATIONS", most)
    near, far = [replace(QUERY, tos=8)] * 3, [routed(QUERY, SENT)] * 3
    told = found(capture(near), capture(far), [(0, 0), (1, 1), (2, 2)])

    assert [bad.rows for bad in told.violations] == [(i, i) for i in range(most)]


def test_violations_from_elsewhere() -> None:
    """Who finds more notes it, and it is told with the rest."""
    points = SideReader(capture([QUERY])), SideReader(capture([QUERY]))
    kept = Findings(*points, MappingTable(), Budget())
    later, sooner = (Violation("payload", "a", "b", (row, 0)) for row in (5, 2))
    kept.note([later])
    kept.note([sooner])

    assert kept.translations().violations == (sooner, later)


def test_flows_are_made_when_they_are_asked_for() -> None:
    """Learning ends before flows are made; they count as well, of either side."""
    one, none = capture([QUERY]), NOTHING
    for ends in (one, none), (none, one):
        told = found(*ends, budget=Budget(-1))

        with pytest.raises(MemoryLimitError):
            _ = told.flows
    told = found(one, capture([routed(QUERY, SENT)]), [(0, 0)], budget=Budget(-1))

    with pytest.raises(MemoryLimitError):
        _ = told.flows


def test_two_flows_that_became_one() -> None:
    """Two flows that became one on the far side each keep their own rows."""
    far = [routed(QUERY, SENT), routed(QUERY, SENT), routed(QUERY, SENT)]
    told = found(capture([QUERY, OTHER]), capture(far), [(0, 0), (1, 1)])

    assert rows(told) == [
        (((0, 0),), (0,), (0, 2)),
        (((1, 1),), (1,), (1,)),
    ]
    assert {bad.field for bad in told.violations} == {"one-to-one"}


def test_mapping_that_changes_parts_the_flow() -> None:
    """A flow whose mapping changed on the way is two, each packet in one of them."""
    near = [replace(Packet(key=MET), ip_id=i, data=b"x") for i in range(4)]
    far = [routed(p, SENT if p.ip_id < 2 else MOVED) for p in near]
    lost = Packet(key=MET, ip_id=9)

    found = learn(capture([*near, lost]), capture(far))

    assert [flow.translated for flow in found.flows] == [SENT, MOVED]
    assert [flow.inside_rows for flow in found.flows] == [(0, 1, 4), (2, 3)]
    assert [flow.outside_rows for flow in found.flows] == [(0, 1), (2, 3)]
    assert {"mapping"} == {bad.field for bad in found.violations}


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([(0, False, IN)], ("dropped", "inside")),
        ([(0, False, IN), (0, True, OUT)], ("local", "inside")),
        ([(0, False, OUT), (0, True, IN)], ("local", "outside")),
        ([(1, False, IN)], ("dropped", "outside")),
        ([(1, False, IN), (1, True, OUT)], ("local", "outside")),
        ([(1, False, OUT), (1, True, IN)], ("local", "inside")),
    ],
    ids=[
        "container, not forwarded",
        "container and host",
        "host and container",
        "neighbour, not forwarded",
        "neighbour and host",
        "host and neighbour",
    ],
)
def test_seen_on_one_side(
    observations: list[tuple[int, bool, Direction]], expected: tuple[str, str]
) -> None:
    """A conversation without a twin was dropped, or answered where it was seen."""
    key = Tuple5(UDP, "192.0.2.1", 5555, "192.0.2.2", 53)
    sides: tuple[list[Packet], list[Packet]] = ([], [])
    for side, reply, way in observations:
        sides[side].append(Packet(key=key.reply if reply else key, direction=way))

    found = learn(*map(capture, sides))

    assert [expected] == [(flow.disposition, flow.initiated) for flow in found.flows]
    assert [("none", key, None)] == [
        (f.kind, f.original, f.translated) for f in found.flows
    ]
    assert {expected[0]: 1} == found.unpaired


def test_dropped_with_an_error_is_not_local() -> None:
    """A host that answers with an ICMP error has not answered."""
    request = Packet(key=MET, direction=IN)
    refused = error(BRIDGE, request, kind=(3, 10))

    found = learn(capture([request, replace(refused, direction=OUT)]), NOTHING)

    assert found.unpaired == {"dropped": 1}


def test_leaked() -> None:
    """What a container's address sends on the outside, without a twin, leaked."""
    inside = capture([Packet(key=MET, direction=IN)])
    stray = Packet(key=PLAIN, flags=SYN, direction=OUT)

    found = learn(inside, capture([stray]))

    assert [(flow.disposition, flow.original) for flow in found.flows] == [
        ("dropped", MET),
        ("leaked", PLAIN),
    ]


@pytest.mark.parametrize("side", [0, 1], ids=["inside", "outside"])
def test_error_on_one_side(side: int) -> None:
    """An error about what nobody saw is a flow of which nothing else is known."""
    sides: list[list[Packet]] = [[], []]
    sides[side].append(replace(error(HOST01, Packet(key=MET)), direction=IN))

    found = learn(*map(capture, sides))

    assert [(f.disposition, f.original) for f in found.flows] == [("dropped", MET)]


def test_group_traffic_tells_no_sender() -> None:
    """Who speaks to a group on the inside has sent nothing to be forwarded."""
    group = Packet(key=MET._replace(dst="224.0.0.251"), direction=IN)
    stray = Packet(key=MET, direction=OUT)

    assert learn(capture([group]), capture([stray])).unpaired == {"dropped": 1}


def test_client_of_a_container_does_not_leak() -> None:
    """A neighbour's address on the inside came from outside: it is not private."""
    inside = capture([Packet(key=PUBLISHED, direction=OUT)])
    stray = Packet(key=PLAIN_IN, flags=SYN, direction=IN)

    found = learn(inside, capture([stray]))

    assert found.unpaired == {"dropped": 2}
