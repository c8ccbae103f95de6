"""Flow statistics: evidence for causes that traces do not contain."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.flows import TCP, is_error, uniflow_of
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from pytest_netlab.capture import Capture


class Statistics(NamedTuple):
    """Statistics of one flow.

    Attributes:
        passed: octets of the largest IP packet that crossed the host; 0 for none.
        stuck: octets of the smallest IP packet that did not cross; 0 for none.
        copies: how many packets were seen again at one point, with their IP id.

    """

    passed: int
    stuck: int
    copies: int


def statistics(
    capture: Capture, rows: Iterable[int], crossed: Collection[int]
) -> Statistics:
    """Return the statistics of a flow: of its rows, and of those that crossed."""
    known = list(rows)
    through = {_segment(capture, row) for row in crossed}
    lost = [
        row
        for row in known
        if row not in crossed
        and capture.direction[row] != Direction.OUTBOUND
        and not is_error(capture, row)
        and _segment(capture, row) not in through
    ]
    passed = max((_size(capture, row) for row in crossed), default=0)
    stuck = min((_size(capture, row) for row in lost), default=0)
    copies = _copies(capture, known) + _made(capture, known, crossed)
    return Statistics(passed, stuck, copies)


def _size(capture: Capture, row: int) -> int:
    """Return the octets of a packet from its IP header on."""
    return int(capture.wirelen[row]) - int(capture.ip_offset[row])


def _segment(capture: Capture, row: int) -> Hashable:
    """Return what a segment and its retransmissions share; of no TCP, the row."""
    if capture.proto[row] != TCP:
        return row
    names = ("tcp_seq", "payload_len")
    return tuple(int(getattr(capture, name)[row]) for name in names)


def _copies(capture: Capture, rows: Iterable[int]) -> int:
    """Count the packets that were seen again at one point; IP id 0 is skipped."""
    seen = Counter(
        (_content(capture, row), int(capture.ip_id[row]))
        for row in rows
        if capture.ip_id[row]
    )
    return sum(count - 1 for count in seen.values())


def _made(capture: Capture, rows: Iterable[int], crossed: Collection[int]) -> int:
    """Count what the host alone sent of what it had sent on at the same point."""
    sent = {_content(capture, row) for row in crossed}
    return sum(
        _content(capture, row) in sent
        for row in rows
        if row not in crossed and capture.direction[row] == Direction.OUTBOUND
    )


def _content(capture: Capture, row: int) -> Hashable:
    """Return what a packet and its copies at the same point have in common."""
    names = ("point", "payload_hash", "tcp_seq", "icmp_seq", "frag_offset")
    return uniflow_of(capture, row), *(int(getattr(capture, n)[row]) for n in names)
