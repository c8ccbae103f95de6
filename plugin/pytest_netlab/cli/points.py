"""Points of capture: how users name one of those in a file, and which a file has.

A point is an interface of the file, by its name or number, or, where packets say the
index of their interface (SLL2, NFLOG), an index. Knows nothing of sides.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.cli.sources import STDIN, located, opened
from pytest_netlab.errors import CaptureError
from pytest_netlab.wire import address_text
from pytest_netlab.wire.assigned import SLL

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture import Budget, Capture
    from pytest_netlab.capture.values import About

COOKED = (
    "a cooked capture (SLL) of `any` does not say the interface: capture with "
    "`tcpdump -i any -y LINUX_SLL2`, or one file each"
)

ALONE = (
    "it has one interface, without a name, so nothing says of which side a packet is: "
    "give a capture of each side, or merge them with `mergecap -I none`, which keeps "
    "their interfaces, and name these by number: --inside 0 --outside 1"
)


def rows_of(chunk: Capture, point: str) -> npt.NDArray[np.intp]:
    """Return the rows of a point: an interface of this name, or of this number."""
    names = [known.name for known in chunk.interfaces]
    if point in names or not is_number(point):
        wanted = np.array([name == point for name in names], dtype=bool)
        return np.flatnonzero(wanted[chunk.point])
    number, index = int(point), chunk.ifindex
    return np.flatnonzero(np.where(index != 0, index == number, chunk.point == number))


def resolved(argument: str, point: str, budget: Budget) -> str:
    """Return the index of an interface for the name of an address seen only there.

    Packets of `any` have no names of interfaces, but a file may name addresses. It is
    read for that, unless an interface has the name; else the point is returned.
    """
    if is_number(point) or argument == STDIN or not located(argument).is_file():
        return point
    found: set[tuple[int, bytes]] = set()
    try:
        with opened(argument, budget) as chunks:
            for chunk in chunks:
                named = any(known.name == point for known in chunk.interfaces)
                if named or not chunk.ifindex.any():
                    return point
                found |= _places(chunk)
            names = chunks.about.names
    except CaptureError:  # told by who reads it next
        return point
    at = {index for index, one in found if names.get(address_text(one)) == point}
    return str(at.pop()) if len(at) == 1 else point


def _places(chunk: Capture) -> set[tuple[int, bytes]]:
    """Return which addresses were seen at which index."""
    ends = np.concatenate([chunk.src, chunk.dst])
    index = np.concatenate([chunk.ifindex, chunk.ifindex]).astype("<u4")
    rows = np.unique(np.hstack([index.view(np.uint8).reshape(-1, 4), ends]), axis=0)
    return {(int.from_bytes(row[:4], "little"), row[4:]) for row in map(bytes, rows)}


def is_number(point: str) -> bool:
    """Return whether a point is named by a number."""
    return point.isascii() and point.isdigit()


class Census:
    """How many packets each point of a file has, in the order they were met."""

    def __init__(self) -> None:
        """Start without a packet."""
        self._interfaces: Counter[int] = Counter()
        self._indices: Counter[int] = Counter()

    def add(self, chunk: Capture) -> None:
        """Count the packets of a chunk."""
        index = chunk.ifindex
        if not index.any():
            counts = np.bincount(chunk.point)
            for point in np.flatnonzero(counts).tolist():
                self._interfaces[point] += int(counts[point])
            return
        has = index != 0
        for point in chunk.point[~has].tolist():
            self._interfaces[point] += 1
        found, firsts, counts = np.unique(
            index[has], return_index=True, return_counts=True
        )
        for at in np.argsort(firsts).tolist():
            self._indices[int(found[at])] += int(counts[at])

    def has(self, point: str, about: About) -> bool:
        """Return whether the file has a point of this name or number."""
        if any(known.name == point for known in about.interfaces):
            return True
        if not is_number(point):
            return False
        if self._indices:
            return int(point) in self._indices
        return int(point) < len(about.interfaces)

    def labels(self, about: About) -> dict[str, int]:
        """Return what each point is called -> its number of packets."""
        found: Counter[str] = Counter()
        for index, count in self._indices.items():
            found[str(index)] += count
        for number, known in enumerate(about.interfaces):
            count = self._interfaces[number]
            if count or not self._indices:
                found[known.name or str(number)] += count
        return dict(found)

    def listed(self, about: About) -> str:
        """Return all points as text, with their numbers of packets."""
        counts = self.labels(about).items()
        texts = [f"{label} ({_packets(count)})" for label, count in counts]
        return ", ".join(texts) or "none at all"

    def is_mixed(self, about: About) -> bool:
        """Return whether packets are of several points that can be told apart."""
        names = {known.name for known in about.interfaces}
        return len(names) > 1 or len(self._indices) > 1

    def untold(self, about: About) -> str:
        """Return why no packet says which point it is of; "" if they do."""
        known = about.interfaces
        if self._indices or any(one.name for one in known):
            return ""
        if known and all(one.linktype == SLL for one in known):
            return COOKED
        return ALONE if len(known) == 1 else ""


def _packets(count: int) -> str:
    return f"{count:,} packet{'' if count == 1 else 's'}" if count else "no packet"
