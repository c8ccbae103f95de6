"""The packet embedded in an ICMP error: a NAT must reverse-translate its tuple."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import ipv4, ipv6, octets, udp
from pytest_netlab.wire.assigned import (
    ECHO_REPLY,
    ECHO_REPLY6,
    ECHO_REQUEST,
    ECHO_REQUEST6,
    ICMP,
    ICMP6,
    TCP,
    UDP,
)

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_PORTS = 4
_ECHO_ID, _ECHO_BYTES = 4, 6  # `icmp` imports this module

_PROTOCOLS = 256
_ADDRESS_BYTES = 16


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the embedded packet at this offset, as far as it is there."""
    if at >= out.limit:
        return
    version = frame[at] >> 4
    if version == ipv4.VERSION and at + ipv4.HEADER <= out.limit:
        _decode_v4(frame, at, row, out)
    elif version == ipv6.VERSION and at + ipv6.HEADER <= out.limit:
        _decode_v6(frame, at, row, out)
    else:
        out.mark_truncated(row)


def _decode_v4(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode an embedded IPv4 header and the start of its transport header."""
    out.quoted_proto[row] = frame[at + ipv4.PROTOCOL]
    out.quoted_ttl[row] = frame[at + ipv4.TTL]
    out.quoted_ip_id[row] = octets.u16(frame, at + ipv4.ID)
    octets.mapped(out.quoted_src, row * _ADDRESS_BYTES, frame, at + ipv4.SRC)
    octets.mapped(out.quoted_dst, row * _ADDRESS_BYTES, frame, at + ipv4.DST)
    if not octets.u16(frame, at + ipv4.FRAGMENT) & ipv4.OFFSET_BITS:
        size = max(ipv4.header_bytes(frame[at]), ipv4.HEADER)
        _decode_transport(frame, at + size, row, out)


def _decode_v6(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode an embedded IPv6 header and the start of its transport header."""
    carried = ipv6.carried(frame, at, out.limit)
    out.quoted_proto[row] = carried % _PROTOCOLS
    out.quoted_ttl[row] = frame[at + ipv6.HOPS]
    start = row * _ADDRESS_BYTES
    octets.copy(out.quoted_src, start, frame, at + ipv6.SRC, _ADDRESS_BYTES)
    octets.copy(out.quoted_dst, start, frame, at + ipv6.DST, _ADDRESS_BYTES)
    if carried >= _PROTOCOLS:
        _decode_transport(frame, carried // _PROTOCOLS, row, out)


def _decode_transport(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the ports or the echo id; RFC 792 promises eight octets, no more."""
    proto = out.quoted_proto[row]
    if proto in (TCP, UDP):
        if at + _PORTS <= out.limit:
            out.quoted_sport[row] = octets.u16(frame, at + udp.SPORT)
            out.quoted_dport[row] = octets.u16(frame, at + udp.DPORT)
    elif at + _ECHO_BYTES <= out.limit and _is_echo(proto, frame[at]):
        out.quoted_icmp_id[row] = octets.u16(frame, at + _ECHO_ID)


def _is_echo(proto: int, kind: int) -> bool:
    """Return whether the embedded message is an echo request or reply."""
    if proto == ICMP:
        return kind in (ECHO_REPLY, ECHO_REQUEST)
    return proto == ICMP6 and kind in (ECHO_REQUEST6, ECHO_REPLY6)
