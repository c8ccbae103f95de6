"""What a router and its NAT may not change between two observations of a packet.

Learning checks every pair of two captures, so the mapping table flags the wrong ones
first (`nat/mapping/table`, in C, from the few facts it keeps of a packet); the checks
here describe them. A check of `PAIR` without a flag counts for fuzzy pairs only. To
forbid something in a trace's conversations, use `conversation`, which has no flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.checks.violation import Violation
from pytest_netlab.flows import TCP, is_error, key_of, quoted_key
from pytest_netlab.wire import Checksum, Direction, Status, ip_options, ipv4, tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.capture import Capture

_PARTIAL = Status.FRAGMENT | Status.TRUNCATED
UNTOUCHED = (
    "ip_id",
    "payload_len",
    "tcp_seq",
    "tcp_ack",
    "tcp_flags",
    "tcp_window",
    "tcp_urgent",
    "icmp_seq",
    "icmp_type",
    "icmp_code",
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One packet at one capture point: a row of a capture, from 0."""

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

    @property
    def datagram(self) -> bytes:
        """Return the bytes from the IP header on."""
        return self.capture[self.row].bytes[self.value("ip_offset") :]


def check_pair(near: Observation, far: Observation) -> Iterator[Violation]:
    """Yield what a router changed of a packet that it may not change.

    `near` is the observation inside, `far` the one outside.
    """
    for check in PAIR:
        for field, want, got in check(near, far):
            yield Violation(field, want, got, (near.row, far.row))


# A field, what was expected, and what was seen.
Mismatch = tuple[str, str, str]


def _ttl(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield a ttl that is not one less (RFC 1812, 5.3.1)."""
    ends = near.value("ttl"), far.value("ttl")
    before, after = in_order(*ends, near.value("direction"))
    if before - after != 1:
        yield ttl_mismatch(before, after)


def _tos(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield another tos: a router may set the DSCP (RFC 2474), a host does not."""
    if near.value("tos") != far.value("tos"):
        yield _differs("tos", near, far)


def _flags(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield another DF or reserved flag; MF is for whoever cuts a datagram."""
    kept = ipv4.DF | ipv4.RESERVED
    if (near.value("ip_flags") ^ far.value("ip_flags")) & kept:
        yield _differs("ip_flags", near, far)


def _untouched(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield fields that changed; a fragment may have another length."""
    fragment = (near.value("status") | far.value("status")) & Status.FRAGMENT
    for column in UNTOUCHED:
        if column == "payload_len" and fragment:
            continue
        if near.value(column) != far.value(column):
            yield _differs(column, near, far)


def _payload(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield that complete payloads of one size differ; an error's is translated."""
    partial = (near.value("status") | far.value("status")) & _PARTIAL
    if partial or is_error(near.capture, near.row):
        return
    same_size = near.value("payload_len") == far.value("payload_len")
    if same_size and near.value("payload_hash") != far.value("payload_hash"):
        yield "payload", "the same bytes", "other bytes"


def _options(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield other IP options, extension headers, or another flow label (RFC 6437)."""
    if near.value("options_hash") == far.value("options_hash"):
        return
    if not (near.datagram and far.datagram):  # of a stream, the bytes are gone
        yield "options", "the same at both points", "others"
        return
    for field, of in (("ip_options", ip_options.kept), ("flow_label", _flow_label)):
        ends = of(near.datagram), of(far.datagram)
        if ends[0] != ends[1]:
            yield field, *ends


def _flow_label(datagram: bytes) -> str:
    return f"{ip_options.flow_label(datagram):#x}"


def _tcp_options(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield other TCP options: NAT does not touch them (RFC 3022, 4.1)."""
    if near.tcp_options() != far.tcp_options():
        yield "tcp_options", near.tcp_options(), far.tcp_options()


def _checksums(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield a bad checksum, or one where UDP had none (RFC 768)."""
    for column in ("ip_checksum", "l4_checksum"):
        states = [Checksum(end.value(column)) for end in (near, far)]
        if Checksum.BAD in states or (Checksum.ZERO in states and len(set(states)) > 1):
            yield checksum_mismatch(column, *states)


def _embedded(near: Observation, far: Observation) -> Iterator[Mismatch]:
    """Yield an ICMP error whose embedded packet was not translated (RFC 5508 REQ-4, 5).

    The receiver of an error is the sender of the packet embedded in it.
    """
    for end in (near, far):
        key = key_of(end.capture, end.row)
        if key is not None and is_error(end.capture, end.row):
            sender = quoted_key(end.capture, end.row).src
            if sender != key.dst:
                yield "quotes", key.dst, sender


# In the order in which a packet's violations are reported. `_untouched` and `_payload`
# have no flag: a pair in which these differ is a fuzzy one.
PAIR: tuple[Callable[[Observation, Observation], Iterator[Mismatch]], ...] = (
    _ttl,
    _tos,
    _flags,
    _untouched,
    _payload,
    _options,
    _tcp_options,
    _checksums,
    _embedded,
)


def in_order(near: int, far: int, direction: int) -> tuple[int, int]:
    """Return the ttl before the host and after it, by the tap's direction if known."""
    if direction == Direction.UNKNOWN:
        return max(near, far), min(near, far)
    return (near, far) if direction == Direction.INBOUND else (far, near)


def ttl_mismatch(before: int, after: int, hops: int = 1) -> Mismatch:
    """Return as text a ttl that this many routers do not leave."""
    return "ttl", f"{before - hops} after {before}", f"{after}"


def checksum_mismatch(name: str, near: int, far: int) -> Mismatch:
    """Return the two states of a checksum, of which one is wrong, as text."""
    states = [Checksum(near), Checksum(far)]
    got = ", ".join(state.name.lower() for state in states)
    return name, "zero" if Checksum.ZERO in states else "good", got


def _differs(column: str, near: Observation, far: Observation) -> Mismatch:
    return column, f"{near.value(column)}", f"{far.value(column)}"
