"""Identify an IPv4 datagram by what NAT and routers leave unchanged. Compiled."""

from __future__ import annotations

from typing import NamedTuple

from pytest_netlab.replay import datagram as ip
from pytest_netlab.replay.tuple_codec import reversed_tuple
from pytest_netlab.wire import icmp, ipv4, octets, tcp, udp
from pytest_netlab.wire.assigned import ICMP, TCP, UDP

_ID, _TTL, _PROTOCOL = ipv4.ID, ipv4.TTL, ipv4.PROTOCOL
_ADDRESSES, _ADDRESSES_END = ipv4.SRC, ipv4.HEADER
_TRANSPORT = 8  # octets that every transport header has
_PORTS_END, _TCP_CHECKSUM, _TCP_URGENT = tcp.SEQ, tcp.CHECKSUM, tcp.URGENT
_UDP_CHECKSUM, _UDP_DATA = udp.CHECKSUM, udp.HEADER
_ICMP_CHECKSUM, _ICMP_ID = icmp.CHECKSUM, icmp.ID
_ID_END, _EMBEDDED = icmp.SEQ, icmp.HEADER
_NO_PORTS = bytes(4)
# The fields of each header, from and to which octet, by their names in findings.
_IP_FIELDS = (
    ("tos", ipv4.TOS, ipv4.TOTAL),
    ("length", ipv4.TOTAL, ipv4.ID),
    ("ip id", ipv4.ID, ipv4.FRAGMENT),
    ("fragment flags", ipv4.FRAGMENT, ipv4.TTL),
    ("ip checksum", ipv4.CHECKSUM, ipv4.SRC),
    ("ip options", ipv4.HEADER, None),
)
_FIELDS = {
    TCP: (
        ("tcp seq", tcp.SEQ, tcp.ACK_NUMBER),
        ("tcp ack", tcp.ACK_NUMBER, tcp.OFFSET),
        ("tcp flags", tcp.OFFSET, tcp.WINDOW),
        ("tcp window", tcp.WINDOW, tcp.CHECKSUM),
        ("tcp checksum", tcp.CHECKSUM, tcp.URGENT),
        ("tcp options or payload", tcp.URGENT, None),
    ),
    UDP: (
        ("udp length", udp.LENGTH, udp.CHECKSUM),
        ("udp checksum", udp.CHECKSUM, udp.HEADER),
        ("payload", udp.HEADER, None),
    ),
    ICMP: (
        ("icmp type and code", icmp.TYPE, icmp.CHECKSUM),
        ("icmp checksum", icmp.CHECKSUM, icmp.ID),
        ("icmp id", icmp.ID, icmp.SEQ),
        ("icmp seq", icmp.SEQ, icmp.HEADER),
        ("payload", icmp.HEADER, None),
    ),
}


class Arrival(NamedTuple):
    """What identifies a datagram.

    Attributes:
        key: its own tuple, packed.
        embedded: the tuple of the packet embedded in an ICMP error, packed; else None.
        flow_tuple: the tuple of its flow in its own direction: of an ICMP error, the
            embedded packet's tuple, reversed.
        identity: what NAT and routers leave unchanged.

    """

    key: bytes
    embedded: bytes | None
    flow_tuple: bytes
    identity: Identity


# IP id, above 24 bits of protocol and fragment offset; the kept part of the transport.
Identity = tuple[int, bytes]


def is_whole(datagram: bytes) -> bool:
    """Return whether the headers that this module reads are there."""
    end = len(datagram)
    at = ip.header_end(datagram, 0, end)
    return at != 0 and (ip.offset(datagram, 0) != 0 or end - at >= _TRANSPORT)


def seen(datagram: bytes) -> Arrival:
    """Return what identifies a datagram, which must be whole (`is_whole`)."""
    key, embedded = key_of(datagram), embedded_of(datagram)
    flow_tuple = key if embedded is None else reversed_tuple(embedded)
    return Arrival(key, embedded, flow_tuple, identity_of(datagram))


def key_of(datagram: bytes) -> bytes:
    """Return the tuple of a datagram; ICMP errors and later fragments have no ports."""
    at, proto = ip.header_end(datagram, 0, len(datagram)), datagram[_PROTOCOL]
    ports = _NO_PORTS
    if not ip.offset(datagram, 0):
        if proto in (TCP, UDP):
            ports = datagram[at : at + _PORTS_END]
        elif proto == ICMP and icmp.is_echo(datagram[at]):
            ports = datagram[at + _ICMP_ID : at + _ID_END] * 2
    ends = datagram[_ADDRESSES:_ADDRESSES_END] + ports
    return ends + datagram[_PROTOCOL : _PROTOCOL + 1]


def embedded_of(datagram: bytes) -> bytes | None:
    """Return the tuple of the packet embedded in an ICMP error; None without one."""
    at = ip.header_end(datagram, 0, len(datagram))
    if not ip.is_error(datagram, at):
        return None
    embedded = datagram[at + _EMBEDDED :]
    return key_of(embedded) if is_whole(embedded) else None


def identity_of(datagram: bytes) -> Identity:
    """Return what two observations of one datagram have in common.

    That is its IP id, protocol and offset, and its transport without ports or id and
    checksum; of an ICMP error, only type, code, and the field that MTUs are in, since
    NAT translates its embedded packet.
    """
    at, proto = ip.header_end(datagram, 0, len(datagram)), datagram[_PROTOCOL]
    place = ip.offset(datagram, 0)
    head = octets.u16(datagram, _ID)  # not shifted at once: it has 32 bits in C
    head = head << 24 | proto << 16 | place
    if ip.is_error(datagram, at):
        kind, mtu = at + _ICMP_CHECKSUM, at + _EMBEDDED
        return head, datagram[at:kind] + datagram[at + _ICMP_ID : mtu]
    first = last = rest = 0
    if place == 0 and proto == TCP:
        first, last, rest = _PORTS_END, _TCP_CHECKSUM, _TCP_URGENT
    elif place == 0 and proto == UDP:
        first, last, rest = _PORTS_END, _UDP_CHECKSUM, _UDP_DATA
    elif place == 0 and proto == ICMP:
        last, rest = _ICMP_CHECKSUM, _ID_END
    return head, datagram[at + first : at + last] + datagram[at + rest :]


def ttl_of(datagram: bytes) -> int:
    """Return a datagram's ttl."""
    return datagram[_TTL]


def described(datagram: bytes) -> str:
    """Describe an ICMP error or a TCP reset; empty for any other datagram."""
    at = ip.header_end(datagram, 0, len(datagram))
    if ip.is_error(datagram, at):
        return f"an ICMP error, type {datagram[at]} code {datagram[at + 1]}"
    is_segment = datagram[_PROTOCOL] == TCP and ip.offset(datagram, 0) == 0
    reset = is_segment and len(datagram) > at + tcp.FLAGS
    return "a reset" if reset and datagram[at + tcp.FLAGS] & tcp.RST else ""


def differing(wanted: bytes, got: bytes) -> list[str]:
    """Name the fields in which two datagrams of one tuple differ."""
    at, proto = ip.header_end(wanted, 0, len(wanted)), wanted[_PROTOCOL]
    found = [
        name
        for name, start, end in _IP_FIELDS
        if wanted[start : at if end is None else end]
        != got[start : at if end is None else end]
    ]
    one, other = wanted[at:], got[at:]
    return found + [
        name
        for name, start, end in _FIELDS.get(proto, (("payload", 0, None),))
        if one[start:end] != other[start:end]
    ]
