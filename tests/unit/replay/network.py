"""A network in memory between two ends, for replay: it may be at fault."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

from tests.traffic import C1, HOST, HOST01, Packet, capture

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay import plan_flows
from pytest_netlab.replay.arrived import embedded_of
from pytest_netlab.replay.arrived import key_of as packed_key_of
from pytest_netlab.replay.play import Player
from pytest_netlab.replay.result import Addressing
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack, unpack
from pytest_netlab.wire import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.replay.result import Result

    Fault = Callable[[bytes], list[bytes]]


WEB = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 80)

DNS = Tuple5(UDP, "10.1.1.1", 5555, "8.8.8.8", 53)


def key_of(datagram: bytes) -> Tuple5:
    """Return the tuple of a datagram."""
    return unpack(packed_key_of(datagram))


class FakeEnd:
    """An end whose sends are somebody's function, at once."""

    def __init__(self, source: str) -> None:
        """Be at an address."""
        self.source = source
        self.carry: Callable[[bytes], None] = lambda _: None
        self._queue: deque[bytes] = deque()
        self._bell = os.eventfd(0)

    def fileno(self) -> int:
        """Return what select can wait for."""
        return self._bell

    def send(self, datagram: bytes) -> None:
        """Give it to the network."""
        self.carry(datagram)

    def put(self, datagram: bytes) -> None:
        """Let it arrive."""
        self._queue.append(datagram)
        os.eventfd_write(self._bell, 1)

    def received(self) -> Iterator[bytes]:
        """Yield what has arrived."""
        if self._queue:
            os.eventfd_read(self._bell)
        while self._queue:
            yield self._queue.popleft()

    def close(self) -> None:
        """Close the bell."""
        os.close(self._bell)


class Net:
    """Masquerades the client; keeps ports unless told which one to give."""

    def __init__(self, fault: Fault = lambda one: [one]) -> None:
        """Connect two ends; `fault` makes of a datagram those that come out."""
        self.client, self.server = FakeEnd(C1), FakeEnd(HOST01)
        self.client.carry, self.server.carry = self._out, self._back
        self._fault = fault
        self.ports: dict[int, int] = {}

    def _out(self, datagram: bytes) -> None:
        key = key_of(datagram)
        port = self.ports.get(key.sport, key.sport)
        new = key._replace(src=HOST, sport=port)
        if key.proto == ICMP:
            new = new._replace(dport=port)
        self._through(datagram, new, self.server)

    def _back(self, datagram: bytes) -> None:
        key, quoted = key_of(datagram), None
        if packed := embedded_of(datagram):
            quoted = pack(unpack(packed)._replace(src=C1))
        inner = {there: here for here, there in self.ports.items()}
        port = inner.get(key.dport, key.dport)
        new = key._replace(dst=C1, dport=port)
        if key.proto == ICMP:
            new = new._replace(sport=port)
        self._through(datagram, new, self.client, quoted)

    def _through(
        self, datagram: bytes, key: Tuple5, end: FakeEnd, quoted: bytes | None = None
    ) -> None:
        made = rewritten(datagram, pack(key), ttl=datagram[8] - 1, embedded=quoted)
        for one in self._fault(made):
            end.put(one)


def exchange(key: Tuple5 = DNS, first: int = 1) -> list[Packet]:
    """Return a question and its answer, twice."""
    return [
        Packet(key=key if n % 2 else key.reply, data=b"%d" % n, ip_id=first + n)
        for n in range(1, 5)
    ]


def played(
    packets: list[Packet], net: Net, port: int | None = None, pace: float = 0.0
) -> Result:
    """Play packets through a network."""
    ends: Any = (net.client, net.server)
    try:
        route = Addressing(target=HOST01, back=HOST, hops=1, port=port)
        player = Player(ends[0], ends[1], route, pace=pace)
        return player.play(plan_flows(capture(packets)))
    finally:
        net.client.close()
        net.server.close()


def after(count: int, fault: Fault) -> Fault:
    """Return what is at fault with one datagram only, counted from 0."""
    seen = iter(range(10**6))
    return lambda one: fault(one) if next(seen) == count else [one]


def garbled(one: bytes) -> bytes:
    """Return a datagram with another last octet."""
    return fill(one[:-1] + bytes([one[-1] ^ 1]))
