"""The datagram an ICMP error quotes: the tuple a NAT must translate back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import ipv6, octets

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_V4_ID, _V4_FRAGMENT, _V4_TTL, _V4_PROTO = 4, 6, 8, 9
_V4_SRC, _V4_DST, _V4_HEADER = 12, 16, 20
_V6_HOPS, _V6_SRC, _V6_DST, _V6_HEADER = 7, 8, 24, 40
_SPORT, _DPORT, _PORTS = 0, 2, 4
_ECHO_ID, _ECHO_BYTES = 4, 6

_V4, _V6 = 4, 6
_WORD = 4
_LENGTH_BITS = 0x0F
_OFFSET_BITS = 0x1FFF
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_REPLY, _REQUEST = 0, 8
_REQUEST6, _REPLY6 = 128, 129
_PROTOCOLS = 256
_ADDRESS_BYTES = 16


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode what is quoted at this offset, as far as it is there."""
    if at >= out.limit:
        return
    version = frame[at] >> 4
    if version == _V4 and at + _V4_HEADER <= out.limit:
        _decode_v4(frame, at, row, out)
    elif version == _V6 and at + _V6_HEADER <= out.limit:
        _decode_v6(frame, at, row, out)
    else:
        out.cut(row)


def _decode_v4(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode a quoted IPv4 header and the start of what it carried."""
    out.quoted_proto[row] = frame[at + _V4_PROTO]
    out.quoted_ttl[row] = frame[at + _V4_TTL]
    out.quoted_ip_id[row] = octets.u16(frame, at + _V4_ID)
    octets.mapped(out.quoted_src, row * _ADDRESS_BYTES, frame, at + _V4_SRC)
    octets.mapped(out.quoted_dst, row * _ADDRESS_BYTES, frame, at + _V4_DST)
    if not octets.u16(frame, at + _V4_FRAGMENT) & _OFFSET_BITS:
        size = max((frame[at] & _LENGTH_BITS) * _WORD, _V4_HEADER)
        _decode_transport(frame, at + size, row, out)


def _decode_v6(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode a quoted IPv6 header and the start of what it carried."""
    carried = ipv6.carried(frame, at, out.limit)
    out.quoted_proto[row] = carried % _PROTOCOLS
    out.quoted_ttl[row] = frame[at + _V6_HOPS]
    cell = row * _ADDRESS_BYTES
    octets.copy(out.quoted_src, cell, frame, at + _V6_SRC, _ADDRESS_BYTES)
    octets.copy(out.quoted_dst, cell, frame, at + _V6_DST, _ADDRESS_BYTES)
    if carried >= _PROTOCOLS:
        _decode_transport(frame, carried // _PROTOCOLS, row, out)


def _decode_transport(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the ports or the echo id; RFC 792 promises eight bytes, no more."""
    proto = out.quoted_proto[row]
    if proto in (_TCP, _UDP):
        if at + _PORTS <= out.limit:
            out.quoted_sport[row] = octets.u16(frame, at + _SPORT)
            out.quoted_dport[row] = octets.u16(frame, at + _DPORT)
    elif at + _ECHO_BYTES <= out.limit and _is_echo(proto, frame[at]):
        out.quoted_icmp_id[row] = octets.u16(frame, at + _ECHO_ID)


def _is_echo(proto: int, kind: int) -> bool:
    """Tell whether the quoted message carries an echo id."""
    if proto == _ICMP:
        return kind in (_REPLY, _REQUEST)
    return proto == _ICMPV6 and kind in (_REQUEST6, _REPLY6)
