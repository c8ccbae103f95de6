"""Which segments of a connection are retransmissions or duplicates, and by whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP, Role
from pytest_netlab.trace.traversal import Traversal, entered
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture

REPEATED, DUPLICATE, LATE = "repeated", "duplicate", "late"
STUCK, MADE = "stuck", "made"


def marked(capture: Capture, found: Sequence[Traversal]) -> list[Traversal]:
    """Keep, for each segment, the copy that travelled furthest, where the first was.

    A copy with an IP id of its own is a retransmission. A copy with the same id that
    reached the host twice and was sent on twice was duplicated by the network. Both are
    ignored. A copy that the host duplicated is compared, and so is one that reached the
    host and got less far than another copy.

    Of each direction one FIN and one reset are kept: a kernel may retransmit a FIN with
    or without the data before it, and answers each late segment with a reset. Likewise
    each retransmission of a segment may be answered by an ICMP error.
    """
    copies: dict[tuple[object, ...], list[Traversal]] = defaultdict(list)
    for traversal in found:
        row = traversal.rows[0]
        key = traversal.reply, traversal.role, *_segment(capture, row, traversal.role)
        copies[key].append(traversal)
    furthest = [one for same in copies.values() for one in _furthest(capture, same)]
    once = list(_without_resegmented(capture, furthest))
    return list(_without_late(capture, once, found))


def _without_late(
    capture: Capture, furthest: Sequence[Traversal], found: Sequence[Traversal]
) -> Iterator[Traversal]:
    """Mark resets that crossed the host after both ends had closed.

    Such a reset answers a segment that arrived after its socket was gone (RFC 9293,
    3.10.7.1), and so acknowledges nothing. A reset that did not cross is compared.
    """
    fins: dict[bool, int] = {}
    for traversal in found:
        if traversal.role is Role.FIN:
            fins.setdefault(traversal.reply, int(capture.ts[traversal.rows[0]]))
    closed = max(fins.values()) if len(fins) > 1 else None
    for traversal in furthest:
        row = traversal.rows[0]
        replies = traversal.role is Role.RST and not capture.tcp_flags[row] & tcp.ACK
        if (
            closed is not None
            and replies
            and traversal.crossed
            and capture.ts[row] > closed
        ):
            yield replace(traversal, ignored=LATE)
        else:
            yield traversal


def _segment(capture: Capture, row: int, role: Role | None) -> tuple[int, ...]:
    """Return what distinguishes segments of one role."""
    if role in (Role.FIN, Role.RST):
        return ()
    if not role:
        return int(capture.icmp_type[row]), int(capture.icmp_code[row])
    ack = int(capture.tcp_ack[row]) if role is Role.ACK else 0
    return int(capture.tcp_seq[row]), int(capture.payload_len[row]), ack


def _furthest(capture: Capture, copies: Sequence[Traversal]) -> Iterator[Traversal]:
    """Yield the copy that travelled furthest, then the others, marked."""
    best = max(copies, key=lambda traversal: len(traversal.rows))
    yield best
    seen = set()
    for copy in copies:
        ip_id = _identity(capture, copy.rows[0])
        far = len(copy.rows) == len(best.rows)
        came = entered(capture, copy)
        if ip_id and ip_id in seen:
            by_network = came and far and copy is not best
            if by_network:
                yield replace(copy, ignored=DUPLICATE)
            elif copy is not best:
                yield replace(copy, role=Role.DUPLICATE if copy.role else None)
        elif copy is not best:
            is_lost = (
                came and not far and copy.role in (Role.SYN, Role.SYN_ACK, Role.DATA)
            )
            yield replace(copy, ignored="" if is_lost else _why(copy, best, came=came))
        seen.add(ip_id)


def _why(copy: Traversal, best: Traversal, *, came: bool) -> str:
    """Return why a copy is not compared; of one that did not cross, checks judge."""
    if copy.crossed or not best.crossed:
        return REPEATED
    return STUCK if came else MADE


def _identity(capture: Capture, row: int) -> int:
    """Return what a packet shares only with its duplicates; 0 for nothing.

    A SYN-ACK has the IP id 0, but its timestamp grows from one to the next.
    """
    ip_id = int(capture.ip_id[row])
    if ip_id or capture.proto[row] != TCP:
        return ip_id
    raw = tcp.raw_options(capture[row].bytes, int(capture.l4_offset[row]))
    return int(capture.options_hash[row]) if tcp.named_options(raw).tsval else 0


def _without_resegmented(
    capture: Capture, found: Sequence[Traversal]
) -> Iterator[Traversal]:
    """Mark data whose bytes all came before: retransmitted in other segments."""
    ends: dict[tuple[bool, int], int] = {}
    for traversal in found:
        if traversal.role is not Role.DATA or traversal.ignored:
            yield traversal
            continue
        row, stream = traversal.rows[0], (traversal.reply, len(traversal.rows))
        end = int(capture.tcp_seq[row]) + int(capture.payload_len[row])
        old = stream in ends and tcp.distance(ends[stream], end) >= 0
        if old:
            yield replace(traversal, ignored=REPEATED)
            continue
        ends[stream] = end
        yield traversal
