"""Another tuple for an IPv4 datagram, all else of it kept; knows no flow.

Checksums are adjusted by what changed (RFC 1624), so that a good one stays good, a bad
one bad, a UDP one that is absent absent, and a partial one partial.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.wire import checksum, icmp

if TYPE_CHECKING:
    from collections.abc import Callable

_FRAGMENT = slice(6, 8)
_OFFSET_BITS = 0x1FFF
_TTL, _PROTO = 8, 9
_IP_CHECKSUM = slice(10, 12)
_ADDRESSES = slice(12, 20)
_PORTS = slice(0, 4)
_ICMP_ID = slice(4, 6)
_QUOTE = 8  # of an ICMP error: its own header comes first
_ECHO = (icmp.ECHO_REQUEST, icmp.ECHO_REPLY)
_FIELDS = {TCP: checksum.TCP_FIELD, UDP: checksum.UDP_FIELD, ICMP: checksum.ICMP_FIELD}
_ONES = 0xFFFF


def header_length(datagram: bytes) -> int:
    """Return how long the IPv4 header is."""
    return (datagram[0] & 0xF) * 4


def is_later_fragment(datagram: bytes) -> bool:
    """Tell whether this is a fragment that has no transport header."""
    return bool(int.from_bytes(datagram[_FRAGMENT], "big") & _OFFSET_BITS)


def rewritten(
    datagram: bytes,
    key: Tuple5,
    *,
    ttl: int | None = None,
    quoted: Tuple5 | None = None,
    partial: bool = False,
) -> bytes:
    """Return the datagram with these ends, and its checksums adjusted.

    Args:
        datagram: from its IP header on.
        key: source and destination; ports of TCP and UDP, id of an ICMP echo.
        ttl: another one; None keeps it.
        quoted: of an ICMP error, the tuple of what it quotes.
        partial: the transport checksum is the pseudo-header's sum alone.

    """
    at = header_length(datagram)
    packed = IPv4Address(key.src).packed + IPv4Address(key.dst).packed
    head = bytearray(datagram[:at])
    body = bytes(datagram[at:])
    if not is_later_fragment(datagram):
        if partial:  # it covers no ports
            body = _ports(key) + body[_PORTS.stop :]
        else:
            body = _body(head[_PROTO], body, key, quoted)
        body = _readdressed(head, body, packed, partial=partial)
    old = bytes(head)
    head[_ADDRESSES] = packed
    if ttl is not None:
        head[_TTL] = ttl
    head[_IP_CHECKSUM] = _adjusted(old[_IP_CHECKSUM], old, bytes(head))
    return bytes(head) + body


def _body(proto: int, body: bytes, key: Tuple5, quoted: Tuple5 | None) -> bytes:
    """Return what is above IP with other ports, id or quote."""
    if proto in (TCP, UDP):
        return _put(proto, body, _PORTS, lambda _: _ports(key))
    if proto != ICMP or len(body) < _QUOTE:
        return body
    if body[0] in _ECHO:
        number = key.sport.to_bytes(2, "big")
        return _put(proto, body, _ICMP_ID, lambda _: number)
    if quoted is None:
        return body
    rest = slice(_QUOTE, len(body))
    return _put(proto, body, rest, lambda quote: _requoted(quote, quoted))


def _ports(key: Tuple5) -> bytes:
    return key.sport.to_bytes(2, "big") + key.dport.to_bytes(2, "big")


def _requoted(quote: bytes, key: Tuple5) -> bytes:
    """Return a quoted datagram with another tuple, however much there is of it.

    Its transport checksum changes too where it is quoted (RFC 5508, 4.2).
    """
    if len(quote) < header_length(quote) + 4:
        return quote
    return rewritten(quote, key)


def _put(
    proto: int, body: bytes, where: slice, make: Callable[[bytes], bytes]
) -> bytes:
    """Return a body with other bytes somewhere, and its checksum adjusted."""
    changed = bytearray(body)
    changed[where] = make(body[where])
    field = slice(_FIELDS[proto], _FIELDS[proto] + 2)
    if len(body) >= field.stop:
        changed[field] = _stored(proto, body[field], body, bytes(changed))
    return bytes(changed)


def _readdressed(
    head: bytearray, body: bytes, packed: bytes, *, partial: bool
) -> bytes:
    """Return a body whose checksum covers other addresses in the pseudo-header."""
    proto = head[_PROTO]
    if proto not in (TCP, UDP):
        return body
    field = slice(_FIELDS[proto], _FIELDS[proto] + 2)
    if len(body) < field.stop:
        return body
    old = bytes(head[_ADDRESSES])
    if partial:
        plain = bytes(byte ^ 0xFF for byte in body[field])
        value = bytes(byte ^ 0xFF for byte in _adjusted(plain, old, packed))
    else:
        value = _stored(proto, body[field], old, packed)
    return body[: field.start] + value + body[field.stop :]


def _stored(proto: int, stored: bytes, old: bytes, new: bytes) -> bytes:
    """Return a transport checksum for what changed; UDP has a word for none."""
    if proto == UDP and stored == b"\0\0":
        return stored
    value = _adjusted(stored, old, new)
    return b"\xff\xff" if proto == UDP and value == b"\0\0" else value


def _adjusted(stored: bytes, old: bytes, new: bytes) -> bytes:
    """Return a checksum after these bytes became those (RFC 1624, equation 3)."""
    total = _ONES - int.from_bytes(stored, "big")
    total += _ONES - checksum.words(old) + checksum.words(new)
    while total > _ONES:
        total = (total >> 16) + (total & _ONES)
    return (_ONES - total).to_bytes(2, "big")
