"""Conversations in lockstep through a network in memory, which may be at fault."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import C1, HOST, HOST01, TICK_NS, Packet, capture, error

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay import plan_flows, play, port_allocator
from pytest_netlab.replay.arrived import embedded_of
from pytest_netlab.replay.arrived import key_of as packed_key_of
from pytest_netlab.replay.play import Player
from pytest_netlab.replay.result import Route
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack, unpack
from pytest_netlab.wire import fill, tcp

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
        route = Route(target=HOST01, back=HOST, hops=1, port=port)
        player = Player(ends[0], ends[1], route, pace=pace)
        return player.play(plan_flows(capture(packets)))
    finally:
        net.client.close()
        net.server.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what never comes."""
    monkeypatch.setattr(play, "PATIENCE", 0.02)


def after(count: int, fault: Fault) -> Fault:
    """Return what is at fault with one datagram only, counted from 0."""
    seen = iter(range(10**6))
    return lambda one: fault(one) if next(seen) == count else [one]


def test_exchange() -> None:
    """Every packet comes out, and the mapping is learned."""
    net = Net()
    net.ports = {5555: 6666}

    found = played(exchange(), net, port=5353)

    assert (found.delivered, found.packets, found.findings) == (4, 4, [])
    assert found.flows[0].original_tuple == Tuple5(UDP, C1, 5555, HOST01, 5353)
    assert found.flows[0].translated_tuple == Tuple5(UDP, HOST, 6666, HOST01, 5353)
    assert str(found) == "4 of 4 packets came out"


def test_protocols() -> None:
    """TCP keeps its numbers; an echo its data, under a mapped id."""
    web = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 80)
    ping = Tuple5(ICMP, "10.1.1.1", 9, "8.8.8.8", 9)
    net = Net()
    net.ports = {9: 10}
    segments = [
        Packet(key=web, flags=tcp.SYN, seq=100, ip_id=1),
        Packet(key=web.reply, flags=tcp.SYN | tcp.ACK, seq=300, ack=101, ip_id=2),
    ]
    echoes = [Packet(key=ping, ip_id=3), Packet(key=ping.reply, reply=True, ip_id=4)]

    found = played(segments + echoes, net)

    assert (found.delivered, found.findings) == (4, [])
    assert found.flows[1].translated_tuple == Tuple5(ICMP, HOST, 10, HOST01, 10)


def test_error_quotes_what_was_on_the_wire() -> None:
    """An ICMP error of the capture is sent with this run's tuple, and comes back."""
    ask = exchange()[0]

    found = played([ask, error("8.8.8.8", ask)], Net())

    assert (found.delivered, found.findings) == (2, [])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (after(1, lambda _: []), [("lost", 2, "")]),
        (after(1, lambda one: [one, one]), [("duplicated", 2, "")]),
        (
            after(2, lambda one: [one[:1] + b"\x08" + one[2:]]),
            [("altered", 3, "tos")],
        ),
        (after(2, lambda one: [one[:-1] + b"X"]), [("altered", 3, "payload")]),
        (
            after(2, lambda one: [one[:8] + b"\x05" + one[9:]]),
            [("altered", 3, "ip checksum"), ("altered", 3, "ttl 59 lower, not 1")],
        ),
        (
            after(2, lambda one: [rewritten(one, pack(key_of(one)._replace(sport=7)))]),
            [("mapping", 3, "udp 172.16.211.128.7 > 172.16.211.1.53, not udp")],
        ),
    ],
    ids=["lost", "doubled", "tos", "payload", "ttl", "mapping"],
)
def test_fault(fault: Fault, expected: list[tuple[str, int, str]]) -> None:
    """What is wrong with one packet is found, and the others go on."""
    found = played(exchange(), Net(fault))

    told = [(one.what, one.packet) for one in found.findings]
    assert told == [(what, number) for what, number, _ in expected]
    for one, (_, _, words) in zip(found.findings, expected, strict=True):
        assert one.detail.startswith(words)
    assert found.delivered == (3 if expected[0][0] == "lost" else 4)


def test_first_packet_lost() -> None:
    """Without a tuple there is nobody to answer: said once, and the next is played."""
    other = exchange(DNS._replace(sport=6000), first=10)

    found = played(exchange() + other, Net(after(0, lambda _: [])))

    assert [(one.what, one.packet) for one in found.findings] == [
        ("lost", 1),
        ("not played", 2),
    ]
    assert found.flows[1].delivered == 4


def test_many_clients_on_one_port() -> None:
    """Clients that had one source port each get one of their own, and it is said."""
    packets = []
    for number in range(3):
        key = DNS._replace(src=f"10.1.1.{number}")
        packets += exchange(key, first=10 * number)

    found = played(packets, Net())

    assert (found.delivered, found.findings) == (12, [])
    assert [run.original_tuple.sport for run in found.flows] == [5555, 5556, 5557]
    assert [run.renamed for run in found.flows] == [False, True, True]


def test_no_port_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a client has no more source ports, it has the first one again."""
    monkeypatch.setattr(port_allocator, "PORTS", 2)
    monkeypatch.setattr(play, "SIDE_BY_SIDE", 1)
    packets = []
    for number in range(5):
        key = DNS._replace(src=f"10.1.1.{number}", sport=1)
        packets += exchange(key, first=10 * number)

    found = played(packets, Net())

    assert [run.original_tuple.sport for run in found.flows] == [1, 2, 1, 2, 1]
    assert [run.renamed for run in found.flows] == [False, True, False, True, False]
    assert (found.delivered, found.findings) == (20, [])


def test_two_to_one() -> None:
    """A NAT that gives two conversations one tuple is found out."""
    net = Net()
    net.ports = {5555: 7000, 6000: 7000}
    other = exchange(DNS._replace(sport=6000), first=10)[:1]

    found = played(exchange()[:1] + other, net)

    assert [one.what for one in found.findings] == ["mapping"]
    assert found.findings[0].detail.endswith("is another's too")


def test_stranger() -> None:
    """A packet that nobody sent is told."""
    key = Tuple5(UDP, HOST, 1, HOST01, 2)
    stray = Packet(key=key, ip_id=99).datagram

    found = played(exchange(), Net(after(0, lambda one: [stray, one])))

    assert [(one.what, one.flow) for one in found.findings] == [("stray", str(key))]
    assert found.delivered == 4


@pytest.mark.parametrize(
    ("packets", "fault", "detail"),
    [
        (
            [exchange()[0], error("8.8.8.8", exchange()[0])],
            after(1, lambda one: [one[:12] + b"\x0a\x00\x00\x01" + one[16:]]),
            "icmp 10.0.0.1 > 172.17.0.2, not udp",
        ),
        (
            [
                Packet(key=DNS, data=bytes(24), mf=True, df=False, ip_id=5),
                Packet(key=DNS, body=bytes(8), frag_offset=32, df=False, ip_id=5),
            ],
            after(1, lambda one: [one[:12] + b"\xac\x11\x00\x02" + one[16:]]),
            "udp 172.17.0.2 > 172.16.211.1, not udp 172.16.211.128.5555",
        ),
    ],
    ids=["around a quote", "of a later fragment"],
)
def test_addresses_follow(packets: list[Packet], fault: Fault, detail: str) -> None:
    """A packet without ports of its own has the addresses of its conversation."""
    found = played(packets, Net(fault))

    mapping = [one for one in found.findings if one.what == "mapping"]
    assert len(mapping) == 1
    assert detail.split(", not ")[1] in mapping[0].detail


def test_forged_answer() -> None:
    """What nobody sent is told, though it has the tuple of a conversation."""
    forged = Packet(key=Tuple5(UDP, HOST01, 53, C1, 5555), data=b"forged", ip_id=99)
    net = Net()
    carry = net.client.carry

    def forge(datagram: bytes) -> None:
        if key_of(datagram).sport == 5555:
            net.client.put(forged.datagram)
        carry(datagram)

    net.client.carry = forge
    found = played(exchange()[:1], net)

    assert [(one.what, one.packet) for one in found.findings] == [("stray", 1)]


def test_last_packet_doubled() -> None:
    """A copy of the last packet is found, too."""
    found = played(exchange()[:2], Net(after(1, lambda one: [one, one])))

    assert [(one.what, one.packet) for one in found.findings] == [("duplicated", 2)]


def test_server_begins() -> None:
    """What a server begins waits for what was said before, and finds its client."""
    control = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 21)
    data = Tuple5(TCP, "8.8.8.8", 20, "10.1.1.1", 5000)
    packets = [
        Packet(key=control, flags=tcp.SYN, seq=1, ip_id=1),
        Packet(key=control.reply, flags=tcp.SYN | tcp.ACK, seq=9, ack=2, ip_id=2),
        Packet(key=data, flags=tcp.SYN, seq=5, ip_id=3),
        Packet(key=data.reply, flags=tcp.SYN | tcp.ACK, seq=7, ack=6, ip_id=4),
        Packet(key=control, seq=2, ack=10, data=b"QUIT", ip_id=5),
    ]
    sent: list[int] = []

    def watched(datagram: bytes) -> list[bytes]:
        sent.append(datagram[5])
        return [datagram]

    found = played(packets, Net(watched))

    assert (found.delivered, found.findings) == (5, [])
    assert sent.index(2) < sent.index(3) < sent.index(4)
    assert found.flows[1].original_tuple == Tuple5(TCP, HOST01, 20, HOST, 5000)
    assert found.flows[1].translated_tuple == Tuple5(TCP, HOST01, 20, C1, 5000)


def test_announced_port_is_kept() -> None:
    """The port that a server told its client is not the published one."""
    control = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 21)
    data = Tuple5(TCP, "10.1.1.1", 4001, "8.8.8.8", 49121)
    packets = [
        Packet(key=control, data=b"PASV", ip_id=1),
        Packet(key=control.reply, data=b"227 =8,8,8,8,191,225", ip_id=2),
        Packet(key=data, flags=tcp.SYN, ip_id=3),
    ]

    found = played(packets, Net(), port=81)

    assert [run.original_tuple.dport for run in found.flows] == [81, 49121]
    assert found.findings == []


def test_every_ttl_is_wrong() -> None:
    """A ttl that all packets have is no less wrong: the way has so many hops."""
    net = Net(lambda one: [rewritten(one, packed_key_of(one), ttl=one[8] + 1)])

    found = played(exchange(), net)

    assert [str(one).split(" altered: ")[1] for one in found.findings] == [
        "ttl 0 lower, not 1"
    ] * 4


def test_first_packet_with_another_id() -> None:
    """A first packet that something gives another IP id is altered, and teaches."""

    def renumbered(one: bytes) -> list[bytes]:
        made = bytearray(one)
        made[4:6] = b"\xff\xff"
        return [fill(bytes(made))]

    found = played(exchange(), Net(after(0, renumbered)))

    assert [str(one).partition(" altered: ")[2] for one in found.findings] == [
        "ip id, ip checksum"
    ]
    assert found.delivered == 4


BIG = Packet(key=WEB, data=bytes(range(250)) * 20, ip_id=7)


def garbled(one: bytes) -> bytes:
    """Return a datagram with another last octet."""
    return fill(one[:-1] + bytes([one[-1] ^ 1]))


@pytest.mark.parametrize("piece", range(4))
def test_one_piece_is_altered(piece: int) -> None:
    """Of a super-frame's segments the one is told that was altered, and in what."""
    net = Net(after(piece, lambda one: [garbled(one)]))

    found = played([BIG, replace(BIG, ip_id=20)], net)

    assert [(one.packet, one.detail) for one in found.findings] == [
        (1, "tcp checksum, tcp options or payload")
    ]
    assert found.delivered == 2


@pytest.mark.parametrize("piece", range(4))
def test_altered_and_doubled(piece: int) -> None:
    """What comes altered, and then as it was, is told, and nothing breaks."""
    net = Net(after(piece, lambda one: [garbled(one), one]))

    found = played([BIG, replace(BIG, ip_id=20)], net)

    assert found.delivered == 2
    assert "altered" in [one.what for one in found.findings]


def test_fragment_that_was_seen_twice() -> None:
    """A fragment that the capture has twice is sent once, and may come twice."""
    first = Packet(key=DNS, data=bytes(range(64)), mf=True, df=False, ip_id=5)
    later = replace(first, body=bytes(8), frag_offset=72, mf=False)

    found = played([first, later, later], Net(after(1, lambda one: [one, one])))

    assert found.delivered == 1
    assert [one.what for one in found.findings] in ([], ["duplicated"])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda key: key._replace(src="172.16.211.77"), "not udp 172.16.211.128.5555"),
        (lambda key: key._replace(src=C1), "not udp 172.16.211.128.5555 >"),
        (lambda key: key._replace(dport=54), "> 172.16.211.1.53"),
    ],
    ids=["another source", "no masquerade", "another port"],
)
def test_first_tuple_is_judged(fault: Callable[[Tuple5], Tuple5], words: str) -> None:
    """The way says whom the server sees, and at which of its ports."""
    net = Net(lambda one: [rewritten(one, pack(fault(key_of(one))))])

    found = played(exchange()[:1], net)

    (finding,) = found.findings
    assert (finding.what, found.delivered) == ("mapping", 1)
    assert words in finding.detail


def test_first_payload_is_altered() -> None:
    """A first packet with another payload was altered; it is no stranger's."""
    found = played(exchange(), Net(after(0, lambda one: [garbled(one)])))

    assert [(one.what, one.packet) for one in found.findings] == [("altered", 1)]
    assert found.delivered == 4


def test_mended_checksum() -> None:
    """A checksum that was bad, and comes out good, is altered."""
    bad = bytearray(Packet(key=WEB, data=b"data", ip_id=9).frame)
    bad[50:52] = b"\x12\x34"

    found = played([bytes(bad)], Net(lambda one: [fill(one)]))  # type: ignore[list-item]

    assert [one.detail for one in found.findings] == ["tcp checksum"]


def test_pace() -> None:
    """At the capture's own pace a packet is not sent before its time."""
    tick = TICK_NS / 1e9

    found = played(exchange(), Net(), pace=tick / 0.02)  # 20 ms between packets

    assert (found.delivered, found.findings) == (4, [])
    assert 0.06 <= found.seconds < 1


ASK, ASKED = b"PORT 172,17,0,2,195,207", b"PORT 172,16,211,128,195,207"


def helped(one: bytes, *, shifted: bool) -> list[bytes]:
    """Return what a helper makes of a segment, with the numbers behind it or not."""
    if ASK in one:
        made = bytearray(one.replace(ASK, ASKED))
        made[2:4] = len(made).to_bytes(2, "big")
        return [fill(bytes(made))]
    made = bytearray(one)
    if shifted:
        made[24:28] = (int.from_bytes(made[24:28], "big") + 4).to_bytes(4, "big")
    return [fill(bytes(made))]


@pytest.mark.parametrize(
    ("port", "shifted", "altered"),
    [(21, True, []), (21, False, [2]), (80, True, [1, 2])],
    ids=["helper", "not shifted", "no FTP"],
)
def test_helper(port: int, altered: list[int], *, shifted: bool) -> None:
    """FTP's helper is understood, demanded to be consistent, and is FTP's alone."""
    key = WEB._replace(dport=port)
    packets = [
        Packet(key=key, data=ASK, seq=100, ip_id=1),
        Packet(key=key, data=b"QUIT", seq=123, ip_id=2),
    ]

    found = played(packets, Net(lambda one: helped(one, shifted=shifted)))

    assert [one.packet for one in found.findings] == altered
    assert {one.what for one in found.findings} <= {"altered"}


def test_piece_that_is_altered_and_early() -> None:
    """A segment that comes altered, and before another, is compared with itself."""
    held: list[bytes] = []
    count = iter(range(100))

    def early(one: bytes) -> list[bytes]:
        number = next(count)
        if number == 0:
            held.append(one)
            return []
        return [garbled(one), *held] if number == 1 else [one]

    found = played([BIG], Net(early))

    assert [one.detail for one in found.findings] == [
        "tcp checksum, tcp options or payload"
    ]
