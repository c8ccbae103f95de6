"""Which segments of a connection repeat others, and who repeated them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.diff.passage import Passage, entered
from pytest_netlab.flows import TCP
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture

REPEATED, DUPLICATE, LATE = "repeated", "duplicate", "late"
_CROSSED = 2  # sightings
_WRAP, _HALF = (1 << 32) - 1, 1 << 31  # RFC 9293, 3.4: sequence numbers wrap


def marked(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Tell of each segment the copy that got furthest, where it was first seen.

    A copy with an IP id of its own was repeated by its sender, who missed an answer;
    the same packet once more, with the same id, came twice if it reached the host
    twice and was sent on twice: then the network doubled it. Both become asides. One
    that the host doubled, or that reached it and got less far than another copy, stays.

    Of a direction's FINs and resets one is told: a kernel may repeat them with or
    without the data before, and answers each late segment with a reset. Likewise an
    ICMP error answers each repeat of a segment.
    """
    copies: dict[tuple[object, ...], list[Passage]] = defaultdict(list)
    for passage in found:
        row = passage.rows[0]
        key = passage.reply, passage.role, *_segment(capture, row, passage.role)
        copies[key].append(passage)
    told = [one for same in copies.values() for one in _told(capture, same)]
    once = list(_without_cut_anew(capture, told))
    return list(_without_late(capture, once, found))


def _without_late(
    capture: Capture, told: Sequence[Passage], found: Sequence[Passage]
) -> Iterator[Passage]:
    """Mark a reset of a connection that both ends had closed, and that crossed.

    It answers a segment which the network brought late, to a socket that is gone (RFC
    9293, 3.10.7.1), and so acknowledges nothing. One that did not cross is for a host
    to explain.
    """
    fins: dict[bool, int] = {}
    for passage in found:
        if passage.role == "FIN":
            fins.setdefault(passage.reply, int(capture.ts[passage.rows[0]]))
    closed = max(fins.values()) if len(fins) > 1 else None
    for passage in told:
        row = passage.rows[0]
        answers = passage.role == "RST" and not capture.tcp_flags[row] & tcp.ACK
        crossed = len(passage.rows) == _CROSSED
        if closed is not None and answers and crossed and capture.ts[row] > closed:
            yield replace(passage, aside=LATE)
        else:
            yield passage


def _segment(capture: Capture, row: int, role: str) -> tuple[int, ...]:
    """Return what tells one segment of a role from the next."""
    if role in ("FIN", "RST"):
        return ()
    if not role:
        return int(capture.icmp_type[row]), int(capture.icmp_code[row])
    ack = int(capture.tcp_ack[row]) if role == "ack" else 0
    return int(capture.tcp_seq[row]), int(capture.payload_len[row]), ack


def _told(capture: Capture, copies: Sequence[Passage]) -> Iterator[Passage]:
    """Yield the copy that got furthest, then what there is to say of the others."""
    best = max(copies, key=lambda passage: len(passage.rows))
    yield best
    seen = set()
    for copy in copies:
        ip_id = _identity(capture, copy.rows[0])
        far = len(copy.rows) == len(best.rows)
        came = entered(capture, copy)
        if ip_id and ip_id in seen:
            by_network = came and far
            if by_network:
                yield replace(copy, aside=DUPLICATE)
            elif copy is not best:
                yield replace(copy, role=copy.role and DUPLICATE)
        elif copy is not best:
            is_lost = came and not far and copy.role in ("SYN", "SYN-ACK", "data")
            yield replace(copy, aside="" if is_lost else REPEATED)
        seen.add(ip_id)


def _identity(capture: Capture, row: int) -> int:
    """Return what a packet shares with its clones alone; 0 for nothing.

    A SYN-ACK has the IP id 0, but its timestamp grows from one to the next.
    """
    ip_id = int(capture.ip_id[row])
    if ip_id or capture.proto[row] != TCP:
        return ip_id
    raw = tcp.raw_options(capture[row].bytes, int(capture.l4_offset[row]))
    return int(capture.options_hash[row]) if tcp.named_options(raw).tsval else 0


def _without_cut_anew(capture: Capture, found: Sequence[Passage]) -> Iterator[Passage]:
    """Mark data whose bytes were all told before: a repeat that was cut elsewhere."""
    ends: dict[tuple[bool, int], int] = {}
    for passage in found:
        if passage.role != "data" or passage.aside:
            yield passage
            continue
        row, way = passage.rows[0], (passage.reply, len(passage.rows))
        end = int(capture.tcp_seq[row]) + int(capture.payload_len[row])
        old = way in ends and (ends[way] - end) & _WRAP < _HALF
        if old:
            yield replace(passage, aside=REPEATED)
            continue
        ends[way] = end
        yield passage
