"""What an IP header says beyond its fixed fields: IPv4 options, IPv6 extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import ipv4, ipv6

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUTERS = (
    *(ipv4.RECORD_ROUTE, ipv4.TIMESTAMP),
    *(ipv4.LOOSE_ROUTE, ipv4.STRICT_ROUTE),
)
_ROUTER_ALERT, _PADN, _FOUR = 148, 1, 4


def options(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and octets of each option or extension, in order.

    A fragment header is none of them: its fields have columns.
    """
    if datagram[0] >> 4 == ipv6.VERSION:
        yield from _extensions(datagram)
        return
    at, end = ipv4.HEADER, min(ipv4.header_bytes(datagram[0]), len(datagram))
    while at < end:
        size = ipv4.option_bytes(datagram, at, end)
        if datagram[at] == ipv4.EOL:
            size = end - at
        yield datagram[at], datagram[at : at + size]
        at += size


def _extensions(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    kind, at = datagram[ipv6.NEXT], ipv6.HEADER
    while ipv6.is_extension(kind):
        size = ipv6.extension_bytes(datagram, at, len(datagram), kind)
        if not size:
            return
        if kind != ipv6.FRAGMENT:
            yield kind, datagram[at : at + size]
        kind, at = datagram[at], at + size


def kinds(datagram: bytes) -> tuple[int, ...]:
    """Return the kinds of options or extensions, without what pads others."""
    padding = () if datagram[0] >> 4 == ipv6.VERSION else (ipv4.EOL, ipv4.NOP)
    found = tuple(kind for kind, _ in options(datagram))
    return tuple(kind for kind in found if kind not in padding) or found


def kept(datagram: bytes) -> str:
    """Return in hexadecimal what no router changes of them; "" where there are none.

    Of an option that routers fill in, that is its kind and size.
    """
    is_v4 = datagram[0] >> 4 == ipv4.VERSION
    return " ".join(
        f"{kind:02x}({len(data)})" if is_v4 and kind in _ROUTERS else data.hex()
        for kind, data in options(datagram)
    )


def added(datagram: bytes) -> bytes:
    """Return a datagram with one more: Router Alert (RFC 2113), Hop-by-Hop padding.

    Checksums are not recomputed.
    """
    head = bytearray(datagram)
    if datagram[0] >> 4 == ipv6.VERSION:
        extension = bytes((datagram[ipv6.NEXT], 0, _PADN, _FOUR, 0, 0, 0, 0))
        length = ipv6.LENGTH
        at, head[ipv6.NEXT] = ipv6.HEADER, ipv6.HOP_BY_HOP
    else:
        extension = bytes((_ROUTER_ALERT, _FOUR, 0, 0))
        length, at = ipv4.TOTAL, ipv4.header_bytes(datagram[0])
        head[0] += 1
    total = int.from_bytes(head[length : length + 2], "big") + len(extension)
    head[length : length + 2] = total.to_bytes(2, "big")
    return bytes(head[:at]) + extension + bytes(head[at:])


def flow_label(datagram: bytes) -> int:
    """Return the flow label; 0 of IPv4, which has none."""
    if datagram[0] >> 4 != ipv6.VERSION:
        return 0
    return int.from_bytes(datagram[:4], "big") & ipv6.FLOW_LABEL_BITS
