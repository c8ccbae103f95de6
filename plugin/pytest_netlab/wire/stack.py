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
    layers,
    loopback,
    nflog,
    payload,
    ppp,
    tcp,
    tunnel,
    udp,
    wireguard,
)
from pytest_netlab.wire.assigned import (
    ARP,
    BSD_RAW,
    C_HDLC,
    ETHERNET,
    ICMP,
    ICMP6,
    IPV4,
    IPV6,
    LOOP,
    NFLOG,
    NULL,
    OPENBSD_RAW,
    PPP,
    PPP_DIRECTED,
    PPP_ETHER,
    PPP_HDLC,
    PPPOE,
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
    return _decode_rarer_link(frame, linktype, row, out)


def _decode_rarer_link(frame: bytes, linktype: int, row: int, out: Columns) -> int:
    """Decode a link header of PPP or NFLOG, and mark any other as undecoded."""
    at = out.start
    if linktype in (PPP, PPP_HDLC, C_HDLC, PPP_DIRECTED):
        return ppp.decode(frame, linktype, at, row, out)
    if linktype == PPP_ETHER:
        out.ethertype[row] = PPPOE
        return at
    if linktype == NFLOG:
        return nflog.decode(frame, at, row, out)
    out.status[row] |= _UNDECODED
    return -1


def _is_raw(linktype: int) -> bool:
    """Return whether packets of this link type begin with their IP header."""
    return linktype in (RAW, BSD_RAW, OPENBSD_RAW, RAW4, RAW6)


def _decode_network(
    ethertype: int, frame: bytes, at: int, row: int, out: Columns
) -> None:
    """Decode from the network header on, and mark what is not known as undecoded."""
    if layers.is_ip(ethertype):
        _decode_ip(ethertype, frame, at, row, out)
    elif ethertype == ARP:
        arp.decode(frame, at, row, out)
    else:
        step = layers.decode(ethertype, frame, at, row, out)
        if step > 0:
            _decode_ip(step % layers.TYPES, frame, step // layers.TYPES, row, out)
        elif step == 0:
            out.status[row] |= _UNDECODED
        else:
            out.mark_truncated(row)


def _decode_ip(ethertype: int, frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode an IP packet, or the innermost one in it if that is wanted."""
    if out.decapsulate:
        step = tunnel.enter(ethertype, frame, at, row, out)
        if step:
            ethertype, at = step % layers.TYPES, step // layers.TYPES
    if ethertype == IPV4:
        start = ipv4.decode(frame, at, row, out)
    else:
        start = ipv6.decode(frame, at, row, out)
    if start >= 0:
        _decode_transport(frame, start, row, out)


def _decode_transport(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the transport header; an unknown protocol is all payload."""
    proto = out.proto[row]
    if proto == TCP:
        tcp.decode(frame, at, row, out)
    elif proto == UDP:
        udp.decode(frame, at, row, out)
        wireguard.note(frame, at + udp.HEADER, row, out)
    elif proto == ICMP:
        icmp.decode(frame, at, row, out)
    elif proto == ICMP6:
        icmpv6.decode(frame, at, row, out)
    elif at < out.end and at < out.limit:
        out.l4_offset[row] = at - out.start
        payload.decode(frame, at, row, out)
