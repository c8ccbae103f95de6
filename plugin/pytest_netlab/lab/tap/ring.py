"""One AF_PACKET TPACKET_V3 ring: an interface's frames, with the kernel's metadata.

Knows the kernel's layout; nothing of canaries, threads or of why one captures.
"""

from __future__ import annotations

import contextlib
import mmap
import socket
from collections import deque
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.capture.values import Frame
from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.net.netns import inside
from pytest_netlab.wire import assigned, ethernet
from pytest_netlab.wire.columns import Direction, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

# linux/if_packet.h, linux/if_ether.h, linux/if_arp.h
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
TPACKET_V3 = 2
PACKET_MR_PROMISC = 1
PACKET_OUTGOING = 4
ETH_P_ALL = 3
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772

TP_STATUS_KERNEL = 0
TP_STATUS_USER = 1 << 0
TP_STATUS_CSUMNOTREADY = 1 << 3
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6

# struct tpacket_req3: block size, blocks, frame size, frames, retire ms, private, flags
REQUEST = Struct("=7I")
# struct packet_mreq: ifindex, type, address length, address
MEMBERSHIP = Struct("=iHH8x")
# struct tpacket_stats_v3: packets (dropped ones included), drops, queue freezes
STATISTICS = Struct("=3I")
# struct tpacket_block_desc: status, frames and offset of the first, bytes in use
BLOCK_STATUS_AT, BLOCK_CONTENT_AT, BLOCK_USED_AT = 8, 12, 20
U32 = Struct("=I")
BLOCK_CONTENT = Struct("=2I")
# struct tpacket3_hdr (48 bytes) and the sockaddr_ll behind it, as far as sll_pkttype:
# next, sec, nsec, snaplen, len, status, mac, net, rxhash, vlan tci, vlan tpid, pkttype
HEADER = Struct("=6IH2x4xIH20xB")

# A block has room for three 64 KiB GSO frames; a frame larger than a block is cut.
BLOCK_BYTES = 256 * 1024
RETIRE_MS = 4  # a block that is not full is handed over after this: a canary's latency
RING_BYTES = 16 * 1024 * 1024
NS = 1_000_000_000
_INBOUND, _OUTBOUND = int(Direction.INBOUND), int(Direction.OUTBOUND)
_NOT_READY = int(Status.CHECKSUM_NOT_READY)


class RingCounters(NamedTuple):
    """What the kernel counted on one ring since it was opened.

    Attributes:
        received: frames, dropped ones included.
        dropped: frames that did not fit in the ring.
        freezes: times that the ring was full.

    """

    received: int
    dropped: int
    freezes: int


@contextlib.contextmanager
def packet_socket(interface: str, netns: str) -> Iterator[socket.socket]:
    """Yield a packet socket of that namespace to set up; close it if that fails.

    It is opened with protocol 0, which receives nothing: with all protocols it would
    queue frames of every interface before there is a ring, and count them.

    Raises:
        LabError: names the interface and the namespace with what went wrong there.

    """
    try:
        with inside(netns), contextlib.ExitStack() as undo:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            undo.callback(sock.close)
            sock.bind((interface, 0))
            yield sock
            undo.pop_all()
    except PermissionError as error:
        raise LabUnavailableError(
            f"may not open a packet socket on {interface} in {netns}: run as root "
            "(CAP_NET_RAW)"
        ) from error
    except OSError as error:
        raise LabError(
            f"cannot use interface {interface} in {netns}: {error.strerror or error}"
        ) from error


class Ring:
    """A receive ring on one interface: `drain` keeps it empty, `frames` reads."""

    def __init__(
        self,
        interface: str,
        netns: str,
        *,
        index: int,
        promiscuous: bool,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        """Open the ring and start to receive; `index` is the interface of its frames.

        Raises:
            LabError: no such interface or namespace, or the interface is not Ethernet.

        """
        self.error = 0
        self._drained: deque[bytes] = deque()
        self._index = index
        self._counters = RingCounters(0, 0, 0)
        self._next = 0
        self._blocks = max(ring_bytes // BLOCK_BYTES, 1)
        with packet_socket(interface, netns) as self._sock:
            _demand_ethernet(self._sock)
            if promiscuous:
                _be_promiscuous(self._sock, interface)
            self._memory = _mapped(self._sock, self._blocks)
            self._sock.bind((interface, ETH_P_ALL))

    def fileno(self) -> int:
        """Return the descriptor that polls readable when a block is ready."""
        return self._sock.fileno()

    def drain(self) -> None:
        """Copy every block the kernel has handed over, and give it back.

        Blocks are parsed later, by `frames`: the drain keeps up with a fast link only
        while it does no work for each frame.
        """
        for _ in range(self._blocks):  # no more: a flood must not starve other rings
            base = self._next * BLOCK_BYTES
            status_at = base + BLOCK_STATUS_AT
            (status,) = U32.unpack_from(self._memory, status_at)
            if not status & TP_STATUS_USER:
                return
            (used,) = U32.unpack_from(self._memory, base + BLOCK_USED_AT)
            self._drained.append(self._memory[base : base + used])
            U32.pack_into(self._memory, status_at, TP_STATUS_KERNEL)
            self._next = (self._next + 1) % self._blocks

    def frames(self) -> Iterator[Frame]:
        """Yield the frames drained between the last call and this one."""
        for _ in range(len(self._drained)):  # a flood adds blocks meanwhile
            yield from self._unpacked(self._drained.popleft())

    def _unpacked(self, block: bytes) -> Iterator[Frame]:
        count, at = BLOCK_CONTENT.unpack_from(block, BLOCK_CONTENT_AT)
        for _ in range(count):
            (step, sec, nsec, caplen, wirelen, flags, mac, tci, tpid, kind) = (
                HEADER.unpack_from(block, at)
            )
            data = block[at + mac : at + mac + caplen]
            if flags & TP_STATUS_VLAN_VALID:
                known = flags & TP_STATUS_VLAN_TPID_VALID
                kind_of_tag = tpid if known else assigned.VLAN
                data = ethernet.tagged(data, tci, tpid=kind_of_tag)
                wirelen += len(data) - caplen
            yield Frame(
                self._index,
                sec * NS + nsec,
                data,
                wirelen,
                _OUTBOUND if kind == PACKET_OUTGOING else _INBOUND,
                _NOT_READY if flags & TP_STATUS_CSUMNOTREADY else 0,
            )
            at += step

    def check(self) -> None:
        """Keep the socket's pending error; the kernel reports it only once."""
        error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.error = error

    def counters(self) -> RingCounters:
        """Return the totals; the kernel restarts from 0 after each read."""
        raw = self._sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, STATISTICS.size)
        new = zip(self._counters, STATISTICS.unpack(raw), strict=True)
        self._counters = RingCounters(*(old + more for old, more in new))
        return self._counters

    def close(self) -> None:
        """Free the ring; may be called twice. What was drained stays."""
        self._memory.close()
        self._sock.close()


def _mapped(sock: socket.socket, blocks: int) -> mmap.mmap:
    request = (BLOCK_BYTES, blocks, BLOCK_BYTES, blocks, RETIRE_MS, 0, 0)
    sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
    sock.setsockopt(SOL_PACKET, PACKET_RX_RING, REQUEST.pack(*request))
    return mmap.mmap(sock.fileno(), BLOCK_BYTES * blocks)


def _be_promiscuous(sock: socket.socket, interface: str) -> None:
    index = socket.if_nametoindex(interface)
    membership = MEMBERSHIP.pack(index, PACKET_MR_PROMISC, 0)
    sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)


def _demand_ethernet(sock: socket.socket) -> None:
    hardware = sock.getsockname()[3]
    if hardware not in (ARPHRD_ETHER, ARPHRD_LOOPBACK):
        raise OSError(0, f"hardware type {hardware} is not Ethernet")
