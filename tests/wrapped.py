"""One packet in every header that is removed: links, sessions, labels, tunnels.

Knows how headers are put around a packet; knows no decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack
from typing import TYPE_CHECKING

from tests.crafted import ETHERNET, MACS, RAW, SLL, SLL2

from pytest_netlab.wire import (
    Encapsulation,
    ethernet,
    geneve,
    ipv4,
    ipv6,
    mpls,
    nflog,
    ppp,
    pppoe,
    udp,
    vxlan,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OUTER, OUTER6 = ("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")
PPP, PPP_HDLC, PPP_ETHER, C_HDLC, PPP_DIRECTED, NFLOG = 9, 50, 51, 104, 204, 239
V4, V6, LABELS, SESSION, BRIDGED, ERSPAN = (
    *(0x0800, 0x86DD, 0x8847, 0x8864),
    *(0x6558, 0x88BE),
)
E = Encapsulation
NOTHING = E(0)


@dataclass(frozen=True, kw_only=True)
class Datagram:
    """A UDP datagram of one side."""

    src: str = "10.0.0.5"
    dst: str = "198.51.100.10"
    sport: int = 5000
    dport: int = 6000
    ttl: int = 64

    def packet(self, number: int) -> bytes:
        """Return one of several that differ in their id and what they carry."""
        data = f"datagram {number}".encode()
        ports = self.sport, self.dport
        datagram = udp.build(self.src, self.dst, *ports, data)
        head = ipv4.Header(ttl=self.ttl, ip_id=700 + number)
        return ipv4.build(self.src, self.dst, 17, datagram, **head)


@dataclass(frozen=True)
class Layer:
    """What is around a packet.

    Attributes:
        frame: puts it around an IPv4 packet.
        flags: what a row of such a frame says that was removed.
        linktype: of the frame.

    """

    frame: Callable[[bytes], bytes]
    flags: Encapsulation = NOTHING
    linktype: int = ETHERNET


def many(datagram: Datagram, wrap: Callable[[bytes], bytes]) -> list[bytes]:
    """Return three frames."""
    return [wrap(datagram.packet(number)) for number in range(3)]


def frame(ethertype: int, body: bytes) -> bytes:
    """Return an Ethernet frame."""
    return ethernet.build(*MACS, body, ethertype=ethertype)


def bare(packet: bytes) -> bytes:
    """Return a packet, of either version, in a frame with nothing between."""
    return frame(V6 if packet[0] >> 4 == ipv6.VERSION else V4, packet)


def tagged(body: bytes, *tags: tuple[int, int]) -> bytes:
    """Return a frame with tags, each a tpid and an id, the outermost first."""
    for tpid, tag in reversed(tags):
        body = ethernet.tagged(body, tag, tpid=tpid)
    return body


def session(packet: bytes, number: int = ppp.IP_V4) -> bytes:
    """Return a frame of a PPPoE session."""
    return frame(SESSION, pppoe.build(17, ppp.build(number, packet)))


def short(packet: bytes) -> bytes:
    """Return a frame of a session whose protocol is compressed to one octet."""
    return frame(SESSION, pppoe.build(17, b"\x21" + packet))


def labelled(packet: bytes, *labels: int) -> bytes:
    """Return a frame with these labels."""
    return frame(LABELS, mpls.build(labels, packet))


def carried(proto: int, body: bytes, *, v6: bool = False) -> bytes:
    """Return an outer packet of a tunnel, in a frame."""
    return bare(outer(proto, body, v6=v6))


def outer(proto: int, body: bytes, *, v6: bool = False) -> bytes:
    """Return an outer packet of a tunnel."""
    if v6:
        return ipv6.build(*OUTER6, proto, body, ttl=33)
    return ipv4.build(*OUTER, proto, body, ttl=33, ip_id=9, tos=0x2E)


def datagram(port: int, body: bytes, *, v6: bool = False) -> bytes:
    """Return an outer UDP datagram, in a frame."""
    return bare(sent(port, body, v6=v6))


def sent(port: int, body: bytes, *, v6: bool = False) -> bytes:
    """Return an outer UDP datagram."""
    ends = OUTER6 if v6 else OUTER
    return outer(17, udp.build(*ends, 43210, port, body), v6=v6)


def gre(flags: int, kind: int, body: bytes) -> bytes:
    """Return a GRE header with what its flags announce, around a body."""
    words = sum(flags >> bit & 1 for bit in (15, 13, 12))
    return pack(">HH", flags, kind) + b"\0\0\0\7" * words + body


def extended(packet: bytes) -> bytes:
    """Return a packet in IPv6 with the limit that Linux adds (RFC 2473, 4.1.1)."""
    limit = bytes((4, 0, 4, 1, 4, 1, 0, 0))
    return bare(ipv6.build(*OUTER6, 60, limit + packet))


def logged(packet: bytes) -> bytes:
    """Return a packet as NFLOG has it, where it is forwarded from 5 to 7."""
    about = (1, pack(">HBB", V4, 2, 0))
    devices = ((4, pack(">I", 5)), (5, pack(">I", 7)))
    return nflog.build(2, packet, about, (10, b"mark\0"), *devices)


def swapped(packet: bytes) -> bytes:
    """Return a packet as NFLOG has it on a big-endian host, on its way out."""
    about = pack(">HHHBB", 8, 1, V4, 4, 0)
    device = pack(">HHI", 8, 5, 9)
    head = pack(">HH", 4 + len(packet), 9)
    return b"\x02\0\0\0" + about + device + head + packet


LINKED: dict[str, Layer] = {
    "nothing": Layer(bare),
    "vlan": Layer(lambda p: tagged(bare(p), (0x8100, 7))),
    "802.1ad": Layer(lambda p: tagged(bare(p), (0x88A8, 7), (0x8100, 8))),
    "802.1ad alone": Layer(lambda p: tagged(bare(p), (0x88A8, 7))),
    "old qinq": Layer(lambda p: tagged(bare(p), (0x9100, 7), (0x9100, 8), (0x8100, 9))),
    "snap": Layer(lambda p: ethernet.build_snap(*MACS, p)),
    "vlan snap": Layer(
        lambda p: tagged(ethernet.build_snap(*MACS, p), (0x8100, 7)), NOTHING
    ),
    "pppoe": Layer(session, E.PPPOE),
    "pppoe, short": Layer(short, E.PPPOE),
    "pppoe, padded": Layer(lambda p: session(p) + bytes(20), E.PPPOE),
    "qinq pppoe": Layer(
        lambda p: tagged(session(p), (0x88A8, 5), (0x8100, 6)), E.PPPOE
    ),
    "mpls": Layer(lambda p: labelled(p, 100), E.MPLS),
    "mpls x 3": Layer(lambda p: labelled(p, 100, 200, 0), E.MPLS),
    "mpls multicast": Layer(lambda p: frame(0x8848, mpls.build((16,), p)), E.MPLS),
    "vlan mpls": Layer(lambda p: tagged(labelled(p, 100), (0x8100, 9)), E.MPLS),
    "pseudowire": Layer(lambda p: labelled(bytes(4) + bare(p), 100, 16), E.MPLS),
    "pseudowire without a word": Layer(lambda p: labelled(bare(p), 16), E.MPLS),
    "vlan in a pseudowire": Layer(
        lambda p: labelled(bytes(4) + tagged(bare(p), (0x8100, 4)), 16), E.MPLS
    ),
    "mpls over ppp": Layer(
        lambda p: session(mpls.build((5,), p), 0x0281), E.PPPOE | E.MPLS
    ),
    "ppp": Layer(lambda p: ppp.build(0x21, p), linktype=PPP),
    "ppp, framed": Layer(lambda p: ppp.build(0x21, p, framed=True), linktype=PPP),
    "ppp, short": Layer(lambda p: b"\x21" + p, linktype=PPP),
    "ppp hdlc": Layer(lambda p: ppp.build(0x21, p, framed=True), linktype=PPP_HDLC),
    "ppp as cisco": Layer(lambda p: b"\x0f\0\x08\0" + p, linktype=PPP_HDLC),
    "ppp directed": Layer(
        lambda p: b"\1" + ppp.build(0x21, p, framed=True), linktype=PPP_DIRECTED
    ),
    "pppoe alone": Layer(
        lambda p: pppoe.build(3, ppp.build(0x21, p)), E.PPPOE, PPP_ETHER
    ),
    "cisco hdlc": Layer(lambda p: b"\x8f\0\x08\0" + p, linktype=C_HDLC),
    "nflog": Layer(logged, linktype=NFLOG),
    "nflog, big endian": Layer(swapped, linktype=NFLOG),
    "sll pppoe": Layer(
        lambda p: pack(">HHH8xH", 0, 1, 6, SESSION) + session(p)[14:], E.PPPOE, SLL
    ),
    "sll2 mpls": Layer(
        lambda p: pack(">HHIHBB8x", LABELS, 0, 3, 1, 0, 6) + labelled(p, 100)[14:],
        E.MPLS,
        SLL2,
    ),
}
TUNNELLED: dict[str, Layer] = {
    "ipip": Layer(lambda p: carried(4, p), E.IPIP),
    "4in6": Layer(lambda p: carried(4, p, v6=True), E.IPIP),
    "4in6 with a limit": Layer(extended, E.IPIP),
    "raw ipip": Layer(lambda p: outer(4, p), E.IPIP, RAW),
    "gre": Layer(lambda p: carried(47, gre(0, V4, p)), E.GRE),
    "gre with a key": Layer(lambda p: carried(47, gre(0x2000, V4, p)), E.GRE),
    "gre with all": Layer(lambda p: carried(47, gre(0xB000, V4, p)), E.GRE),
    "gre6": Layer(lambda p: carried(47, gre(0x1000, V4, p), v6=True), E.GRE),
    "gretap": Layer(lambda p: carried(47, gre(0, BRIDGED, bare(p))), E.GRE),
    "mpls in gre": Layer(
        lambda p: carried(47, gre(0, LABELS, mpls.build((7,), p))), E.GRE | E.MPLS
    ),
    "erspan": Layer(
        lambda p: carried(47, gre(0x1000, ERSPAN, bytes(8) + bare(p))), E.GRE
    ),
    "vxlan": Layer(lambda p: datagram(4789, vxlan.build(42, bare(p))), E.VXLAN),
    "old vxlan": Layer(lambda p: datagram(8472, vxlan.build(42, bare(p))), E.VXLAN),
    "vxlan6": Layer(
        lambda p: datagram(4789, vxlan.build(42, bare(p)), v6=True), E.VXLAN
    ),
    "vlan in vxlan": Layer(
        lambda p: datagram(4789, vxlan.build(42, tagged(bare(p), (0x8100, 5)))),
        E.VXLAN,
    ),
    "vxlan in vlan": Layer(
        lambda p: tagged(datagram(4789, vxlan.build(42, bare(p))), (0x8100, 5)),
        E.VXLAN,
    ),
    "geneve": Layer(lambda p: datagram(6081, geneve.build(42, bare(p))), E.GENEVE),
    "geneve with options": Layer(
        lambda p: datagram(6081, geneve.build(42, bare(p), options=bytes(12))),
        E.GENEVE,
    ),
    "geneve of ip": Layer(
        lambda p: datagram(6081, geneve.build(42, p, ethertype=V4)), E.GENEVE
    ),
    "gre in pppoe": Layer(lambda p: session(outer(47, gre(0, V4, p))), E.PPPOE | E.GRE),
    "ipip in vxlan": Layer(
        lambda p: datagram(4789, vxlan.build(1, bare(outer(4, p)))), E.VXLAN | E.IPIP
    ),
    "vxlan in gre in ipip": Layer(
        lambda p: carried(
            4,
            outer(47, gre(0, V4, sent(4789, vxlan.build(1, bare(p)), v6=False))),
        ),
        E.IPIP | E.GRE | E.VXLAN,
    ),
    "ipip x 4": Layer(lambda p: carried(4, outer(4, outer(4, outer(4, p)))), E.IPIP),
}
LAYERS: dict[str, Layer] = {**LINKED, **TUNNELLED}
