"""What no NAT may do to a packet or a mapping, whatever its rules say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP, is_error, key_of, quoted_key
from pytest_netlab.nat import ledger, sightings
from pytest_netlab.wire import Checksum, Direction, Status, tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.flows import FlowTable

DONT_FRAGMENT = 2
_CUT = Status.FRAGMENT | Status.TRUNCATED
UNTOUCHED = (
    "ip_id",
    "payload_len",
    "tcp_seq",
    "tcp_ack",
    "tcp_flags",
    "tcp_window",
    "icmp_seq",
    "icmp_type",
    "icmp_code",
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
    ttls = near.value("ttl"), far.value("ttl")
    before, after = _in_order(*ttls, near.value("direction"))
    if before - after != 1:
        yield _ttl(before, after)
    if near.value("tos") != far.value("tos"):
        yield _differs("tos", near, far)
    if (near.value("ip_flags") ^ far.value("ip_flags")) & DONT_FRAGMENT:
        yield _differs("ip_flags", near, far)
    fragment = (near.value("status") | far.value("status")) & Status.FRAGMENT
    for column in UNTOUCHED:
        if column == "payload_len" and fragment:
            continue  # it may have been cut anew
        if near.value(column) != far.value(column):
            yield _differs(column, near, far)
    yield from _payloads(near, far)
    if near.tcp_options() != far.tcp_options():
        options = near.tcp_options(), far.tcp_options()
        yield _broken("tcp_options", near, far, *options)
    yield from _checksums(near, far)
    yield from _quotes(near, far)


def of_mapping(
    bits: int, ways: Sequence[int], near: FlowTable, far: FlowTable
) -> Iterator[Violation]:
    """Yield where the mapping is not one function, not one-to-one, or not undone.

    Args:
        bits: what `Ledger.enter` found wrong.
        ways: of the pair, near and far, and what they should be: far and near.
        near: the conversations inside.
        far: the conversations outside.

    """
    undone = "undone" if bits & ledger.UNDO else ""
    if bits & ledger.CHANGED:
        want, got = far.key(ways[2]), far.key(ways[1])
        yield Violation(undone or "mapping", 0, 0, str(want), str(got))
    if bits & ledger.SHARED:
        want, got = near.key(ways[3]), near.key(ways[0])
        yield Violation(undone or "one-to-one", 0, 0, str(want), str(got))


@dataclass(frozen=True, slots=True)
class Facts:
    """What `sightings` keeps of a packet, by the names of columns."""

    value: int
    options: int

    def of(self, name: str) -> int:
        """Return a column's value."""
        shift, mask = _FACTS[name]
        return self.value >> shift & mask


# The bits that are about packets, not about mappings.
OF_PACKET = ~(ledger.CHANGED | ledger.SHARED | ledger.UNDO)

_FACTS = {
    "ttl": (sightings.TTL, 255),
    "tos": (sightings.TOS, 255),
    "ip_flags": (sightings.FLAGS, 7),
    "ip_checksum": (sightings.IP_CHECKSUM, 7),
    "l4_checksum": (sightings.L4_CHECKSUM, 7),
    "direction": (sightings.DIRECTION, 3),
}
_BITS = ((ledger.TOS, "tos"), (ledger.FLAGS, "ip_flags"))
_SUMS = ((ledger.IP_CHECKSUM, "ip_checksum"), (ledger.L4_CHECKSUM, "l4_checksum"))
_FIELDS = {
    "ttl": ledger.TTL,
    "tcp_options": ledger.OPTIONS,
    "quotes": ledger.QUOTES,
    **{name: bit for bit, name in (*_BITS, *_SUMS)},
}


def of_packets(bits: int, near: Sighting, far: Sighting) -> Iterator[Violation]:
    """Yield the same as `of_facts`, in the words that the packets themselves give."""
    for violation in check_pair(near, far):
        if _FIELDS.get(violation.field, 0) & bits:
            yield violation


def of_facts(bits: int, near: Facts, far: Facts) -> Iterator[Violation]:
    """Yield what a router changed of a packet that it may not change.

    The words for options and quotes are hashes and yes or no: the bytes may be gone.
    """
    if bits & ledger.TTL:
        yield _ttl(*_in_order(near.of("ttl"), far.of("ttl"), near.of("direction")))
    for bit, name in _BITS:
        if bits & bit:
            yield Violation(name, 0, 0, str(near.of(name)), str(far.of(name)))
    if bits & ledger.OPTIONS:
        yield Violation("tcp_options", 0, 0, _hash(near.options), _hash(far.options))
    for bit, name in _SUMS:
        if bits & bit:
            yield _sums(name, near.of(name), far.of(name))
    if bits & ledger.QUOTES:
        yield Violation("quotes", 0, 0, "what its receiver sent", "another packet")


def _hash(options: int) -> str:
    return f"hash {options:016x}" if options else "none"


def _in_order(near: int, far: int, direction: int) -> tuple[int, int]:
    """Return the ttl before the host and after it; the tap knows which is which."""
    if direction == Direction.UNKNOWN:
        return max(near, far), min(near, far)
    return (near, far) if direction == Direction.INBOUND else (far, near)


def _ttl(before: int, after: int) -> Violation:
    return Violation("ttl", 0, 0, f"{before - 1} after {before}", f"{after}")


def _sums(name: str, near: int, far: int) -> Violation:
    states = [Checksum(near), Checksum(far)]
    got = ", ".join(state.name.lower() for state in states)
    want = "zero" if Checksum.ZERO in states else "good"
    return Violation(name, 0, 0, want, got)


def _payloads(near: Sighting, far: Sighting) -> Iterator[Violation]:
    """Yield that two whole payloads of one size differ; quotes are translated."""
    cut = (near.value("status") | far.value("status")) & _CUT
    if cut or is_error(near.capture, near.row):
        return
    same_size = near.value("payload_len") == far.value("payload_len")
    if same_size and near.value("payload_hash") != far.value("payload_hash"):
        yield _broken("payload", near, far, "the same bytes", "other bytes")


def _checksums(near: Sighting, far: Sighting) -> Iterator[Violation]:
    for column in ("ip_checksum", "l4_checksum"):
        states = [Checksum(end.value(column)) for end in (near, far)]
        if Checksum.BAD in states or (Checksum.ZERO in states and len(set(states)) > 1):
            yield _sums(column, *states)


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


def _differs(column: str, near: Sighting, far: Sighting) -> Violation:
    return _broken(column, near, far, f"{near.value(column)}", f"{far.value(column)}")


def _broken(name: str, near: Sighting, far: Sighting, want: str, got: str) -> Violation:
    return Violation(name, near.row, far.row, want, got)
