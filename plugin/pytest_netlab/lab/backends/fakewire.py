"""A host's forwarding path in memory: packets go in, frames at both points come out.

Knows routes and NAT (nat.model), no processes; time is a counter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pytest_netlab.capture import Frame
from pytest_netlab.wire import Direction, assigned, canary, ethernet, icmp, ipv4, tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Nat

    Build = Callable[[Tuple5], bytes]

INBOUND, OUTBOUND = Direction.INBOUND, Direction.OUTBOUND
START_NS = 1_700_000_000_000_000_000
TICK_NS = 50_000
TTL = 64
ECT = 2  # RFC 3168: on data of a connection that negotiated ECN, not on pure ACKs
ISN = {"client": 1_000_000, "server": 7_000_000}
PING_DATA = bytes(range(56))
SYN_OPTIONS = bytes.fromhex(
    "020405b40402080a0000000100000000 01030307".replace(" ", "")
)
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


@dataclass(slots=True, kw_only=True)
class Wire:
    """The host's two interfaces.

    Attributes:
        nat: what translates between them.
        bridge: docker0's address.
        present: addresses that answer.
        forwarding: the host's ip_forward.
        listening: address and port of each server.
        frames: capture point and frame, in order.

    """

    nat: Nat
    bridge: str
    present: Container[str]
    forwarding: bool = True
    listening: set[tuple[str, int]] = field(default_factory=set)
    frames: list[tuple[str, Frame]] = field(default_factory=list)
    _clock: int = START_NS
    _ip_id: int = 0
    _tos: int = 0
    _df: bool = True

    def carry(
        self, key: Tuple5, build: Build, tos: int = 0, *, df: bool = True
    ) -> Tuple5 | None:
        """Send one packet; return its 5-tuple on arrival, None if it is lost."""
        self._ip_id = (self._ip_id + 1) % (1 << 16)
        self._tos, self._df = tos, df
        if key.src == self.bridge:
            arrived: Tuple5 | None = self._seen("docker0", key, build, OUTBOUND)
        elif self._is_inside(key.src):
            arrived = self._outwards(key, build)
        else:
            arrived = self._inwards(key, build)
        return arrived if arrived and arrived.dst in self.present else None

    def canary(self, point: str, nonce: str, kind: str) -> None:
        """Let a canary cross a point."""
        data = canary.build(canary.Canary(nonce, point, kind), bytes(6))
        self._record(point, data, INBOUND)

    def _is_inside(self, address: str) -> bool:
        return ip_address(address) in self.nat.subnet and address != self.bridge

    def _outwards(self, key: Tuple5, build: Build) -> Tuple5 | None:
        self._seen("docker0", key, build, INBOUND)
        if key.dst == self.nat.address or ip_address(key.dst) in self.nat.subnet:
            return key
        if not self.forwarding:
            return None
        sent = self.nat.outbound(key)
        return self._seen("uplink", sent, build, OUTBOUND, TTL - 1)

    def _inwards(self, key: Tuple5, build: Build) -> Tuple5 | None:
        if key.src == self.nat.address:  # an answer of the host itself
            if self._is_inside(key.dst):
                return self._seen("docker0", key, build, OUTBOUND)
            return self._seen("uplink", key, build, OUTBOUND)
        self._seen("uplink", key, build, INBOUND)
        sent = self.nat.inbound(key)
        if sent is None:  # to the host or a neighbour; to a container it is dropped
            return None if self._is_inside(key.dst) else key
        if not self.forwarding:
            return None
        return self._seen("docker0", sent, build, OUTBOUND, TTL - 1)

    def _seen(
        self,
        point: str,
        key: Tuple5,
        build: Build,
        direction: Direction,
        ttl: int = TTL,
    ) -> Tuple5:
        header: ipv4.Header = {
            "ttl": ttl,
            "ip_id": self._ip_id,
            "tos": self._tos,
            "df": self._df,
        }
        packet = ipv4.build(key.src, key.dst, key.proto, build(key), **header)
        self._record(point, ethernet.build(*MACS, packet), direction)
        return key

    def _record(self, point: str, data: bytes, direction: Direction) -> None:
        self._clock += TICK_NS
        self.frames.append((point, Frame(0, self._clock, data, len(data), direction)))


def ping(wire: Wire, key: Tuple5, seq: int) -> bool:
    """Exchange one echo; return whether the reply came back."""
    request = wire.carry(key, _echo(assigned.ECHO_REQUEST, seq))
    if request is None:
        return False
    answer = _echo(assigned.ECHO_REPLY, seq)  # Linux sends replies without DF
    return wire.carry(request.reply, answer, df=False) is not None


def _echo(kind: int, seq: int) -> Build:
    return lambda key: icmp.build_echo(kind, key.sport, seq, PING_DATA)


def converse(wire: Wire, key: Tuple5, request: bytes, response: bytes) -> Tuple5 | None:
    """Play one TCP connection, handshake to close.

    Return its 5-tuple where it was accepted; None where it was refused or lost.
    """
    mine, theirs = ISN["client"], ISN["server"]
    syn = _segment(mine, 0, tcp.SYN | tcp.ECE | tcp.CWR, b"")
    there = wire.carry(key, syn)
    if there is None:
        return None
    if (there.dst, there.dport) not in wire.listening:
        wire.carry(there.reply, _segment(0, mine + 1, tcp.RST | tcp.ACK, b""))
        return None
    sent, got = mine + 1 + len(request), theirs + 1 + len(response)
    play = [
        (True, theirs, mine + 1, tcp.SYN | tcp.ACK | tcp.ECE, b""),
        (False, mine + 1, theirs + 1, tcp.ACK, b""),
        (False, mine + 1, theirs + 1, tcp.PSH | tcp.ACK, request),
        (True, theirs + 1, sent, tcp.PSH | tcp.ACK, response),
        (True, got, sent, tcp.FIN | tcp.ACK, b""),
        (False, sent, got + 1, tcp.FIN | tcp.ACK, b""),
        (True, got + 1, sent + 1, tcp.ACK, b""),
    ]
    for reply, seq, ack, flags, data in play:
        build = _segment(seq, ack, flags, data)
        wire.carry(there.reply if reply else key, build, ECT if data else 0)
    return there


def _segment(seq: int, ack: int, flags: int, data: bytes) -> Build:
    options = SYN_OPTIONS if flags & tcp.SYN else b""
    header: tcp.Header = {"seq": seq, "ack": ack, "flags": flags, "options": options}
    return lambda key: tcp.build(key.src, key.dst, key.sport, key.dport, data, **header)
