"""Pair the two sightings of a forwarded packet. Knows invariants, no addresses.

The keys hold only what Linux NAT may not change (RFC 3022 section 4, kernel
nf_nat_proto.c): IP id, lengths, sequence numbers, payload. Clocks are not used.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, TCP, is_error, key_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_netlab.capture import Capture

_TCP = ("tcp_seq", "tcp_ack", "tcp_flags", "tcp_window", "payload_hash")
_QUERY = ("icmp_type", "icmp_code", "icmp_seq", "payload_hash")
_ERROR = ("icmp_type", "icmp_code", "icmp_rest", "quoted_proto", "quoted_ip_id")
_OTHER = ("payload_hash",)


def pair(inside: Capture, outside: Capture) -> list[tuple[int, int]]:
    """Return (inside row, outside row) of every packet seen on both sides.

    Equal keys (retransmissions that kept the IP id, duplicate acknowledgements) are
    paired by rank: the n-th sighting here is the n-th sighting there.
    """
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for row in reversed(range(len(outside))):
        key = invariant_key(outside, row)
        if key is not None:
            waiting[key].append(row)
    pairs = []
    for row in range(len(inside)):
        rows = waiting.get(invariant_key(inside, row))
        if rows:
            pairs.append((row, rows.pop()))
    return pairs


def invariant_key(capture: Capture, row: int) -> Hashable | None:
    """Return what NAT leaves alone of a packet; None for what no router forwards."""
    if key_of(capture, row) is None:
        return None
    proto = int(capture.proto[row])
    names: tuple[str, ...] = _TCP if proto == TCP else _OTHER
    if proto in (ICMP, ICMP6):
        names = _ERROR if is_error(capture, row) else _QUERY
    names = ("ip_id", "payload_len", *names)
    return (proto, *(int(getattr(capture, name)[row]) for name in names))
