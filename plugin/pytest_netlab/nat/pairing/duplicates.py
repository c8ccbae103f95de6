"""Find packets that a capture has twice: of a mirror port, or of two links.

A duplicate is no transmission of its own, so it cannot be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat.pairing.observations import NUMBERED, TTL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from pytest_netlab.nat.pairing.observations import Observations

    Mask = npt.NDArray[np.bool_]
    Index = npt.NDArray[np.intp]

_WITHIN = 1_000_000  # ns; a sender repeats a segment after tens of them
_APART = 4  # packets of other flows that may come between
# A mirror port may show a packet before a router and behind it: with another ttl.
_ALL_BUT_TTL = ~np.uint64(0xFF << TTL)


def beside(seen: Observations, others: Mask) -> Mask:
    """Return which observations have an equal one close by, among `others`."""
    found = np.zeros(len(seen), dtype=np.bool_)
    for earlier, later in _equal(seen):
        found[earlier] |= others[later]
        found[later] |= others[earlier]
    return found


def second(seen: Observations) -> Mask:
    """Return which observations equal an earlier one that is close by."""
    found = np.zeros(len(seen), dtype=np.bool_)
    for _, later in _equal(seen):
        found[later] = True
    return found


def _equal(seen: Observations) -> Iterator[tuple[Index, Index]]:
    """Yield indices of equal packets, the earlier and the later, by their distance.

    They are close by in capture order and in time. Keys are compared first: hardly any
    are equal.
    """
    for apart in range(1, min(_APART, len(seen) - 1) + 1):
        here = np.flatnonzero(seen.key[:-apart] == seen.key[apart:])
        there = here + apart
        same = np.abs(seen.ts[there] - seen.ts[here]) <= _WITHIN
        same &= (seen.facts[there] ^ seen.facts[here]) & _ALL_BUT_TTL == 0
        for values in (seen.uniflow, seen.options):
            same &= values[there] == values[here]
        yield here[same], there[same]


def numbered(seen: Observations) -> Mask:
    """Return which observations have an IPv4 id, which no other datagram has.

    RFC 6864, 4.1: within the lifetime of a datagram; a retransmission gets a new one.
    """
    return seen.facts >> np.uint64(NUMBERED) & np.uint64(1) > 0
