"""Hosts that talk through a lossy network, and send again what was not answered.

Knows clients and servers of TCP, UDP and ICMP, and how TSO and GRO cut and merge
segments; nothing of NAT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tests.tcp_ends import MS, MSS, End
from tests.traffic import Packet

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lossy_nat import Network, Side

SECOND: Final = 1_000_000_000
PUBLISHED: Final = {80: ((11, 8080), (12, 8080)), 81: ((11, 80),)}
KINDS: Final = ("tcp", "served", "udp", "stream", "burst", "echo", "own")


def inside(number: int, like: str = "") -> str:
    """Return the address of a container, of the family of another address."""
    return f"fd00::{number:x}" if ":" in like else f"10.0.0.{number}"


def segmented(packet: Packet) -> list[Packet]:
    """Return a super-frame's segments, as GSO cuts it; other packets as they are."""
    if packet.key.proto != TCP or len(packet.data) <= MSS:
        return [packet]
    made = []
    for number, at in enumerate(range(0, len(packet.data), MSS)):
        data = packet.data[at : at + MSS]
        last = at + MSS >= len(packet.data)
        flags = packet.flags if last else packet.flags & ~(tcp.PSH | tcp.FIN)
        ip_id = (packet.ip_id + number) % 65_536 if packet.ip_id else 0
        made.append(
            replace(
                packet,
                data=data,
                seq=(packet.seq + at) % tcp.SPACE,
                flags=flags,
                ip_id=ip_id,
            )
        )
    return made


def follows(before: Packet, after: Packet) -> bool:
    """Return whether GRO appends a segment to what it has."""
    same = before.key == after.key and before.ack == after.ack
    plain = before.flags == after.flags == tcp.ACK and before.options == after.options
    data = len(after.data) and len(before.data) % MSS == 0 and len(before.data) > 0
    return bool(
        before.key.proto == TCP
        and same
        and plain
        and data
        and (before.seq + len(before.data)) % tcp.SPACE == after.seq
    )


def _tcp(network: Network, flow: int, key: Tuple5, side: Side) -> None:
    """Have one connection opened from a side."""
    random = network.random
    asks, answers, needed, given = [], [], 0, 0
    total = 0
    for _ in range(random.randint(1, 4)):
        asks.append((needed, total := total + random.randrange(1, 3 * MSS)))
        given += random.randrange(1, 8 * MSS)
        answers.append((total, given))
        needed = given
    asks.append((needed, total))
    other: Side = "outside" if side == "inside" else "inside"
    counted = network.conditions.ids == "counted"
    stamps, resets = random.random() < 0.5, random.random() < 0.2
    ends = []
    for where, script, opens in ((side, asks, True), (other, answers, False)):
        end = End(
            network=network,
            flow=flow,
            side=where,
            key=key if opens else key.reply,
            stream=random.randbytes(script[-1][1]),
            isn=random.randrange(tcp.SPACE),
            asks=script,
            initiator=opens,
            resets=resets and opens,
            counted=counted,
            stamps=stamps,
            ip_id=random.randrange(1, 65_536),
        )
        network.receivers[flow, where] = end.receive
        ends.append(end)
    ends[0].open()


@dataclass(slots=True)
class _Datagrams:
    """A client of UDP or ICMP, and its server, which answers what it gets."""

    network: Network
    flow: int
    side: Side
    key: Tuple5
    bodies: list[bytes]
    answers: bool = True
    repeats: bool = False
    sure: bool = False
    number: int = 0
    answered: bool = False

    def start(self, pauses: list[int]) -> None:
        """Send each body after a pause."""
        other: Side = "outside" if self.side == "inside" else "inside"
        self.network.receivers[self.flow, other] = self._answer
        self.network.receivers[self.flow, self.side] = self._hear
        at = self.network.now
        for seq, (body, pause) in enumerate(zip(self.bodies, pauses, strict=True), 1):
            at += pause
            self.network.at(at, self._sending(body, seq, tries=3))

    def _sending(self, body: bytes, seq: int, tries: int) -> Callable[[], None]:
        return lambda: self._ask(body, seq, tries)

    def _ask(self, body: bytes, seq: int, tries: int) -> None:
        self.answered = False
        self._send(self.side, self.key, body, seq, reply=False)
        if self.repeats and tries > 1:
            wait = self.network.now + 5 * SECOND

            def again() -> None:
                if not self.answered:
                    self._ask(body, seq, tries - 1)

            self.network.at(wait, again)

    def _answer(self, packet: Packet) -> None:
        if self.answers:
            other: Side = "outside" if self.side == "inside" else "inside"
            body = packet.data if packet.key.proto != UDP else b"re:" + packet.data
            self._send(other, packet.key.reply, body, packet.seq, reply=True)

    def _hear(self, _packet: Packet) -> None:
        self.answered = True

    def _send(
        self, side: Side, key: Tuple5, body: bytes, seq: int, *, reply: bool
    ) -> None:
        counted = self.network.conditions.ids == "counted"
        self.number += 1
        ip_id = (self.flow * 7919 + self.number) % 65_536 if counted else 0
        ttl = 64 if side == "inside" else 55
        packet = Packet(key=key, data=body, seq=seq, ip_id=ip_id, reply=reply, ttl=ttl)
        self.network.send(self.flow, side, [packet], reply=reply, sure=self.sure)


def _udp(network: Network, flow: int, key: Tuple5) -> None:
    """Ask and be answered, sometimes after so long that the mapping is a new one."""
    random = network.random
    count = random.randint(1, 6)
    bodies = [random.randbytes(random.randrange(4, 200)) for _ in range(count)]
    pauses = [random.choice((MS, 700 * MS, 20 * SECOND)) for _ in range(count)]
    if random.random() < 0.3 and network.conditions.renewed:
        pauses[-1] = random.randrange(35, 200) * SECOND
    client = _Datagrams(network, flow, "inside", key, bodies)
    client.repeats = random.random() < 0.5
    client.start(pauses)


def _stream(network: Network, flow: int, key: Tuple5) -> None:
    """Send without ever being answered."""
    count = network.random.randint(3, 30)
    bodies = [flow.to_bytes(4) + number.to_bytes(4) for number in range(count)]
    client = _Datagrams(network, flow, "inside", key, bodies, answers=False)
    client.start([20 * MS] * count)


def _burst(network: Network, flow: int, key: Tuple5) -> None:
    """Send a query that others send at the same time from other sockets."""
    body = b"\x12\x34the same query"
    client = _Datagrams(network, flow, "inside", key._replace(dport=53), [body])
    client.repeats = True
    client.start([network.random.randrange(1, 3 * MS)])


def _echo(network: Network, flow: int, key: Tuple5) -> None:
    """Ping, with equal payloads."""
    count = network.random.randint(1, 6)
    proto = ICMP6 if ":" in key.src else ICMP
    echo = Tuple5(proto, key.src, key.sport, key.dst, key.sport)
    client = _Datagrams(network, flow, "inside", echo, [bytes(range(48))] * count)
    client.start([SECOND] * count)


def _own(network: Network, flow: int, key: Tuple5) -> None:
    """Have the host itself answer somebody inside, and ask somebody outside."""
    side: Side = network.random.choice(("inside", "outside"))
    ends = {
        "inside": (key.src, inside(1, key.src)),
        "outside": ("2001:db8::9" if ":" in key.src else "203.0.113.1", key.dst),
    }
    src, dst = ends[side]
    asks = Tuple5(UDP, src, key.sport - 20_000, dst, 53)
    for number in range(network.random.randint(1, 3)):
        body = b"own" + bytes([flow % 256, number])
        query = Packet(key=asks, data=body, ip_id=flow + 1)
        answer = Packet(key=asks.reply, data=body + b"!", ip_id=flow + 2)
        network.local(flow, side, query, reply=False)
        network.local(flow, side, answer, reply=True)


def anchor(network: Network) -> None:
    """Ping once, so that both captures cover the time from or up to now."""
    src = "fd00::fa" if network.conditions.ipv6 else "10.0.0.250"
    dst = "2001:db8::63" if network.conditions.ipv6 else "198.51.100.99"
    flow = len(network.receivers) + 1_000_000
    proto = ICMP6 if network.conditions.ipv6 else ICMP
    port = 60_000 + flow % 5_000
    client = _Datagrams(
        network, flow, "inside", Tuple5(proto, src, port, dst, port), [b"anchor"]
    )
    client.sure = True
    client.start([0])


def start(network: Network) -> None:
    """Have every conversation begin at some time."""
    random, conditions = network.random, network.conditions
    used: set[Tuple5] = set()
    burst = 200 * MS + random.randrange(conditions.lasting)
    for flow in range(conditions.flows):
        kind = random.choice(conditions.kinds)
        key = _fresh(network, kind, used)
        at = (
            burst
            if kind == "burst"
            else 200 * MS + random.randrange(conditions.lasting)
        )
        network.at(at, _starting(network, flow, kind, key))
        if kind == "tcp" and conditions.renewed and random.random() < 0.2:
            later = at + random.randrange(40, 150) * SECOND
            network.at(later, _starting(network, conditions.flows + flow, kind, key))


def _fresh(network: Network, kind: str, used: set[Tuple5]) -> Tuple5:
    """Return a key that no other conversation has; several clients share ports."""
    random, v6 = network.random, network.conditions.ipv6
    proto = TCP if kind in ("tcp", "served") else UDP
    while True:
        client = inside(random.randint(5, 7), ":" if v6 else "")
        server = (
            f"2001:db8::{random.randint(16, 17):x}"
            if v6
            else f"198.51.100.{random.randint(10, 11)}"
        )
        port = 53 if kind == "burst" else random.choice((80, 443, 5000))
        key = Tuple5(proto, client, random.randint(40_000, 40_020), server, port)
        if kind == "served":
            here = "2001:db8::9" if v6 else "203.0.113.1"
            key = Tuple5(TCP, server, key.sport, here, random.choice((80, 81)))
        if key not in used:
            used.add(key)
            return key


def _starting(
    network: Network, flow: int, kind: str, key: Tuple5
) -> Callable[[], None]:
    if kind in ("tcp", "served"):
        side: Side = "inside" if kind == "tcp" else "outside"
        return lambda: _tcp(network, flow, key, side)
    starts = {
        "udp": _udp,
        "stream": _stream,
        "burst": _burst,
        "echo": _echo,
        "own": _own,
    }
    return lambda: starts[kind](network, flow, key)
