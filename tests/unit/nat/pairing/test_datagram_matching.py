"""A datagram is paired with the pieces that an offload makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.nat.conftest import begun, made

from pytest_netlab.nat.pairing import observations
from pytest_netlab.nat.pairing.datagram_matching import pair_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.nat.pairing.observations import Observations


def datagrams(uniflow: int, sizes: Sequence[int]) -> Observations:
    """Return datagrams of one uniflow; the first one shows what it became."""
    found = made([uniflow] * (len(sizes) + 1))
    found.facts[1:] = 1 << observations.DATAGRAM
    found.size[1:] = sizes
    return found


def paired(near: Sequence[int], far: Sequence[int]) -> list[tuple[int, int]]:
    """Return the pairs of datagrams of these sizes, which count from 0 here."""
    pairing = begun(datagrams(0, near), datagrams(4, far))
    pairing.take(0, 0)
    return [(here - 1, there - 1) for here, there in pair_pieces(pairing)]


@pytest.mark.parametrize(
    ("sizes", "count"),
    [([1200] * 4, 4), ([1200, 1200, 500], 3), ([1, 1], 2), ([700, 699], 2)],
)
def test_pieces(sizes: list[int], count: int) -> None:
    """Equal pieces, of which the last may be shorter, on either side."""
    assert paired([sum(sizes)], sizes) == [(0, at) for at in range(count)]
    assert paired(sizes, [sum(sizes)]) == [(at, 0) for at in range(count)]


def test_one_behind_the_other() -> None:
    """Each datagram has pieces of its own, and others may come between."""
    assert paired([300, 200], [77, 100, 100, 100, 100, 100]) == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 4),
        (1, 5),
    ]


@pytest.mark.parametrize(
    "pieces",
    [[100, 100], [100, 50, 150], [100, 100, 99], [300], [50, 100, 100, 50], []],
)
def test_no_pieces_of_it(pieces: list[int]) -> None:
    """What is missing, longer at the end, or of one size with it is none of it."""
    assert paired([300], pieces) == []


def test_flow_that_is_not_known() -> None:
    """Of a flow that nothing is known of, nobody can say whose pieces they are."""
    pairing = begun(datagrams(0, [200]), datagrams(4, [100, 100]))

    assert pair_pieces(pairing) == []


def test_too_many_pieces() -> None:
    """The kernel makes so many and no more."""
    assert len(paired([128], [1] * 128)) == 128
    assert paired([129], [1] * 129) == []
