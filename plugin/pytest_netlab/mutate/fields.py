"""The fields of a packet, where they are, and other values. Changes bytes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, is_error
from pytest_netlab.wire import ethernet, icmp, ipv4, ipv6, tcp, udp
from pytest_netlab.wire.fill import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture, Frame

MACS = ("source MAC", "destination MAC")
_OPTIONS = {
    tcp.MSS: "mss",
    tcp.WSCALE: "wscale",
    tcp.SACK_OK: "sackOK",
    tcp.SACK: "sack",
    tcp.TIMESTAMPS: "timestamps",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Some bits of a frame.

    Attributes:
        name: of the field.
        at: the offset of its first byte in the frame.
        size: in bytes.
        mask: its bits within these bytes.
        repaired: a change recomputes checksums, as a host does that alters a packet;
            False leaves the packet corrupted.
        embedded: the offset of the embedded IPv4 header that the field is in, whose
            checksum is recomputed too; 0 for none.

    """

    name: str
    at: int
    size: int
    mask: int
    repaired: bool = True
    embedded: int = 0

    def values(self, frame: bytes) -> Iterator[int]:
        """Yield other values: with the lowest bit flipped, then with the highest."""
        old = int.from_bytes(frame[self.at : self.at + self.size], "big")
        low, high = self.mask & -self.mask, 1 << (self.mask.bit_length() - 1)
        for bit in dict.fromkeys((low, high)):
            yield old ^ bit

    def put(self, frame: bytes, value: int, ip_at: int) -> bytes:
        """Return the frame with another value here."""
        changed = bytearray(frame)
        changed[self.at : self.at + self.size] = value.to_bytes(self.size, "big")
        if not self.repaired:
            return bytes(changed)
        return repaired(bytes(changed), ip_at, self.embedded)


def repaired(frame: bytes, ip_at: int, embedded: int = 0) -> bytes:
    """Return a frame with checksums recomputed; as it is if its header is damaged."""
    if embedded:
        frame = frame[:embedded] + ipv4.fill_header(frame[embedded:])
    try:
        return frame[:ip_at] + fill(frame[ip_at:])
    except (ValueError, IndexError):
        return frame


def replaced(frame: Frame, data: bytes) -> Frame:
    """Return a frame with other bytes, truncated by as many as before."""
    missing = frame.wirelen - len(frame.data)
    return frame._replace(data=data, wirelen=len(data) + missing)


def fields(capture: Capture, row: int) -> Iterator[Field]:
    """Yield every field of an IP packet that has a meaning of its own."""
    ip_at, l4 = int(capture.ip_offset[row]), int(capture.l4_offset[row])
    yield from _shifted(_ETHERNET, 0)
    version = int(capture.ip_version[row])
    yield from _shifted(_IPV6 if version == ipv6.VERSION else _IPV4, ip_at)
    proto = int(capture.proto[row])
    if is_error(capture, row):
        yield from _error(capture, row, l4)
        return
    yield from _shifted(_TRANSPORT.get(proto, ()), l4)
    if proto == TCP:
        yield from _tcp_options(capture[row].bytes, l4)
    if capture.payload_len[row]:
        at = int(capture.payload_offset[row])
        yield Field("payload", at, 1, 0xFF)
        yield Field("corrupted payload", at, 1, 0xFF, repaired=False)


def _shifted(table: tuple[Field, ...], by: int) -> Iterator[Field]:
    for field in table:
        yield Field(field.name, field.at + by, field.size, field.mask, field.repaired)


def _error(capture: Capture, row: int, l4: int) -> Iterator[Field]:
    """Yield the fields of an ICMP error, and of the packet embedded in it."""
    yield from _shifted(_ICMP_ERROR, l4)
    embedded = l4 + icmp.HEADER
    frame = capture[row].bytes
    is_v6 = frame[embedded] >> 4 == ipv6.VERSION
    table = _IPV6 if is_v6 else _IPV4
    end = embedded + (ipv6.HEADER if is_v6 else ipv4.header_bytes(frame[embedded]))
    transport = _PORTS if capture.quoted_proto[row] in (TCP, UDP) else _QUERY
    for field in (*_shifted(table, embedded), *_shifted(transport, end)):
        filled = 0 if is_v6 or field.name == "ip checksum" else embedded
        name = f"quoted {field.name}"
        yield Field(name, field.at, field.size, field.mask, embedded=filled)


def _tcp_options(frame: bytes, l4: int) -> Iterator[Field]:
    """Yield each option's kind, and its value if it has one."""
    at, raw = l4 + tcp.HEADER, tcp.raw_options(frame, l4)
    for kind, value in tcp.options(raw):
        name = _OPTIONS.get(kind, f"option {kind}")
        if kind == tcp.NOP:
            yield Field("nop option", at, 1, 0xFF)
            at += 1
            continue
        yield Field(f"{name} kind", at, 1, 0xFF)
        if value:
            yield Field(f"{name} value", at + 2, len(value), (1 << 8 * len(value)) - 1)
        at += 2 + len(value)


_MAC = (1 << 48) - 1
_ETHERNET = (
    Field("ethertype", ethernet.TYPE, 2, 0xFFFF),
    Field(MACS[0], 6, 6, _MAC),
    Field(MACS[1], 0, 6, _MAC),
)
_IPV4 = (
    Field("ip version", 0, 1, 0xF0),
    Field("header length", 0, 1, 0x0F),
    Field("dscp", ipv4.TOS, 1, 0xFC),
    Field("ecn", ipv4.TOS, 1, 0x03),
    Field("total length", ipv4.TOTAL, 2, 0x00FF),
    Field("ip id", ipv4.ID, 2, 0xFFFF),
    Field("reserved flag", ipv4.FRAGMENT, 1, 0x80),
    Field("DF", ipv4.FRAGMENT, 1, 0x40),
    Field("MF", ipv4.FRAGMENT, 1, 0x20),
    Field("fragment offset", ipv4.FRAGMENT, 2, ipv4.OFFSET_BITS),
    Field("ttl", ipv4.TTL, 1, 0xFF),
    Field("protocol", ipv4.PROTOCOL, 1, 0x7F),
    Field("ip checksum", ipv4.CHECKSUM, 2, 0xFFFF, repaired=False),
    Field("source address", ipv4.SRC, 4, 0x00FFFFFF),
    Field("destination address", ipv4.DST, 4, 0x00FFFFFF),
)
_ADDRESS6 = (1 << 128) - 1
_IPV6 = (
    Field("ip version", 0, 1, 0xF0),
    Field("dscp", 0, 2, 0x0FC0),
    Field("ecn", 0, 2, 0x0030),
    Field("flow label", 1, 3, 0x0FFFFF),
    Field("payload length", ipv6.LENGTH, 2, 0x00FF),
    Field("protocol", ipv6.NEXT, 1, 0x7F),
    Field("ttl", ipv6.HOPS, 1, 0xFF),
    Field("source address", ipv6.SRC, 16, _ADDRESS6 >> 8),
    Field("destination address", ipv6.DST, 16, _ADDRESS6 >> 8),
)
_PORTS = (
    Field("source port", udp.SPORT, 2, 0xFFFF),
    Field("destination port", udp.DPORT, 2, 0xFFFF),
)
_FLAGS = (
    *(("FIN", tcp.FIN), ("SYN", tcp.SYN), ("RST", tcp.RST), ("PSH", tcp.PSH)),
    *(("ACK", tcp.ACK), ("URG", tcp.URG), ("ECE", tcp.ECE), ("CWR", tcp.CWR)),
    ("AE", tcp.AE),
)
_ICMP = (
    Field("icmp type", icmp.TYPE, 1, 0xFF),
    Field("icmp code", icmp.CODE, 1, 0xFF),
    Field("l4 checksum", icmp.CHECKSUM, 2, 0xFFFF, repaired=False),
)
_QUERY = (
    Field("icmp id", icmp.ID, 2, 0xFFFF),
    Field("icmp seq", icmp.SEQ, 2, 0xFFFF),
)
_ECHO = (*_ICMP, *_QUERY)
_ICMP_ERROR = (
    *_ICMP,
    Field("icmp unused", icmp.ID, 2, 0xFFFF),
    Field("mtu", icmp.MTU, 2, 0xFFFF),
)
_TRANSPORT = {
    ICMP: _ECHO,
    ICMP6: _ECHO,
    UDP: (
        *_PORTS,
        Field("udp length", udp.LENGTH, 2, 0x00FF),
        Field("l4 checksum", udp.CHECKSUM, 2, 0xFFFF, repaired=False),
    ),
    TCP: (
        *_PORTS,
        Field("tcp seq", tcp.SEQ, 4, 0xFFFFFFFF),
        Field("tcp ack", tcp.ACK_NUMBER, 4, 0xFFFFFFFF),
        Field("data offset", tcp.OFFSET, 1, 0xF0),
        Field("reserved bits", tcp.OFFSET, 2, tcp.RESERVED),
        *(Field(f"{name} flag", tcp.OFFSET, 2, bit) for name, bit in _FLAGS),
        Field("tcp window", tcp.WINDOW, 2, 0xFFFF),
        Field("l4 checksum", tcp.CHECKSUM, 2, 0xFFFF, repaired=False),
        Field("urgent pointer", tcp.URGENT, 2, 0xFFFF),
    ),
}
