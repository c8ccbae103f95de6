"""Any traffic through any NAT that loses packets, as captures on both sides saw it.

Knows what becomes of each transmission, and so what must be said of it. What hosts
send, and send again, is in `tests/talkers.py`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple

from tests import talkers
from tests.traffic import IN, OUT, START_NS, SYN_ACK, UNKNOWN, Packet

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import ICMP, ICMP6, TCP, Tuple5
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Side = Literal["inside", "outside"]
SIDES: tuple[Side, Side] = ("inside", "outside")
MS, SECOND = 1_000_000, 1_000_000_000
MISSED = -2  # the row of a packet that passed a capture unseen
UDP_IDLE = 30 * SECOND  # nf_conntrack_udp_timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the network, the host and the captures do to packets.

    Attributes:
        flows: how many conversations there are.
        lasting: in which time they begin, in ns.
        ports: which port of its own a mapping has outside.
        ids: IP ids of senders: counted per conversation, or always 0.
        lost_out: of the packets that leave, how many the host loses, as a ratio.
        lost_in: of those that arrive, likewise.
        lost_beyond: of either direction, lost by others outside the host.
        missed_inside: how many the inside capture misses although they pass.
        missed_outside: the outside capture, likewise.
        delay: of the host, in ns; its jitter is up to as much, and keeps the order.
        reorder: packets may overtake others in the host.
        offset: how far the outside's clock is ahead, in ns.
        drift: how much faster it runs, as a ratio.
        begun: what part of the time is over when inside and outside capture begin.
        ended: what part of it is left when they end.
        super_frames: senders inside leave segmentation to the host (TSO), and the host
            merges what it receives (GRO), so that the inside sees super-frames.
        ipv6: addresses are IPv6's, which has no IP id.
        directions: the captures know whether the host received or sent a packet.
        renewed: sockets are used again, after a FIN or when their mapping has expired.
        kinds: which conversations there are, of `talkers.KINDS`.

    """

    flows: int = 8
    lasting: int = 5 * SECOND
    ports: Literal["kept", "random", "none"] = "kept"
    ids: Literal["counted", "zero"] = "counted"
    lost_out: float = 0.0
    lost_in: float = 0.0
    lost_beyond: float = 0.0
    missed_inside: float = 0.0
    missed_outside: float = 0.0
    delay: int = 50_000
    reorder: bool = False
    offset: int = 0
    drift: float = 0.0
    begun: tuple[float, float] = (0.0, 0.0)
    ended: tuple[float, float] = (0.0, 0.0)
    super_frames: bool = False
    ipv6: bool = False
    directions: bool = False
    renewed: bool = True
    kinds: tuple[str, ...] = talkers.KINDS


@dataclass(slots=True, eq=False)
class Sighting:
    """A packet at one point of the host, and what it was on the other side.

    Attributes:
        side: of the host.
        packet: as it passes there.
        at: when, in ns.
        flow: number of its conversation.
        reply: it travels to the initiator.
        upstream: it passes here first.
        sources: of a downstream packet, those that it carries.
        row: in the capture; -1 if that has it not.
        crossed: the host sent it on, or it comes from there; of some octets only: part.
        part: it crossed but for some octets.
        local: it is the host's own, and is never forwarded.

    """

    side: Side
    packet: Packet
    at: int
    flow: int
    reply: bool
    upstream: bool
    sources: tuple[Sighting, ...] = ()
    row: int = -1
    crossed: bool = False
    part: bool = False
    local: bool = False


@dataclass(slots=True, kw_only=True)
class Truth:
    """What happened, in rows of the two captures.

    Attributes:
        pairs: (inside row, outside row) of packets that share octets.
        delays: of each pair, in ns; outwards and inwards alike from first to second.
        lost: of each side, the rows that the host lost.
        parts: rows of which it lost some octets.
        missed: rows that crossed, and that the other capture missed.
        unlooked: rows before the other capture's first packet, or after its last one.
        edge: rows of which that may be either way, for the delay of the host.
        local: rows of the host's own conversations.
        seen: of each side, what each row is.

    """

    pairs: set[tuple[int, int]] = field(default_factory=set)
    delays: dict[tuple[int, int], int] = field(default_factory=dict)
    lost: dict[Side, set[int]] = field(default_factory=lambda: defaultdict(set))
    parts: dict[Side, set[int]] = field(default_factory=lambda: defaultdict(set))
    missed: dict[Side, set[int]] = field(default_factory=lambda: defaultdict(set))
    unlooked: dict[Side, set[int]] = field(default_factory=lambda: defaultdict(set))
    edge: dict[Side, set[int]] = field(default_factory=lambda: defaultdict(set))
    local: dict[Side, set[int]] = field(default_factory=lambda: defaultdict(set))
    seen: dict[Side, list[Sighting]] = field(default_factory=dict)


class Run(NamedTuple):
    """Both captures, and the truth about them."""

    inside: Capture
    outside: Capture
    truth: Truth


@dataclass(slots=True)
class _Entry:
    """A mapping in use: when it was used last, and whether its connection has ended."""

    inside: Tuple5
    outside: Tuple5
    last: int
    ended: bool = False


class Host:
    """A NAT with connection tracking: RFC 4787's address and port dependent mapping."""

    def __init__(self, conditions: Conditions, random: Random) -> None:
        """Start without a mapping."""
        self._ports, self._random = conditions.ports, random
        self._address = "2001:db8::9" if conditions.ipv6 else "203.0.113.1"
        self._by_key: dict[tuple[Side, Tuple5], _Entry] = {}

    def translate(self, side: Side, packet: Packet, now: int) -> Tuple5 | None:
        """Return the key behind the host of a packet that comes from a side."""
        entry = self._by_key.get((side, packet.key))
        if entry is not None and self._is_over(entry, packet, now):
            self._forget(entry)
            entry = None
        if entry is None:
            entry = self._mapped(side, packet.key, now)
        if entry is None:
            return None
        entry.last = now
        if packet.key.proto == TCP and packet.flags & (tcp.FIN | tcp.RST):
            entry.ended = True
        far = entry.outside if side == "inside" else entry.inside
        near = entry.inside if side == "inside" else entry.outside
        return far if near == packet.key else far.reply

    def _is_over(self, entry: _Entry, packet: Packet, now: int) -> bool:
        if packet.key.proto == TCP:
            return entry.ended and packet.flags & SYN_ACK == tcp.SYN
        return now - entry.last > UDP_IDLE

    def _forget(self, entry: _Entry) -> None:
        for side, key in (("inside", entry.inside), ("outside", entry.outside)):
            for one in (key, key.reply):
                self._by_key.pop((side, one), None)  # type: ignore[arg-type]

    def _mapped(self, side: Side, key: Tuple5, now: int) -> _Entry | None:
        if side == "inside":
            entry = _Entry(key, self._masqueraded(key, now), now)
        elif key.dst != self._address or key.dport not in talkers.PUBLISHED:
            return None
        else:
            backend, port = self._random.choice(talkers.PUBLISHED[key.dport])
            inside = key._replace(dst=talkers.inside(backend, key.src), dport=port)
            if ("inside", inside) in self._by_key:
                return None
            entry = _Entry(inside, key, now)
        for where, one in (("inside", entry.inside), ("outside", entry.outside)):
            for each in (one, one.reply):
                self._by_key[where, each] = entry  # type: ignore[index]
        return entry

    def _masqueraded(self, key: Tuple5, now: int) -> Tuple5:
        if self._ports == "none":
            return key
        port = (
            key.sport if self._ports == "kept" else self._random.randrange(1024, 65536)
        )
        while True:
            new = key._replace(src=self._address, sport=port)
            if key.proto in (ICMP, ICMP6):
                new = new._replace(dport=port)
            taken = self._by_key.get(("outside", new))
            if taken is None:
                return new
            if now - taken.last > UDP_IDLE and (key.proto != TCP or taken.ended):
                self._forget(taken)
                return new
            port = self._random.randrange(1024, 65536)


class Network:
    """Sends packets from host to host, and keeps what was seen of them on the way."""

    def __init__(self, conditions: Conditions, random: Random) -> None:
        """Start at time 0, with nothing under way."""
        self.conditions, self.random = conditions, random
        self.now = 0
        self.host = Host(conditions, random)
        self.sightings: list[Sighting] = []
        self.receivers: dict[tuple[int, Side], Callable[[Packet], None]] = {}
        self._free_at: dict[object, int] = defaultdict(int)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, when: int, act: Callable[[], None]) -> None:
        """Have something done at a time."""
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def run(self) -> None:
        """Let everything happen."""
        while self._events:
            self.now, _, act = heapq.heappop(self._events)
            act()

    def send(
        self, flow: int, side: Side, packets: list[Packet], *, reply: bool, sure: bool
    ) -> None:
        """Send a burst of packets of one sender; those that are sure are not lost."""
        lost = 0.0 if sure else self.conditions.lost_beyond
        left = [packet for packet in packets if self.random.random() >= lost]
        if left:
            arrive = _Burst(flow, side, reply, sure)
            when = self._in_order((flow, side), self.now + self._way())
            self.at(when, lambda: self._forward(arrive, left))

    def local(self, flow: int, side: Side, packet: Packet, *, reply: bool) -> None:
        """Show a packet of the host's own at one point."""
        seen = Sighting(side, packet, self.now, flow, reply, upstream=not reply)
        seen.local = True
        self.sightings.append(seen)

    def _forward(self, burst: _Burst, packets: list[Packet]) -> None:
        """Have the host receive packets, translate them and send them on."""
        other = SIDES[burst.side == "inside"]
        kept: list[tuple[Sighting, Packet]] = []
        for number, packet in enumerate(packets):
            came = self._seen(burst.side, packet, self.now + number * 1000, burst)
            key = self.host.translate(burst.side, packet, self.now)
            if key is None:
                continue
            beyond = replace(packet, key=key, ttl=packet.ttl - 1)
            kept += [(came, one) for one in self._survivors(came, beyond, burst)]
        if burst.side == "outside" and self.conditions.super_frames:
            going = _merged(kept)
        else:
            going = [((source,), one) for source, one in kept]
        for sources, one in going:
            leaves = self._leaves(burst.side)
            gone = self._seen(other, one, leaves, burst, sources)
            for source in sources:
                source.crossed = True
            self._deliver(gone, burst)

    def _survivors(self, came: Sighting, beyond: Packet, burst: _Burst) -> list[Packet]:
        """Return the pieces of a packet that the host does not lose."""
        by_side = self.conditions.lost_out, self.conditions.lost_in
        lost = 0.0 if burst.sure else by_side[burst.side == "outside"]
        pieces = talkers.segmented(beyond)
        left = [one for one in pieces if self.random.random() >= lost]
        came.part = len(left) < len(pieces)
        return left

    def _leaves(self, side: Side) -> int:
        """Return when the host sends on what it received now from a side."""
        delay = self.conditions.delay
        leaves = self.now + delay + self.random.randrange(delay + 1)
        return leaves if self.conditions.reorder else self._in_order(side, leaves)

    def _in_order(self, path: object, when: int) -> int:
        """Return when a packet leaves a path on which no other overtakes it."""
        self._free_at[path] = max(when, self._free_at[path] + 1000)
        return self._free_at[path]

    def _way(self) -> int:
        """Return how long a packet is under way between a host and the NAT."""
        return self.random.randrange(MS // 10, 10 * MS)

    def _deliver(self, gone: Sighting, burst: _Burst) -> None:
        """Have the receiver have a packet, unless it is lost beyond the host."""
        receive = self.receivers.get((burst.flow, gone.side))
        is_lost = self.random.random() < self.conditions.lost_beyond
        if receive is not None and (burst.sure or not is_lost):
            when = self._in_order((burst.flow, gone.side, 0), gone.at + self._way())
            self.at(when, lambda: receive(gone.packet))

    def _seen(
        self,
        side: Side,
        packet: Packet,
        at: int,
        burst: _Burst,
        sources: tuple[Sighting, ...] = (),
    ) -> Sighting:
        direction = UNKNOWN
        if self.conditions.directions:
            direction = OUT if sources else IN
        packet = replace(packet, direction=direction)
        seen = Sighting(side, packet, at, burst.flow, burst.reply, not sources, sources)
        missed = self.conditions.missed_inside, self.conditions.missed_outside
        if not burst.sure and self.random.random() < missed[side == "outside"]:
            seen.row = MISSED
        self.sightings.append(seen)
        return seen


class _Burst(NamedTuple):
    """Whose packets these are, and from which side they come."""

    flow: int
    side: Side
    reply: bool
    sure: bool


def _merged(
    kept: list[tuple[Sighting, Packet]],
) -> list[tuple[tuple[Sighting, ...], Packet]]:
    """Return segments that follow each other as one, as GRO does."""
    made: list[tuple[tuple[Sighting, ...], Packet]] = []
    for source, packet in kept:
        if made and talkers.follows(made[-1][1], packet):
            sources, before = made[-1]
            made[-1] = (
                (*sources, source),
                replace(before, data=before.data + packet.data),
            )
        else:
            made.append(((source,), packet))
    return made


def simulate(seed: int, conditions: Conditions) -> Run:
    """Return what both captures of some traffic are, and what is true of them."""
    random = Random(seed)  # noqa: S311 - not for secrets
    network = Network(conditions, random)
    talkers.anchor(network)
    talkers.start(network)
    network.run()
    network.now += SECOND
    talkers.anchor(network)
    network.run()
    seen = {side: _captured(network, side) for side in SIDES}
    inside, outside = (_capture(seen[side], conditions) for side in SIDES)
    return Run(inside, outside, _truth(network, seen))


def _captured(network: Network, side: Side) -> list[Sighting]:
    """Number what a capture has of a side, in the order of time."""
    seen = sorted((one for one in network.sightings if one.side == side), key=_time)
    number, conditions = side == "outside", network.conditions
    length = max(one.at for one in network.sightings)
    begin = conditions.begun[number] * length
    end = (1 - conditions.ended[number]) * length
    found = [one for one in seen if one.row != MISSED and begin <= one.at <= end]
    for row, one in enumerate(found):
        one.row = row
    return found


def _time(seen: Sighting) -> int:
    return seen.at


def _capture(seen: Iterable[Sighting], conditions: Conditions) -> Capture:
    """Return the packets of one side as captured, by its clock."""
    frames = []
    for one in seen:
        ts = START_NS + one.at
        if one.side == "outside":
            ts += conditions.offset + int(conditions.drift * one.at)
        frame = one.packet.frame
        frames.append(Frame(0, ts, frame, len(frame), one.packet.direction))
    return Capture.from_frames(frames, [Interface(name="tap")])


def _truth(network: Network, seen: dict[Side, list[Sighting]]) -> Truth:
    truth = Truth(seen=seen)
    paired: set[int] = set()
    for one in network.sightings:
        for source in one.sources:
            if min(one.row, source.row) >= 0:
                rows = (one.row, source.row)
                pair = rows if one.side == "inside" else rows[::-1]
                truth.pairs.add(pair)
                truth.delays[pair] = one.at - source.at
                paired |= {id(one), id(source)}
    longest = max(truth.delays.values(), default=0)
    for side, other in zip(SIDES, SIDES[::-1], strict=True):
        for one in seen[side]:
            _judge(truth, one, seen[other], longest, is_paired=id(one) in paired)
    return truth


def _judge(
    truth: Truth, one: Sighting, other: list[Sighting], longest: int, *, is_paired: bool
) -> None:
    """Enter one packet of a capture where it belongs."""
    side, row = one.side, one.row
    first, last = (other[0].at, other[-1].at) if other else (0, -1)
    borders = (abs(one.at - first), abs(one.at - last))
    if one.local:
        truth.local[side].add(row)
    elif is_paired:
        if one.part:
            truth.parts[side].add(row)
    elif not first <= one.at <= last:
        truth.unlooked[side].add(row)
    elif one.upstream and not one.crossed:
        truth.lost[side].add(row)
    else:
        truth.missed[side].add(row)
    if not is_paired and not one.local and min(borders) <= longest:
        truth.edge[side].add(row)
