"""What a host may not do to packets that it forwards, beyond what `pairs` checks.

Plain Python is fast enough here: these checks see only the conversations of a trace.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.checks.forbidden import MADE, REORDERED, UNPAIRED
from pytest_netlab.checks.pairs import UNTOUCHED, Observation
from pytest_netlab.checks.tracking import droppable, end_of
from pytest_netlab.checks.violation import Violation
from pytest_netlab.flows import TCP, Role, is_error, key_of, role_of, uniflow_of
from pytest_netlab.wire import Direction, ipv4, tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks.observed import Observed


# What a router may change in its ways, and a bridge may not.
_OF_BRIDGED = ("ttl", "tos", "ip_flags", "options_hash", "icmp_rest")


def not_forwarded_intact(seen: Observed) -> Iterator[Violation]:
    """Yield pairs whose VLAN tags, or whose MF flags at equal lengths, differ."""
    capture = seen.capture
    for near, far in seen.pairs:
        if capture.vlan[near] != capture.vlan[far]:
            tags = f"{capture.vlan[near]}", f"{capture.vlan[far]}"
            yield Violation("vlan", *tags, (near,))
        same_size = capture.payload_len[near] == capture.payload_len[far]
        flags = capture.ip_flags[near] ^ capture.ip_flags[far]
        if same_size and flags & ipv4.MF:
            want = "as many fragments at both points"
            yield Violation("fragment", want, "more", (near,))


def reversed_direction(seen: Observed) -> Iterator[Violation]:
    """Yield the first packet that entered the host on the wrong side.

    All packets of one direction enter on the same side; the tap records which.
    """
    came: dict[bool, int] = {}
    for near, _ in seen.pairs:
        direction = int(seen.capture.direction[near])
        first = came.setdefault(seen.is_reply(near), direction)
        if first != direction:
            names = (Direction(first), Direction(direction))
            want, got = (f"{one.name.lower()} at the inside" for one in names)
            yield Violation("crossing", want, got, (near,))
            return


def unpaired(seen: Observed) -> Iterator[Violation]:
    """Yield a packet that did not cross the host, in a conversation that does.

    What reached the host had to leave it, unless connection tracking may drop it; what
    left it had to reach it before. An error or reset of the host itself is a refusal.
    If the capture does not know a packet's direction, only packets that are compared
    are checked, and bare acknowledgements: the trace would not show their loss.
    """
    capture = seen.capture
    rows = [row for row in seen.unpaired if not is_error(capture, row)]
    came = [row for row in rows if seen.direction(row) == Direction.INBOUND]
    lost = dict(zip(came, _stuck(seen, came), strict=True))
    segments = [row for row in lost.values() if _role(capture, row) is not None]
    spared = droppable(seen, segments)
    for row in rows:
        role = _role(capture, row)
        if row in lost:
            if lost[row] not in spared:
                yield _unpaired(lost[row])
        elif seen.direction(row) == Direction.OUTBOUND:
            if role is not Role.RST or not seen.is_own(row):
                got = "sent by the host, which it never reached"
                yield Violation(MADE, "reached the host before", got, (row,))
        elif role is Role.ACK or row in seen.compared:
            yield _unpaired(row)


def _role(capture: Capture, row: int) -> Role | None:
    return role_of(capture, row) if capture.proto[row] == TCP else None


def _unpaired(row: int) -> Violation:
    return Violation(UNPAIRED, "seen at both points", "seen at this one only", (row,))


def _stuck(seen: Observed, rows: Sequence[int]) -> Iterator[int]:
    """Yield for each of some packets which of its equals did not cross.

    They are paired by their number; but one that left after a later one had come was
    not the first.
    """
    capture, ts = seen.capture, seen.capture.ts
    wanted = {_identity(capture, row) for row in rows}
    equal: dict[tuple[object, ...], list[tuple[int, int]]] = defaultdict(list)
    for came, left in seen.forwarded if wanted else ():
        if (identity := _identity(capture, came)) in wanted:
            equal[identity].append((came, left))
    for row in rows:
        pairs = equal[_identity(capture, row)]
        before = (came for came, left in pairs if ts[came] < ts[row] < ts[left])
        yield next(before, row)


def reordered(seen: Observed) -> Iterator[Violation]:
    """Yield a segment that left the host before one that had reached it earlier.

    Only of those that came in sequence: two processors may forward two bursts of one
    sender at once, but each keeps the order of its own. Nor of one that another equals,
    or that left in pieces: nobody can tell which is which.
    """
    capture, sizes = seen.capture, seen.capture.payload_len
    segments = [one for one in seen.forwarded if _takes_numbers(capture, one[0])]
    known = Counter(
        (capture.point[row], _identity(capture, row))
        for row in {row for pair in segments for row in pair}
    )
    streams = {False: _Arrived(), True: _Arrived()}
    latest = {False: -1, True: -1}
    for came, left in segments:
        reply = seen.is_reply(came)
        if not streams[reply].is_next(capture, came):
            continue
        keys = [(capture.point[x], _identity(capture, x)) for x in (came, left)]
        if sizes[came] != sizes[left] or any(known[key] > 1 for key in keys):
            continue
        if left < latest[reply]:
            before = capture.about.number(latest[reply])
            got = f"before packet {before}, which had come earlier"
            yield Violation(REORDERED, "sent on as it came", got, (left,))
        latest[reply] = max(latest[reply], left)


@dataclass(slots=True)
class _Arrived:
    """The bytes of one direction that reached the host: up to where, and beyond."""

    end: int | None = None
    ahead: dict[int, int] = field(default_factory=dict)

    def is_next(self, capture: Capture, row: int) -> bool:
        """Take a segment; return whether all before it had come, and no more."""
        begin, end = int(capture.tcp_seq[row]), end_of(capture, row)
        follows = self.end in (None, begin)
        if not follows:
            self.ahead[begin] = end
            return False
        self.end = end
        while self.end in self.ahead:
            self.end = self.ahead.pop(self.end)
        return True


def _takes_numbers(capture: Capture, row: int) -> bool:
    """Return whether it is a segment that takes up sequence numbers."""
    if capture.proto[row] != TCP or is_error(capture, row):
        return False
    flags = int(capture.tcp_flags[row]) & (tcp.SYN | tcp.FIN)
    return bool(capture.payload_len[row]) or bool(flags)


def _identity(capture: Capture, row: int) -> tuple[object, ...]:
    """Return what distinguishes a segment from all others at a point."""
    names = ("ip_id", "tcp_seq", "payload_len", "tcp_ack", "tcp_flags", "options_hash")
    known = (int(getattr(capture, name)[row]) for name in names)
    return uniflow_of(capture, row), *known


def bridged(seen: Observed) -> Iterator[Violation]:
    """Yield what a bridge changed of a packet: it may change nothing (IEEE 802.1D)."""
    for near, far in seen.bridged:
        ends = Observation(seen.capture, near), Observation(seen.capture, far)
        keys = key_of(seen.capture, near), key_of(seen.capture, far)
        if keys[0] != keys[1]:
            yield Violation("bridged", f"{keys[0]}", f"{keys[1]}", (far,))
        for column in (*_OF_BRIDGED, *UNTOUCHED):
            want, got = (end.value(column) for end in ends)
            if want != got:
                yield Violation(column, f"{want}", f"{got}", (far,))
