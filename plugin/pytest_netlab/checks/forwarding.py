"""What a host may not do to packets that it forwards, beyond what `pairs` checks.

Plain Python is fast enough here: these checks see only the conversations of a trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.checks.forbidden import UNPAIRED
from pytest_netlab.checks.pairs import UNTOUCHED, Observation
from pytest_netlab.checks.violation import Violation
from pytest_netlab.flows import TCP, Role, is_error, key_of, role_of
from pytest_netlab.wire import Direction, ipv4

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    Of the packets that a trace leaves out, only bare acknowledgements are checked: the
    trace would not show their loss. An error or reset of the host itself is a refusal.
    """
    for row in seen.unpaired:
        if is_error(seen.capture, row):
            continue
        role = role_of(seen.capture, row) if seen.capture.proto[row] == TCP else None
        sent = seen.capture.direction[row] == Direction.OUTBOUND
        if role is Role.ACK or (
            row in seen.compared and not (role is Role.RST and sent)
        ):
            got = "seen at this one only"
            yield Violation(UNPAIRED, "seen at both points", got, (row,))


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
