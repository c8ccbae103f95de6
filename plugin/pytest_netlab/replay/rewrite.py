"""Another tuple for an IPv4 datagram, all else of it kept; knows no flow.

Checksums are adjusted by what changed (RFC 1624), so that a good one stays good, a bad
one bad, a UDP one that is absent absent, and a partial one partial.
"""

from __future__ import annotations

from socket import inet_aton
from struct import pack

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.wire import checksum, icmp

_FRAGMENT = 6
_OFFSET_BITS = 0x1F  # of the first octet
_TTL, _PROTO = 8, 9
_IP_CHECKSUM = slice(10, 12)
_ADDRESSES = slice(12, 20)
_PORTS = slice(0, 4)
_ICMP_ID = slice(4, 6)
_QUOTE = 8  # of an ICMP error: its own header comes first
_ECHO = (icmp.ECHO_REQUEST, icmp.ECHO_REPLY)
_FIELDS = {TCP: checksum.TCP_FIELD, UDP: checksum.UDP_FIELD}
_ICMP_CHECKSUM = slice(checksum.ICMP_FIELD, checksum.ICMP_FIELD + 2)
_ONES = 0xFFFF


def header_length(datagram: bytes) -> int:
    """Return how long the IPv4 header is."""
    return (datagram[0] & 0xF) * 4


def is_later_fragment(datagram: bytes) -> bool:
    """Tell whether this is a fragment that has no transport header."""
    return bool(datagram[_FRAGMENT] & _OFFSET_BITS or datagram[_FRAGMENT + 1])


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
    at, packed = header_length(datagram), inet_aton(key.src) + inet_aton(key.dst)
    head, old = bytearray(datagram[:at]), datagram[_ADDRESSES]
    head[_ADDRESSES] = packed
    if ttl is not None:
        head[_TTL] = ttl
    covered = slice(_TTL, _TTL + 2)
    before, after = datagram[covered] + old, bytes(head[covered]) + packed
    head[_IP_CHECKSUM] = _adjusted(datagram[_IP_CHECKSUM], before, after)
    if is_later_fragment(datagram):
        return bytes(head) + datagram[at:]
    body = bytearray(datagram[at:])
    if head[_PROTO] == ICMP:
        _put_icmp(body, key, quoted)
    elif head[_PROTO] in (TCP, UDP):
        _put_ports(head[_PROTO], body, key, (old, packed), partial=partial)
    return bytes(head) + bytes(body)


def _put_ports(
    proto: int,
    body: bytearray,
    key: Tuple5,
    addresses: tuple[bytes, bytes],
    *,
    partial: bool,
) -> None:
    """Put ports into a transport header; its checksum covers the addresses too."""
    old, new = bytes(body[_PORTS]), pack("!HH", key.sport, key.dport)
    body[_PORTS] = new
    field = slice(_FIELDS[proto], _FIELDS[proto] + 2)
    if len(body) < field.stop:
        return
    stored = bytes(body[field])
    if partial:  # the sum itself, not its complement, and of no ports
        plain = _adjusted(_complement(stored), *addresses)
        body[field] = _complement(plain)
    elif proto == TCP or stored != b"\0\0":  # UDP has a word for none
        value = _adjusted(stored, addresses[0] + old, addresses[1] + new)
        body[field] = value if proto == TCP or value != b"\0\0" else b"\xff\xff"


def _put_icmp(body: bytearray, key: Tuple5, quoted: Tuple5 | None) -> None:
    """Put an id into an echo, or another tuple into what an error quotes."""
    if len(body) < _QUOTE:
        return
    where = _ICMP_ID if body[0] in _ECHO else slice(_QUOTE, len(body))
    old = bytes(body[where])
    if body[0] in _ECHO:
        new = pack("!H", key.sport)
    else:
        new = _requoted(old, quoted) if quoted else old
    body[where] = new
    body[_ICMP_CHECKSUM] = _adjusted(bytes(body[_ICMP_CHECKSUM]), old, new)


def _requoted(quote: bytes, key: Tuple5) -> bytes:
    """Return a quoted datagram with another tuple, however much there is of it.

    Its transport checksum changes too where it is quoted (RFC 5508, 4.2).
    """
    if len(quote) < header_length(quote) + 4:
        return quote
    return rewritten(quote, key)


def _complement(value: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in value)


def _adjusted(stored: bytes, old: bytes, new: bytes) -> bytes:
    """Return a checksum after these bytes became those (RFC 1624, equation 3).

    The sum of 16-bit words with end-around carry is the number they make, modulo 65535.
    """
    if len(old) % 2:
        old, new = old + b"\0", new + b"\0"
    change = int.from_bytes(new, "big") - int.from_bytes(old, "big")
    total = (_ONES - int.from_bytes(stored, "big") + change) % _ONES
    return (_ONES - (total or _ONES)).to_bytes(2, "big")
