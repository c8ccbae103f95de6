"""One packet of every kind a tap may see, for oracles and fuzzers.

Knows how packets are built and broken; knows no file and no decoder.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Unpack

from pytest_netlab.wire import (
    arp,
    assigned,
    ethernet,
    icmp,
    icmpv6,
    ipv4,
    ipv6,
    tcp,
    udp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

A, B, ROUTER = "172.17.0.2", "10.0.0.1", "172.17.0.1"
A6, B6, ROUTER6 = "2001:db8::2", "2001:db8:1::1", "fe80::1"
MACS = ("02:42:ac:11:00:02", "02:42:ac:11:00:01")
NOBODY = "00:00:00:00:00:00"
OPTIONS = bytes.fromhex("020405b40402080a0000002a0000000001030307")
RECORD_ROUTE = bytes.fromhex("0707040000000000")
HOPS, ROUTING, FRAGMENT, AH, DESTINATION = 0, 43, 44, 51, 60
GRE, ESP, SCTP, OSPF, NOTHING = 47, 50, 132, 89, 59
ETHERNET, RAW, SLL, NULL, LOOP, SLL2 = 1, 101, 113, 0, 108, 276
LINKTYPES = (ETHERNET, RAW, SLL, NULL, LOOP, SLL2)
ANYONE = 0x0A000009
_AF_INET, _AF_INET6 = 2, 30


def _udp(data: bytes = b"abc", **header: Unpack[ipv4.Header]) -> bytes:
    return ipv4.build(A, B, 17, udp.build(A, B, 43210, 9999, data), **header)


def _tcp(flags: int, data: bytes = b"", options: bytes = b"") -> bytes:
    segment = tcp.build(
        A, B, 43210, 8888, data, seq=0x89ABCDEF, ack=7, flags=flags, options=options
    )
    return ipv4.build(A, B, 6, segment, ip_id=0xBEEF, tos=0x2E, ttl=63)


def _v6(proto: int, payload: bytes, **header: Unpack[ipv6.Header]) -> bytes:
    return ipv6.build(A6, B6, proto, payload, **header)


def _udp6(data: bytes = b"abc") -> bytes:
    return udp.build(A6, B6, 43210, 9999, data)


def _extension(following: int, fill: bytes = bytes(6)) -> bytes:
    return bytes((following, (len(fill) + 2) // 8 - 1)) + fill


def _patched(datagram: bytes, at: int, value: bytes) -> bytes:
    return datagram[:at] + value + datagram[at + len(value) :]


def _partial(datagram: bytes, header: int, field: int, proto: int) -> bytes:
    """Return the datagram with only the pseudo-header's sum in its checksum field."""
    addresses = datagram[8:40] if header == ipv6.HEADER else datagram[12:20]
    length = len(datagram) - header
    total = sum(memoryview(addresses + pack(">HH", proto, length)).cast("H"))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return _patched(datagram, header + field, total.to_bytes(2, "little"))


def _errors() -> Iterator[tuple[str, bytes]]:
    """Yield ICMP errors: of each type, about each protocol, cut at each place."""
    echo = ipv4.build(A, B, 1, icmp.build_echo(8, 77, 5, bytes(8)), ip_id=3)
    quotes = {
        "udp": _udp(ttl=1, ip_id=9),
        "tcp": _tcp(tcp.SYN, options=OPTIONS),
        "echo": echo,
        "gre": ipv4.build(A, B, GRE, bytes(8)),
        "options": _udp(options=RECORD_ROUTE),
        "fragment": _udp(frag_offset=64, mf=True, df=False),
    }
    for name, quoted in quotes.items():
        for kind, code, rest in ((3, 3, 0), (3, 4, 1400), (4, 0, 0), (5, 1, ANYONE)):
            body = icmp.build_error(kind, code, quoted, rest)
            yield f"{name} {kind}/{code}", ipv4.build(ROUTER, A, 1, body, tos=0xC0)
        for size in (0, 19, 20, 22, 24, 28):
            body = icmp.build_error(11, 0, quoted[:size])
            yield f"{name} cut to {size}", ipv4.build(ROUTER, A, 1, body)
    body = icmp.build_error(12, 0, quotes["udp"], 8 << 24)
    yield "parameter problem", ipv4.build(ROUTER, A, 1, body)


def _errors6() -> Iterator[tuple[str, bytes]]:
    """Yield ICMPv6 errors: of each type, about each protocol, cut at each place."""
    echo = icmpv6.build_echo(A6, B6, 128, 78, 6, bytes(8))
    quotes = {
        "udp": _v6(17, _udp6(), ttl=1),
        "tcp": _v6(6, tcp.build(A6, B6, 43210, 8888, flags=tcp.SYN)),
        "echo": _v6(58, echo),
        "hops": _v6(HOPS, _extension(17) + _udp6()),
        "fragment": _v6(FRAGMENT, pack(">BBHI", 17, 0, 64 | 1, 5) + bytes(16)),
    }
    for name, quoted in quotes.items():
        for kind, code, rest in ((1, 4, 0), (2, 0, 1280), (3, 0, 0), (4, 0, 6)):
            message = rest.to_bytes(4, "big") + quoted
            body = icmpv6.build(ROUTER6, A6, kind, code, message)
            yield f"{name} {kind}/{code}", ipv6.build(ROUTER6, A6, 58, body)
        for size in (0, 39, 40, 42, 44, 48):
            body = icmpv6.build(ROUTER6, A6, 3, 0, bytes(4) + quoted[:size])
            yield f"{name} cut to {size}", ipv6.build(ROUTER6, A6, 58, body)


def _transports() -> dict[str, bytes]:
    """Return IPv4 datagrams, one a transport and state of it."""
    push = tcp.PSH | tcp.ACK
    every = tcp.URG | tcp.ECE | tcp.CWR | tcp.AE | tcp.SYN
    good = _udp()
    return {
        "syn": _tcp(tcp.SYN, options=OPTIONS),
        "ack": _tcp(tcp.ACK),
        "data": _tcp(push, b"GET /"),
        "odd data": _tcp(push, b"GET / ", options=OPTIONS[:4]),
        "every flag": _tcp(every),
        "rst": _tcp(tcp.RST),
        "no flag": _tcp(0),
        "tcp partial": _partial(_tcp(push, b"x" * 40), 20, 16, 6),
        "tcp bad": _patched(_tcp(tcp.ACK), 36, b"\x12\x34"),
        "udp": good,
        "udp empty": _udp(b""),
        "udp zero": _patched(good, 26, b"\0\0"),
        "udp bad": _patched(good, 26, b"\x12\x34"),
        "udp partial": _partial(good, 20, 6, 17),
        "udp trailing": _patched(_udp(b"abcdef"), 24, b"\0\x0b"),
        "echo": ipv4.build(A, B, 1, icmp.build_echo(8, 7, 1, bytes(56))),
        "echo reply": ipv4.build(B, A, 1, icmp.build_echo(0, 7, 1, bytes(55) + b"x")),
        "timestamp": ipv4.build(A, B, 1, icmp.build(13, rest=7, payload=bytes(12))),
        "icmp bad": _patched(ipv4.build(A, B, 1, icmp.build_echo(8, 7, 1)), 22, b"no"),
        "gre": ipv4.build(A, B, GRE, b"\0\0\x88\xb5" + bytes(16)),
        "sctp": ipv4.build(A, B, SCTP, pack(">HHII", 1000, 2000, 5, 0) + bytes(8)),
        "esp": ipv4.build(A, B, ESP, bytes(24)),
        "igmp": ipv4.build(A, "224.0.0.22", 2, b"\x11\0\xee\xff\0\0\0\0"),
        "reserved": ipv4.build(A, B, 255, b"abc"),
    }


def _headers() -> dict[str, bytes]:
    """Return IPv4 datagrams, one a state of the IP header."""
    jumbo = _udp(bytes(range(256)) * 34)
    super_frame = ipv4.build(
        A, B, 6, tcp.build(A, B, 43210, 8888, bytes(70_000), flags=tcp.ACK)
    )
    return {
        "options": _udp(options=RECORD_ROUTE),
        "all options": _udp(options=b"\x01" * 39 + b"\0"),
        "first fragment": _udp(bytes(24), mf=True, df=False, ip_id=77),
        "middle fragment": _udp(bytes(24), mf=True, df=False, frag_offset=32),
        "last fragment": _udp(bytes(20), df=False, frag_offset=64, ip_id=77),
        "far fragment": _udp(df=False, frag_offset=65528, ip_id=0xFFFF),
        "tos": _udp(tos=0xFF, ttl=255, ip_id=0xFFFF),
        "ttl 0": _udp(ttl=0),
        "bad sum": _patched(_udp(), 10, b"\x12\x34"),
        "jumbo": jumbo,
        "total 0": _patched(_tcp(tcp.ACK, b"GET /"), 2, b"\0\0"),
        "super-frame": super_frame,
    }


def _datagrams6() -> dict[str, bytes]:
    """Return IPv6 datagrams."""
    segment = tcp.build(A6, B6, 43210, 8888, b"GET /", flags=tcp.PSH | tcp.ACK)
    good, route = _v6(17, _udp6()), bytes.fromhex("0001") + bytes(4)
    routed = pack(">BBI", 0, 1, 0) + bytes(16)
    ah = pack(">BBHII", 17, 4, 0, 1, 1) + bytes(12)
    return {
        "udp6": _v6(17, _udp6(), tos=0xFF, ttl=255, flow_label=0xFFFFF),
        "tcp6": _v6(6, segment, tos=0x2E),
        "echo6": _v6(58, icmpv6.build_echo(A6, B6, 128, 7, 1, bytes(56))),
        "echo reply6": _v6(58, icmpv6.build_echo(A6, B6, 129, 7, 1)),
        "solicitation": _v6(58, icmpv6.build(A6, B6, 135, 0, bytes(20)), ttl=255),
        "udp6 partial": _partial(good, 40, 6, 17),
        "udp6 zero": _patched(good, 46, b"\0\0"),
        "udp6 bad": _patched(good, 46, b"\x12\x34"),
        "tcp6 partial": _partial(_v6(6, segment), 40, 16, 6),
        "hop by hop": _v6(HOPS, _extension(17, b"\5\2\0\0\1\0") + _udp6()),
        "destination": _v6(DESTINATION, _extension(17, b"\1\4" + bytes(4)) + _udp6()),
        "long options": _v6(
            DESTINATION, _extension(17, b"\1\x0c" + bytes(12)) + _udp6()
        ),
        "routed": _v6(ROUTING, _extension(17, bytes(6)) + _udp6()),
        "to be routed": _v6(ROUTING, _extension(17, routed) + _udp6()),
        "unknown routing": _v6(ROUTING, _extension(17, route) + _udp6()),
        "ah": _v6(AH, ah + _udp6()),
        "first fragment6": _v6(FRAGMENT, pack(">BBHI", 17, 0, 1, 5) + _udp6(bytes(24))),
        "last fragment6": _v6(FRAGMENT, pack(">BBHI", 17, 0, 32, 5) + bytes(24)),
        "atomic fragment": _v6(FRAGMENT, pack(">BBHI", 17, 0, 0, 5) + _udp6()),
        "chain": _v6(
            HOPS,
            _extension(DESTINATION, b"\1\4" + bytes(4))
            + _extension(FRAGMENT, b"\1\4" + bytes(4))
            + pack(">BBHI", 6, 0, 0, 9)
            + segment,
        ),
        "no next": _v6(NOTHING, b""),
        "ospf6": _v6(OSPF, b"\3\1" + bytes(14)),
        "gre6": _v6(GRE, b"\0\0\x88\xb5" + bytes(16)),
    }


DATAGRAMS: dict[str, bytes] = {
    **_transports(),
    **_headers(),
    **_datagrams6(),
    **{f"error {name}": made for name, made in _errors()},
    **{f"error6 {name}": made for name, made in _errors6()},
}


def _links() -> dict[str, bytes]:
    """Return Ethernet frames of everything that is not plain IP."""
    plain = ethernet.build(*MACS, _udp())
    ask = arp.build(1, A, ROUTER, MACS[0], NOBODY)
    tell = arp.build(2, ROUTER, A, MACS[1], MACS[0])
    dst, src = bytes(6), bytes.fromhex("020304050607")
    return {
        "arp request": ethernet.build(*MACS, ask, ethertype=0x0806),
        "arp reply, padded": ethernet.build(*MACS, tell, ethertype=0x0806) + bytes(18),
        "vlan": ethernet.tagged(plain, 9),
        "vlan with priority": ethernet.tagged(plain, 0xE000 | 4095),
        "vlan 0": ethernet.tagged(plain, 0),
        "double vlan": ethernet.tagged(ethernet.tagged(plain, 5), 6),
        "qinq": plain[:12] + b"\x88\xa8\0\x07" + ethernet.tagged(plain, 8)[12:],
        "vlan arp": ethernet.build(*MACS, ask, ethertype=0x0806, vlan=3),
        "padded": plain + bytes(60 - len(plain)),
        "trailer": ethernet.build(*MACS, _tcp(tcp.ACK)) + b"\xde\xad\xbe\xef" * 4,
        "padded6": ethernet.build(*MACS, _v6(17, _udp6()), ethertype=0x86DD) + b"\0\0",
        "llc": dst + src + b"\0\x03\x42\x42\x03" + bytes(43),
        "unknown": ethernet.build(*MACS, b"whatever", ethertype=0x88B5),
        "nothing": ethernet.build(*MACS, b"", ethertype=0x88B5),
    }


def linked(datagram: bytes, linktype: int) -> bytes:
    """Return an IP datagram behind the header of a link type."""
    is_v6 = datagram[0] >> 4 == ipv6.VERSION
    ethertype = assigned.IPV6 if is_v6 else assigned.IPV4
    family = _AF_INET6 if is_v6 else _AF_INET
    source = bytes.fromhex("0242ac110002")
    heads = {
        RAW: b"",
        SLL: pack(">HHH6s2xH", 4 if is_v6 else 0, 1, 6, source, ethertype),
        SLL2: pack(">HHIHBB6s2x", ethertype, 0, 3, 1, 4 if is_v6 else 0, 6, source),
        NULL: pack("<I", family),
        LOOP: pack(">I", family),
    }
    if linktype == ETHERNET:
        return ethernet.build(*MACS, datagram, ethertype=ethertype)
    return heads[linktype] + datagram


def frames(linktype: int = ETHERNET) -> dict[str, bytes]:
    """Return every crafted packet as a tap of this link type sees it."""
    made = {name: linked(datagram, linktype) for name, datagram in DATAGRAMS.items()}
    return {**made, **_links()} if linktype == ETHERNET else made
