"""The fields of a packet, where they are, and what is put there. Changes bytes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, is_error
from pytest_netlab.wire import ipv4, tcp
from pytest_netlab.wire.fill import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture, Frame

_ICMP_HEADER, _IPV6_HEADER, _WORD, _V6 = 8, 40, 4, 6
_OPTIONS = {2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 8: "timestamps"}


@dataclass(frozen=True, slots=True)
class Field:
    """Some bits of a frame: `at` counts from its start, `mask` within `size` bytes.

    `repaired` says that checksums are made right again, as a host does that alters a
    packet; a field that is left as it is was corrupted. `quote` is where the quoted
    IPv4 header begins that this field is in, whose checksum is made right too.
    """

    name: str
    at: int
    size: int
    mask: int
    repaired: bool = True
    quote: int = 0

    def values(self, frame: bytes) -> Iterator[int]:
        """Yield other values: the lowest bit turned, then the highest."""
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
        return repaired(bytes(changed), ip_at, self.quote)


def repaired(frame: bytes, ip_at: int, quote: int = 0) -> bytes:
    """Return a frame with every checksum right; one without a sane header as it is."""
    if quote:
        frame = frame[:quote] + ipv4.fill_header(frame[quote:])
    try:
        return frame[:ip_at] + fill(frame[ip_at:])
    except (ValueError, IndexError):
        return frame


def replaced(frame: Frame, data: bytes) -> Frame:
    """Return a frame with other bytes, cut no more and no less than it was."""
    missing = frame.wirelen - len(frame.data)
    return frame._replace(data=data, wirelen=len(data) + missing)


def fields(capture: Capture, row: int) -> Iterator[Field]:
    """Yield every field of an IP packet that has a meaning of its own."""
    ip_at, l4 = int(capture.ip_offset[row]), int(capture.l4_offset[row])
    yield from _shifted(_ETHERNET, 0)
    version = int(capture.ip_version[row])
    yield from _shifted(_IPV6 if version == _V6 else _IPV4, ip_at)
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
    """Yield the fields of an ICMP error, and of the header that it quotes."""
    yield from _shifted(_ICMP_ERROR, l4)
    quote = l4 + _ICMP_HEADER
    frame = capture[row].bytes
    is_v6 = frame[quote] >> 4 == _V6
    table = _IPV6 if is_v6 else _IPV4
    end = quote + (_IPV6_HEADER if is_v6 else (frame[quote] & 0x0F) * _WORD)
    ports = (
        Field("source port", 0, 2, 0xFFFF),
        Field("destination port", 2, 2, 0xFFFF),
    )
    echo = (Field("icmp id", 4, 2, 0xFFFF), Field("icmp seq", 6, 2, 0xFFFF))
    transport = ports if capture.quoted_proto[row] in (TCP, UDP) else echo
    for field in (*_shifted(table, quote), *_shifted(transport, end)):
        filled = 0 if is_v6 or field.name == "ip checksum" else quote
        name = f"quoted {field.name}"
        yield Field(name, field.at, field.size, field.mask, quote=filled)


def _tcp_options(frame: bytes, l4: int) -> Iterator[Field]:
    """Yield the kind and the value of each option that has one."""
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
    Field("destination MAC", 0, 6, _MAC),
    Field("source MAC", 6, 6, _MAC),
)
_IPV4 = (
    Field("dscp", 1, 1, 0xFC),
    Field("ecn", 1, 1, 0x03),
    Field("total length", 2, 2, 0x00FF),
    Field("ip id", 4, 2, 0xFFFF),
    Field("DF", 6, 1, 0x40),
    Field("MF", 6, 1, 0x20),
    Field("fragment offset", 6, 2, 0x1FFF),
    Field("ttl", 8, 1, 0xFF),
    Field("protocol", 9, 1, 0x7F),
    Field("ip checksum", 10, 2, 0xFFFF, repaired=False),
    Field("source address", 12, 4, 0x00FFFFFF),
    Field("destination address", 16, 4, 0x00FFFFFF),
)
_ADDRESS6 = (1 << 128) - 1
_IPV6 = (
    Field("dscp", 0, 2, 0x0FC0),
    Field("ecn", 0, 2, 0x0030),
    Field("flow label", 1, 3, 0x0FFFFF),
    Field("protocol", 6, 1, 0x7F),
    Field("ttl", 7, 1, 0xFF),
    Field("source address", 8, 16, _ADDRESS6 >> 8),
    Field("destination address", 24, 16, _ADDRESS6 >> 8),
)
_PORTS = (
    Field("source port", 0, 2, 0xFFFF),
    Field("destination port", 2, 2, 0xFFFF),
)
_FLAGS = (
    *(("FIN", 0x001), ("SYN", 0x002), ("RST", 0x004), ("PSH", 0x008), ("ACK", 0x010)),
    *(("URG", 0x020), ("ECE", 0x040), ("CWR", 0x080), ("AE", 0x100)),
)
_ECHO = (
    Field("icmp type", 0, 1, 0xFF),
    Field("icmp code", 1, 1, 0xFF),
    Field("l4 checksum", 2, 2, 0xFFFF, repaired=False),
    Field("icmp id", 4, 2, 0xFFFF),
    Field("icmp seq", 6, 2, 0xFFFF),
)
_ICMP_ERROR = (
    Field("icmp type", 0, 1, 0xFF),
    Field("icmp code", 1, 1, 0xFF),
    Field("l4 checksum", 2, 2, 0xFFFF, repaired=False),
    Field("mtu", 6, 2, 0xFFFF),
)
_TRANSPORT = {
    ICMP: _ECHO,
    ICMP6: _ECHO,
    UDP: (*_PORTS, Field("l4 checksum", 6, 2, 0xFFFF, repaired=False)),
    TCP: (
        *_PORTS,
        Field("tcp seq", 4, 4, 0xFFFFFFFF),
        Field("tcp ack", 8, 4, 0xFFFFFFFF),
        *(Field(f"{name} flag", 12, 2, bit) for name, bit in _FLAGS),
        Field("tcp window", 14, 2, 0xFFFF),
        Field("l4 checksum", 16, 2, 0xFFFF, repaired=False),
        Field("urgent pointer", 18, 2, 0xFFFF),
    ),
}
