"""What no NAT may do to a packet or a mapping, whatever its rules say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP, Tuple5, is_error, key_of, quoted_key, way_of
from pytest_netlab.wire import Checksum, Direction, tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture

DONT_FRAGMENT = 2
UNTOUCHED = (
    "ip_id",
    "payload_len",
    "tcp_seq",
    "tcp_ack",
    "tcp_flags",
    "tcp_window",
    "icmp_seq",
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant; rows index the captures given to `learn`."""

    field: str
    inside_row: int
    outside_row: int
    want: str
    got: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One packet at one capture point."""

    capture: Capture
    row: int

    def value(self, column: str) -> int:
        """Return one column's value of this packet."""
        return int(getattr(self.capture, column)[self.row])

    def tcp_options(self) -> str:
        """Return the raw TCP options in hexadecimal; "" where there are none."""
        if self.value("proto") != TCP:
            return ""
        frame = self.capture[self.row].bytes
        return tcp.raw_options(frame, self.value("l4_offset")).hex()


def check_pair(near: Sighting, far: Sighting) -> Iterator[Violation]:
    """Yield what a router changed of a packet that it may not change.

    `near` is the inside sighting, `far` the outside one. RFC 1812 5.3.1 (ttl), RFC
    2474 (tos), RFC 3022 4.1 (TCP options are not touched), RFC 768 (no UDP checksum).
    """
    before, after = _ttls(near, far)
    if before - after != 1:
        yield _broken("ttl", near, far, f"{before - 1} after {before}", f"{after}")
    if near.value("tos") != far.value("tos"):
        yield _differs("tos", near, far)
    if (near.value("ip_flags") ^ far.value("ip_flags")) & DONT_FRAGMENT:
        yield _differs("ip_flags", near, far)
    for column in UNTOUCHED:
        if near.value(column) != far.value(column):
            yield _differs(column, near, far)
    if near.tcp_options() != far.tcp_options():
        options = near.tcp_options(), far.tcp_options()
        yield _broken("tcp_options", near, far, *options)
    yield from _checksums(near, far)
    yield from _quotes(near, far)


def check_mapping(
    inside: Capture, outside: Capture, pairs: Sequence[tuple[int, int]]
) -> Iterator[Violation]:
    """Yield where the mapping is not one function, not one-to-one, or not undone.

    RFC 4787 REQ-11 (deterministic), REQ-3 (no overloading); the reply must be
    translated back to exactly what the initiator sent to.
    """
    there: dict[Tuple5, Tuple5] = {}
    back: dict[Tuple5, Tuple5] = {}
    for row_in, row_out in pairs:
        near, far = way_of(inside, row_in), way_of(outside, row_out)
        if near is None or far is None:
            continue
        undo = near not in there and (near.reply in there or far.reply in back)
        if undo:
            near, far = near.reply, far.reply
        want, owner = there.setdefault(near, far), back.setdefault(far, near)
        if want != far:
            name = "undone" if undo else "mapping"
            yield Violation(name, row_in, row_out, str(want), str(far))
        if owner != near:
            name = "undone" if undo else "one-to-one"
            yield Violation(name, row_in, row_out, str(owner), str(near))


def _checksums(near: Sighting, far: Sighting) -> Iterator[Violation]:
    for column in ("ip_checksum", "l4_checksum"):
        states = [Checksum(end.value(column)) for end in (near, far)]
        if Checksum.BAD in states or (Checksum.ZERO in states and len(set(states)) > 1):
            got = ", ".join(state.name.lower() for state in states)
            want = "zero" if Checksum.ZERO in states else "good"
            yield _broken(column, near, far, want, got)


def _quotes(near: Sighting, far: Sighting) -> Iterator[Violation]:
    """Yield an ICMP error whose quote was not translated along (RFC 5508 REQ-4, 5).

    Whoever is told of an error is the one who sent what it quotes.
    """
    for end in (near, far):
        key = key_of(end.capture, end.row)
        if key is not None and is_error(end.capture, end.row):
            sender = quoted_key(end.capture, end.row).src
            if sender != key.dst:
                yield _broken("quotes", near, far, key.dst, sender)


def _ttls(near: Sighting, far: Sighting) -> tuple[int, int]:
    """Return the ttl before the host and after it; the tap knows which is which."""
    ends = near.value("ttl"), far.value("ttl")
    if near.value("direction") == Direction.UNKNOWN:
        return max(ends), min(ends)
    return ends if near.value("direction") == Direction.INBOUND else ends[::-1]


def _differs(column: str, near: Sighting, far: Sighting) -> Violation:
    return _broken(column, near, far, f"{near.value(column)}", f"{far.value(column)}")


def _broken(name: str, near: Sighting, far: Sighting, want: str, got: str) -> Violation:
    return Violation(name, near.row, far.row, want, got)
