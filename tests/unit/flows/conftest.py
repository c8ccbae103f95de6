"""Keys and frames that both tests of flow keys and of their table look at."""

from __future__ import annotations

from tests.traffic import BRIDGE, C1, HOST01, MACS, Packet

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.wire import arp, assigned, ethernet, icmp, icmpv6, ipv6

PING = Tuple5(ICMP, C1, 7, HOST01, 7)
WEB = Tuple5(TCP, C1, 40000, HOST01, 80)
DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
A6, B6, ROUTER6 = "fd00::2", "fd00::1", "fd00::ff"
PING6 = Tuple5(ICMP6, A6, 7, B6, 7)
WEB6 = Tuple5(TCP, A6, 40000, B6, 80)
LINK = (130, 131, 132, 133, 134, 135, 136, 137, 143)


def icmp_packet(kind: int, src: str = C1, dst: str = HOST01) -> Packet:
    """Return an ICMP message that is no echo."""
    return Packet(key=Tuple5(ICMP, src, 0, dst, 0), body=icmp.build(kind))


def icmp6_frame(kind: int, rest: bytes = bytes(20), src: str = A6) -> bytes:
    """Return an ICMPv6 message that is no echo, as a tap sees it."""
    body = icmpv6.build(src, B6, kind, 0, rest)
    datagram = ipv6.build(src, B6, ICMP6, body)
    return ethernet.build(*MACS, datagram, ethertype=assigned.IPV6)


def error6(quoted: Packet, kind: int = 1) -> bytes:
    """Return an ICMPv6 error about a packet, as a tap sees it."""
    return icmp6_frame(kind, bytes(4) + quoted.datagram[:60], ROUTER6)


# What belongs to a link, to a group, or has no header of layer 4.
NO_FLOW = {
    "arp": ethernet.build(
        *MACS, arp.build(arp.REQUEST, C1, BRIDGE, MACS[0], MACS[1]), ethertype=0x806
    ),
    "canary": ethernet.build(*MACS, b"?" * 46, ethertype=0x88B5),
    "cut": Packet(key=WEB).frame[:40],
    "later fragment": Packet(key=DNS, frag_offset=1480, body=b"later part").frame,
    "first group": Packet(key=DNS._replace(dst="224.0.0.0")).frame,
    "multicast": Packet(key=DNS._replace(dst="224.0.0.251")).frame,
    "reserved": Packet(key=DNS._replace(dst="240.0.0.1")).frame,
    "broadcast": Packet(key=DNS._replace(dst="255.255.255.255")).frame,
    "multicast6": Packet(key=DNS._replace(src=A6, dst="ff02::fb")).frame,
    **{f"icmp6 type {kind}": icmp6_frame(kind) for kind in LINK},
}
