"""A raw end in a node: send and receive frames on its link while its stack is muted.

A packet socket sees a frame before the ingress hook of its device drops it, so the
kernel never answers replayed packets, and the tap sees all of them.
"""

from __future__ import annotations

import select
import socket
import time
from struct import Struct
from typing import TYPE_CHECKING

from pytest_netlab.errors import BlindCaptureError, CommandError
from pytest_netlab.lab.net import routes
from pytest_netlab.lab.net.conntrack_events import SO_RCVBUFFORCE
from pytest_netlab.lab.tap.ring import (
    ETH_P_ALL,
    PACKET_STATISTICS,
    SOL_PACKET,
    packet_socket,
)
from pytest_netlab.replay.arrived import is_whole
from pytest_netlab.replay.mute import muted
from pytest_netlab.wire import arp, assigned, ethernet, ipv4, mac_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from pytest_netlab.host.routing.routes import Route
    from pytest_netlab.lab.net.node import NamespaceNode

IGNORE_OUTGOING = 23  # linux/if_packet.h: no copy of what the node itself sends
LONGEST = 1 << 16
BUFFER = 1 << 23  # octets of arrived frames, whatever net.core.rmem_max is
PATIENCE, ASKED = 1.0, 5  # seconds for an answer to ARP, and how often to ask
_DROPS = Struct("=2I")  # struct tpacket_stats: packets, drops
_HARDWARE = 4  # in what a packet socket's getsockname returns
_IPV4 = assigned.IPV4.to_bytes(2, "big")
_ARP = assigned.ARP.to_bytes(2, "big")
_TYPE = slice(ethernet.TYPE, ethernet.HEADER)
_ARP_SENDER = slice(ethernet.HEADER + arp.SENDER, ethernet.HEADER + arp.SENDER_IP)
_ARP_SENDER_IP = slice(ethernet.HEADER + arp.SENDER_IP, ethernet.HEADER + arp.TARGET)
_LENGTH = slice(ethernet.HEADER + ipv4.TOTAL, ethernet.HEADER + ipv4.ID)


class RawEnd:
    """One end of a replay: sends and receives in a node.

    `source` is the node's address, to which packets for it are sent.
    """

    def __init__(
        self, node: NamespaceNode, peer: str, address: str | None = None
    ) -> None:
        """Find the route from a node to an address.

        `address` is the node's own address, if it is not the source of that route.

        Raises:
            CommandError: the node has no route.

        """
        self.node = node
        route = _route(node, peer)
        self._link = route.device
        self._hop = route.gateway or peer
        self._here = route.source
        self.source = address or self._here
        with packet_socket(self._link, node.netns) as self._socket:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
            self._socket.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
            self._socket.bind((self._link, ETH_P_ALL))
            self._socket.settimeout(0)
        self._mac: bytes = self._socket.getsockname()[_HARDWARE]
        self._head = b""

    def demand_all(self) -> None:
        """Fail if the socket dropped a packet because its buffer was full.

        Raises:
            BlindCaptureError: this process did not keep up.

        """
        raw = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _DROPS.size)
        if dropped := _DROPS.unpack(raw)[1]:
            raise BlindCaptureError(
                f"{self.node.name}: {dropped} packets were dropped before they were "
                "read: this machine did not keep up; play fewer at once (--flows), or "
                "slower (--speed)"
            )

    def fileno(self) -> int:
        """Return the socket's descriptor, for select."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close()

    def resolve(self) -> None:
        """Learn the next hop's hardware address by ARP (RFC 826).

        Raises:
            CommandError: it does not answer.

        """
        me, broadcast = mac_text(int.from_bytes(self._mac, "big")), "ff:ff:ff:ff:ff:ff"
        body = arp.build(arp.REQUEST, self._here, self._hop, me, "00:00:00:00:00:00")
        ask = ethernet.build(me, broadcast, body, ethertype=assigned.ARP)
        wanted = socket.inet_aton(self._hop)
        for _ in range(ASKED):
            self._socket.send(ask)
            end = time.monotonic() + PATIENCE / ASKED
            while (left := end - time.monotonic()) > 0:
                select.select([self._socket], [], [], left)
                for frame in self._frames():
                    if frame[_TYPE] == _ARP and frame[_ARP_SENDER_IP] == wanted:
                        self._head = frame[_ARP_SENDER] + self._mac + _IPV4
                        return
        raise CommandError(f"{self.node.name}: {self._hop} does not answer ARP")

    def send(self, datagram: bytes) -> None:
        """Send a datagram to the next hop.

        Raises:
            CommandError: the link does not take it.

        """
        try:
            self._socket.send(self._head + datagram)
        except OSError as error:
            raise CommandError(
                f"{self.node.name}: {self._link} does not take a packet of "
                f"{len(datagram)} octets: {error.strerror}"
            ) from error

    def received(self) -> Iterator[bytes]:
        """Yield the IPv4 datagrams that have arrived, without link header and padding.

        One with incomplete headers is skipped: no stack would accept it either.
        """
        for frame in self._frames():
            if frame[_TYPE] == _IPV4:
                length = int.from_bytes(frame[_LENGTH], "big")
                datagram = frame[ethernet.HEADER : ethernet.HEADER + length]
                if is_whole(datagram):
                    yield datagram

    def _frames(self) -> Iterator[bytes]:
        while True:
            try:
                yield self._socket.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError as error:
                text = f"{self.node.name}: {self._link} went away: {error.strerror}"
                raise CommandError(text) from error

    def muted(self, protocols: Iterable[str]) -> AbstractContextManager[None]:
        """Return a context in which the node's own stack gets no packets for it."""
        return muted(self.node, self._link, self.source, protocols)


def _route(node: NamespaceNode, peer: str) -> Route:
    (route,) = routes.chosen(node.netns, [peer])
    if route is None:
        raise CommandError(f"{node.name} has no route to {peer}")
    return route
