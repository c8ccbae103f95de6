"""Internet checksums (RFC 1071): verify and compute. Knows where protocols keep them.

PARTIAL is the kernel's: a device with checksum offload gets frames that have only the
folded, uncomplemented sum of the pseudo-header, and a tap sees those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import ipv6, octets
from pytest_netlab.wire.assigned import ICMP, ICMP6, TCP, UDP
from pytest_netlab.wire.columns import Checksum, Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

ONES: Final = 0xFFFF

_V4_ADDRESSES, _V4_END = 12, 20  # `ipv4` imports this module

# Where a transport header keeps its checksum.
TCP_FIELD: Final = 16
UDP_FIELD: Final = 6
ICMP_FIELD: Final = 2

_ABSENT = int(Checksum.ABSENT)
_GOOD = int(Checksum.GOOD)
_PARTIAL = int(Checksum.PARTIAL)
_BAD = int(Checksum.BAD)
_FRAGMENT = int(Status.FRAGMENT)

# Compiled, these are C integers; this makes them visible to Python.
globals().update(ONES=ONES)


def decode(frame: bytes, at: int, stored: int, row: int, out: Columns) -> int:
    """Return the state of a transport checksum; ABSENT if it cannot be verified."""
    if out.end > out.limit or out.status[row] & _FRAGMENT:
        return _ABSENT
    extra = 0
    if out.proto[row] != ICMP:
        ip_at = out.start + out.ip_offset[row]
        if _is_source_routed(frame, ip_at, at):
            return _ABSENT
        extra = pseudo(frame, ip_at, out.proto[row], out.end - at)
    return _judge(octets.total(frame, at, out.end), stored, extra)


def _judge(number: int, stored: int, extra: int) -> int:
    """Return a checksum's state from the sums of the bytes and the pseudo-header."""
    if octets.fold(number + extra) == ONES:
        return _GOOD
    if extra and stored == octets.fold(extra):
        return _PARTIAL
    return _BAD


def _is_source_routed(frame: bytes, ip_at: int, at: int) -> bool:
    """Return whether the checksum covers a destination that the IP header lacks."""
    if frame[ip_at] >> 4 != ipv6.VERSION or at - ip_at == ipv6.HEADER:
        return False
    return ipv6.is_source_routed(frame, ip_at, at)


def pseudo(datagram: bytes, at: int, proto: int, length: int) -> int:
    """Return the sum of the pseudo-header of the IP header at this offset."""
    if datagram[at] >> 4 == ipv6.VERSION:
        addresses = octets.total(datagram, at + ipv6.SRC, at + ipv6.HEADER)
    else:
        addresses = octets.total(datagram, at + _V4_ADDRESSES, at + _V4_END)
    return addresses + proto + (length >> 16) + (length & ONES)


def ones_complement_sum(data: bytes) -> int:
    """Return the folded sum of the 16-bit words: 0 only if every byte is 0."""
    return octets.total(data, 0, len(data))


def compute(data: bytes, extra: int = 0) -> int:
    """Return the checksum of bytes whose checksum field is 0."""
    return ONES - octets.fold(ones_complement_sum(data) + extra)


def field(proto: int) -> int:
    """Return where this transport keeps its checksum; 0 if it is not known here."""
    if proto == TCP:
        return TCP_FIELD
    if proto == UDP:
        return UDP_FIELD
    return ICMP_FIELD if proto in (ICMP, ICMP6) else 0
