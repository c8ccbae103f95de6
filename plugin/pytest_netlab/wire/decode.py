"""One packet into one row of columns: the hot loop. Raises on no bytes whatever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
from pytest_netlab.wire.columns import Status

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

NULL: Final = 0
ETHERNET: Final = 1
LOOP: Final = 108
SLL: Final = 113
SLL2: Final = 276
_RAW: Final = (101, 12, 14, 228, 229)
RAW: Final = 101

_TRUNCATED = int(Status.TRUNCATED)
_UNDECODED = int(Status.UNDECODED)


def decode(frame: bytes, linktype: int, wirelen: int, row: int, out: Columns) -> None:
    """Decode a packet of this link type into the row, as far as it makes sense."""
    out.caplen[row] = len(frame)
    out.wirelen[row] = wirelen
    if len(frame) < wirelen:
        out.status[row] |= _TRUNCATED
    at = _decode_link(frame, linktype, row, out)
    if at < 0:
        return
    ethertype = out.ethertype[row]
    if linktype in _RAW:
        is_v6 = frame and frame[0] >> 4 == ipv6.VERSION
        ethertype = ethernet.IPV6 if is_v6 else ethernet.IPV4
    _decode_network(ethertype, frame, at, row, out)


def _decode_link(frame: bytes, linktype: int, row: int, out: Columns) -> int:
    """Decode the link header; return where the next one starts, -1 if nowhere."""
    if linktype == ETHERNET:
        return ethernet.decode(frame, 0, row, out)
    if linktype in _RAW:
        return 0
    if linktype == SLL:
        return cooked.decode(frame, 0, row, out)
    if linktype == SLL2:
        return cooked.decode_v2(frame, 0, row, out)
    if linktype in (NULL, LOOP):
        return loopback.decode(frame, 0, row, out)
    out.status[row] |= _UNDECODED
    return -1


def _decode_network(
    ethertype: int, frame: bytes, at: int, row: int, out: Columns
) -> None:
    """Decode from the network header on; a snapped packet ends at its wire length."""
    end = max(out.wirelen[row], len(frame))
    if ethertype == ethernet.IPV4:
        start = ipv4.decode(frame, at, end, row, out)
    elif ethertype == ethernet.IPV6:
        start = ipv6.decode(frame, at, end, row, out)
    else:
        _decode_other(ethertype, frame, at, row, out)
        return
    if start:
        _decode_transport(frame, start, row, out)


def _decode_other(
    ethertype: int, frame: bytes, at: int, row: int, out: Columns
) -> None:
    """Decode what is not IP."""
    if ethertype == ethernet.ARP:
        arp.decode(frame, at, row, out)
    else:
        out.status[row] |= _UNDECODED


def _decode_transport(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the transport header; others than these are all payload."""
    proto = out.proto[row]
    end = at + out.payload_len[row]
    if proto == tcp.PROTO:
        tcp.decode(frame, at, end, row, out)
    elif proto == udp.PROTO:
        udp.decode(frame, at, end, row, out)
    elif proto == icmp.PROTO:
        icmp.decode(frame, at, end, row, out)
    elif proto == icmpv6.PROTO:
        icmpv6.decode(frame, at, end, row, out)
    elif at < end and at < len(frame):
        out.l4_offset[row] = at
        payload.decode(frame, at, end, row, out)
