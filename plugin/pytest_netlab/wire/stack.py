"""Decode one packet into one row of columns, layer by layer. Never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import (
    arp,
    cooked,
    ethernet,
    icmp,
    icmpv6,
    ipv4,
    ipv6,
    loopback,
    payload,
    tcp,
    udp,
)
from pytest_netlab.wire.assigned import (
    ARP,
    BSD_RAW,
    ETHERNET,
    ICMP,
    ICMP6,
    IPV4,
    IPV6,
    LOOP,
    NULL,
    OPENBSD_RAW,
    RAW,
    RAW4,
    RAW6,
    SLL,
    SLL2,
    TCP,
    UDP,
)
from pytest_netlab.wire.columns import Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_TRUNCATED = int(Status.TRUNCATED)
_UNDECODED = int(Status.UNDECODED)


def decode(frame: bytes, linktype: int, wirelen: int, row: int, out: Columns) -> None:
    """Decode a packet of this link type into the row, as far as it is well-formed."""
    out.start = 0
    out.limit = len(frame)
    packet(frame, linktype, wirelen, row, out)


def packet(frame: bytes, linktype: int, wirelen: int, row: int, out: Columns) -> None:
    """Decode the captured bytes between `out.start` and `out.limit` into the row."""
    caplen = out.limit - out.start
    out.caplen[row] = caplen
    out.wirelen[row] = wirelen
    out.end = out.start + max(wirelen, caplen)
    if caplen < wirelen:
        out.status[row] |= _TRUNCATED
    if linktype == ETHERNET:
        at = ethernet.decode(frame, out.start, row, out)
    else:
        at = _decode_link(frame, linktype, row, out)
    if at < 0:
        return
    if _is_raw(linktype):
        version = frame[at] >> 4 if caplen else 0
        _decode_network(IPV6 if version == ipv6.VERSION else IPV4, frame, at, row, out)
    else:
        _decode_network(out.ethertype[row], frame, at, row, out)


def _decode_link(frame: bytes, linktype: int, row: int, out: Columns) -> int:
    """Decode the link header; return where the next one starts, -1 for none."""
    at = out.start
    if _is_raw(linktype):
        return at
    if linktype == SLL:
        return cooked.decode(frame, at, row, out)
    if linktype == SLL2:
        return cooked.decode_v2(frame, at, row, out)
    if linktype in (NULL, LOOP):
        return loopback.decode(frame, at, row, out)
    out.status[row] |= _UNDECODED
    return -1


def _is_raw(linktype: int) -> bool:
    """Return whether packets of this link type begin with their IP header."""
    return linktype in (RAW, BSD_RAW, OPENBSD_RAW, RAW4, RAW6)


def _decode_network(
    ethertype: int, frame: bytes, at: int, row: int, out: Columns
) -> None:
    """Decode from the network header on."""
    if ethertype == IPV4:
        start = ipv4.decode(frame, at, row, out)
    elif ethertype == IPV6:
        start = ipv6.decode(frame, at, row, out)
    else:
        start = -1
        _decode_other(ethertype, frame, at, row, out)
    if start >= 0:
        _decode_transport(frame, start, row, out)


def _decode_other(
    ethertype: int, frame: bytes, at: int, row: int, out: Columns
) -> None:
    """Decode ARP, and mark anything else as undecoded."""
    if ethertype == ARP:
        arp.decode(frame, at, row, out)
    else:
        out.status[row] |= _UNDECODED


def _decode_transport(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the transport header; an unknown protocol is all payload."""
    proto = out.proto[row]
    if proto == TCP:
        tcp.decode(frame, at, row, out)
    elif proto == UDP:
        udp.decode(frame, at, row, out)
    elif proto == ICMP:
        icmp.decode(frame, at, row, out)
    elif proto == ICMP6:
        icmpv6.decode(frame, at, row, out)
    elif at < out.end and at < out.limit:
        out.l4_offset[row] = at - out.start
        payload.decode(frame, at, row, out)
