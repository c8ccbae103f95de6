"""The two ends of a TCP connection, which react to what they get (RFC 9293).

Handshake, delayed acknowledgements, retransmission after a timeout or three copies of
an acknowledgement, FIN and RST. Knows nothing of NAT.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.traffic import SYN_OPTIONS, Packet

from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from tests.lossy_nat import Network, Side

    from pytest_netlab.flows import Tuple5

MS: Final = 1_000_000
MSS: Final = 600
_WINDOW = 8 * MSS
_TRIES = 5


@dataclass(slots=True)
class End:
    """One end of a TCP connection.

    Attributes:
        network: what it sends through.
        flow: number of the conversation.
        side: of the host, on which it is.
        key: of what it sends.
        stream: what it will send in all.
        isn: its initial sequence number.
        asks: how much it may have sent, by how much it must have received before.
        initiator: it opens the connection, and closes it.
        resets: it closes it by RST.
        counted: its packets have an IP id of their own.

    """

    network: Network
    flow: int
    side: Side
    key: Tuple5
    stream: bytes
    isn: int
    asks: list[tuple[int, int]]
    initiator: bool
    resets: bool
    counted: bool
    stamps: bool
    ip_id: int = 1
    acked: int = 0  # of what it sends: SYN is number 0, the stream begins at 1
    next: int = 0
    peer: int = -1  # the peer's initial sequence number
    have: int = 0  # up to where it has received, likewise
    ahead: dict[int, bytes] = field(default_factory=dict)
    peer_fin: int = -1
    timer: int = 0
    owed: int = 0  # segments received and not acknowledged
    delayed: int = 0
    copies: int = 0
    tries: int = 0
    dead: bool = False

    def open(self) -> None:
        """Send a SYN."""
        self.next = 1
        self._send_range(0, tcp.SYN)
        self._arm()

    def receive(self, packet: Packet) -> None:
        """Take a segment; acknowledge it, and send what may now be sent."""
        if self.dead:
            return
        if packet.flags & tcp.RST:
            self.dead = True
            return
        if not self.initiator:
            self.key = packet.key.reply
        if packet.flags & tcp.SYN:
            self._synchronize(packet)
            return
        if packet.flags & tcp.ACK:
            self._acknowledged((packet.ack - self.isn) % tcp.SPACE, packet)
        self._take(packet)
        self._send_more()

    def _synchronize(self, packet: Packet) -> None:
        first = self.peer < 0
        self.peer, self.have = packet.seq, max(self.have, 1)
        if self.initiator:
            self._acknowledged((packet.ack - self.isn) % tcp.SPACE, packet)
            self._acknowledge()
            self._send_more()
        elif first or self.acked == 0:
            self.next = max(self.next, 1)
            self._send_range(0, tcp.SYN | tcp.ACK)
            self._arm()

    def _acknowledged(self, number: int, packet: Packet) -> None:
        if number > tcp.SPACE // 2:
            return
        if number > self.acked:
            self.acked, self.tries, self.copies = number, 0, 0
            self.next = max(self.next, number)
            self._arm()
        elif number == self.acked < self.next and not packet.data:
            self.copies += 1
            if self.copies == 3:
                self._resend()

    def _take(self, packet: Packet) -> None:
        """Take data and FIN of a segment, in order or not."""
        at = (packet.seq - self.peer) % tcp.SPACE
        size = len(packet.data)
        if packet.flags & tcp.FIN:
            self.peer_fin = at + size
        if not size and not packet.flags & tcp.FIN:
            return
        is_next = at == self.have
        self._keep(at, packet.data)
        self.owed += 1
        if self.owed > 1 or not is_next or self.peer_fin >= 0:
            self._acknowledge()
        elif not self.delayed:
            self.delayed = self.network.now + 40 * MS
            self.network.at(self.delayed, self._late)

    def _keep(self, at: int, data: bytes) -> None:
        """Keep data; count up to where nothing is missing."""
        if at < tcp.SPACE // 2:
            self.ahead[at] = max(self.ahead.get(at, b""), data, key=len)
        for start in sorted(self.ahead):
            if start <= self.have:
                self.have = max(self.have, start + len(self.ahead.pop(start)))
        if self.have == self.peer_fin:
            self.have += 1

    def _late(self) -> None:
        self.delayed = 0
        if self.owed and not self.dead:
            self._acknowledge()

    def _acknowledge(self) -> None:
        self._send_range(self.next, tcp.ACK)

    @property
    def _end(self) -> int:
        """Return up to where it may send now, by what it has received."""
        got = max(self.have - 1, 0)
        return 1 + max((size for needs, size in self.asks if got >= needs), default=0)

    @property
    def _closes(self) -> bool:
        everything = self.asks[-1][1] if self.asks else 0
        is_heard = self.initiator and max(self.have - 1, 0) >= self.asks[-1][0]
        all_sent = self._end == 1 + everything
        return all_sent and (is_heard or self.peer_fin >= 0)

    def _send_more(self) -> None:
        if self.peer < 0 or self.acked == 0:
            return
        sent = False
        burst: list[Packet] = []
        while self.next < self._end and self.next - self.acked < _WINDOW:
            size = min(self._largest(), self._end - self.next)
            burst.append(self._segment(self.next, size, tcp.ACK))
            self.next += size
            sent = True
        if burst:
            self._send(burst)
        if self._closes and self.next == self._end and self.next <= self.fin:
            self._close()
        elif sent:
            self._arm()

    @property
    def fin(self) -> int:
        """Return the number of its FIN."""
        return 1 + (self.asks[-1][1] if self.asks else 0)

    def _close(self) -> None:
        if self.resets:
            self.dead = True
            self._send_range(self.next, tcp.RST | tcp.ACK)
            return
        self._send_range(self.next, tcp.FIN | tcp.ACK)
        self.next += 1
        self._arm()

    def _largest(self) -> int:
        big = self.network.conditions.super_frames and self.side == "inside"
        return MSS * self.network.random.choice((1, 2, 4)) if big else MSS

    def _arm(self) -> None:
        self.timer += 1
        if self.acked < self.next:
            number = self.timer
            wait = (200 * MS) << self.tries
            self.network.at(self.network.now + wait, lambda: self._expire(number))

    def _expire(self, number: int) -> None:
        if number != self.timer or self.dead or self.acked >= self.next:
            return
        self.tries += 1
        if self.tries > _TRIES:
            self.dead = True
            return
        self._resend()
        self._arm()

    def _resend(self) -> None:
        """Send what is not acknowledged again, cut otherwise perhaps."""
        if self.acked == 0:
            self._send_range(0, tcp.SYN if self.initiator else tcp.SYN | tcp.ACK)
            return
        end = min(self.next, self.fin)
        size = min(self._largest(), end - self.acked)
        if size > 1 and self.network.random.random() < 0.2:
            size = self.network.random.randrange(1, size)
        flags = tcp.ACK
        if self.next > self.fin and self.acked + size == self.fin:
            flags |= tcp.FIN
        self._send([self._segment(self.acked, size, flags)])

    def _send_range(self, number: int, flags: int) -> None:
        self._send([self._segment(number, 0, flags)])

    def _segment(self, number: int, size: int, flags: int) -> Packet:
        is_syn, is_bare = flags & tcp.SYN, flags & tcp.RST
        last = number + size
        if size and last == self._end:
            flags |= tcp.PSH
        ack = (self.peer + self.have) % tcp.SPACE if flags & tcp.ACK else 0
        fixed = flags & (tcp.SYN | tcp.ACK) == tcp.SYN | tcp.ACK or is_bare
        ip_id = 0
        if self.counted and not fixed:
            ip_id = self.ip_id
            self.ip_id = (self.ip_id + max(1, -(-size // MSS))) % 65_536 or 1
        return Packet(
            key=self.key,
            data=self.stream[number - 1 : last - 1] if size else b"",
            seq=(self.isn + number) % tcp.SPACE,
            ack=ack,
            flags=flags,
            options=SYN_OPTIONS if is_syn else self._stamps(),
            ip_id=ip_id,
            ttl=64 if self.side == "inside" else 55,
        )

    def _stamps(self) -> bytes:
        if not self.stamps:
            return b""
        now = self.network.now // MS
        return b"\1\1\x08\x0a" + now.to_bytes(4, "big") + bytes(4)

    def _send(self, packets: list[Packet]) -> None:
        if any(packet.flags & tcp.ACK for packet in packets):
            self.owed = 0
        self.network.send(
            self.flow, self.side, packets, reply=not self.initiator, sure=False
        )
