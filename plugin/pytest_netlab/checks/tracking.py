"""Which segments of a connection a stateful host may drop, as Linux' tracking does.

Such a segment is INVALID (nf_conntrack_proto_tcp.c) and not translated, so it ends at
the host itself. Knows TCP, and no setting of a host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks.observed import Observed

FORGOTTEN_NS = 10_000_000_000  # the shortest time for which a closed one is known
ACK_WINDOW = 66_000  # octets that an acknowledgement may always be behind


def droppable(seen: Observed, rows: Iterable[int]) -> set[int]:
    """Return which segments that reached the host it need not send on.

    The connection was reset before one, or closed long ago; or it is more than a window
    old; or it is a reset older than what its receiver has acknowledged (RFC 5961). One
    pass over the connection, however many are asked for.
    """
    ts, state, found = seen.capture.ts, _State(), set()
    crossed = sorted((int(ts[came]), came) for came, _ in seen.forwarded)
    crossed.reverse()
    for now, row in sorted((int(ts[one]), one) for one in rows):
        while crossed and crossed[-1][0] < now:
            came = crossed.pop()[1]
            if _opens(seen.capture, came):
                state = _State()
            state.advance(seen.capture, came, reply=seen.is_reply(came))
        if state.lets_drop(seen.capture, row, reply=seen.is_reply(row)):
            found.add(row)
    return found


def _opens(capture: Capture, row: int) -> bool:
    return int(capture.tcp_flags[row]) & (tcp.SYN | tcp.ACK) == tcp.SYN


@dataclass(slots=True)
class _Half:
    """One direction: how far it came, what it acknowledged, and when it closed."""

    sent: int | None = None
    acked: int | None = None
    window: int = 0
    closed: int | None = None


@dataclass(slots=True)
class _State:
    """A connection, as far as the segments that crossed show."""

    halves: dict[bool, _Half] = field(
        default_factory=lambda: {False: _Half(), True: _Half()}
    )
    was_reset: bool = False

    def advance(self, capture: Capture, row: int, *, reply: bool) -> None:
        """Take one segment that crossed."""
        half, flags = self.halves[reply], int(capture.tcp_flags[row])
        self.was_reset |= bool(flags & tcp.RST)
        half.sent = _later(half.sent, end_of(capture, row))
        half.window = max(half.window, int(capture.tcp_window[row]))
        if flags & tcp.ACK:
            half.acked = _later(half.acked, int(capture.tcp_ack[row]))
        if flags & tcp.FIN and half.closed is None:
            half.closed = int(capture.ts[row])

    def lets_drop(self, capture: Capture, row: int, *, reply: bool) -> bool:
        """Return whether a segment need not be sent on after those taken so far."""
        begin, flags = int(capture.tcp_seq[row]), int(capture.tcp_flags[row])
        if flags & tcp.RST:
            acked = self.halves[not reply].acked
            if acked is not None and tcp.distance(begin, acked) < 0:
                return True
        elif flags & tcp.SYN:
            return False
        return self.is_over(int(capture.ts[row])) or self.is_old(capture, row, reply)

    def is_over(self, now: int) -> bool:
        """Return whether the connection may be forgotten by now."""
        closed = [half.closed for half in self.halves.values()]
        ends = [one for one in closed if one is not None]
        both = len(ends) == len(closed)
        return self.was_reset or (both and now - max(ends) > FORGOTTEN_NS)

    def is_old(self, capture: Capture, row: int, reply: bool) -> bool:  # noqa: FBT001
        """Return whether what a segment sends or acknowledges is a window behind."""
        own, other = self.halves[reply], self.halves[not reply]
        numbers = [(own.sent, end_of(capture, row), other.window)]
        if int(capture.tcp_flags[row]) & tcp.ACK:
            window = max(own.window, ACK_WINDOW)
            numbers.append((other.sent, int(capture.tcp_ack[row]), window))
        return any(
            reached is not None and tcp.distance(reached, number) > window
            for reached, number, window in numbers
        )


def end_of(capture: Capture, row: int) -> int:
    """Return the sequence number behind a segment."""
    flags = int(capture.tcp_flags[row])
    size = int(capture.payload_len[row])
    size += bool(flags & (tcp.SYN | tcp.FIN))
    return (int(capture.tcp_seq[row]) + size) % tcp.SPACE


def _later(one: int | None, other: int) -> int:
    return other if one is None or tcp.distance(other, one) > 0 else one
