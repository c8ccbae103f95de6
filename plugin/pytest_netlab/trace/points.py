"""Capture points by their place on a packet's path; what each side of the host saw.

Between two points of one side there are only bridges: their observations of a packet
are equal, and the one nearest to the host represents them all.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pytest_netlab.capture import Capture

    Rows = NDArray[np.intp]


class Place(enum.IntEnum):
    """Where a point is, in the order in which packets from a container pass."""

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
    def apart(self) -> bool:
        """Whether it is in another namespace: what leaves it reaches the host."""
        return self.place in (Place.CONTAINER, Place.NODE)

    @property
    def distance(self) -> int:
        """Return how many links lie between it and the NAT."""
        nearest = Place.BRIDGE if self.inside else Place.UPLINK
        return abs(self.place - nearest)


def two_points(inside: str, outside: str) -> tuple[Point, Point]:
    """Return a bridge and an uplink of these names."""
    return Point(inside, Place.BRIDGE), Point(outside, Place.UPLINK)


@dataclass(frozen=True, slots=True)
class JoinedPoints:
    """What one side of the host saw.

    Attributes:
        rows: of the capture, ascending: for each packet, the observation nearest to the
            host.
        others: row -> (distance in links, row) of the other observations of its packet,
            from near to far.

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


def side(capture: Capture, points: Sequence[Point]) -> JoinedPoints:
    """Return what the points of one side saw, every packet once."""
    nearest = min((point.distance for point in points), default=0)
    rows = rows_of(capture, [one for one in points if one.distance == nearest])
    others: dict[int, list[tuple[int, int]]] = {}
    farther = (one for one in points if one.distance > nearest)
    for point in sorted(farther, key=lambda one: one.distance):
        here = rows_of(capture, [point])
        near, far = _bridged(capture, rows, here)
        for row, other in zip(near.tolist(), far.tolist(), strict=True):
            others.setdefault(row, []).append((point.distance, other))
        rows = np.union1d(rows, np.setdiff1d(here, far))
    return JoinedPoints(rows, others)


# Fields that identify a packet, and those that still do if a bridge did what no bridge
# may do: change the IP header, or the bytes behind it.
_ENDS = ("proto", "src", "dst", "sport", "dport", "icmp_type", "icmp_id")
_CONTENT = ("payload_len", "payload_hash", "tcp_seq", "tcp_ack", "icmp_seq")
_HEADER = ("ip_id", "frag_offset", "ttl", "tos")
_SIMILAR_BY = (
    (*_ENDS, *_CONTENT, *_HEADER),
    (*_ENDS, *_CONTENT, "frag_offset"),
    (*_ENDS, "ip_id", "frag_offset"),
)


def _bridged(capture: Capture, near: Rows, far: Rows) -> tuple[Rows, Rows]:
    """Return the rows of packets that two points with a bridge between them both saw.

    Equal packets are paired by rank, because a bridge keeps their order.
    """
    found: list[tuple[Rows, Rows]] = [(near[:0], far[:0])]
    for names in _SIMILAR_BY:
        if not len(near) or not len(far):
            break
        mine, theirs = (_numbered(capture, rows, names) for rows in (near, far))
        _, here, there = np.intersect1d(
            mine, theirs, assume_unique=True, return_indices=True
        )
        found.append((near[here], far[there]))
        near, far = np.delete(near, here), np.delete(far, there)
    pairs = [np.concatenate(rows) for rows in zip(*found, strict=True)]
    return pairs[0], pairs[1]


def _numbered(capture: Capture, rows: Rows, names: Sequence[str]) -> NDArray[np.void]:
    """Return a key for each row: its columns, and its rank among equal rows."""
    columns = [capture.column(name)[rows] for name in names]
    parts = [one.reshape(len(rows), -1).view(np.uint8) for one in columns]
    plain = np.ascontiguousarray(np.concatenate(parts, axis=1))
    alike = plain.view(np.dtype((np.void, plain.shape[1]))).ravel()
    order = np.argsort(alike, kind="stable")
    ordered = alike[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]][: len(rows)]
    start = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))
    number = np.empty(len(rows), dtype=np.int64)
    number[order] = np.arange(len(rows)) - start
    whole = np.concatenate([plain, number.reshape(-1, 1).view(np.uint8)], axis=1)
    whole = np.ascontiguousarray(whole)
    return whole.view(np.dtype((np.void, whole.shape[1]))).ravel()
