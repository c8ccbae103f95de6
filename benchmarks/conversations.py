"""Make up the conversations of a Docker host, as columns. Knows no byte and no file.

Flows are oriented from their initiator. Packets are rows in the order of their flow;
what depends on the packets before one in its flow is a running sum or maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Rows = npt.NDArray[np.generic]

ICMP, TCP, UDP = 1, 6, 17
KEY = np.dtype([("src", "u4"), ("sport", "u2"), ("dst", "u4"), ("dport", "u2")])
FLOW = np.dtype([("proto", "u1"), ("inbound", "?"), ("inside", KEY), ("outside", KEY)])

CONTAINERS, CONTAINER_NET = 20, 0xAC110000  # 172.17.0.2 and on
HOST = 0xAC10D380  # 172.16.211.128
SERVERS, SERVER_NET = 250, 0xC6120000  # 198.18.0.1 and on (RFC 2544: benchmarks)
CLIENTS, CLIENT_NET = 30_000, 0xC6130000  # 198.19.0.1 and on
SERVER_PORTS = 41_100  # no dissector of Wireshark claims these, nor the next few
CONTAINER_PORTS = 41_200
PUBLISHED_PORTS = 41_300
EPHEMERAL = 32_768, 61_000
LOW_PORTS = (330, 360), (900, 940)  # two more classes in which masquerade stays

CLASHES = 0.02  # of the flows out have an earlier one's port, from another container
UNCONNECTED = 0.5  # of the UDP flows are served from an unconnected socket
PER_FLOW = 50  # packets, on average
RATE = 50_000  # packets a second
POOL = 1 << 22  # random bytes that payloads are cut from

SYN, PLAIN, RST, DATAGRAM, ECHO = range(5)  # kinds of header
_FIN_FLAG, _SYN_FLAG, _RST_FLAG, _PSH_FLAG, _ACK_FLAG = 1, 2, 4, 8, 16
_SHORTEST_TCP = 8  # packets: handshake, two of data, FIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """One row a packet: what it has on both sides.

    `when` is where it is seen first, and `delay` what the host takes to forward it, in
    ns. `back` says that it goes to the initiator. Payloads are `size` bytes from `at`
    on in the pool. `seq` is also that of an ICMP echo.
    """

    flow: Rows
    back: Rows
    kind: Rows
    when: Rows
    delay: Rows
    size: Rows
    at: Rows
    seq: Rows
    ack: Rows
    flags: Rows
    window: Rows
    ident: Rows
    stamp: Rows
    echoed: Rows


def plan_flows(rng: np.random.Generator, count: int) -> Rows:
    """Return the keys of this many flows on both sides of the host."""
    flows = np.zeros(count, FLOW)
    flows["proto"] = rng.choice([TCP, UDP, ICMP], count, p=[0.7, 0.2, 0.1])
    flows["inbound"] = (rng.random(count) < 0.3) & (flows["proto"] != ICMP)
    _publish(rng, flows)
    _masquerade(rng, flows)
    return flows


def _publish(rng: np.random.Generator, flows: Rows) -> None:
    """Fill in flows from clients to published ports: DNAT, source ports kept."""
    rows = np.flatnonzero(flows["inbound"])
    service = rng.integers(CONTAINERS, size=len(rows))
    key = np.zeros(len(rows), KEY)
    key["src"] = CLIENT_NET + 1 + rng.integers(CLIENTS, size=len(rows))
    key["sport"] = rng.integers(*EPHEMERAL, size=len(rows))
    key["dst"], key["dport"] = HOST, PUBLISHED_PORTS + service
    _make_distinct(rng, flows["proto"][rows], key)
    flows["outside"][rows] = key
    key["dst"] = CONTAINER_NET + 2 + service
    key["dport"] = CONTAINER_PORTS + service
    flows["inside"][rows] = key


def _masquerade(rng: np.random.Generator, flows: Rows) -> None:
    """Fill in flows from containers; a port or id that is taken is remapped."""
    rows = np.flatnonzero(~flows["inbound"])
    proto, count = flows["proto"][rows], len(rows)
    key = np.zeros(count, KEY)
    key["src"] = CONTAINER_NET + 2 + rng.integers(CONTAINERS, size=count)
    key["sport"] = _source_ports(rng, proto)
    key["dst"] = SERVER_NET + 1 + rng.integers(SERVERS, size=count)
    key["dport"] = SERVER_PORTS + rng.integers(8, size=count)
    key["dport"][proto == ICMP] = 0
    _clash(rng, proto, key)
    _make_distinct(rng, proto, key)
    flows["inside"][rows] = key
    key["src"] = HOST
    _make_distinct(rng, proto, key)
    flows["outside"][rows] = key
    for side in ("inside", "outside"):  # an id has no direction: it is both ports
        keys, echo = flows[side], flows["proto"] == ICMP
        keys["dport"][echo] = keys["sport"][echo]


def _source_ports(rng: np.random.Generator, proto: Rows) -> Rows:
    """Return ephemeral ports, a few low ones, and ICMP ids."""
    port = rng.integers(*EPHEMERAL, size=len(proto))
    for low in LOW_PORTS:
        rows = np.flatnonzero(rng.random(len(proto)) < 0.005)
        port[rows] = rng.integers(*low, size=len(rows))
    return np.where(proto == ICMP, rng.integers(1 << 16, size=len(proto)), port)


def _clash(rng: np.random.Generator, proto: Rows, key: Rows) -> None:
    """Give some flows the ports of the one before, from the next container."""
    for one in (TCP, UDP, ICMP):
        rows = np.flatnonzero(proto == one)
        chosen = 1 + np.flatnonzero(rng.random(max(len(rows) - 1, 0)) < CLASHES)
        model = key[rows[chosen - 1]]
        model["src"] = CONTAINER_NET + 2 + (model["src"] + 1) % CONTAINERS
        key[rows[chosen]] = model


def _make_distinct(rng: np.random.Generator, proto: Rows, key: Rows) -> None:
    """Redraw source ports that an earlier flow has taken, within their class."""
    while True:
        rest = proto.astype("u8") << 56 | (key["src"].astype("u8") & 0xFFFF) << 40
        rest ^= (key["dst"].astype("u8") & 0x3FFFF) << 32
        tuples = np.stack(
            [rest, key["dport"].astype("u8") << 16 | key["sport"]], axis=1
        )
        _, first = np.unique(tuples, axis=0, return_index=True)
        taken = np.ones(len(key), dtype=bool)
        taken[first] = False
        if not taken.any():
            return
        port, echo = key["sport"][taken].astype("i8"), proto[taken] == ICMP
        low = np.select([echo, port < 512, port < 1024], [0, 1, 600], 1024)
        high = np.select([echo, port < 512, port < 1024], [65536, 512, 1024], 65536)
        key["sport"][taken] = rng.integers(low, high)


class _Steps:
    """Where each packet is in its flow, and sums over those before it."""

    def __init__(self, length: Rows) -> None:
        starts = np.cumsum(length) - length
        self.count = int(length.sum())
        self.flow = np.repeat(np.arange(len(length), dtype="i4"), length)
        self.first = starts.astype("i4")[self.flow]
        self.step = np.arange(self.count, dtype="i4") - self.first
        self.left = length.astype("i4")[self.flow] - 1 - self.step

    def before(self, amount: Rows) -> Rows:
        """Return the sum over the packets before each one in its flow."""
        total = np.cumsum(amount, dtype="i8") - amount
        return total - total[self.first]

    def last(self, chosen: Rows) -> Rows:
        """Return the last chosen row of the flow up to each row, else -1."""
        row = np.where(chosen, np.arange(self.count, dtype="i4"), np.int32(-1))
        row = np.maximum.accumulate(row)
        row[row < self.first] = -1
        return row


def plan_packets(rng: np.random.Generator, flows: Rows, packets: int) -> Packets:
    """Return exactly this many packets of these flows, in the order of the flows."""
    length = _lengths(rng, flows["proto"], packets)
    steps = _Steps(length)
    proto = flows["proto"][steps.flow]
    back, kind, flags, talks = _turns(rng, steps, proto)
    size, source = _sizes(rng, steps, proto, back, talks)
    at = rng.integers(POOL // 2 - 1024, size=steps.count, dtype="u4") * 2
    del talks
    when = _times(rng, steps, length)
    seq, ack = _sequence(rng, steps, (back, size, flags), source)
    seq = np.where(proto == TCP, seq, steps.step // 2 + 1).astype("u4")
    ack[(flags & _ACK_FLAG) == 0] = 0
    base = rng.integers(500, 2000, size=(len(flows), 2), dtype="u2")
    stamp, echoed = _stamps(rng, steps, back, when)
    return Packets(
        flow=steps.flow,
        back=back,
        kind=kind,
        when=when,
        delay=rng.integers(2_000, 12_000, size=steps.count, dtype="i4"),
        size=size,
        at=at[source],
        seq=seq,
        ack=ack,
        flags=flags,
        window=(base[steps.flow, back.view("u1")] + (ack >> 15 & 63)).astype("u2"),
        ident=_idents(rng, steps, back, _has_ident(rng, steps, back, kind, flags)),
        stamp=stamp,
        echoed=echoed,
    )


def _lengths(rng: np.random.Generator, proto: Rows, packets: int) -> Rows:
    """Return how many packets each flow has: heavy-tailed, and that many in all."""
    least = np.where(proto == TCP, _SHORTEST_TCP, 2)
    spare = packets - int(least.sum())
    if spare < 0:
        raise ValueError(f"{packets} packets are too few for {len(proto)} flows")
    weight = np.minimum(rng.pareto(1.1, len(proto)), 2_000)
    more = np.floor(weight * (spare / weight.sum())).astype("i8")
    more[: spare - int(more.sum())] += 1
    return least + more


def _turns(
    rng: np.random.Generator, steps: _Steps, proto: Rows
) -> tuple[Rows, Rows, Rows, Rows]:
    """Return who speaks, in which kind of header, TCP's flags, and how much he says.

    That is 0 for nothing, 1 for little, 2 for much.
    """
    count, step, left = steps.count, steps.step, steps.left
    flows = int(steps.flow[-1]) + 1
    bulk = (rng.random(flows) < 0.7)[steps.flow]
    resets = (rng.random(flows) < 0.03)[steps.flow]
    tcp, lot = proto == TCP, rng.random(count, dtype="f4")
    talks = np.select([lot < 0.5, lot < 0.6], [np.uint8(2), np.uint8(1)], np.uint8(0))
    back = np.where(tcp, bulk ^ (talks < 2), step & 1 > 0)
    flags = np.where(rng.random(count, dtype="f4") < 0.3, _PSH_FLAG | _ACK_FLAG, 16)
    flags = np.where(talks > 0, flags, _ACK_FLAG).astype("u1")
    kind = np.select([tcp, proto == UDP], [np.uint8(PLAIN), np.uint8(DATAGRAM)], ECHO)
    fin = tcp & ~resets
    for rows, way, flag, header in (
        (tcp & (step == 0), 0, _SYN_FLAG, SYN),
        (tcp & (step == 1), 1, _SYN_FLAG | _ACK_FLAG, SYN),
        (tcp & (step == 2), 0, _ACK_FLAG, PLAIN),
        (fin & (left == 2), 0, _FIN_FLAG | _ACK_FLAG, PLAIN),
        (fin & (left == 1), 1, _FIN_FLAG | _ACK_FLAG, PLAIN),
        (fin & (left == 0), 0, _ACK_FLAG, PLAIN),
        (tcp & resets & (left == 0), 1, _RST_FLAG, RST),
    ):
        back[rows], flags[rows], kind[rows], talks[rows] = way, flag, header, 0
    flags[~tcp] = 0
    return back, kind.astype("u1"), flags, talks


def _sizes(
    rng: np.random.Generator, steps: _Steps, proto: Rows, back: Rows, talks: Rows
) -> tuple[Rows, Rows]:
    """Return payload sizes, and the row whose payload each packet carries.

    That is the packet itself, the one a TCP segment repeats, or a reply's request.
    """
    count, row = steps.count, np.arange(steps.count, dtype="i4")
    lot = rng.random(count, dtype="f4")
    small = rng.integers(12, 260, size=count, dtype="u2")
    imix = np.select([lot < 0.27, lot < 0.6], [np.uint16(1448), np.uint16(524)], small)
    size = np.select([talks == 2, talks == 1], [imix, small], np.uint16(0))
    answers = np.where(back, np.minimum(imix, 1400), small)
    size = np.where(proto == UDP, answers, size)
    pings = np.where(rng.random(count) < 0.8, 56, small)[steps.first]
    size = np.where(proto == ICMP, pings, size).astype("u2")
    source = np.where((proto == ICMP) & back, row - 1, row)
    repeats = (proto == TCP) & (size > 0) & (rng.random(count, dtype="f4") < 0.015)
    for way in (back, ~back):
        said = steps.last((proto == TCP) & (size > 0) & way & ~repeats)
        again = repeats & way & (said >= 0)
        source = np.where(again, said, source)
    return size[source], source


def _sequence(
    rng: np.random.Generator,
    steps: _Steps,
    said: tuple[Rows, Rows, Rows],
    source: Rows,
) -> tuple[Rows, Rows]:
    """Return TCP's sequence and acknowledgement numbers."""
    back, size, flags = said
    amount = size + (flags & (_SYN_FLAG | _FIN_FLAG) > 0).astype("i8")
    amount[source != np.arange(steps.count)] = 0
    start = rng.integers(1 << 32, size=(int(steps.flow[-1]) + 1, 2))
    sent = [
        (start[steps.flow, way] + steps.before(amount * (back == way))).astype("u4")
        for way in (0, 1)
    ]
    seq = np.where(back, sent[1], sent[0])
    return seq[source], np.where(back, sent[0], sent[1])


def _times(rng: np.random.Generator, steps: _Steps, length: Rows) -> Rows:
    """Return when packets are first seen: no flow is faster than the host forwards."""
    span = steps.count * (1_000_000_000 // RATE)
    gap = np.minimum(rng.lognormal(15.0, 1.0, len(length)), 0.8 * span / length)
    start = rng.random(len(length)) * np.maximum(span - gap * length, 0)
    gaps = rng.standard_exponential(steps.count, dtype="f4") * gap[steps.flow]
    gaps = gaps.astype("i8") + 15_000
    return steps.before(gaps) + start.astype("i8")[steps.flow]


def _has_ident(
    rng: np.random.Generator, steps: _Steps, back: Rows, kind: Rows, flags: Rows
) -> Rows:
    """Tell which packets have an IP id: Linux counts them per connected socket.

    Without one it sends 0: on SYN-ACK and RST, and from UDP servers with one socket
    for all clients.
    """
    unconnected = (rng.random(int(steps.flow[-1]) + 1) < UNCONNECTED)[steps.flow]
    served = (kind == DATAGRAM) & back & unconnected
    return (kind != RST) & (flags != (_SYN_FLAG | _ACK_FLAG)) & ~served


def _idents(rng: np.random.Generator, steps: _Steps, back: Rows, counted: Rows) -> Rows:
    """Return IP ids: counted by each end of a flow, 0 where they are not."""
    start = rng.integers(1 << 16, size=(int(steps.flow[-1]) + 1, 2))
    ident = np.zeros(steps.count, dtype="u2")
    for way in (0, 1):
        rows = counted & (back == way)
        number = start[steps.flow, way] + steps.before(rows.astype("i8"))
        ident[rows] = (number[rows] & 0xFFFF).astype("u2")
    return ident


def _stamps(
    rng: np.random.Generator, steps: _Steps, back: Rows, when: Rows
) -> tuple[Rows, Rows]:
    """Return TCP's timestamps in ms, and the last one heard from the other end."""
    start = rng.integers(1 << 32, size=(int(steps.flow[-1]) + 1, 2))
    stamp = (start[steps.flow, back.view("u1")] + when // 1_000_000).astype("u4")
    echoed = np.zeros(steps.count, dtype="u4")
    for way in (back, ~back):
        heard = steps.last(way)
        rows = ~way & (heard >= 0)
        echoed[rows] = stamp[heard[rows]]
    return stamp, echoed
