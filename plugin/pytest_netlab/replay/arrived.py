"""What an IPv4 datagram is, apart from what NAT and routers change of it."""

from __future__ import annotations

from socket import inet_ntoa
from struct import unpack_from
from typing import NamedTuple

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay.rewrite import header_length, is_later_fragment
from pytest_netlab.wire import icmp

_PROTO, _TTL = 9, 8
_ID = slice(4, 6)
_FRAGMENT, _OFFSET_BITS = slice(6, 8), 0x1FFF
_SOURCE, _DESTINATION = slice(12, 16), slice(16, 20)
_ERROR_HEADER = 8
_VERSION, _LEAST, _TRANSPORT = 4, 20, 8  # of IP; octets of IP, and of a transport
_ECHO = (icmp.ECHO_REQUEST, icmp.ECHO_REPLY)
# What is left of a transport header without ports or id, and without its checksum.
_KEPT = {
    TCP: (slice(4, 16), slice(18, None)),
    UDP: (slice(4, 6), slice(8, None)),
    ICMP: (slice(0, 2), slice(6, None)),
}
_WHOLE = (slice(0, None),)
# Of an ICMP error: type and code, then the field that MTUs are in; the quote changes.
_KEPT_OF_ERROR = (slice(0, 2), slice(4, 8))
# Where each field of a header is, for people.
_IP_FIELDS = (
    ("tos", 1, 2),
    ("length", 2, 4),
    ("ip id", 4, 6),
    ("fragment flags", 6, 8),
    ("ip checksum", 10, 12),
    ("ip options", 20, None),
)
_FIELDS = {
    TCP: (
        ("tcp seq", 4, 8),
        ("tcp ack", 8, 12),
        ("tcp flags", 12, 14),
        ("tcp window", 14, 16),
        ("tcp checksum", 16, 18),
        ("tcp options or payload", 18, None),
    ),
    UDP: (("udp length", 4, 6), ("udp checksum", 6, 8), ("payload", 8, None)),
    ICMP: (
        ("icmp type and code", 0, 2),
        ("icmp checksum", 2, 4),
        ("icmp id", 4, 6),
        ("icmp seq", 6, 8),
        ("payload", 8, None),
    ),
}


class Seen(NamedTuple):
    """A datagram's own tuple, the way it belongs to, and what it is.

    An ICMP error belongs to what it quotes, and travels against it.
    """

    key: Tuple5
    quoted: Tuple5 | None
    way: Tuple5
    identity: Identity


class Identity(NamedTuple):
    """What two sightings of one datagram have in common."""

    proto: int
    ip_id: bytes
    offset: int
    kept: bytes


def is_whole(datagram: bytes) -> bool:
    """Tell whether the headers that this module reads are there."""
    if len(datagram) < _LEAST or datagram[0] >> 4 != _VERSION:
        return False
    at = header_length(datagram)
    least = 0 if is_later_fragment(datagram) else _TRANSPORT
    return at >= _LEAST and len(datagram) >= at + least


def seen(datagram: bytes) -> Seen:
    """Return all there is to know of a datagram."""
    key, quoted = key_of(datagram), quoted_of(datagram)
    return Seen(key, quoted, quoted.reply if quoted else key, identity_of(datagram))


def key_of(datagram: bytes) -> Tuple5:
    """Return the tuple of a datagram; ICMP errors and later fragments have no ports."""
    at, proto = header_length(datagram), datagram[_PROTO]
    src, dst = inet_ntoa(datagram[_SOURCE]), inet_ntoa(datagram[_DESTINATION])
    sport = dport = 0
    if is_later_fragment(datagram):
        return Tuple5(proto, src, sport, dst, dport)
    if proto in (TCP, UDP):
        sport, dport = unpack_from("!HH", datagram, at)
    elif proto == ICMP and datagram[at] in _ECHO:
        sport = dport = int.from_bytes(datagram[at + 4 : at + 6], "big")
    return Tuple5(proto, src, sport, dst, dport)


def quoted_of(datagram: bytes) -> Tuple5 | None:
    """Return the tuple that an ICMP error quotes; None of anything else."""
    at = header_length(datagram)
    if not _is_error(datagram):
        return None
    quote = datagram[at + _ERROR_HEADER :]
    return key_of(quote) if is_whole(quote) else None


def _is_error(datagram: bytes) -> bool:
    later = is_later_fragment(datagram)
    at = header_length(datagram)
    return datagram[_PROTO] == ICMP and not later and icmp.is_error(datagram[at])


def identity_of(datagram: bytes) -> Identity:
    """Return what NAT leaves alone: IP id, and the transport without its tuple."""
    at, proto = header_length(datagram), datagram[_PROTO]
    offset = int.from_bytes(datagram[_FRAGMENT], "big") & _OFFSET_BITS
    parts = _KEPT.get(proto, _WHOLE)
    if offset:
        parts = _WHOLE
    elif _is_error(datagram):
        parts = _KEPT_OF_ERROR
    body = datagram[at:]
    kept = b"".join(body[part] for part in parts)
    return Identity(proto, datagram[_ID], offset, kept)


def ttl_of(datagram: bytes) -> int:
    """Return a datagram's ttl."""
    return datagram[_TTL]


def differing(wanted: bytes, got: bytes) -> list[str]:
    """Name the fields in which two datagrams of one tuple differ."""
    at, proto = header_length(wanted), wanted[_PROTO]
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
