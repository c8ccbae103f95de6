"""What two observations of one packet may not differ in, and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    IN,
    OUT,
    SYN,
    SYN_OPTIONS,
    UNKNOWN,
    Packet,
    capture,
    error,
    routed,
    spoiled,
    unsummed,
)

from pytest_netlab.checks import Observation, check_pair
from pytest_netlab.checks.pairs import checksum_mismatch, in_order, ttl_mismatch
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.wire import Checksum, Direction, fill, ip_options, ipv4, tcp

MET = Tuple5(UDP, C1, 5555, HOST01, 53)
SENT = MET._replace(src=HOST)
IP_AT = 14
QUERY6 = Packet(key=Tuple5(UDP, "fd00::2", 5555, "fd01::2", 53), data=b"query")
QUERY = Packet(key=MET, data=b"query", ip_id=1)
SEGMENT = Packet(
    key=Tuple5(TCP, C1, 40000, HOST01, 80),
    flags=SYN,
    seq=5,
    ack=6,
    options=SYN_OPTIONS,
    ip_id=1,
)
ECHO = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), data=b"ping", ip_id=1)


def broken(near: Packet | bytes, far: Packet | bytes) -> list[tuple[str, str, str]]:
    """Return what differs of a packet that it may not, in the order it is told."""
    seen = capture([near, far])
    found = check_pair(Observation(seen, 0), Observation(seen, 1))
    return [(bad.field, bad.want, bad.got) for bad in found]


@pytest.mark.parametrize("packet", [QUERY, SEGMENT, ECHO, unsummed(QUERY)])
def test_nothing_broken(packet: Packet) -> None:
    """A router lowers the ttl by one and leaves the rest alone."""
    assert broken(packet, routed(packet)) == []


@pytest.mark.parametrize("packet", [QUERY, SEGMENT])
def test_translation_breaks_nothing(packet: Packet) -> None:
    """Addresses and ports are NAT's to change."""
    assert broken(packet, routed(packet, packet.key._replace(src=HOST, sport=9))) == []


@pytest.mark.parametrize(
    ("packet", "change", "expected"),
    [
        (SEGMENT, {"ttl": 64}, ("ttl", "63 after 64", "64")),
        (SEGMENT, {"ttl": 62}, ("ttl", "63 after 64", "62")),
        (SEGMENT, {"tos": 3}, ("tos", "0", "3")),
        (SEGMENT, {"df": False}, ("ip_flags", "2", "0")),
        (SEGMENT, {"ip_id": 2}, ("ip_id", "1", "2")),
        (SEGMENT, {"seq": 9}, ("tcp_seq", "5", "9")),
        (SEGMENT, {"ack": 9}, ("tcp_ack", "6", "9")),
        (SEGMENT, {"flags": SYN | 16}, ("tcp_flags", "2", "18")),
        (SEGMENT, {"data": b"more"}, ("payload_len", "0", "4")),
        (ECHO, {"seq": 9}, ("icmp_seq", "1", "9")),
        (ECHO, {"reply": True}, ("icmp_type", "8", "0")),
        (ECHO, {"data": b"pong"}, ("payload", "the same bytes", "other bytes")),
        (
            SEGMENT,
            {"options": SYN_OPTIONS[:4]},
            ("tcp_options", SYN_OPTIONS.hex(), SYN_OPTIONS[:4].hex()),
        ),
        (SEGMENT, {"options": b""}, ("tcp_options", SYN_OPTIONS.hex(), "")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_changed_field(
    packet: Packet, change: dict[str, object], expected: tuple[str, str, str]
) -> None:
    """A field that was changed is told alone, as it was inside and outside."""
    far = replace(routed(packet), **change)  # type: ignore[arg-type]

    assert broken(packet, far) == [expected]


@pytest.mark.parametrize(
    ("at", "field", "want", "got"),
    [(48, "tcp_window", "64240", "45040"), (35, "icmp_code", "0", "85")],
)
def test_changed_byte(at: int, field: str, want: str, got: str) -> None:
    """A window and an ICMP code are as they were sent."""
    packet = SEGMENT if field == "tcp_window" else ECHO

    assert broken(packet, spoiled(routed(packet), at))[0] == (field, want, got)


def unlike(packet: Packet, change: str) -> bytes:
    """Return a packet as a router sends it on, with what has no column of its own."""
    frame = routed(packet).frame
    head, datagram = frame[:IP_AT], bytearray(frame[IP_AT:])
    if change == "option":
        return head + fill(ip_options.added(bytes(datagram)))
    if change == "reserved":
        datagram[ipv4.FRAGMENT] |= 0x80
    elif change == "label":
        datagram[3] ^= 1
    else:
        at = ipv4.header_bytes(datagram[0]) + tcp.OFFSET
        datagram[at if change == "bits" else at + tcp.URGENT - tcp.OFFSET] |= 2
    return head + fill(bytes(datagram))


@pytest.mark.parametrize(
    ("packet", "change", "expected"),
    [
        (SEGMENT, "option", ("ip_options", "", "94040000")),
        (QUERY6, "option", ("ip_options", "", "1100010400000000")),
        (QUERY6, "label", ("flow_label", "0x0", "0x1")),
        (ECHO, "reserved", ("ip_flags", "2", "6")),
        (SEGMENT, "bits", ("tcp_flags", "2", "514")),
        (SEGMENT, "urgent", ("tcp_urgent", "0", "512")),
    ],
)
def test_fields_without_a_use(
    packet: Packet, change: str, expected: tuple[str, str, str]
) -> None:
    """Nothing of a header is free to change: options, labels, unused bits, pointers.

    A comparison of two captures finds it as well.
    """
    far = unlike(packet, change)
    found = learn(capture([packet]), capture([far])).violations

    assert broken(packet, far) == [expected]
    assert [(bad.field, bad.want, bad.got) for bad in found] == [expected]


def test_rows_that_show_it() -> None:
    """A violation has the rows of both observations, the inside first."""
    seen = capture([ECHO, QUERY, QUERY])

    (bad,) = check_pair(Observation(seen, 2), Observation(seen, 1))

    assert bad.rows == (2, 1)


def test_order_of_violations() -> None:
    """What was changed is told in a fixed order: IP, transport, then what it bears."""
    far = replace(routed(SEGMENT), ttl=9, tos=8, df=False, ip_id=7, seq=1, options=b"")

    assert [field for field, _, _ in broken(SEGMENT, far)] == [
        *("ttl", "tos", "ip_flags", "ip_id", "tcp_seq", "tcp_options")
    ]


@pytest.mark.parametrize(
    ("way", "near", "far", "expected"),
    [
        (UNKNOWN, 64, 63, []),
        (UNKNOWN, 63, 64, []),
        (IN, 64, 63, []),
        (IN, 63, 64, [("ttl", "62 after 63", "64")]),
        (OUT, 63, 64, []),
        (OUT, 64, 63, [("ttl", "62 after 63", "64")]),
        (UNKNOWN, 1, 0, []),
    ],
)
def test_which_ttl_came_first(
    way: Direction, near: int, far: int, expected: list[tuple[str, str, str]]
) -> None:
    """The inside's tap knows the way; else the higher ttl is where it came from."""
    packet = replace(QUERY, direction=way, ttl=near)

    assert broken(packet, replace(QUERY, ttl=far)) == expected


def test_ttl_in_words() -> None:
    """A ttl is told by what it had to be after the one before."""
    assert in_order(63, 64, Direction.UNKNOWN) == (64, 63)
    assert ttl_mismatch(64, 64) == ("ttl", "63 after 64", "64")


def test_more_fragments() -> None:
    """Fragments may be cut anew: neither MF nor the length must stay, DF must."""
    whole = replace(QUERY, df=False)
    part = replace(routed(whole), mf=True, data=b"que")

    assert "ip_flags" not in [field for field, _, _ in broken(whole, part)]
    assert "payload_len" not in [field for field, _, _ in broken(whole, part)]
    assert "payload_len" not in [field for field, _, _ in broken(part, whole)]
    assert ("ip_id", "1", "2") in broken(whole, replace(part, ip_id=2))
    assert ("ip_flags", "0", "3") in broken(whole, replace(part, df=True))


@pytest.mark.parametrize("cut", [0, 1], ids=["inside", "outside"])
def test_payload_that_was_not_captured(cut: int) -> None:
    """Of a payload of which one tap kept the beginning nothing is said."""
    seen = capture([QUERY, replace(routed(QUERY), data=b"other")])
    frames = list(seen.frames())
    frames[cut] = frames[cut]._replace(data=frames[cut].data[:-1])
    short = seen.from_frames(frames, seen.interfaces)

    ends = Observation(short, 0), Observation(short, 1)

    assert list(check_pair(*ends)) == []


@pytest.mark.parametrize(
    ("at", "field"), [(24, "ip_checksum"), (40, "l4_checksum")], ids=["ip", "udp"]
)
def test_bad_checksum(at: int, field: str) -> None:
    """A checksum that is wrong on either side is told, with both sides' states."""
    good, bad = QUERY.frame, spoiled(routed(QUERY), at)

    assert broken(good, bad) == [(field, "good", "good, bad")]
    assert broken(spoiled(QUERY, at), routed(QUERY)) == [(field, "good", "bad, good")]
    assert broken(spoiled(QUERY, at), bad) == [(field, "good", "bad, bad")]


def test_datagram_without_a_checksum() -> None:
    """A UDP datagram that was sent without a checksum stays without, and vice versa."""
    without = unsummed(QUERY)

    assert broken(without, routed(QUERY)) == [("l4_checksum", "zero", "zero, good")]
    assert broken(QUERY, routed(without)) == [("l4_checksum", "zero", "good, zero")]


def test_checksums_in_words() -> None:
    """A checksum had to be good, or none where one side had none."""
    assert checksum_mismatch("x", Checksum.PARTIAL, Checksum.BAD) == (
        "x",
        "good",
        "partial, bad",
    )
    assert checksum_mismatch("x", Checksum.GOOD, Checksum.ZERO)[1] == "zero"


def refusal(near: str, far: str, *, to: tuple[str, str] = (C1, HOST)) -> list[str]:
    """Return what is wrong with the quotes of an error, by their senders."""
    ends = []
    for quoted, dst, ttl in ((near, to[0], 63), (far, to[1], 64)):
        about = replace(QUERY, key=MET._replace(src=quoted))
        ends.append(error(HOST01, about, dst=dst, ip_id=9, ttl=ttl))
    found = broken(*ends)
    return [f"{field} {want} {got}" for field, want, got in found]


def test_quote() -> None:
    """An error quotes to each side what that side sent."""
    assert refusal(C1, HOST) == []
    assert refusal(HOST, HOST) == [f"quotes {C1} {HOST}"]
    assert refusal(C1, C1) == [f"quotes {HOST} {C1}"]
    assert refusal(HOST, C1) == [f"quotes {C1} {HOST}", f"quotes {HOST} {C1}"]


def test_error_of_no_conversation() -> None:
    """An error that is sent to a group belongs to nobody: nobody can be wrong."""
    near = error(HOST01, QUERY, dst="224.0.0.1", ip_id=9)

    assert broken(near, routed(near)) == []


# Its payload is where a segment would have forty octets of options.
LIKE_A_SEGMENT = replace(QUERY, data=bytes(4) + b"\xf0" + bytes(60))


@pytest.mark.parametrize("packet", [QUERY, SEGMENT, LIKE_A_SEGMENT])
def test_observation(packet: Packet) -> None:
    """An observation has its row's values, and TCP's options where there are some."""
    seen = Observation(capture([ECHO, packet]), 1)

    assert seen.value("ip_id") == 1
    assert seen.value("proto") == packet.key.proto
    assert seen.tcp_options() == packet.options.hex()
