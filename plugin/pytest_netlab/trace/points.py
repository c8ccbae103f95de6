"""Capture points by their place on a packet's way, and what each side of the host saw.

Between two points of one side there is nothing but bridges: their observations of a
packet are alike, and the one nearest to the host stands for all of them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat import learn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pytest_netlab.capture import Capture

    Rows = NDArray[np.intp]


class Place(enum.IntEnum):
    """Where a point is, in the order in which a packet leaves."""

    CONTAINER = 0  # the interface inside a container
    CONTAINER_PORT = 1  # the host's end of its veth pair
    BRIDGE = 2
    UPLINK = 3
    NODE = 4  # the interface of another host


@dataclass(frozen=True, slots=True)
class Point:
    """A capture point: the name of its interface in the capture, and its place."""

    name: str
    place: Place

    @property
    def inside(self) -> bool:
        """Whether it is on the containers' side of the NAT."""
        return self.place <= Place.BRIDGE

    @property
    def distance(self) -> int:
        """Return how many links lie between it and the NAT."""
        nearest = Place.BRIDGE if self.inside else Place.UPLINK
        return abs(self.place - nearest)


def two_points(inside: str, outside: str) -> tuple[Point, Point]:
    """Return a bridge and an uplink of these names."""
    return Point(inside, Place.BRIDGE), Point(outside, Place.UPLINK)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of the host saw.

    Attributes:
        rows: of the capture, ascending: of each packet the observation nearest to the
            host.
        others: row -> the other observations of its packet: distance and row, from
            near to far.

    """

    rows: Rows
    others: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)

    def observations(self, row: int) -> list[int]:
        """Return all rows of a packet, from near to far."""
        return [row, *(other for _, other in self.others.get(row, ()))]


def rows_of(capture: Capture, points: Iterable[Point]) -> Rows:
    """Return the rows of these points; none where they were not captured."""
    names = {point.name for point in points}
    wanted = [i for i, known in enumerate(capture.interfaces) if known.name in names]
    return np.flatnonzero(np.isin(capture.point, wanted))


def side(capture: Capture, points: Sequence[Point]) -> Side:
    """Return what the points of one side saw, every packet once."""
    nearest = min((point.distance for point in points), default=0)
    rows = rows_of(capture, [one for one in points if one.distance == nearest])
    others: dict[int, list[tuple[int, int]]] = {}
    farther = (one for one in points if one.distance > nearest)
    for point in sorted(farther, key=lambda one: one.distance):
        here = rows_of(capture, [point])
        found = learn(capture.select(rows), capture.select(here)).pairs
        pairs = () if found is None else found.tolist()
        known = set()
        for near, far in pairs:
            known.add(far)
            seen = others.setdefault(int(rows[near]), [])
            if all(capture.point[row] != capture.point[here[far]] for _, row in seen):
                seen.append((point.distance, int(here[far])))
        alone = np.array([far not in known for far in range(len(here))], dtype=bool)
        rows = np.union1d(rows, here[alone])
    return Side(rows, others)
