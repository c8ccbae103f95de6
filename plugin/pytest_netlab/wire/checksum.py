"""Internet checksums (RFC 1071): judge, compute, fill. Knows where protocols keep them.

The judgement follows the kernel: a device that fills checksums in gets frames with the
folded, not complemented sum of the pseudo-header, and a tap sees those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import ipv6
from pytest_netlab.wire.columns import Checksum, Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

ONES: Final = 0xFFFF

_V4_ADDRESSES, _V4_END = 12, 20

# Where a transport header keeps its checksum.
TCP_FIELD: Final = 16
UDP_FIELD: Final = 6
ICMP_FIELD: Final = 2

_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58

_ABSENT = int(Checksum.ABSENT)
_GOOD = int(Checksum.GOOD)
_PARTIAL = int(Checksum.PARTIAL)
_BAD = int(Checksum.BAD)
_FRAGMENT = int(Status.FRAGMENT)


def words(octets: bytes) -> int:
    """Return the folded sum of the 16-bit words: 0 only if every byte is 0.

    65536 is 1 modulo 65535, so the remainder of the bytes taken as one integer is that
    sum, and the interpreter's integer division is the fastest loop there is.
    """
    number = int.from_bytes(octets, "big")
    if len(octets) & 1:
        number <<= 8
    return number % ONES or (ONES if number else 0)


def fold(total: int) -> int:
    """Bring a sum of words back to 16 bits: 0 only if it is 0."""
    return total % ONES or (ONES if total else 0)


def compute(octets: bytes, extra: int = 0) -> int:
    """Return the checksum of bytes whose checksum field is 0."""
    return ONES - fold(words(octets) + extra)


def pseudo(datagram: bytes, at: int, proto: int, length: int) -> int:
    """Return the sum of the pseudo-header of the IP header at this offset."""
    if datagram[at] >> 4 == ipv6.VERSION:
        addresses = datagram[at + ipv6.SRC : at + ipv6.HEADER]
    else:
        addresses = datagram[at + _V4_ADDRESSES : at + _V4_END]
    return words(addresses) + proto + (length >> 16) + (length & ONES)


def judge(octets: bytes, stored: int, extra: int) -> int:
    """Return the state of a checksum over these bytes and a pseudo-header sum."""
    if fold(words(octets) + extra) == ONES:
        return _GOOD
    if extra and stored == fold(extra):
        return _PARTIAL
    return _BAD


def decode(frame: bytes, at: int, end: int, stored: int, row: int, out: Columns) -> int:
    """Judge the transport checksum of a row; absent unless every byte is here."""
    if end > len(frame) or out.status[row] & _FRAGMENT:
        return _ABSENT
    proto = out.proto[row]
    ip_at = out.ip_offset[row]
    extra = 0
    if proto != _ICMP:
        if _is_source_routed(frame, ip_at, at):
            return _ABSENT
        extra = pseudo(frame, ip_at, proto, end - at)
    return judge(frame[at:end], stored, extra)


def _is_source_routed(frame: bytes, ip_at: int, at: int) -> bool:
    """Tell whether the destination that the checksum covers is not in the IP header."""
    plain = at - ip_at == ipv6.HEADER or frame[ip_at] >> 4 != ipv6.VERSION
    return not plain and ipv6.is_source_routed(frame, ip_at, at)


def field(proto: int) -> int:
    """Return where this transport keeps its checksum; 0 if it is not known here."""
    if proto == _TCP:
        return TCP_FIELD
    if proto == _UDP:
        return UDP_FIELD
    return ICMP_FIELD if proto in (_ICMP, _ICMPV6) else 0
