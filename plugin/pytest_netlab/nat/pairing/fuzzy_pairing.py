"""Pair packets of which a field was changed that no NAT may change.

Tried only on packets that exact pairing left over: then a packet is reported as
altered, and not as lost at one point and from nowhere at the other.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.flows import TCP, WITH_PORTS, key_of
from pytest_netlab.wire import Status

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat.clocks.clock import Alignment

    Rows = Sequence[int] | npt.NDArray[np.int64]
    End = tuple[str, int] | None
    Ends = tuple[int, End, End]

# Rarely are two fields altered: either the IP id or the sequence number is unchanged.
_BY_ID = ("proto", "ip_id", "payload_len")
_BY_SEQUENCE = ("proto", "tcp_seq", "tcp_ack", "payload_len", "payload_hash")
# Connection tracking reassembles a datagram, which is fragmented again when it leaves
# (nf_defrag_ipv4, ip_do_fragment): the first fragments may differ in size.
_BY_DATAGRAM = ("proto", "ip_id")
_FRAGMENT = int(Status.FRAGMENT)
_MOST = 1000  # packets of one key: more is an attack, and the search is quadratic


def pair_fuzzily(
    inside: Capture,
    outside: Capture,
    near: Rows,
    far: Rows,
    alignment: Alignment | None = None,
    *,
    is_bridge: bool = False,
) -> list[tuple[int, int]]:
    """Return (inside row, outside row) of packets that are the same but for a field.

    One end's address and port must be equal, as every rewrite of one end leaves them,
    and so must the time be, as far as the clocks are known.

    Args:
        inside: the capture of the inside.
        outside: the capture of the outside.
        near: the inside's unpaired rows.
        far: the outside's unpaired rows.
        alignment: of the clocks, if it is known.
        is_bridge: what is between the points lowers no ttl; else the ttl must differ.

    """
    fits = partial(_fits, inside, outside, alignment)
    found: list[tuple[int, int]] = []
    for names in (_BY_ID, _BY_SEQUENCE, _BY_DATAGRAM):
        here = _left(inside, names, near, {row for row, _ in found})
        there = _left(outside, names, far, {row for _, row in found})
        for key in here.keys() & there.keys():
            ends = here[key][:_MOST], there[key][:_MOST]
            pairs = _matched(inside, ends[0], outside, ends[1], is_bridge=is_bridge)
            if names is _BY_DATAGRAM:
                pairs = (
                    pair for pair in pairs if _is_truncated(inside, outside, *pair)
                )
            found += (pair for pair in pairs if fits(*pair))
    return sorted(found)


def _fits(
    inside: Capture, outside: Capture, alignment: Alignment | None, near: int, far: int
) -> bool:
    """Return whether two observations are as far apart in time as those of a packet."""
    if alignment is None:
        return True
    late = alignment.residual(inside.ts[[near]], outside.ts[[far]])
    return abs(int(late[0])) <= alignment.spread


def _is_truncated(inside: Capture, outside: Capture, near: int, far: int) -> bool:
    """Return whether one of two observations is a fragment."""
    return bool((inside.status[near] | outside.status[far]) & _FRAGMENT)


def _left(
    capture: Capture, names: Sequence[str], rows: Rows, paired: set[int]
) -> dict[Hashable, list[int]]:
    """Group the unpaired rows by these columns; skip an id or sequence number of 0.

    Of a segment without data the flags count too: a FIN has the numbers of the last
    acknowledgement.
    """
    found: dict[Hashable, list[int]] = defaultdict(list)
    index = np.asarray(rows, dtype=np.intp)
    columns = [capture.column(name)[index].tolist() for name in names]
    for row, *values in zip(index.tolist(), *columns, strict=True):
        useful = values[1] and (names is not _BY_SEQUENCE or values[0] == TCP)
        if names is _BY_SEQUENCE and not capture.payload_len[row]:
            values.append(int(capture.tcp_flags[row]))
        if useful and row not in paired:
            found[tuple(values)].append(row)
    return found


def _matched(
    inside: Capture,
    near: Sequence[int],
    outside: Capture,
    far: Sequence[int],
    *,
    is_bridge: bool,
) -> Iterator[tuple[int, int]]:
    free = {row: _ends(outside, row) for row in far}
    for row in near:
        here = _ends(inside, row)
        match = next(
            (
                row_out
                for row_out, there in free.items()
                if (is_bridge or here[0] != there[0]) and _same_end(here, there)
            ),
            None,
        )
        if match is not None:
            del free[match]
            yield row, match


def _ends(capture: Capture, row: int) -> Ends:
    """Return ttl, source and destination, with ports where there are any."""
    key, ttl = key_of(capture, row), int(capture.ttl[row])
    if key is None:
        return ttl, None, None
    if key.proto in WITH_PORTS:
        return ttl, (key.src, key.sport), (key.dst, key.dport)
    return ttl, (key.src, 0), (key.dst, 0)


def _same_end(here: Ends, there: Ends) -> bool:
    """Return whether source or destination is the same."""
    if None in (here[1], there[1]):
        return False
    return here[1] == there[1] or here[2] == there[2]
