"""Check the packet in an ICMP error: it crossed the same point in reverse direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.checks.violation import Violation
from pytest_netlab.flows import TCP, UDP, is_error, quoted_key, uniflow_of
from pytest_netlab.wire import checksum, icmp, ipv4, ipv6, tcp, udp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks.observed import Observed

# What no router changes of a header: length, id, fragmentation; length, next header.
_V4_KEPT, _V6_KEPT = slice(ipv4.TOTAL, ipv4.TTL), slice(ipv6.LENGTH, ipv6.HOPS)
_TTL_AT = {ipv4.VERSION: ipv4.TTL, ipv6.VERSION: ipv6.HOPS}
# Of the eight bytes of a transport header that every embedded packet has (RFC 792).
_QUOTED = 8
_KEPT = {
    TCP: slice(tcp.SEQ, tcp.ACK_NUMBER),
    UDP: slice(udp.LENGTH, udp.CHECKSUM),
}
_ECHO_KEPT = slice(icmp.SEQ, icmp.HEADER)


def unknown(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield errors whose embedded packet has not crossed this point."""
    capture = seen.capture
    for at, row in enumerate(rows):
        if not is_error(capture, row):
            continue
        embedded = _embedded(capture, row)
        if not _is_whole(embedded):
            yield Violation(
                "quote", "a header with a good checksum", "a bad one", (row,)
            )
        asked = quoted_key(capture, row)
        sent = [one for one in rows if uniflow_of(capture, one) == asked]
        before = {_kept(_datagram(capture, one)) for one in sent if one in rows[:at]}
        if sent and _kept(embedded) not in before:
            yield Violation(
                "quote", "a packet that crossed this point", "none such", (row,)
            )


def changed(seen: Observed) -> Iterator[Violation]:
    """Yield errors whose embedded packet or MTU is not the same at both points.

    Addresses, ports and checksums are translated; nothing else is.
    """
    capture = seen.capture
    for near, far in seen.pairs:
        if not is_error(capture, near):
            continue
        if capture.icmp_rest[near] != capture.icmp_rest[far]:
            rest = f"{capture.icmp_rest[near]}", f"{capture.icmp_rest[far]}"
            yield Violation("mtu", *rest, (near,))
        here, there = _embedded(capture, near), _embedded(capture, far)
        if _header(here) != _header(there):
            yield Violation(
                "quote", "the same header at both points", "another", (near,)
            )


def _embedded(capture: Capture, row: int) -> bytes:
    return capture[row].bytes[int(capture.l4_offset[row]) + icmp.HEADER :]


def _datagram(capture: Capture, row: int) -> bytes:
    return capture[row].bytes[int(capture.ip_offset[row]) :]


def _kept(datagram: bytes) -> tuple[bytes, bytes]:
    """Return the part of a datagram that routers, NAT and embedding leave unchanged."""
    is_v4 = datagram[0] >> 4 == ipv4.VERSION
    end = ipv4.header_bytes(datagram[0]) if is_v4 else ipv6.HEADER
    proto = datagram[ipv4.PROTOCOL if is_v4 else ipv6.NEXT]
    transport = datagram[end : end + _QUOTED]
    return datagram[_V4_KEPT if is_v4 else _V6_KEPT], transport[
        _KEPT.get(proto, _ECHO_KEPT)
    ]


def _header(embedded: bytes) -> tuple[bytes, ...]:
    """Return what NAT does not change of an embedded header: tos and ttl too.

    All of it where it is of no version of IP, or cut off.
    """
    at = _TTL_AT.get(embedded[0] >> 4) if embedded else None
    if at is None:
        return (embedded,)
    return embedded[:2], embedded[at : at + 1], *_kept(embedded)


def _is_whole(embedded: bytes) -> bool:
    """Return whether an embedded IPv4 header has a good checksum."""
    if embedded[0] >> 4 != ipv4.VERSION:
        return True
    return (
        checksum.ones_complement_sum(embedded[: ipv4.header_bytes(embedded[0])])
        == checksum.ONES
    )
