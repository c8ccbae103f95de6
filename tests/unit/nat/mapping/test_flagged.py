"""What no NAT may do: each broken invariant is named, with want and got."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    C2,
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

from pytest_netlab.checks import Violation
from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.wire import Checksum

if TYPE_CHECKING:
    from pytest_netlab.wire import Direction

MET = Tuple5(UDP, C1, 5555, HOST01, 53)
SENT = MET._replace(src=HOST)
SYN_PACKET = Packet(
    key=Tuple5(TCP, C1, 40000, HOST01, 80),
    flags=SYN,
    options=SYN_OPTIONS,
    ip_id=1,
)
DATAGRAM = Packet(key=MET, data=b"query", ip_id=1)


def violations(near: list[Packet], far: list[Packet | bytes]) -> list[Violation]:
    """Return what was broken between two captures."""
    return list(learn(capture(near), capture(far), hops=1).violations)


def broken(near: Packet, far: Packet) -> dict[str, tuple[str, str]]:
    """Return the broken fields of one packet, with want and got."""
    return {bad.field: (bad.want, bad.got) for bad in violations([near], [far])}


@pytest.mark.parametrize("packet", [SYN_PACKET, DATAGRAM, unsummed(DATAGRAM)])
def test_nothing_broken(packet: Packet) -> None:
    """A router that lowers the ttl and leaves the rest alone breaks nothing."""
    assert broken(packet, routed(packet)) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ttl": 64}, {"ttl": ("63 after 64", "64")}),
        ({"ttl": 62}, {"ttl": ("63 after 64", "62")}),
        ({"tos": 3}, {"tos": ("0", "3")}),
        ({"df": False}, {"ip_flags": ("2", "0")}),
        (
            {"options": SYN_OPTIONS[:4]},
            {"tcp_options": (SYN_OPTIONS.hex(), SYN_OPTIONS[:4].hex())},
        ),
        ({"options": b""}, {"tcp_options": (SYN_OPTIONS.hex(), "")}),
    ],
    ids=["ttl kept", "ttl twice", "tos", "DF", "mss only", "no options"],
)
def test_changed_field(
    change: dict[str, object], expected: dict[str, tuple[str, str]]
) -> None:
    """A field that was changed on the way is named, inside value first."""
    far = replace(routed(SYN_PACKET), **change)  # type: ignore[arg-type]

    assert broken(SYN_PACKET, far) == expected


def test_ttl_of_a_reply() -> None:
    """The higher ttl is where a packet came from, whichever side that is."""
    far = Packet(key=SENT.reply, ip_id=1)

    assert broken(replace(routed(far), key=MET.reply), far) == {}
    assert broken(replace(far, key=MET.reply, ttl=62), far) == {
        "ttl": ("63 after 64", "62")
    }


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (UNKNOWN, {}),
        (OUT, {}),
        (IN, {"ttl": ("62 after 63", "64")}),
    ],
    ids=["unknown", "inwards", "outwards"],
)
def test_ttl_raised(way: Direction, expected: dict[str, tuple[str, str]]) -> None:
    """Where the tap knows a packet's way, a ttl that rises is none that was lowered."""
    near = Packet(key=MET, ip_id=1, ttl=63, direction=way)

    assert broken(near, Packet(key=SENT, ip_id=1)) == expected


def test_more_fragments_bit() -> None:
    """Fragments may be cut anew: of the flags only DF must stay."""
    whole = replace(DATAGRAM, df=False)

    assert broken(whole, replace(routed(whole), mf=True)).keys() <= {"l4_checksum"}
    assert "ip_flags" not in broken(whole, replace(routed(whole), mf=True))


@pytest.mark.parametrize(
    ("at", "field"), [(24, "ip_checksum"), (40, "l4_checksum")], ids=["ip", "udp"]
)
def test_bad_checksum(at: int, field: str) -> None:
    """A checksum that is wrong on either side is a violation."""
    found = violations([DATAGRAM], [spoiled(routed(DATAGRAM), at)])

    assert [(bad.field, bad.want, bad.got) for bad in found] == [
        (field, "good", "good, bad")
    ]


def test_udp_checksum_zero() -> None:
    """A UDP datagram sent without a checksum stays without one."""
    assert broken(unsummed(DATAGRAM), routed(DATAGRAM)) == {
        "l4_checksum": ("zero", "zero, good")
    }


def test_partial_checksum() -> None:
    """A checksum that a device would have filled in is as good as any."""
    frame = bytearray(routed(DATAGRAM).frame)
    _, src, _, dst, _ = DATAGRAM.key
    octets = [int(o) for o in f"{src}.{dst}".split(".")]
    total = sum(octets[i] << 8 | octets[i + 1] for i in range(0, 8, 2)) + UDP + 13
    frame[40:42] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    far = capture([bytes(frame)])

    assert far.l4_checksum[0] == Checksum.PARTIAL
    assert learn(capture([DATAGRAM]), far).violations == ()


def test_mapping_changed() -> None:
    """A flow that becomes something else at some packet broke its mapping."""
    near = [replace(DATAGRAM, ip_id=i) for i in (1, 2)]
    moved = SENT._replace(sport=6000)

    assert violations(near, [routed(near[0], SENT), routed(near[1], moved)]) == [
        Violation("mapping", str(SENT), str(moved), (1, 1))
    ]


def test_rows_of_no_flow() -> None:
    """A pair of packets that belong to no flow maps nothing."""
    seen = capture([Packet(key=MET._replace(dst="224.0.0.251"))])

    assert learn(seen, seen).violations == ()


def test_not_one_to_one() -> None:
    """Two flows that leave as one can not be told apart when the answer comes."""
    other = replace(DATAGRAM, key=MET._replace(src=C2), ip_id=2)
    near = [DATAGRAM, other]

    assert violations(near, [routed(packet, SENT) for packet in near]) == [
        Violation("one-to-one", str(MET), str(other.key), (1, 1))
    ]


def test_reply_not_undone() -> None:
    """An answer must come back from exactly what its request was sent to."""
    answer = Packet(key=SENT.reply, ip_id=2)
    wrong = MET.reply._replace(sport=54)
    near = [
        DATAGRAM,
        routed(answer, MET.reply),
        routed(replace(answer, ip_id=3), wrong),
    ]
    far = [routed(DATAGRAM, SENT), answer, replace(answer, ip_id=3)]

    assert violations(near, [*far]) == [
        Violation("undone", str(MET), str(wrong.reply), (2, 2))
    ]


def test_reply_from_elsewhere() -> None:
    """An answer that leaves with another source than was asked is not undone."""
    asked = Tuple5(UDP, HOST01, 5555, HOST, 5300)
    target = Tuple5(UDP, HOST01, 5555, C1, 53)
    request = Packet(key=asked, ip_id=1)
    answer = Packet(key=target.reply, ip_id=2)
    leaked = routed(answer, asked.reply._replace(src=C1, sport=53))

    assert violations([routed(request, target), answer], [request, leaked]) == [
        Violation("undone", str(asked), str(leaked.key.reply), (1, 1))
    ]


def test_quote_not_translated() -> None:
    """An error must quote to each side what that side sent."""
    translated = routed(DATAGRAM, SENT)
    far = error(HOST01, translated, ip_id=9)
    near = error(HOST01, translated, dst=C1, ip_id=9, ttl=63)

    found = violations([DATAGRAM, near], [translated, far])

    assert ("quotes", C1, HOST) in [(bad.field, bad.want, bad.got) for bad in found]


def test_quote_translated() -> None:
    """An error that quotes to each side what that side sent breaks nothing."""
    far = error(HOST01, routed(DATAGRAM, SENT), ip_id=9)
    near = error(HOST01, DATAGRAM, ip_id=9, ttl=63)

    assert violations([DATAGRAM, near], [routed(DATAGRAM, SENT), far]) == []
