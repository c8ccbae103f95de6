"""Find packets that a capture has twice: of a mirror port, or of two links.

A duplicate is no transmission of its own, so it cannot be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat.pairing.observations import NUMBERED, TTL

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.nat.pairing.observations import Observations

    Mask = npt.NDArray[np.bool_]
    Index = npt.NDArray[np.intp]

_WITHIN = 1_000_000  # ns; a sender repeats a segment after tens of them
_APART = 4  # packets of other flows that may come between
_IDENTICAL = ("uniflow", "key", "options")
# A mirror port may show a packet before a router and behind it: with another ttl.
_ALL_BUT_TTL = ~np.uint64(0xFF << TTL)


def beside(seen: Observations, rows: Index, others: Mask) -> Mask:
    """Return which rows have an equal packet close by, in order and in time.

    Args:
        seen: observations, in capture order.
        rows: indices of those to be examined.
        others: which observations count as the equal one.

    """
    found = np.zeros(len(rows), dtype=np.bool_)
    keys, last = seen.key[rows], len(seen) - 1
    for apart in (*range(-_APART, 0), *range(1, _APART + 1)):
        there = np.clip(rows + apart, 0, last)
        at = np.flatnonzero(seen.key[there] == keys)  # mostly none
        here, index = rows[at], there[at]
        same = (index == here + apart) & others[index]
        same &= np.abs(seen.ts[index] - seen.ts[here]) <= _WITHIN
        same &= (seen.facts[index] ^ seen.facts[here]) & _ALL_BUT_TTL == 0
        for name in _IDENTICAL:
            values = getattr(seen, name)
            same &= values[index] == values[here]
        found[at[same]] = True
    return found


def second(seen: Observations) -> Mask:
    """Return which observations equal an earlier one that is close by."""
    found = np.zeros(len(seen), dtype=np.bool_)
    for apart in range(1, min(_APART, len(seen) - 1) + 1):
        here, before = slice(apart, None), slice(None, -apart)
        same = np.abs(seen.ts[here] - seen.ts[before]) <= _WITHIN
        same &= (seen.facts[here] ^ seen.facts[before]) & _ALL_BUT_TTL == 0
        for name in _IDENTICAL:
            values = getattr(seen, name)
            same &= values[here] == values[before]
        found[here] |= same
    return found


def numbered(seen: Observations) -> Mask:
    """Return which observations have an IPv4 id, which no other datagram has.

    RFC 6864, 4.1: within the lifetime of a datagram; a retransmission gets a new one.
    """
    return seen.facts >> np.uint64(NUMBERED) & np.uint64(1) > 0
