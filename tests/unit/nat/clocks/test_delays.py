"""How long each flow's packets took, by the times of their pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.nat.conftest import made

from pytest_netlab.nat.clocks import delays
from pytest_netlab.nat.clocks.clock import Clock
from pytest_netlab.nat.clocks.delays import Delays, Timing
from pytest_netlab.nat.clocks.pair_times import of_flows
from pytest_netlab.nat.mapping.table import MappingTable
from pytest_netlab.nat.translations import Delay

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = 1_700_000_000_000_000_000
US, MS, S, HOUR = 1_000, 1_000_000, 1_000_000_000, 3_600_000_000_000


class Pair(NamedTuple):
    """A pair: its flow, when it was seen and how far ahead outside, and the rest."""

    flow: int
    at: int
    ahead: int
    back: bool = False  # it is of the flow's odd uniflow
    ttl: tuple[int, int] = (64, 63)
    sure: bool = True


def table_of(outward: Sequence[bool]) -> MappingTable:
    """Return a table whose flows' even uniflows travel so, by their first packets."""
    table = MappingTable()
    table.count = len(outward)
    table.flows = np.zeros((max(7, len(table.flows)), len(outward)), dtype=np.int32)
    table.flows[3] = 2 * np.arange(len(outward))
    table.flows[5] = outward
    return table


def add(found: Delays, pairs: Sequence[Pair]) -> None:
    """Add pairs as one step."""
    near = made([2 * pair.flow + pair.back for pair in pairs])
    far = made([0] * len(pairs))
    near.ts[:] = [NOW + pair.at for pair in pairs]
    far.ts[:] = [NOW + pair.at + pair.ahead for pair in pairs]
    for side, seen in enumerate((near, far)):
        seen.facts[:] = [pair.ttl[side] for pair in pairs]
    rows = np.arange(len(pairs), dtype=np.int32)
    flow = np.array([pair.flow for pair in pairs], dtype=np.int32)
    sure = np.array([pair.sure for pair in pairs], dtype=np.uint8)
    found.add((near, far), (rows, rows), flow, sure)


def timing(outward: Sequence[bool], *steps: Sequence[Pair]) -> Timing:
    """Return what pairs of flows with these directions show."""
    found = Delays(table_of(outward))
    for pairs in steps:
        add(found, pairs)
    return found.timing()


def exchange(
    flow: int, offset: int, late: int, *, ttl: tuple[int, int] = (64, 63)
) -> list[Pair]:
    """Return a packet outwards and one back, each this late."""
    at = flow * 10 * MS
    return [
        Pair(flow, at, offset + late, back=False, ttl=ttl),
        Pair(flow, at + MS, offset - late, back=True, ttl=ttl),
    ]


def test_without_a_pair_there_is_no_delay() -> None:
    """Of no pair there is neither a clock nor a flow's delay."""
    found = timing([])

    assert (found.clock, found.delays) == (None, [])


def test_each_flow_has_its_own_delays() -> None:
    """Least, median and most are of one flow's packets, in any order and step."""
    late = [[50, 10, 90], [7, 7, 3], [40, 20]]
    pairs = [
        Pair(flow, row * MS, each * US, back=False)
        for row in range(3)
        for flow, every in enumerate(late)
        for each in every[row : row + 1]
    ]
    found = timing([True] * 3, pairs[:4], [], pairs[4:])

    assert found.delays == [
        Delay(10 * US, 50 * US, 90 * US),
        Delay(3 * US, 7 * US, 7 * US),
        Delay(20 * US, 20 * US, 40 * US),
    ]


@pytest.mark.parametrize("outward", [True, False])
@pytest.mark.parametrize("offset", [0, -5 * HOUR, 5 * HOUR])
def test_replies_travel_the_other_way(*, outward: bool, offset: int) -> None:
    """Of a flow's other direction, delay counts against the clock's offset."""
    sign = 1 if outward else -1
    pairs = [*exchange(0, offset, sign * 20 * US), *exchange(1, offset, sign * 30 * US)]
    found = timing([outward, outward], pairs)

    assert found.clock == Clock(start=NOW, offset=offset, error=20 * US)
    assert found.delays == [Delay(*[20 * US] * 3), Delay(*[30 * US] * 3)]
    assert found.outward.tolist() == [outward, outward]


def test_the_kept_pair_may_be_a_reply() -> None:
    """Where the table keeps a pair of the odd uniflow, its direction is that one's."""
    table = table_of([False])
    table.flows[3] = 1
    found = Delays(table)
    add(found, exchange(0, HOUR, 20 * US))

    assert found.timing().delays == [Delay(*[20 * US] * 3)]
    assert found.timing().outward.tolist() == [False]


def test_doubtful_pairs_do_not_tell_the_clock() -> None:
    """What may be another pair has a delay, and says nothing of the clocks."""
    wrong = [pair for _ in range(9) for pair in exchange(1, 4 * HOUR, 20 * US)]
    doubtful = [pair._replace(sure=False) for pair in wrong]
    found = timing([True, True], [*doubtful, *exchange(0, HOUR, 20 * US)])

    assert found.clock is not None
    assert found.clock.offset == HOUR
    assert found.delays[1] is not None
    assert found.delays[1].most == 3 * HOUR + 20 * US


@pytest.mark.parametrize("outward", [True, False])
@pytest.mark.parametrize("offset", [0, 5 * HOUR])
def test_a_bridge_is_known_by_its_delays(*, outward: bool, offset: int) -> None:
    """Where no ttl changes, the direction that is further ahead is the outward one."""
    sign = 1 if outward else -1
    pairs = [
        pair
        for flow in range(3)
        for pair in exchange(flow, offset, sign * (20 + flow) * US, ttl=(64, 64))
    ]
    found = timing([False] * 3, pairs)

    assert found.outward.tolist() == [outward] * 3
    assert found.clock == Clock(start=NOW, offset=offset, error=20 * US)
    assert found.delays[2] == Delay(*[22 * US] * 3)


def test_other_flows_tell_of_one_direction() -> None:
    """A flow without a reply is early or late by the clock that other flows show."""
    pairs = exchange(0, 5 * HOUR, 20 * US, ttl=(64, 64))
    pairs += [Pair(1, MS * row, 5 * HOUR + 90 * US, ttl=(64, 64)) for row in range(3)]
    pairs += [Pair(2, MS * row, 5 * HOUR - 90 * US, ttl=(64, 64)) for row in range(3)]
    found = timing([False] * 3, pairs)

    assert found.outward.tolist() == [True, True, False]
    assert found.delays[1] == found.delays[2] == Delay(*[90 * US] * 3)


@pytest.mark.parametrize("late", [300 * US, -300 * US])
def test_one_direction_through_a_bridge_goes_by_equal_clocks(late: int) -> None:
    """Where nothing else tells, the point that saw a packet first by a little did."""
    found = timing([False], [Pair(0, row * MS, late, ttl=(64, 64)) for row in range(4)])

    assert found.outward.tolist() == [late > 0]
    assert found.delays == [Delay(*[300 * US] * 3)]


def test_contradictions_go_by_the_first_packet() -> None:
    """Packets of both directions that are ahead alike: the first one decides."""
    pairs = [
        Pair(0, row * MS, 300 * US, back=row % 2 == 1, ttl=(64, 64)) for row in range(6)
    ]

    assert timing([False], pairs).outward.tolist() == [True]


def test_a_known_direction_is_kept() -> None:
    """A ttl that fell says which way, whatever the times say; also beside a bridge."""
    bridged = exchange(1, HOUR, -20 * US, ttl=(64, 64))
    found = timing([False, False], [*exchange(0, HOUR, 20 * US), *bridged])

    assert found.outward.tolist() == [False, False]


def test_of_many_pairs_a_sample_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: of more pairs than that every second counts, and so on."""
    monkeypatch.setattr(delays, "_MOST_PAIRS", 1_000)
    found = Delays(table_of([True, True]))
    for step in range(100):
        many = [Pair(0, step * MS + row, (step + 1) * US) for row in range(99)]
        add(found, [*many, Pair(1, step * MS, 5 * US)])
        assert sum(len(part) for part in found._codes) <= 1_002
    long, short = found.timing().delays

    assert short == Delay(*[5 * US] * 3)
    assert long is not None
    assert long.least == US
    assert 40 * US < long.median < 60 * US


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(-(2**63), 2**63 - 1)), max_size=99
    )
)
@settings(deadline=None)
def test_any_delays_are_summarised(rows: list[tuple[int, int]]) -> None:
    """Least, median and most are those of the sorted delays."""
    late = np.array([late for _, late in rows], dtype=np.int64)
    found = of_flows(late, np.array([n << 3 for n, _ in rows], dtype=np.int32), 5)

    for flow in range(5):
        values = sorted(late for number, late in rows if number == flow) or [0]
        middle = values[(len(values) - 1) // 2]
        assert found[:, flow].tolist() == [values[0], middle, values[-1]]


@given(st.integers(0, 2**32), st.integers(-HOUR, HOUR), st.booleans())
@settings(deadline=None, max_examples=40)
def test_true_delays_are_within_the_error(
    seed: int,
    offset: int,
    bridge: bool,  # noqa: FBT001 - hypothesis' argument
) -> None:
    """Whatever flows and offset, delays are as true as the clock, and not negative."""
    random = np.random.default_rng(seed)
    outward = random.random(5) < 0.5
    pairs, late = [], []
    for row in range(200):
        flow, back = int(random.integers(0, 5)), bool(random.random() < 0.5)
        late.append((flow, int(random.integers(5 * US, MS))))
        sign = 1 if outward[flow] != back else -1
        ttl = (64, 64) if bridge else (64, 63)
        pairs.append(Pair(flow, row * MS, offset + sign * late[-1][1], back, ttl))
    guessed = [False] * 5 if bridge else outward.tolist()
    found = timing(guessed, pairs)

    assert found.clock is not None
    assert found.outward.tolist() == outward.tolist()
    for flow, delay in enumerate(found.delays):
        true = sorted(each for number, each in late if number == flow)
        assert delay is not None
        assert delay.least >= 0
        assert abs(delay.least - true[0]) <= found.clock.error
        assert abs(delay.most - true[-1]) <= found.clock.error
