"""Which segments of a connection a stateful host may drop, as Linux' tracking does.

Such a segment is INVALID (nf_conntrack_proto_tcp.c) and not translated, so it ends at
the host itself. Knows TCP, and no setting of a host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks.observed import Observed

FORGOTTEN_NS = 10_000_000_000  # the shortest time for which a closed one is known
ACK_WINDOW = 66_000  # octets that an acknowledgement may always be behind


def may_be_dropped(seen: Observed, row: int) -> bool:
    """Return whether a segment that reached the host need not be sent on.

    The connection was reset before it, or closed long ago; or it is more than a window
    old; or it is a reset older than what its receiver has acknowledged (RFC 5961).
    """
    capture = seen.capture
    state = _State()
    for before in _arrivals(seen, row):
        state.advance(capture, before, reply=seen.is_reply(before))
    reply = seen.is_reply(row)
    begin, flags = int(capture.tcp_seq[row]), int(capture.tcp_flags[row])
    if flags & tcp.RST:
        acked = state.halves[not reply].acked
        if acked is not None and tcp.distance(begin, acked) < 0:
            return True
    elif flags & tcp.SYN:
        return False
    return state.is_over(int(capture.ts[row])) or state.is_old(capture, row, reply)


def _arrivals(seen: Observed, row: int) -> Sequence[int]:
    """Return the segments of the same connection that came before and crossed."""
    ts = seen.capture.ts
    came = [one for one, _ in seen.crossings() if ts[one] < ts[row]]
    first = [n for n, one in enumerate(came) if _opens(seen.capture, one)]
    return came[first[-1] :] if first else came


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
    """What the segments that crossed tell of a connection."""

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
