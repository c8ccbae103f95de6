"""Pair a UDP datagram with the pieces that an offload made of it, or made it of.

UDP_SEGMENT (udp(7)) lets a socket send many datagrams at once: a tap before the device
sees one of up to 64 KiB, and one behind it those of `gso_size` octets, the last perhaps
shorter (kernel net/ipv4/udp_offload.c, __udp_gso_segment); GRO does the reverse.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat.pairing.hash_join import NOBODY
from pytest_netlab.nat.pairing.observations import DATAGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.nat.pairing.hash_join import Index, Pairing
    from pytest_netlab.nat.pairing.observations import Observations

    Sizes = Sequence[tuple[int, int]]  # row, octets; in capture order

_MOST = 128  # pieces of a datagram (kernel UDP_MAX_SEGMENTS)
_LOOKAHEAD = 16  # other datagrams that may come before the first piece


def pair_pieces(pairing: Pairing) -> list[tuple[int, int]]:
    """Return (near row, far row) of datagrams and their pieces, noted as pairs.

    Only flows whose mapping is known are considered, and only datagrams of which every
    piece was seen.
    """
    near = _unpaired(pairing.near, pairing.near_counterparts)
    far = _unpaired(pairing.far, pairing.far_counterparts) if near else {}
    found: list[tuple[int, int]] = []
    for uniflow, here in near.items():
        for one in pairing.became(uniflow):
            there = far.get(one, [])
            found += _pieces(here, there)
            found += ((row, whole) for whole, row in _pieces(there, here))
    for row_in, row_out in found:
        pairing.take(row_in, row_out)
    return found


def _unpaired(seen: Observations, counterparts: Index) -> dict[int, Sizes]:
    """Return uniflow -> its unpaired datagrams."""
    unpaired = counterparts[: len(seen)] == NOBODY
    is_datagram = seen.facts >> np.uint64(DATAGRAM) & np.uint64(1) > 0
    rows = np.flatnonzero(unpaired & is_datagram)
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    columns = (rows, seen.uniflow[rows], seen.size[rows])
    for row, uniflow, size in zip(*(c.tolist() for c in columns), strict=True):
        found[uniflow].append((row, size))
    return dict(found)


def _pieces(whole: Sizes, parts: Sizes) -> Iterator[tuple[int, int]]:
    """Yield (row of a datagram, row of a piece of it), where all pieces are there."""
    begin = 0
    for row, size in whole:
        for start in range(begin, min(begin + _LOOKAHEAD, len(parts))):
            end = _end_of(size, parts, start)
            if end:
                yield from ((row, part) for part, _ in parts[start:end])
                begin = end
                break


def _end_of(size: int, parts: Sizes, start: int) -> int:
    """Return the index behind the pieces of a datagram that begin here; 0: no such."""
    step = parts[start][1]
    if step >= size:
        return 0
    count = -(-size // step)
    end, last = start + count, size - step * (count - 1)
    if count > _MOST or end > len(parts) or parts[end - 1][1] != last:
        return 0
    others = parts[start : end - 1]
    return end if all(octets == step for _, octets in others) else 0
