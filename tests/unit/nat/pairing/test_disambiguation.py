"""What has equal keys and is of several flows is paired by what its key still shows."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, C2, HOST, HOST01, WEB, Packet
from tests.unit.nat.conftest import begun, counterparts, seen

from pytest_netlab.flows import UDP, FlowTable, Tuple5
from pytest_netlab.nat.pairing.disambiguation import Known, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

MET = Tuple5(UDP, C1, 5555, HOST01, 53)
SNAT, OTHER = MET._replace(src=HOST), MET._replace(src=C2)
# What may become of a key, the likeliest first.
REWRITES = {
    "as it was": MET,
    "another source address": SNAT,
    "another target address": MET._replace(dst=WEB),
    "another target": MET._replace(dst=WEB, dport=54),
    "another source": MET._replace(src=HOST, sport=1024),
    "another source and target port": MET._replace(src=HOST, sport=1024, dport=54),
    "all but the source address": MET._replace(sport=1024, dst=WEB, dport=54),
    "all of it": Tuple5(UDP, HOST, 1024, WEB, 54),
}


def settled(
    near: Sequence[Tuple5],
    far: Sequence[Tuple5],
    *,
    groups: Sequence[tuple[list[int], list[int]]] = (),
    known: Sequence[tuple[int, int]] = (),
    patient: bool = False,
    fresh: tuple[int, int] = (0, 0),
) -> list[int]:
    """Return the mates of the near rows; all of them are one group if none is told."""
    tables = FlowTable(), FlowTable()
    ends = [
        seen([Packet(key=key) for key in keys], table)
        for keys, table in zip((near, far), tables, strict=True)
    ]
    pairing = begun(ends[0], ends[1], fresh)
    for pair in known:
        pairing.take(*pair)
    rows = [
        [row for row in range(len(keys)) if all(row != pair[side] for pair in known)]
        for side, keys in enumerate((near, far))
    ]
    known_before = Known(pairing, tables, lambda: None, patient)
    resolve(known_before, groups or [(rows[0], rows[1])])
    return counterparts(pairing)


@pytest.mark.parametrize(
    ("better", "worse"),
    list(combinations(REWRITES, 2)),
    ids=lambda name: name,
)
def test_likeliest_first(better: str, worse: str) -> None:
    """Of two candidates the one that more of the key leads to is taken."""
    candidates = [REWRITES[worse], REWRITES[better]]

    assert settled([MET], candidates) == [1]
    assert settled([MET], candidates[::-1]) == [0]


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_whatever_is_left(rewrite: Tuple5) -> None:
    """What is alone on both sides is paired, however unlike."""
    assert settled([MET], [rewrite]) == [0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_each_its_own(order: tuple[int, int]) -> None:
    """A likelier pair elsewhere is not given up for who comes first."""
    near = [MET, OTHER._replace(sport=6666)]
    far = [key._replace(src=HOST) for key in near]

    assert settled(near, [far[i] for i in order]) == list(order)


def test_equally_like() -> None:
    """Of equally like ones the first here is the first there; a surplus is alone."""
    near = [MET, OTHER, MET._replace(src=WEB)]

    assert settled(near, [SNAT, SNAT._replace(sport=1024)]) == [0, 1, -1]
    assert settled(near[:1], [SNAT, SNAT._replace(src="10.0.0.9")]) == [0]


@pytest.mark.parametrize(
    ("near", "far"), [([], []), ([MET], []), ([], [MET])], ids=["both", "far", "near"]
)
def test_nothing_to_pair(near: list[Tuple5], far: list[Tuple5]) -> None:
    """A group without rows on a side pairs nothing."""
    assert settled(near, far) == [-1] * len(near)


def test_no_groups() -> None:
    """Who is in no group stays alone."""
    assert settled([MET], [MET], groups=[([], [])]) == [-1]


def test_known_flow() -> None:
    """A row of a known flow goes where that went, not to what is more like it."""
    near, far = [MET, MET, OTHER], [REWRITES["all of it"], MET, REWRITES["all of it"]]

    assert settled(near, far, known=[(0, 0)]) == [0, 2, 1]


def test_known_flow_is_not_taken_by_another() -> None:
    """What a known flow became is no candidate for a new one, however like."""
    near, far = [OTHER, MET], [MET, MET, REWRITES["all of it"]]

    assert settled(near, far, known=[(0, 0)]) == [0, 2]


def test_known_replies() -> None:
    """What became of requests tells of the replies as well."""
    near = [MET, OTHER, OTHER.reply, MET.reply]
    far = [SNAT, SNAT._replace(sport=9), SNAT.reply, SNAT._replace(sport=9).reply]

    assert settled(near, far, known=[(0, 0), (1, 1)]) == [0, 1, 3, 2]


def test_rows_of_one_flow() -> None:
    """Rows of one known flow go in order; rows of others do not come between."""
    near, far = [MET, OTHER, MET, OTHER, MET], [SNAT, SNAT, MET, SNAT]

    assert settled(near, far, known=[(0, 0)]) == [0, 2, 1, -1, 3]


def test_known_flows_that_contradict() -> None:
    """A known flow whose packet became something else is paired even so."""
    assert settled([MET, MET], [SNAT, REWRITES["all of it"]], known=[(0, 0)]) == [0, 1]


def test_known_flows_that_contradict_by_likeness() -> None:
    """Several of those go by their own keys, not by what their flows became."""
    other = OTHER._replace(sport=6666)
    became = [Tuple5(UDP, HOST, port, HOST01, 54) for port in (6666, 5555)]
    far = [*became, other._replace(src=HOST), SNAT]

    assert settled([MET, other] * 2, far, known=[(0, 0), (1, 1)]) == [0, 1, 3, 2]


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [((2, 2), 1), ((0, 0), -1), ((2, 1), -1), ((1, 2), -1)],
    ids=["both are old", "both are new", "there it is new", "here it is new"],
)
def test_patience(fresh: tuple[int, int], expected: int) -> None:
    """While more may come, new rows that contradict what is known wait for it."""
    near, far = [MET, MET], [SNAT, REWRITES["all of it"]]
    found = settled(near, far, known=[(0, 0)], patient=True, fresh=fresh)

    assert found == [0, expected]


def test_patience_with_what_does_not_contradict() -> None:
    """New rows of known flows that go on need not wait, those of new flows do once."""
    near, far = [MET, MET, OTHER], [SNAT, OTHER, SNAT]

    assert settled(near, far, known=[(0, 0)], patient=True) == [0, 2, -1]
    old = settled(near, far, known=[(0, 0)], patient=True, fresh=(3, 1))
    assert old == [0, 2, 1]


def test_later_groups_know_more() -> None:
    """What one group taught of a flow decides in the next."""
    near, far = [MET, OTHER, MET], [REWRITES["all of it"], MET, REWRITES["all of it"]]

    assert settled(near, far, groups=[([0], [0]), ([1, 2], [1, 2])]) == [0, 1, 2]
    assert settled(near, far, groups=[([1, 2], [1, 2])]) == [-1, 2, 1]
