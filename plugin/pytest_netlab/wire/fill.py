"""Fill in the checksums of a whole IP datagram. Knows no link layer."""

from __future__ import annotations

from pytest_netlab.wire import checksum, ipv4, ipv6
from pytest_netlab.wire.octets import u16

_V4_TOTAL, _V4_FRAGMENT, _V4_PROTO = 2, 6, 9
_V6_LENGTH = 4
_WORD = 4
_LENGTH_BITS = 0x0F
_FRAGMENT_BITS = 0x3FFF  # more fragments, and the offset
_ICMP, _UDP = 1, 17
_ONES = 0xFFFF
_PROTOCOLS = 256


def fill(datagram: bytes) -> bytes:
    """Return the datagram with every checksum right, as the last device would send it.

    A UDP checksum of 0 over IPv4 means "sent without" and stays. A fragment gets only
    its IP header's. Bytes behind the datagram (padding) are kept as they are.

    Raises:
        ValueError: the bytes are less than an IP header.

    """
    version = datagram[0] >> 4 if datagram else 0
    if version == ipv4.VERSION and len(datagram) >= ipv4.HEADER:
        return _fill_v4(datagram)
    if version == ipv6.VERSION and len(datagram) >= ipv6.HEADER:
        return _fill_v6(datagram)
    raise ValueError("less than an IP header")


def _fill_v4(datagram: bytes) -> bytes:
    """Fill in the checksums of the header and of what it carries."""
    datagram = ipv4.fill_header(datagram)
    if u16(datagram, _V4_FRAGMENT) & _FRAGMENT_BITS:
        return datagram
    size = (datagram[0] & _LENGTH_BITS) * _WORD
    end = min(u16(datagram, _V4_TOTAL) or len(datagram), len(datagram))
    return _fill_transport(datagram, datagram[_V4_PROTO], size, end)


def _fill_v6(datagram: bytes) -> bytes:
    """Fill in the checksum of what it carries; the header has none."""
    at, proto = divmod(ipv6.carried(datagram, 0, len(datagram)), _PROTOCOLS)
    length = u16(datagram, _V6_LENGTH)
    end = min(ipv6.HEADER + length, len(datagram)) if length else len(datagram)
    return _fill_transport(datagram, proto, at, end) if at else datagram


def _fill_transport(datagram: bytes, proto: int, at: int, end: int) -> bytes:
    """Fill in the transport checksum, where there is one."""
    field = checksum.field(proto)
    if not field or at + field + 2 > end or _is_unsummed(datagram, proto, at + field):
        return datagram
    summed = datagram[at : at + field] + bytes(2) + datagram[at + field + 2 : end]
    extra = 0 if proto == _ICMP else checksum.pseudo(datagram, 0, proto, end - at)
    value = checksum.compute(summed, extra)
    if proto == _UDP:
        value = value or _ONES
    field += at
    return datagram[:field] + value.to_bytes(2, "big") + datagram[field + 2 :]


def _is_unsummed(datagram: bytes, proto: int, field: int) -> bool:
    """Return whether this is UDP over IPv4 that was sent without a checksum."""
    unsummed = u16(datagram, field) == 0
    return unsummed and proto == _UDP and datagram[0] >> 4 == ipv4.VERSION
