"""Generate what a Docker host's two capture points see of the same traffic.

Outbound TCP, UDP and pings behind a masquerade, where some ports and ids are taken and
so remapped; inbound TCP to published ports. Sizes are a mix with a mean of some 360
bytes a record, checksums are right, and the truth comes along. Vectorised: a million
packets a side take seconds. The same seed gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[np.int64]

ICMP, TCP, UDP = 1, 6, 17
SYN, ACK, FIN, PSH = 2, 16, 1, 8
HOST = 192 << 24 | 2 << 8 | 9
SUBNET, PEERS, CLIENTS = 172 << 24 | 17 << 16, 10 << 24 | 9 << 16, 198 << 24 | 51 << 16
CONTAINERS, PEER_COUNT = 200, 2000
POOL = 1 << 16
BLOCK = 50_000
ETHERNET, IP, TCP_BYTES, SHORT = 14, 20, 32, 8
START = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class Wanted:
    """What to generate: packets a side, loss outside, and the outside clock's lead."""

    packets: int
    seed: int = 1
    loss: float = 0.0
    offset_ns: int = 0
    per_flow: int = 50


@dataclass(frozen=True)
class Truth:
    """For each inside row its outside row, or -1; keys of each flow, inside first."""

    twins: Array
    flows: int


def generate(wanted: Wanted, inside: Path, outside: Path, kind: str = "pcap") -> Truth:
    """Write the two captures (`pcap`, `nsecpcap` or `pcapng`); return the truth."""
    rng = np.random.default_rng(wanted.seed)
    flows = _flows(wanted, rng)
    packets = _packets(flows, wanted, rng)
    near = np.argsort(packets["near_ts"], kind="stable")
    kept = np.flatnonzero(rng.random(len(near)) >= wanted.loss)
    far = kept[np.argsort(packets["far_ts"][kept], kind="stable")]
    pool = rng.integers(0, 256, POOL + 4096, dtype=np.uint8)
    for path, order, side in ((inside, near, "near"), (outside, far, "far")):
        _write(path, {k: v[order] for k, v in packets.items()}, side, pool, kind)
    place = np.full(len(near), -1)
    place[far] = np.arange(len(far))
    return Truth(place[near], len(np.unique(packets["flow"])))


def _flows(wanted: Wanted, rng: np.random.Generator) -> dict[str, Array]:
    """Return one row a flow: who speaks to whom, on either side, and how long."""
    count = max(wanted.packets // wanted.per_flow, 4)
    number = np.arange(count)
    sizes = np.maximum(rng.lognormal(0, 1.2, count), 0.1)
    sizes = np.maximum((sizes * wanted.packets / sizes.sum()).astype(np.int64), 6)
    proto = rng.choice([TCP, UDP, ICMP], count, p=[0.7, 0.2, 0.1])
    inward = (rng.random(count) < 0.35) & (proto == TCP)
    container = SUBNET + 2 + number % CONTAINERS
    peer = PEERS + 1 + rng.integers(0, PEER_COUNT, count)
    peer = np.where(inward, CLIENTS + 1 + number // 20000, peer)
    port = np.where(inward, 9000 + number % CONTAINERS, 32768 + number // CONTAINERS)
    peer_port = np.where(
        inward, 20000 + number % 20000, np.where(proto == TCP, 47001, 47002)
    )
    published = np.where(inward, 8000 + number % CONTAINERS, port)
    wants = np.stack([proto, peer, peer_port, published], axis=1)[~inward]
    published[~inward] = _remapped(wants, published[~inward])
    return {
        "size": sizes,
        "proto": proto,
        "inward": inward.astype(np.int64),
        "container": container,
        "peer": peer,
        "port": port,
        "peer_port": peer_port,
        "public": published,
        "start": rng.integers(0, wanted.packets * 3000, count),
    }


def _remapped(wants: Array, port: Array) -> Array:
    """Give the first flow that wants a tuple its port, each other one of its own."""
    order = np.lexsort(wants.T[::-1])
    taken = np.zeros(len(wants), dtype=bool)
    same = (wants[order][1:] == wants[order][:-1]).all(axis=1)
    taken[order[1:]] = same
    later = np.flatnonzero(taken)
    _, group = np.unique(wants[later][:, :3], axis=0, return_inverse=True)
    rank = np.argsort(np.argsort(group.ravel(), kind="stable"), kind="stable")
    port = port.copy()
    port[later] = 61000 + rank % 4500  # the same class, and free towards that peer
    return port


def _packets(
    flows: dict[str, Array], wanted: Wanted, rng: np.random.Generator
) -> dict[str, Array]:
    """Return one row a packet, flow by flow."""
    flow = np.repeat(np.arange(len(flows["size"])), flows["size"])[: wanted.packets]
    first = np.concatenate([[0], np.flatnonzero(np.diff(flow)) + 1])
    size = np.diff(np.append(first, len(flow)))
    k = np.arange(len(flow)) - np.repeat(first, size)
    left = np.repeat(size, size) - k
    rows: dict[str, Array] = {"flow": flow, "k": k}
    for name in ("proto", "inward", "container", "peer", "port", "peer_port", "public"):
        rows[name] = flows[name][flow]
    back = rng.integers(0, 2, len(flow))
    tcp = rows["proto"] == TCP
    back = np.where(~tcp | (k < 3) | (left <= 2), k % 2, back)
    rows["back"] = back
    _fill_payload(rows, left, rng)
    _fill_sequence(rows, first, size, rng)
    gaps = rng.exponential(20_000, len(flow)).astype(np.int64)
    begun = flows["start"][flow] + _running(gaps, first, size)
    delay = rng.integers(2000, 9000, len(flow))
    outward = back == rows["inward"]
    rows["near_ts"] = START + begun + np.where(outward, 0, delay)
    rows["far_ts"] = START + begun + np.where(outward, delay, 0) + wanted.offset_ns
    rows["outward"] = outward.astype(np.int64)
    return rows


def _running(values: Array, first: Array, size: Array) -> Array:
    """Return the running sum within each flow."""
    total = np.cumsum(values)
    return total - np.repeat(total[first] - values[first], size)


def _fill_payload(
    rows: dict[str, Array], left: Array, rng: np.random.Generator
) -> None:
    """Choose sizes, flags and where in the pool of random bytes a payload starts."""
    count = len(left)
    tcp, k = rows["proto"] == TCP, rows["k"]
    data = rng.choice([0, 536, 1400], count, p=[0.62, 0.3, 0.08])
    data = np.where(rows["proto"] == UDP, rng.choice([48, 512, 1200], count), data)
    data = np.where(rows["proto"] == ICMP, 56, data)
    flags = np.where(k == 0, SYN, np.where(k == 1, SYN | ACK, ACK))
    flags = np.where(data > 0, flags | PSH, flags)
    control = tcp & ((k < 3) | (left <= 2))
    flags = np.where((k > 2) & (left <= 2), FIN | ACK, flags)
    rows["flags"] = np.where(control, flags & ~PSH, flags)
    rows["data"] = np.where(control, 0, data)
    rows["pool"] = rng.integers(0, POOL // 2, count) * 2


def _fill_sequence(
    rows: dict[str, Array], first: Array, size: Array, rng: np.random.Generator
) -> None:
    """Fill in sequence numbers, IP ids, and repeat some segments."""
    count = len(rows["k"])
    back = rows["back"]
    bytes_ = rows["data"] + (rows["flags"] & 3 > 0)
    forth = _running(np.where(back == 0, bytes_, 0), first, size)
    reply = _running(np.where(back == 1, bytes_, 0), first, size)
    isn = [np.repeat(rng.integers(0, 1 << 32, len(size)), size) for _ in range(2)]
    own, other = np.where(back == 0, forth, reply), np.where(back == 0, reply, forth)
    mine, theirs = (
        np.where(back == 0, isn[0], isn[1]),
        np.where(back == 0, isn[1], isn[0]),
    )
    rows["seq"] = (mine + own - bytes_) % (1 << 32)
    rows["ack"] = np.where(rows["flags"] & ACK, (theirs + other) % (1 << 32), 0)
    rows["window"] = 500 + rng.integers(0, 4, count)
    idents = np.repeat(rng.integers(0, 65536, len(size)), size)
    rows["ip_id"] = np.where(
        rows["flags"] == SYN | ACK, 0, (idents + rows["k"]) % 65536
    )
    rows["ip_id"] = np.where(
        (rows["ip_id"] == 0) & (rows["flags"] != SYN | ACK), 1, rows["ip_id"]
    )
    again = (rng.random(count) < 0.03) & (rows["k"] > 4) & (rows["proto"] == TCP)
    again &= np.diff(rows["flow"], prepend=-1) == 0
    for name in ("seq", "ack", "data", "pool", "flags", "back", "window"):
        rows[name] = np.where(again, np.roll(rows[name], 1), rows[name])


def _sides(rows: dict[str, Array], side: str) -> tuple[Array, Array, Array, Array]:
    """Return source, destination and their ports as one side sees them."""
    near, inward = side == "near", rows["inward"] == 1
    own = np.where(near, rows["container"], HOST)
    own_port = rows["port"] if near else rows["public"]
    peer, peer_port = rows["peer"], rows["peer_port"]
    ours = (rows["back"] == 1) == inward  # the container's packet
    src, dst = np.where(ours, own, peer), np.where(ours, peer, own)
    return (
        src,
        dst,
        np.where(ours, own_port, peer_port),
        np.where(ours, peer_port, own_port),
    )


def _write(
    path: Path,
    rows: dict[str, Array],
    side: str,
    pool: npt.NDArray[np.uint8],
    kind: str,
) -> None:
    """Write one side, a block of packets at a time."""
    with path.open("wb") as file:
        if kind == "pcapng":
            file.write(pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
            options = pack("<HHB3xHH", 9, 1, 9, 0, 0)
            file.write(pack("<IIHHI", 1, 32, 1, 0, 262144) + options + pack("<I", 32))
        else:
            magic = 0xA1B23C4D if kind == "nsecpcap" else 0xA1B2C3D4
            file.write(pack("<IHHiIII", magic, 2, 4, 0, 0, 262144, 1))
        for first in range(0, len(rows["k"]), BLOCK):
            part = {k: v[first : first + BLOCK] for k, v in rows.items()}
            _Block(part, side, pool, kind).bytes.tofile(file)


class _Block:
    """Some packets as bytes: headers are scattered into place, column by column."""

    def __init__(
        self, rows: dict[str, Array], side: str, pool: npt.NDArray[np.uint8], kind: str
    ) -> None:
        self._rows, self._side = rows, side
        self._l4 = np.where(rows["proto"] == TCP, TCP_BYTES, SHORT)
        self._length = ETHERNET + IP + self._l4 + rows["data"]
        head, tail = (28, 4) if kind == "pcapng" else (16, 0)
        padded = self._length + (-self._length % 4 if kind == "pcapng" else 0)
        starts = np.cumsum(head + padded + tail) - (head + padded + tail)
        self.bytes = np.zeros(
            int(starts[-1] + head + padded[-1] + tail), dtype=np.uint8
        )
        self._at = starts + head
        self._payload(pool)
        self._headers(pool)
        ts = rows[f"{side}_ts"]
        if kind == "pcapng":
            self._pcapng(starts, head + padded + tail, ts)
        else:
            fraction = ts % 10**9 // (1 if kind == "nsecpcap" else 1000)
            for place, value in enumerate(
                (ts // 10**9, fraction, self._length, self._length)
            ):
                self._little(starts + 4 * place, value)

    def _pcapng(self, starts: Array, size: Array, ts: Array) -> None:
        fields = (np.full(len(ts), 6), size, size * 0, ts >> 32, ts & 0xFFFFFFFF)
        for place, value in enumerate((*fields, self._length, self._length)):
            self._little(starts + 4 * place, value)
        self._little(starts + size - 4, size)

    def _payload(self, pool: npt.NDArray[np.uint8]) -> None:
        data = self._rows["data"]
        total = int(data.sum())
        inside = np.arange(total) - np.repeat(np.cumsum(data) - data, data)
        begin = self._at + ETHERNET + IP + self._l4
        self.bytes[np.repeat(begin, data) + inside] = pool[
            np.repeat(self._rows["pool"], data) + inside
        ]

    def _headers(self, pool: npt.NDArray[np.uint8]) -> None:
        rows, at = self._rows, self._at
        src, dst, sport, dport = _sides(rows, self._side)
        tcp, udp, icmp = (rows["proto"] == p for p in (TCP, UDP, ICMP))
        ttl = np.where((rows["outward"] == 1) == (self._side == "near"), 64, 63)
        self._big(at, np.full(len(at), 0x0200), 2)
        self._big(at + 6, np.full(len(at), 0x0200), 2)
        self._big(at + 12, np.full(len(at), 0x0800), 2)
        ip = at + ETHERNET
        length = self._length - ETHERNET
        words = [
            np.full(len(at), 0x4500),
            length,
            rows["ip_id"],
            np.full(len(at), 0x4000),
        ]
        words += [ttl << 8 | rows["proto"], np.zeros(len(at), dtype=np.int64)]
        words += [src >> 16, src & 0xFFFF, dst >> 16, dst & 0xFFFF]
        words[5] = _checksum(sum(words))
        for place, word in enumerate(words):
            self._big(ip + 2 * place, word, 2)
        l4 = self._segment(sport, dport)
        pseudo = sum(words[6:]) + rows["proto"] + length - IP
        halves = pool.astype(np.int64)
        prefix = np.concatenate([[0], np.cumsum(halves[::2] << 8 | halves[1::2])])
        begin = rows["pool"] // 2
        body = prefix[begin + rows["data"] // 2] - prefix[begin]
        field = np.where(tcp, 8, np.where(udp, 3, 1))
        summed = sum(l4) + body + np.where(icmp, 0, pseudo)
        value = _checksum(summed)
        for place, word in enumerate(l4):
            used = tcp | (place < SHORT // 2)
            filled = np.where(field == place, value, word)
            self._big((ip + IP + 2 * place)[used], filled[used], 2)

    def _segment(self, sport: Array, dport: Array) -> list[Array]:
        """Return the transport header as 16-bit words, the checksum 0."""
        rows = self._rows
        tcp, udp = rows["proto"] == TCP, rows["proto"] == UDP
        nothing = np.zeros(len(sport), dtype=np.int64)
        stamp = rows["near_ts"] // 10**6 % (1 << 32)
        words = [sport, dport, rows["seq"] >> 16, rows["seq"] & 0xFFFF]
        words += [rows["ack"] >> 16, rows["ack"] & 0xFFFF, 0x8000 | rows["flags"]]
        words += [rows["window"], nothing, nothing, nothing + 0x0101, nothing + 0x080A]
        words += [stamp >> 16, stamp & 0xFFFF, nothing, nothing + 7]
        short = [sport, dport, SHORT + rows["data"], nothing]
        kind = np.where(rows["back"] == 1, 0, 0x0800)
        ident = np.where(rows["back"] == 1, dport, sport)
        echo = [kind, nothing, ident, rows["k"] // 2]
        for place in range(4):
            other = np.where(udp, short[place], echo[place])
            words[place] = np.where(tcp, words[place], other)
        return [w if i < 4 else np.where(tcp, w, 0) for i, w in enumerate(words)]

    def _big(self, at: Array, value: Array, size: int) -> None:
        for place in range(size):
            self.bytes[at + place] = value >> 8 * (size - 1 - place) & 255

    def _little(self, at: Array, value: Array) -> None:
        for place in range(4):
            self.bytes[at + place] = value >> 8 * place & 255


def _checksum(total: Array) -> Array:
    """Return the checksum of a sum of 16-bit words."""
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
