"""What is kept of a packet: keys of what NAT leaves alone, facts to be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    OUT,
    START_NS,
    SYN,
    SYN_OPTIONS,
    TICK_NS,
    UNKNOWN,
    Packet,
    capture,
    error,
)
from tests.unit.nat.conftest import seen

from pytest_netlab.capture import Capture
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, FlowTable, Tuple5
from pytest_netlab.nat.pairing import observations
from pytest_netlab.nat.pairing.observations import Observations, sight
from pytest_netlab.wire import Checksum, Direction, icmp, tcp

WEB = Tuple5(TCP, C1, 40000, HOST01, 80)
DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
PING = Tuple5(ICMP, C1, 7, HOST01, 7)
PING6 = Tuple5(ICMP6, "fd00::2", 7, "2001:db8::1", 7)
SEGMENT = Packet(key=WEB, seq=5, ack=6, data=b"bytes", ip_id=9)
DATAGRAM = Packet(key=DNS, data=b"query", ip_id=9)
ECHO = Packet(key=PING, data=b"ping", ip_id=9)
QUOTED = Packet(key=DNS, data=b"query", ip_id=3)
NOBODY = Packet(key=DNS._replace(dst="224.0.0.251"))


def keys(packet: Packet, ingress: int = 0) -> tuple[int, int]:
    """Return both keys of a packet: with its payload and without."""
    found = seen([packet], ingress=ingress)
    return int(found.key[0]), int(found.header_key[0])


def fact(packet: Packet | bytes, name: str, mask: int = 1) -> int:
    """Return one of the facts of a packet."""
    shift: int = getattr(observations, name)
    return int(seen([packet]).facts[0]) >> shift & mask


def complaint(rest: int = 0, quoted: Packet = QUOTED, kind: int = 3) -> Packet:
    """Return an ICMP error with these four bytes in its header."""
    body = icmp.build_error(kind, 4, quoted.datagram[:28], rest)
    return Packet(key=Tuple5(ICMP, BRIDGE, 0, C1, 0), body=body, ip_id=1)


def test_columns() -> None:
    """A observation has its packet's number, time, way, sequence number and size."""
    found = seen([SEGMENT, DATAGRAM, replace(SEGMENT, key=WEB.reply)], first=100)

    assert found.row.tolist() == [100, 101, 102]
    assert found.ts.tolist() == [START_NS + i * TICK_NS for i in range(3)]
    assert found.uniflow.tolist() == [0, 2, 1]
    assert found.seq.tolist() == [5, 0, 5]
    assert found.size.tolist() == [5, 5, 5]
    assert len(found) == 3


def test_packets_of_no_flow() -> None:
    """What is of no flow leaves no gap, and packets keep their numbers."""
    found = seen([NOBODY, SEGMENT, NOBODY, DATAGRAM, NOBODY], first=10)

    assert (found.row.tolist(), found.uniflow.tolist()) == ([11, 13], [0, 2])
    assert found.size.tolist() == [5, 5]


@pytest.mark.parametrize("packets", [[], [NOBODY]], ids=["none", "of no flow"])
def test_nothing(packets: list[Packet]) -> None:
    """A block without packets of a flow has no sightings."""
    assert len(seen(packets)) == 0


def test_rows_that_are_no_packets() -> None:
    """Of a block only as many rows are looked at as there are packets."""
    (block,) = capture([SEGMENT, DATAGRAM]).blocks()
    ways = FlowTable().add(block.columns, 2)

    assert len(sight(block.columns, 1, 0, ways, 0)) == 1


@pytest.mark.parametrize(
    ("packet", "key"),
    [
        (SEGMENT, Tuple5(TCP, HOST, 1024, C2, 8080)),
        (DATAGRAM, Tuple5(UDP, HOST, 1024, C2, 8080)),
        (ECHO, Tuple5(ICMP, HOST, 99, C2, 99)),
        (Packet(key=PING6, data=b"ping"), PING6._replace(src="fd01::9", sport=99)),
    ],
    ids=["tcp", "udp", "icmp", "icmp6"],
)
def test_what_nat_may_change(packet: Packet, key: Tuple5) -> None:
    """Addresses, ports, echo ids, ttl, tos, flags and padding are in no key."""
    beyond = replace(packet, key=key, ttl=9, tos=4, df=False, tail=bytes(9))

    assert keys(packet) == keys(beyond)


@pytest.mark.parametrize(
    ("packet", "change"),
    [
        (SEGMENT, {"ip_id": 8}),
        (SEGMENT, {"seq": 4}),
        (SEGMENT, {"ack": 5}),
        (SEGMENT, {"flags": tcp.ACK | tcp.PSH}),
        (SEGMENT, {"data": b"longer"}),
        (SEGMENT, {"key": DNS}),
        (DATAGRAM, {"ip_id": 8}),
        (DATAGRAM, {"data": b""}),
        (ECHO, {"reply": True}),
        (ECHO, {"seq": 2}),
        (ECHO, {"ip_id": 8}),
        (Packet(key=PING6), {"seq": 2}),
        (Packet(key=PING6), {"reply": True}),
    ],
    ids=str,
)
def test_what_nat_may_not_change(packet: Packet, change: dict[str, object]) -> None:
    """Whatever else the headers say is in both keys."""
    other = replace(packet, **change)  # type: ignore[arg-type]

    assert all(a != b for a, b in zip(keys(packet), keys(other), strict=True))


def test_window() -> None:
    """A window of another size is another segment."""
    body = [tcp.build(C1, HOST01, 1, 2, window=size) for size in (100, 101)]
    one, other = (Packet(key=WEB, body=data) for data in body)

    assert keys(one)[1] != keys(other)[1]


def test_code() -> None:
    """A code of ICMP is in both keys."""
    one, other = (
        Packet(key=PING._replace(sport=0, dport=0), body=icmp.build(13, code))
        for code in (0, 1)
    )

    assert keys(one)[1] != keys(other)[1]


def test_payload() -> None:
    """Other bytes of the same length are in the key of the whole packet only."""
    other = replace(SEGMENT, data=b"BYTES")

    assert keys(SEGMENT)[0] != keys(other)[0]
    assert keys(SEGMENT)[1] == keys(other)[1]


@pytest.mark.parametrize(
    "other",
    [
        replace(QUOTED, key=DNS._replace(src=HOST, sport=1024)),
        replace(QUOTED, ttl=3),
        replace(QUOTED, data=b"QUERY"),
    ],
    ids=["tuple", "ttl", "payload"],
)
def test_quote_is_translated(other: Packet) -> None:
    """An error is the same whatever NAT made of its quote."""
    assert keys(complaint()) == keys(complaint(quoted=other))
    assert len(set(keys(complaint()))) == 1


@pytest.mark.parametrize(
    "other",
    [
        complaint(rest=1400),
        complaint(quoted=replace(QUOTED, ip_id=4)),
        complaint(quoted=replace(QUOTED, key=WEB, data=b"")),
        complaint(kind=11),
    ],
    ids=["mtu", "quoted id", "quoted protocol", "type"],
)
def test_another_error(other: Packet) -> None:
    """An MTU, the quoted id and protocol, and the type tell errors apart."""
    assert keys(complaint()) != keys(other)


@pytest.mark.parametrize("way", [IN, OUT])
def test_directions(way: Direction) -> None:
    """A packet that was forwarded came in at one point and left at the other."""
    other = OUT if way == IN else IN
    here, there = (replace(SEGMENT, direction=one) for one in (way, other))

    assert keys(here, Direction.INBOUND) == keys(there, Direction.OUTBOUND)
    assert keys(here, Direction.INBOUND)[1] != keys(here, Direction.OUTBOUND)[1]


@pytest.mark.parametrize("way", [IN, OUT, UNKNOWN])
def test_directions_that_are_not_used(way: Direction) -> None:
    """Where directions are not known of all they are in no key."""
    assert keys(replace(SEGMENT, direction=way)) == keys(SEGMENT)


def test_keys_by_direction_are_others() -> None:
    """A key with directions is not taken for one without."""
    assert keys(replace(SEGMENT, direction=IN), Direction.INBOUND) != keys(SEGMENT)


@pytest.mark.parametrize(
    ("change", "name", "mask", "expected"),
    [
        ({"ttl": 255}, "TTL", 255, 255),
        ({"tos": 0xA5}, "TOS", 255, 0xA5),
        ({"df": True}, "FLAGS", 7, 2),
        ({"df": False, "mf": True}, "FLAGS", 7, 1),
        ({}, "IP_CHECKSUM", 7, Checksum.GOOD),
        ({}, "L4_CHECKSUM", 7, Checksum.GOOD),
        ({"direction": IN}, "DIRECTION", 3, Direction.INBOUND),
        ({"direction": OUT}, "DIRECTION", 3, Direction.OUTBOUND),
        ({}, "SEGMENT", 1, 1),
        ({"data": b""}, "SEGMENT", 1, 0),
        ({"key": DNS}, "SEGMENT", 1, 0),
        ({}, "ERROR", 1, 0),
        ({}, "WRONGLY_EMBEDDED", 1, 0),
        ({}, "HASHLESS", 1, 0),
        ({"data": b""}, "HASHLESS", 1, 0),
    ],
    ids=str,
)
def test_facts(change: dict[str, object], name: str, mask: int, expected: int) -> None:
    """What is compared of a packet is in its facts, each at its place."""
    packet = replace(SEGMENT, **change)  # type: ignore[arg-type]

    assert fact(packet, name, mask) == expected


def test_all_facts_at_once() -> None:
    """No fact spills into another's place."""
    packet = replace(SEGMENT, ttl=255, tos=255, direction=OUT)
    sums = (
        Checksum.GOOD << observations.IP_CHECKSUM
        | Checksum.GOOD << observations.L4_CHECKSUM
    )

    assert int(seen([packet]).facts[0]) == (
        0xFFFF
        | 2 << 16
        | sums
        | 2 << observations.DIRECTION
        | 1 << observations.SEGMENT
        | 1 << observations.NUMBERED
    )


@pytest.mark.parametrize(
    ("at", "name"), [(24, "IP_CHECKSUM"), (50, "L4_CHECKSUM")], ids=["ip", "tcp"]
)
def test_bad_checksums(at: int, name: str) -> None:
    """Each checksum has its own place."""
    frame = bytearray(SEGMENT.frame)
    frame[at] ^= 0x55

    assert fact(bytes(frame), name, 7) == Checksum.BAD
    other = {"IP_CHECKSUM": "L4_CHECKSUM"}.get(name, "IP_CHECKSUM")
    assert fact(bytes(frame), other, 7) == Checksum.GOOD


@pytest.mark.parametrize(("dst", "expected"), [(C1, 0), (C2, 1)])
def test_misquoted(dst: str, expected: int) -> None:
    """An error goes to whoever sent what it quotes."""
    packet = error(HOST01, QUOTED, dst=dst)

    assert (fact(packet, "ERROR"), fact(packet, "WRONGLY_EMBEDDED")) == (1, expected)
    assert fact(packet, "HASHLESS") == 0


@pytest.mark.parametrize("row", [1, 16, 19])
def test_misquoted_among_others(row: int) -> None:
    """Each error is held to its own quote."""
    errors = [error(HOST01, QUOTED)] * 20
    errors[row] = error(HOST01, QUOTED, dst=C2)
    found = seen(errors).facts >> np.uint64(observations.WRONGLY_EMBEDDED) & np.uint64(
        1
    )

    assert np.flatnonzero(found).tolist() == [row]


def cut(packet: Packet, size: int) -> Capture:
    """Return a capture of one packet with a snaplen."""
    frames = [f._replace(data=f.data[:size]) for f in capture([packet]).frames()]
    return Capture.from_frames(frames, capture([]).interfaces)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [(SEGMENT, 1), (complaint(), 0)],
    ids=["segment", "error"],
)
def test_hashless(packet: Packet, expected: int) -> None:
    """Where the capture cut a payload there is no hash of it; errors need none."""
    (block,) = cut(packet, len(packet.frame) - 1).blocks()
    found = sight(*block, 0, FlowTable().add(*block), 0)

    assert int(found.facts[0]) >> observations.HASHLESS & 1 == expected


def test_hashes_that_nobody_wanted() -> None:
    """Where no payload has a hash none is missing."""
    (block,) = cut(SEGMENT, len(SEGMENT.frame) - 1).blocks()
    block.columns.hashes = False
    found = sight(*block, 0, FlowTable().add(*block), 0)

    assert int(found.facts[0]) >> observations.HASHLESS & 1 == 0


def test_options() -> None:
    """TCP's options are kept as a hash, 0 where there are none."""
    syn = Packet(key=WEB, flags=SYN, options=SYN_OPTIONS)
    other = replace(syn, options=SYN_OPTIONS[:4])
    found = seen([syn, other, syn, SEGMENT, DATAGRAM]).options.tolist()

    assert found[0] == found[2] != found[1]
    assert found[1] != 0
    assert found[3:] == [0, 0]


def test_parts() -> None:
    """Sightings are joined in order, and any of them taken."""
    parts = [seen([SEGMENT, DATAGRAM]), seen([ECHO], first=2), Observations.empty(0)]
    whole = Observations.joined(parts)

    assert whole.row.tolist() == [0, 1, 2]
    assert whole.take(np.array([2, 0])).row.tolist() == [2, 0]
    assert whole.take(np.array([2, 0])).key.tolist() == [
        int(whole.key[2]),
        int(whole.key[0]),
    ]
    assert whole.first(2).key.tolist() == parts[0].key.tolist()
    assert len(whole.first(0)) == 0
    assert Observations.joined(parts[:1]) is parts[0]
