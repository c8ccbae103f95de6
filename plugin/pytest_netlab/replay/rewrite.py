"""Put another tuple into an IPv4 datagram, and keep all else. Knows no flow.

Checksums are adjusted by what changed (RFC 1624): a good one stays good, a bad one
stays bad, and an absent UDP checksum stays absent. Compiled.
"""

from __future__ import annotations

from typing import Final

from pytest_netlab.replay import datagram as ip
from pytest_netlab.wire import icmp, ipv4, octets, tcp, udp
from pytest_netlab.wire.assigned import ICMP, TCP, UDP

KEPT: Final = -1

_TTL, _PROTOCOL, _IP_CHECKSUM = ipv4.TTL, ipv4.PROTOCOL, ipv4.CHECKSUM
_ADDRESSES, _ADDRESSES_END = ipv4.SRC, ipv4.HEADER
_PORTS_END, _TCP_CHECKSUM, _TCP_HEADER = tcp.SEQ, tcp.CHECKSUM, tcp.HEADER
_UDP_CHECKSUM, _UDP_HEADER = udp.CHECKSUM, udp.HEADER
_ICMP_CHECKSUM, _ICMP_ID, _EMBEDDED = icmp.CHECKSUM, icmp.ID, icmp.HEADER
_ONES = 0xFFFF
# Offsets and sizes in a packed tuple.
_ADDRESS_BYTES, _PORTS, _PORT_BYTES, _ID_BYTES = 8, 8, 4, 2

# Compiled, this is a C integer; this makes it visible to Python.
globals().update(KEPT=KEPT)


def rewritten(
    datagram: bytes,
    tuple_bytes: bytes,
    ttl: int = KEPT,
    embedded: bytes | None = None,
) -> bytes:
    """Return the datagram with this tuple, and its checksums adjusted.

    Args:
        datagram: from its IP header on; returned as it is if that is incomplete.
        tuple_bytes: the tuple it shall have, as `tuple_codec` packs it.
        ttl: another one, or KEPT.
        embedded: the tuple that the packet embedded in an ICMP error shall have.

    """
    made = bytearray(datagram)
    data, end, ends = octets.edited(made), len(made), octets.view(tuple_bytes)
    at = ip.header_end(data, 0, end)
    if not at:
        return datagram
    if ttl != KEPT:
        _put_ttl(data, ttl)
    change = _put_addresses(data, 0, ends)
    if not ip.offset(data, 0):
        _put_transport(data, at, end, ends, data[_PROTOCOL], change)
        if embedded is not None and end - at >= _EMBEDDED and ip.is_error(data, at):
            _put_embedded(data, at, end, octets.view(embedded))
    return bytes(made)


def _put_ttl(data: bytearray, ttl: int) -> None:
    """Put a ttl into the datagram."""
    before = octets.u16(data, _TTL)
    data[_TTL] = ttl
    _adjust(data, _IP_CHECKSUM, _change(before, octets.u16(data, _TTL)))


def _put_addresses(data: bytearray, at: int, tuple_bytes: bytes) -> int:
    """Put addresses into the IP header that begins here; return how its sum changes."""
    start, end = at + _ADDRESSES, at + _ADDRESSES_END
    before = octets.total(data, start, end)
    octets.copy(data, start, tuple_bytes, 0, _ADDRESS_BYTES)
    change = _change(before, octets.total(data, start, end))
    _adjust(data, at + _IP_CHECKSUM, change)
    return change


def _put_transport(
    data: bytearray, at: int, end: int, tuple_bytes: bytes, proto: int, change: int
) -> None:
    """Put ports into the transport header that begins here, or an id into an echo.

    A checksum of TCP or UDP covers the addresses too; `change` is that of their sum.
    """
    if proto in (TCP, UDP) and end - at >= _PORTS_END:
        before = octets.total(data, at, at + _PORTS_END)
        octets.copy(data, at, tuple_bytes, _PORTS, _PORT_BYTES)
        change += _change(before, octets.total(data, at, at + _PORTS_END))
        if proto == TCP and end - at >= _TCP_HEADER:
            _adjust(data, at + _TCP_CHECKSUM, change)
        elif proto == UDP and end - at >= _UDP_HEADER:
            _put_udp_checksum(data, at + _UDP_CHECKSUM, change)
    elif proto == ICMP and end - at >= _EMBEDDED and icmp.is_echo(data[at]):
        before = octets.u16(data, at + _ICMP_ID)
        octets.copy(data, at + _ICMP_ID, tuple_bytes, _PORTS, _ID_BYTES)
        change = _change(before, octets.u16(data, at + _ICMP_ID))
        _adjust(data, at + _ICMP_CHECKSUM, change)


def _put_embedded(data: bytearray, at: int, end: int, tuple_bytes: bytes) -> None:
    """Put a tuple into the packet embedded in the ICMP error at `at`, however short.

    Its transport checksum changes too (RFC 5508, 4.2), if all of its header is there
    (nf_nat_proto.c, tcp_manip_pkt).
    """
    start = at + _EMBEDDED
    transport = ip.header_end(data, start, end)
    if not transport or end - transport < _PORTS_END:
        return
    before = octets.total(data, start, end)
    change = _put_addresses(data, start, tuple_bytes)
    if not ip.offset(data, start):
        _put_transport(
            data, transport, end, tuple_bytes, data[start + _PROTOCOL], change
        )
    change = _change(before, octets.total(data, start, end))
    _adjust(data, at + _ICMP_CHECKSUM, change)


def _put_udp_checksum(data: bytearray, field: int, change: int) -> None:
    """Adjust the UDP checksum that is here: 0 means none, and 0xFFFF stands for 0."""
    if octets.u16(data, field):
        _adjust(data, field, change)
        if not octets.u16(data, field):
            octets.put16(data, field, _ONES)


def _change(before: int, after: int) -> int:
    """Return how a sum of words changes, in ones' complement: never 0."""
    return octets.fold(after + _ONES - octets.fold(before)) or _ONES


def _adjust(data: bytearray, field: int, change: int) -> None:
    """Adjust the checksum that is here (RFC 1624, equation 3)."""
    stored = octets.u16(data, field)
    octets.put16(data, field, _ONES - octets.fold(_ONES - stored + change))
