"""Flow keys of single packets, as values. Knows one capture, no NAT."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.wire import address_text, icmp, icmpv6, ipv6
from pytest_netlab.wire.address import FIRST_GROUP, GROUP6, MAPPED, as_ipv6
from pytest_netlab.wire.assigned import (
    ECHO_REPLY,
    ECHO_REPLY6,
    ECHO_REQUEST,
    ECHO_REQUEST6,
    ICMP,
    ICMP6,
    TCP,
    UDP,
)

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

# Keys of these protocols have ports; the key of an ICMP echo has its id in their place.
WITH_PORTS = frozenset({TCP, UDP})
PROTOCOL_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMP6: "icmp6"}

ECHO_REQUESTS = frozenset({(ICMP, ECHO_REQUEST), (ICMP6, ECHO_REQUEST6)})
ECHO_REPLIES = frozenset({(ICMP, ECHO_REPLY), (ICMP6, ECHO_REPLY6)})


class Tuple5(NamedTuple):
    """A directed flow key; an ICMP echo carries its id in both ports."""

    proto: int
    src: str
    sport: int
    dst: str
    dport: int

    @property
    def reply(self) -> Tuple5:
        """Return the key of the opposite direction."""
        return Tuple5(self.proto, self.dst, self.dport, self.src, self.sport)

    def __str__(self) -> str:
        """Render as tcpdump would: proto src.port > dst.port."""
        name = PROTOCOL_NAMES.get(self.proto, f"proto {self.proto}")
        if self.proto in WITH_PORTS:
            return f"{name} {self.src}.{self.sport} > {self.dst}.{self.dport}"
        if self.sport:
            return f"{name} {self.src} > {self.dst} id {self.sport}"
        return f"{name} {self.src} > {self.dst}"


def is_error(capture: Capture, row: int) -> bool:
    """Return whether a packet is an ICMP error with an embedded packet."""
    protocol = {ICMP: icmp, ICMP6: icmpv6}.get(int(capture.proto[row]))
    if protocol is None or not capture.quoted_proto[row]:
        return False
    return bool(protocol.is_error(int(capture.icmp_type[row])))


def key_of(capture: Capture, row: int) -> Tuple5 | None:
    """Return a packet's directed flow key; None for what belongs to no flow.

    That is: ARP and other non-IP frames, packets without an L4 header (later fragments,
    damage), multicast and broadcast, neighbour discovery.
    """
    if not capture.l4_offset[row]:
        return None
    dst = capture.dst[row].tobytes()
    if _is_group(dst):
        return None
    proto = int(capture.proto[row])
    sport, dport = _ports(capture, row, proto)
    if proto == ICMP6 and icmpv6.is_of_link(int(capture.icmp_type[row])):
        return None
    src, end = _texts(capture, row, capture.src[row].tobytes(), dst)
    return Tuple5(proto, src, sport, end, dport)


def quoted_key(capture: Capture, row: int) -> Tuple5:
    """Return the directed key of the packet embedded in an ICMP error."""
    proto = int(capture.quoted_proto[row])
    sport, dport = int(capture.quoted_sport[row]), int(capture.quoted_dport[row])
    if proto in (ICMP, ICMP6):
        sport = dport = int(capture.quoted_icmp_id[row])
    ends = capture.quoted_src[row].tobytes(), capture.quoted_dst[row].tobytes()
    src, dst = _texts(capture, row, *ends)
    return Tuple5(proto, src, sport, dst, dport)


def uniflow_of(capture: Capture, row: int) -> Tuple5 | None:
    """Return the directed key of a packet in the conversation it belongs to.

    An ICMP error belongs to its embedded packet's conversation, in reverse direction.
    """
    if is_error(capture, row):
        return quoted_key(capture, row).reply
    return key_of(capture, row)


def _texts(capture: Capture, row: int, src: bytes, dst: bytes) -> tuple[str, str]:
    """Return two addresses of a packet, or of one embedded in it, as text."""
    texts = address_text(src), address_text(dst)
    if capture.ip_version[row] != ipv6.VERSION:
        return texts
    return as_ipv6(texts[0]), as_ipv6(texts[1])


def _ports(capture: Capture, row: int, proto: int) -> tuple[int, int]:
    if proto in WITH_PORTS:
        return int(capture.sport[row]), int(capture.dport[row])
    kind = (proto, int(capture.icmp_type[row]))
    if kind in ECHO_REQUESTS or kind in ECHO_REPLIES:
        return int(capture.icmp_id[row]), int(capture.icmp_id[row])
    return 0, 0


def _is_group(address: bytes) -> bool:
    """Return whether it is multicast or limited broadcast (RFC 1112, RFC 4291)."""
    if address.startswith(MAPPED):
        return address[len(MAPPED)] >= FIRST_GROUP
    return address[0] == GROUP6
