"""Sightings as the steps of learning hand them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tests.traffic import Packet, capture

from pytest_netlab.flows import FlowTable
from pytest_netlab.nat.pairing import observations
from pytest_netlab.nat.pairing.hash_join import Pairing
from pytest_netlab.nat.pairing.observations import Observations, sight

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def seen(
    packets: Sequence[Packet | bytes],
    table: FlowTable | None = None,
    *,
    first: int = 0,
    ingress: int = 0,
) -> Observations:
    """Return the observations of packets, their conversations numbered by a table."""
    table = table or FlowTable()
    return Observations.joined(
        [
            sight(columns, rows, first, table.add(columns, rows), ingress)
            for columns, rows in capture(packets).blocks()
        ]
    )


def made(ways: Sequence[int]) -> Observations:
    """Return observations of these ways of which nothing else is known."""
    found = Observations.empty(len(ways))
    for name in ("ts", "key", "header_key", "facts", "options", "seq", "size"):
        getattr(found, name)[:] = 0
    found.row[:], found.uniflow[:] = np.arange(len(ways)), ways
    return found


def sure(rows: Sequence[int] | npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Return that none of these pairs is doubtful."""
    return np.ones(len(rows), dtype=np.uint8)


def segments(way: int, spans: Sequence[tuple[int, int]]) -> Observations:
    """Return TCP segments of one way that carry these bytes: first one, and how many.

    The first observation carries none: it is there to tell what the flow became.
    """
    found = made([way] * (len(spans) + 1))
    found.facts[1:] = 1 << observations.SEGMENT
    found.seq[1:] = [first for first, _ in spans]
    found.size[1:] = [size for _, size in spans]
    return found


def begun(
    near: Observations, far: Observations, fresh: tuple[int, int] = (0, 0)
) -> Pairing:
    """Return a pairing of these observations that knows no flow yet."""
    pairing = Pairing()
    pairing.reserve(64, 64)
    pairing.begin(near, far, fresh)
    return pairing


def counterparts(pairing: Pairing) -> list[int]:
    """Return the mate of each near observation, negative where there is none."""
    found: list[int] = pairing.near_counterparts[: len(pairing.near)].tolist()
    return found
