"""The ledger of flows: what it finds wrong with pairs, and what it counts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.nat.conftest import made, sure

from pytest_netlab.nat.mapping.packet_changes import (
    EMBEDDED,
    FLAGS,
    IP_CHECKSUM,
    L4_CHECKSUM,
    OPTIONS,
    TOS,
)
from pytest_netlab.nat.mapping.table import (
    CHANGED,
    SHARED,
    UNDO,
    MappingTable,
)
from pytest_netlab.nat.pairing import observations
from pytest_netlab.wire import Checksum, Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    Ways = Sequence[tuple[int, int]]

NEAR, FAR = 64, 63  # facts of two observations of a packet that nobody changed
IN, OUT = (
    way << observations.DIRECTION for way in (Direction.INBOUND, Direction.OUTBOUND)
)
MANY = 3000
TOS_BIT = 1 << observations.TOS
BOTH = TOS_BIT | 2 << observations.FLAGS


def enter(
    table: MappingTable, ways: Ways, facts: Sequence[tuple[int, int]] = ()
) -> tuple[list[int], list[list[int]]]:
    """Enter pairs of these near and far ways; return their flows, and what is wrong."""
    near, far = made([way for way, _ in ways]), made([way for _, way in ways])
    ends = list(facts) or [(NEAR, FAR)] * len(ways)
    near.facts[:], far.facts[:] = [a for a, _ in ends], [b for _, b in ends]
    rows = np.arange(len(ways), dtype=np.int32)
    room = max((max(pair) for pair in ways), default=0) | 1
    flow, wrong = table.enter(near, far, (rows, rows), sure(rows), (room + 1, room + 1))
    return flow.tolist(), wrong[:, :6].tolist()


def bits(near: int, far: int) -> int:
    """Return what is wrong with one pair of these facts."""
    _, wrong = enter(MappingTable(), [(0, 0)], [(near, far)])
    return wrong[0][1] if wrong else 0


def flows(table: MappingTable) -> list[list[int]]:
    """Return what the ledger has of each flow."""
    found: list[list[int]] = table.flows[:6, : table.count].T.tolist()
    return found


def test_nothing() -> None:
    """No pairs are of no flow, and nothing is wrong with them."""
    table = MappingTable()

    assert enter(table, []) == ([], [])
    assert table.count == 0


@pytest.mark.parametrize("bit", range(8))
def test_tos(bit: int) -> None:
    """Each bit of DSCP and ECN stays as it was."""
    changed = 1 << bit << observations.TOS

    assert bits(NEAR, FAR | changed) == bits(NEAR | changed, FAR) == TOS
    assert bits(NEAR | changed, FAR | changed) == 0


@pytest.mark.parametrize(("flag", "expected"), [(1, 0), (2, FLAGS), (4, FLAGS)])
def test_flags(flag: int, expected: int) -> None:
    """Of IPv4's flags DF and the unused one stay; fragments may be cut anew."""
    changed = flag << observations.FLAGS

    assert bits(NEAR, FAR | changed) == bits(NEAR | changed, FAR) == expected
    assert bits(NEAR | changed, FAR | changed) == 0


@pytest.mark.parametrize(
    ("shift", "bit"),
    [(observations.IP_CHECKSUM, IP_CHECKSUM), (observations.L4_CHECKSUM, L4_CHECKSUM)],
)
@pytest.mark.parametrize(
    ("one", "other", "is_wrong"),
    [
        (Checksum.GOOD, Checksum.GOOD, False),
        (Checksum.BAD, Checksum.GOOD, True),
        (Checksum.BAD, Checksum.BAD, True),
        (Checksum.BAD, Checksum.ABSENT, True),
        (Checksum.ZERO, Checksum.ZERO, False),
        (Checksum.ZERO, Checksum.GOOD, True),
        (Checksum.ZERO, Checksum.PARTIAL, True),
        (Checksum.ZERO, Checksum.ABSENT, True),
        (Checksum.PARTIAL, Checksum.GOOD, False),
        (Checksum.ABSENT, Checksum.GOOD, False),
    ],
)
def test_checksums(shift: int, bit: int, one: int, other: int, is_wrong: bool) -> None:  # noqa: FBT001 - a table
    """A checksum is wrong on neither side, and absent on both or neither."""
    expected = bit if is_wrong else 0

    assert bits(NEAR | one << shift, FAR | other << shift) == expected
    assert bits(NEAR | other << shift, FAR | one << shift) == expected


def test_quotes() -> None:
    """An error quotes to either side what that side sent."""
    misquoted = 1 << observations.WRONGLY_EMBEDDED

    assert bits(NEAR | misquoted, FAR) == bits(NEAR, FAR | misquoted) == EMBEDDED
    assert bits(NEAR | misquoted, FAR | misquoted) == EMBEDDED


def test_options() -> None:
    """TCP's options are the same, or none on both sides."""
    near, far = made([0, 0, 0]), made([0, 0, 0])
    near.facts[:], far.facts[:] = NEAR, FAR
    near.options[:], far.options[:] = [1 << 63, 1 << 63, 5], [1 << 63, 0, 1 << 63]
    rows = np.arange(3, dtype=np.int32)
    _, wrong = MappingTable().enter(near, far, (rows, rows), sure(rows), (2, 2))

    assert wrong[:, :2].tolist() == [[1, OPTIONS], [2, OPTIONS]]


def test_what_is_not_compared() -> None:
    """What a tap could not see, or is no property of the packet, may differ."""
    names = ("HASHLESS", "SEGMENT", "ERROR", "OPENS", "TCP_FLAGS")
    other = sum(1 << getattr(observations, name) for name in names)

    assert bits(NEAR, FAR | other | OUT) == bits(NEAR | other, FAR) == 0


def test_several_at_once() -> None:
    """All that is wrong with a pair is told at once, by the index of the pair."""
    facts = [(NEAR, FAR), (64, 63 | BOTH), (NEAR, FAR), (1, TOS_BIT)]
    ways = [(2, 4)] * 4

    assert enter(MappingTable(), ways, facts)[1] == [
        [1, FLAGS | TOS, 2, 4, 4, 2],
        [3, TOS, 2, 4, 4, 2],
    ]


def test_pairs_by_their_rows() -> None:
    """Pairs are of the rows that are named, in their order, and of no others."""
    near, far = made([0, 2, 4]), made([6, 8])
    near.facts[:], far.facts[:] = [NEAR, 1, NEAR], [FAR, TOS_BIT]
    table = MappingTable()
    rows = np.array([0, 2], dtype=np.int32), np.array([0, 1], dtype=np.int32)
    flow, wrong = table.enter(near, far, rows, sure(rows[0]), (6, 10))

    assert (flow.tolist(), wrong.tolist()) == ([0, 1], [[1, TOS, 4, 8, 8, 4, 0]])
    assert [row[:2] for row in flows(table)] == [[0, 3], [2, 4]]


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ([(0, 0), (0, 0)], []),
        ([(0, 0), (1, 1), (0, 0), (1, 1)], []),
        ([(1, 1), (0, 0)], []),
        ([(0, 1), (1, 0)], []),
        ([(0, 0), (2, 2), (3, 3)], []),
        ([(0, 0), (0, 2)], [[1, CHANGED, 0, 2, 0, 0]]),
        ([(0, 0), (2, 0)], [[1, SHARED, 2, 0, 0, 0]]),
        ([(0, 0), (2, 2), (0, 2)], [[2, CHANGED | SHARED, 0, 2, 0, 2]]),
        ([(0, 0), (0, 1)], [[1, CHANGED, 0, 1, 0, 0]]),
        ([(0, 0), (1, 3)], [[1, CHANGED | UNDO, 0, 2, 0, 0]]),
        ([(1, 1), (0, 2)], [[1, CHANGED | UNDO, 1, 3, 1, 1]]),
        ([(0, 0), (3, 1)], [[1, SHARED | UNDO, 2, 0, 0, 0]]),
        ([(0, 0), (2, 2), (1, 3)], [[2, CHANGED | SHARED | UNDO, 0, 2, 0, 2]]),
        (
            [(0, 0), (0, 2), (0, 4)],
            [[1, CHANGED, 0, 2, 0, 0], [2, CHANGED, 0, 4, 0, 0]],
        ),
        ([(0, 0), (0, 2), (0, 0)], [[1, CHANGED, 0, 2, 0, 0]]),
    ],
    ids=[
        "same again",
        "with replies",
        "reply first",
        "oriented otherwise",
        "two flows",
        "another target",
        "another source",
        "the other flow's",
        "turned around",
        "reply to another",
        "request behind its reply",
        "reply of another",
        "reply of the other flow",
        "the first one counts",
        "and back",
    ],
)
def test_mapping(ways: Ways, expected: list[list[int]]) -> None:
    """A mapping is one function, one-to-one, and undone for replies.

    The first pair of a way tells what it becomes; who breaks that is told with what
    was expected.
    """
    assert enter(MappingTable(), ways)[1] == expected


def test_mapping_from_step_to_step() -> None:
    """What a way became is known to the steps that follow."""
    table = MappingTable()
    enter(table, [(0, 0)])
    enter(table, [(8, 8)])

    assert enter(table, [(0, 8), (8, 8)])[1] == [[0, CHANGED | SHARED, 0, 8, 0, 8]]


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ([(0, 0)], [[0, 0, 1, 0, 0]]),
        ([(0, 0), (1, 1), (0, 0)], [[0, 0, 3, 0, 0]]),
        ([(1, 1)], [[0, 0, 1, 1, 1]]),
        ([(1, 1), (0, 0)], [[0, 0, 2, 0, 0]]),
        ([(1, 1), (1, 0)], [[0, 0, 2, 1, 1]]),
        ([(0, 0), (0, 1)], [[0, 0, 2, 0, 0]]),
        ([(4, 3), (2, 0), (5, 2)], [[2, 1, 2, 4, 3], [1, 0, 1, 2, 0]]),
        ([(0, 0), (0, 2)], [[0, 0, 1, 0, 0], [0, 1, 1, 0, 2]]),
        ([(0, 0), (2, 0)], [[0, 0, 1, 0, 0], [1, 0, 1, 2, 0]]),
    ],
    ids=[
        "one packet",
        "with replies",
        "reply",
        "reply first",
        "replies only",
        "first request counts",
        "in order of first pair",
        "another target",
        "another source",
    ],
)
def test_flows(ways: Ways, expected: list[list[int]]) -> None:
    """A flow is two conversations that share packets; it counts them.

    It keeps the ways of the initiator's first pair, else of the first.
    """
    table = MappingTable()
    numbers, _ = enter(table, ways)

    assert [row[:5] for row in flows(table)] == expected
    joined = {(row[0], row[1]): number for number, row in enumerate(expected)}
    assert numbers == [joined[near >> 1, far >> 1] for near, far in ways]


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [
        (64, 63, 1),
        (63, 64, 0),
        (64, 64, 0),
        (63 | IN, 64, 1),
        (64 | OUT, 63, 0),
        (64, 63 | OUT, 1),
        (255, 0, 1),
    ],
)
def test_outward(near: int, far: int, expected: int) -> None:
    """The near tap knows whether a packet left; else the higher ttl was first."""
    table = MappingTable()
    enter(table, [(0, 0)], [(near, far)])

    assert flows(table)[0][5] == expected


def test_outward_is_that_of_the_kept_pair() -> None:
    """Which way a flow went is told by the pair whose ways it keeps."""
    table = MappingTable()
    enter(table, [(1, 1), (0, 0), (0, 0)], [(63, 64), (64, 63), (63, 64)])

    assert flows(table) == [[0, 0, 3, 0, 0, 1]]


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_growth(steps: int) -> None:
    """However many flows there are, and in however many steps: each is its own."""
    table, numbers = MappingTable(), []
    ways = [(2 * i, 2 * ((7 * i) % MANY)) for i in range(MANY)]
    size = -(-MANY // steps)
    for first in range(0, MANY, size):
        flow, wrong = enter(table, ways[first : first + size])
        numbers += flow

        assert wrong == []
    again = [(near | 1, far | 1) for near, far in ways]

    assert numbers == list(range(MANY))
    assert enter(table, again) == (numbers, [])
    assert flows(table) == [[a >> 1, b >> 1, 2, a, b, 1] for a, b in ways]
