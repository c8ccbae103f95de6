"""A flow's tuple, packed as in a datagram: addresses, ports, and then the protocol.

An ICMP echo has its id as both ports, as in a `Tuple5`. Knows IPv4 only.
"""

from __future__ import annotations

from socket import inet_aton, inet_ntoa
from struct import Struct

from pytest_netlab.flows import Tuple5

_TUPLE = Struct("!4s4sHHB")


def pack(key: Tuple5) -> bytes:
    """Return the 13 octets of a tuple."""
    src, dst = inet_aton(key.src), inet_aton(key.dst)
    return _TUPLE.pack(src, dst, key.sport, key.dport, key.proto)


def unpack(tuple_bytes: bytes) -> Tuple5:
    """Return the tuple of 13 octets."""
    src, dst, sport, dport, proto = _TUPLE.unpack(tuple_bytes)
    return Tuple5(proto, inet_ntoa(src), sport, inet_ntoa(dst), dport)


def reversed_tuple(tuple_bytes: bytes) -> bytes:
    """Return the tuple of the opposite direction."""
    src, dst, sport, dport, proto = _TUPLE.unpack(tuple_bytes)
    return _TUPLE.pack(dst, src, dport, sport, proto)
