"""Pair packets that something altered on the way: what no NAT may change did change.

Tried only on what is left when all invariants have had their say, so that a packet is
reported as altered instead of as lost here and come from nowhere there.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP, UDP, key_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from pytest_netlab.capture import Capture

# One field may be altered, hardly two: either the IP id or the sequence is as it was.
_BY_ID = ("proto", "ip_id", "payload_len")
_BY_SEQUENCE = ("proto", "tcp_seq", "tcp_ack", "payload_len", "payload_hash")


def pair_altered(
    inside: Capture, outside: Capture, pairs: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return (inside row, outside row) of packets that are the same but for a field.

    The two keep one end's address and port, as every rewrite of one end does.
    """
    found: list[tuple[int, int]] = []
    for names in (_BY_ID, _BY_SEQUENCE):
        near = _left(inside, names, {row for row, _ in (*pairs, *found)})
        far = _left(outside, names, {row for _, row in (*pairs, *found)})
        for key in near.keys() & far.keys():
            found += _matched(inside, near[key], outside, far[key])
    return sorted(found)


def _left(
    capture: Capture, names: Sequence[str], paired: set[int]
) -> dict[Hashable, list[int]]:
    """Group the rows without a twin by these columns; a 0 tells nothing."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for row in range(len(capture)):
        if row in paired or key_of(capture, row) is None:
            continue
        values = tuple(int(getattr(capture, name)[row]) for name in names)
        if values[1] and (names is _BY_ID or values[0] == TCP):
            found[values].append(row)
    return found


def _matched(
    inside: Capture, near: Sequence[int], outside: Capture, far: Sequence[int]
) -> Iterator[tuple[int, int]]:
    free = list(far)
    for row in near:
        match = next((k for k in free if _same_end(inside, row, outside, k)), None)
        if match is not None:
            free.remove(match)
            yield row, match


def _same_end(inside: Capture, near: int, outside: Capture, far: int) -> bool:
    """Tell whether source or destination is the same, and a router is between."""
    here, there = key_of(inside, near), key_of(outside, far)
    if here is None or there is None or inside.ttl[near] == outside.ttl[far]:
        return False
    ports = here.proto in (TCP, UDP)
    source = here.src == there.src and (not ports or here.sport == there.sport)
    target = here.dst == there.dst and (not ports or here.dport == there.dport)
    return source or target
