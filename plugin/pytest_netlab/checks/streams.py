"""What no conversation shows at one point: a hole, or an answer before its request.

Loss, retransmission and segmentation do not matter here: a point sees every packet that
crosses it, and no end can acknowledge what has not crossed the point yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.checks.violation import Violation
from pytest_netlab.flows import ECHO_REPLIES, ECHO_REQUESTS, TCP, is_error
from pytest_netlab.wire import Checksum, Status, tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks.observed import Observed

_PARTIAL = int(Status.TRUNCATED | Status.FRAGMENT)
# Looking up an enum's member takes a microsecond, which is too long for each packet.
_MALFORMED, _BAD = int(Status.MALFORMED), int(Checksum.BAD)


def connections(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield what a TCP connection cannot show at one point (RFC 9293, 3.4)."""
    capture = seen.capture
    segments = [
        row for row in rows if capture.proto[row] == TCP and not is_error(capture, row)
    ]
    if segments:
        yield from _Connection(capture, segments, seen.is_reply).violations()


@dataclass(slots=True)
class _StreamHalf:
    """One direction of a connection, in bytes from its SYN, whose number is `start`.

    `sent` is the end of what crossed the point, `fin` the end of the FIN.
    """

    start: int | None = None
    sent: int = 0
    fin: int | None = None
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def of(self, number: int) -> int:
        """Return a sequence number's distance from the SYN's."""
        return tcp.distance(number, self.start or 0)


class _Connection:
    """A connection whose SYNs were seen; of any other, nothing can be said."""

    def __init__(
        self, capture: Capture, rows: Sequence[int], is_reply: Callable[[int], bool]
    ) -> None:
        self._capture = capture
        self._rows = [(row, is_reply(row)) for row in rows]
        self._by_direction = {False: _StreamHalf(), True: _StreamHalf()}

    def violations(self) -> Iterator[Violation]:
        """Yield each violation in order of time, holes last."""
        if not self._find_starts():
            return
        for row, reply in self._rows:
            flags = self._flags(row)
            if flags & tcp.RST:
                continue
            if not flags & (tcp.ACK | tcp.SYN):
                yield Violation("flags", "ACK on all but SYN and RST", "no ACK", (row,))
            elif flags & tcp.ACK:
                yield from self._early(row, self._by_direction[not reply])
            self._advance(row, self._by_direction[reply], flags)
        for reply, half in self._by_direction.items():
            yield from self._holes(reply, half)

    def _find_starts(self) -> bool:
        """Note both SYNs; return False if two connections share the ports."""
        for row, reply in self._rows:
            half = self._by_direction[reply]
            if self._flags(row) & tcp.SYN:
                number = int(self._capture.tcp_seq[row])
                if half.start not in (None, number):
                    return False
                half.start = number
        return True

    def _early(self, row: int, other: _StreamHalf) -> Iterator[Violation]:
        """Yield an acknowledgement of what has not crossed this point."""
        if other.start is None:
            return
        ack = other.of(int(self._capture.tcp_ack[row]))
        if not 1 <= ack <= other.sent:
            want = f"acknowledges byte 1 to {other.sent}, which crossed this point"
            yield Violation("order", want, f"acknowledges byte {ack}", (row,))

    def _advance(self, row: int, half: _StreamHalf, flags: int) -> None:
        if half.start is None:
            return
        begin = half.of(int(self._capture.tcp_seq[row]))
        size = int(self._capture.payload_len[row])
        size += bool(flags & tcp.SYN) + bool(flags & tcp.FIN)
        if not size:
            return
        half.ranges.append((begin, begin + size))
        half.sent = max(half.sent, begin + size)
        if flags & tcp.FIN:
            half.fin = min(half.fin or tcp.SPACE, begin + size)

    def _holes(self, reply: bool, half: _StreamHalf) -> Iterator[Violation]:  # noqa: FBT001
        """Yield bytes missing before the FIN, and those sent after it."""
        if half.start is None or half.fin is None:
            return
        last = next(row for row, back in reversed(self._rows) if back == reply)
        reached = 0
        for begin, end in sorted(half.ranges):
            if begin > reached:
                got = f"bytes {reached} to {begin} never crossed this point"
                yield Violation("stream", "every byte from SYN to FIN", got, (last,))
                return
            reached = max(reached, end)
        if reached > half.fin:
            got = f"{reached - half.fin} bytes behind it"
            yield Violation("stream", "nothing behind the FIN", got, (last,))

    def _flags(self, row: int) -> int:
        return int(self._capture.tcp_flags[row])


def echoes(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield a reply before its request, or with other data (RFC 792, RFC 4443)."""
    capture = seen.capture
    kinds = {
        row: (int(capture.proto[row]), int(capture.icmp_type[row])) for row in rows
    }
    asked: dict[tuple[int, ...], int] = {}
    early: dict[tuple[int, ...], int] = {}
    for row, kind in kinds.items():
        query = int(capture.icmp_id[row]), int(capture.icmp_seq[row])
        if kind in ECHO_REQUESTS:
            asked.setdefault(query, row)
            if query in early:
                when = "after its request", "before it"
                yield Violation("order", *when, (early[query],))
        elif kind in ECHO_REPLIES and query not in asked:
            early.setdefault(query, row)
        elif kind in ECHO_REPLIES and _differ(capture, asked[query], row):
            yield Violation("echo", "the request's data", "other data", (row,))


def _differ(capture: Capture, one: int, other: int) -> bool:
    """Return whether two completely captured payloads differ."""
    partial = (capture.status[one] | capture.status[other]) & _PARTIAL
    return not partial and bool(
        capture.payload_hash[one] != capture.payload_hash[other]
    )


def damage(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield packets that any receiver would discard."""
    capture = seen.capture
    sums = {"ip_checksum": capture.ip_checksum, "l4_checksum": capture.l4_checksum}
    for row in rows:
        if capture.status[row] & _MALFORMED:
            want = "a packet as long as it says"
            yield Violation("damage", want, "another length", (row,))
        for name, states in sums.items():
            if states[row] == _BAD:
                yield Violation(name, "good", "bad", (row,))
