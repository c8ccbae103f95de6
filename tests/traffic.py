"""Packets for tests, as taps at the two points of a host would see them.

Knows how packets are built and what a router does to a ttl; translates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.wire import (
    Direction,
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
    from collections.abc import Iterable, Mapping

INSIDE, OUTSIDE = "docker0", "uplink"
C1, C2, WEB, BRIDGE = "172.17.0.2", "172.17.0.3", "172.17.0.5", "172.17.0.1"
HOST, HOST01 = "172.16.211.128", "172.16.211.1"
STRANGER = "192.0.2.7"
NAMES = {
    C1: "c1",
    C2: "c2",
    WEB: "web",
    BRIDGE: "bridge",
    HOST: "host",
    HOST01: "host01",
    "172.16.211.2": "gateway",
}
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
START_NS, TICK_NS = 1_700_000_000_000_000_000, 1000
SYN_OPTIONS = bytes.fromhex("020405b40402080a000000010000000001030307")

IN, OUT, UNKNOWN = Direction.INBOUND, Direction.OUTBOUND, Direction.UNKNOWN
SYN, SYN_ACK, FIN_ACK = tcp.SYN, tcp.SYN | tcp.ACK, tcp.FIN | tcp.ACK
ECHO = {
    (ICMP, False): assigned.ECHO_REQUEST,
    (ICMP, True): assigned.ECHO_REPLY,
    (ICMP6, False): assigned.ECHO_REQUEST6,
    (ICMP6, True): assigned.ECHO_REPLY6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet at one point; what it does not use of its fields, it ignores.

    `reply` makes an ICMP query the answer; `body` replaces everything above IP; `tail`
    is what a link adds behind the datagram.
    """

    key: Tuple5
    data: bytes = b""
    seq: int = 1
    ack: int = 0
    flags: int = tcp.ACK
    options: bytes = b""
    reply: bool = False
    body: bytes | None = None
    ttl: int = 64
    ip_id: int = 0
    tos: int = 0
    df: bool = True
    mf: bool = False
    frag_offset: int = 0
    tail: bytes = b""
    direction: Direction = UNKNOWN

    @property
    def datagram(self) -> bytes:
        """Return the packet from its IP header on."""
        key, body = self.key, self._body() if self.body is None else self.body
        if ":" in key.src:
            header: ipv6.Header = {"ttl": self.ttl, "tos": self.tos}
            return ipv6.build(key.src, key.dst, key.proto, body, **header)
        return ipv4.build(
            key.src,
            key.dst,
            key.proto,
            body,
            ttl=self.ttl,
            tos=self.tos,
            ip_id=self.ip_id,
            df=self.df,
            mf=self.mf,
            frag_offset=self.frag_offset,
        )

    @property
    def frame(self) -> bytes:
        """Return the packet as a tap sees it."""
        kind = assigned.IPV6 if ":" in self.key.src else assigned.IPV4
        return ethernet.build(*MACS, self.datagram, ethertype=kind) + self.tail

    def _body(self) -> bytes:
        proto, src, sport, dst, dport = self.key
        if proto == UDP:
            return udp.build(src, dst, sport, dport, self.data)
        if proto == TCP:
            header: tcp.Header = {
                "seq": self.seq,
                "ack": self.ack,
                "flags": self.flags,
                "options": self.options,
            }
            return tcp.build(src, dst, sport, dport, self.data, **header)
        kind = ECHO[proto, self.reply]
        if proto == ICMP6:
            return icmpv6.build_echo(src, dst, kind, sport, self.seq, self.data)
        return icmp.build_echo(kind, sport, self.seq, self.data)


def routed(packet: Packet, key: Tuple5 | None = None) -> Packet:
    """Return a packet as a router sends it on, translated to `key` if one is given."""
    return replace(packet, key=key or packet.key, ttl=packet.ttl - 1, direction=OUT)


def unsummed(packet: Packet) -> Packet:
    """Return a UDP packet that was sent without a checksum."""
    _, src, sport, dst, dport = packet.key
    datagram = udp.build(src, dst, sport, dport, packet.data)
    return replace(packet, body=datagram[:6] + bytes(2) + datagram[8:])


def spoiled(packet: Packet, at: int) -> bytes:
    """Return a packet's frame with one byte wrong."""
    frame = bytearray(packet.frame)
    frame[at] ^= 0x55
    return bytes(frame)


def error(
    src: str,
    quoted: Packet,
    *,
    dst: str | None = None,
    kind: tuple[int, int] = (assigned.UNREACHABLE, 3),
    **fields: int,
) -> Packet:
    """Return an ICMP error about a packet, to its sender unless told otherwise."""
    key = Tuple5(ICMP, src, 0, dst or quoted.key.src, 0)
    body = icmp.build_error(*kind, quoted.datagram[:28])
    return replace(Packet(key=key, body=body, tos=0xC0), **fields)  # type: ignore[arg-type]


def capture(packets: Iterable[Packet | bytes], start: int = START_NS) -> Capture:
    """Return what one point saw, in this order."""
    frames = [_frame(0, start + i * TICK_NS, p) for i, p in enumerate(packets)]
    return Capture.from_frames(frames, [Interface(name="tap")])


def timed(
    packets: Iterable[tuple[float, Packet | bytes]], dropped: int | None = None
) -> Capture:
    """Return what one point saw at these times, in ms; and how much it dropped."""
    at = sorted(packets, key=lambda one: one[0])
    frames = [_frame(0, START_NS + round(ms * 1e6), packet) for ms, packet in at]
    return Capture.from_frames(frames, [Interface(name="tap", dropped=dropped)])


def two_points(
    sightings: Iterable[tuple[str, Packet | bytes]],
    names: Mapping[str, str] = NAMES,
    start: int = START_NS,
    points: tuple[str, ...] = (INSIDE, OUTSIDE),
) -> Capture:
    """Return what a host's two points saw, in this order, and that nothing was lost."""
    frames = [
        _frame(points.index(point), start + i * TICK_NS, packet)
        for i, (point, packet) in enumerate(sightings)
    ]
    counted = [Interface(name=name, received=0, dropped=0) for name in points]
    return Capture.from_frames(frames, counted, names)


OWN = ("172.17.0.1/16", "fd00:17::1/64", "fe80::1/64")


def at_uplink(*packets: Packet | bytes, inside: tuple[Packet, ...] = ()) -> Capture:
    """Return what the uplink saw, of a capture whose inside knows its networks."""
    sightings = [(INSIDE, one) for one in inside] + [(OUTSIDE, one) for one in packets]
    capture = two_points(sightings)
    interfaces = [
        replace(one, addresses=OWN if one.name == INSIDE else ())
        for one in capture.interfaces
    ]
    return Capture.from_frames(capture.frames(), interfaces, capture.names)


def _frame(interface: int, ts: int, packet: Packet | bytes) -> Frame:
    if isinstance(packet, bytes):
        return Frame(interface, ts, packet, len(packet))
    return Frame(interface, ts, packet.frame, len(packet.frame), packet.direction)
