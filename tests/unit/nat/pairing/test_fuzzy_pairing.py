"""A packet that something altered is one packet, and the field is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    HOST,
    HOST01,
    WEB,
    Packet,
    capture,
    routed,
)

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5, key_of
from pytest_netlab.nat import learn
from pytest_netlab.nat.pairing import fuzzy_pairing
from pytest_netlab.nat.pairing.fuzzy_pairing import pair_fuzzily

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

KEY = Tuple5(TCP, C1, 40000, HOST01, 80)
SENT = KEY._replace(src=HOST)
SEGMENT = Packet(key=KEY, seq=1000, ack=2000, data=b"bytes", ip_id=7)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seq": 1001}, "tcp_seq"),
        ({"ack": 2001}, "tcp_ack"),
        ({"flags": 0x18}, "tcp_flags"),
        ({"ip_id": 8}, "ip_id"),
        ({"data": b"BYTES"}, "payload"),
    ],
)
def test_altered_segment(change: dict[str, object], field: str) -> None:
    """A segment of which one field was changed is forwarded, and that is told."""
    far = replace(routed(SEGMENT, SENT), **change)  # type: ignore[arg-type]

    found = learn(capture([SEGMENT]), capture([far]))

    assert [flow.translated for flow in found.flows] == [SENT]
    assert [bad.field for bad in found.violations] == [field]


def test_altered_echo() -> None:
    """Likewise for the sequence number of an echo."""
    near = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), seq=1, ip_id=7)
    far = replace(routed(near, Tuple5(ICMP, HOST, 7, HOST01, 7)), seq=2)

    found = learn(capture([near]), capture([far]))

    assert [bad.field for bad in found.violations] == ["icmp_seq"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (KEY, [(0, 0)]),
        (SENT, [(0, 0)]),
        (SENT._replace(sport=1024), [(0, 0)]),
        (KEY._replace(dst=WEB, dport=8080), [(0, 0)]),
        (KEY._replace(sport=1, dport=1), []),
        (SENT._replace(dport=1), []),
        (KEY._replace(sport=1, dst=WEB), []),
    ],
    ids=[
        "plain",
        "snat",
        "remapped",
        "dnat",
        "both ports",
        "source, other port",
        "target, other port",
    ],
)
def test_one_end_is_kept(key: Tuple5, expected: list[tuple[int, int]]) -> None:
    """An altered packet is known by the end that its rewrite left alone."""
    far = replace(routed(SEGMENT, key), seq=1)

    assert pair_fuzzily(capture([SEGMENT]), capture([far]), [0], [0]) == expected


@pytest.mark.parametrize("reply", [False, True])
def test_ids_are_no_ports(reply: bool) -> None:  # noqa: FBT001 - a direction
    """An ICMP id that was remapped leaves the peer's address as the end kept."""
    original, translated = (
        Tuple5(ICMP, C1, 7, HOST01, 7),
        Tuple5(ICMP, HOST, 9, HOST01, 9),
    )
    near = Packet(key=original.reply if reply else original, ip_id=5, reply=reply)
    far = replace(near, key=translated.reply if reply else translated, seq=2, ttl=63)

    assert pair_fuzzily(capture([near]), capture([far]), [0], [0]) == [(0, 0)]


@pytest.mark.parametrize(
    "far",
    [
        replace(routed(SEGMENT, SENT), seq=1, ip_id=9),
        replace(routed(SEGMENT, SENT), seq=1, ttl=64),
        replace(routed(SEGMENT, SENT._replace(dport=81)), seq=1),
        replace(routed(SEGMENT, Tuple5(TCP, BRIDGE, 1, WEB, 80)), seq=1),
        replace(routed(SEGMENT, KEY._replace(dst="224.0.0.1")), seq=1),
        replace(routed(SEGMENT, SENT), seq=1, data=b"longer than it was"),
    ],
    ids=["two fields", "not routed", "both ends", "both hosts", "group", "length"],
)
def test_another_packet(far: Packet) -> None:
    """Two packets that share too little are two packets."""
    assert pair_fuzzily(capture([SEGMENT]), capture([far]), [0], [0]) == []


def test_datagrams_by_id_only() -> None:
    """Without sequence numbers the IP id is all there is, and 0 is none."""
    near = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"abc", ip_id=7)
    far = replace(routed(near), data=b"ABC")
    anonymous = [replace(packet, ip_id=0) for packet in (near, far)]

    assert pair_fuzzily(capture([near]), capture([far]), [0], [0]) == [(0, 0)]
    assert pair_fuzzily(capture(anonymous[:1]), capture(anonymous[1:]), [0], [0]) == []
    assert pair_fuzzily(capture(anonymous[:1]), capture([far]), [0], [0]) == []


def test_what_is_paired_already() -> None:
    """A packet that has its twin is not paired with another."""
    far = replace(routed(SEGMENT, SENT), seq=1)

    assert pair_fuzzily(capture([SEGMENT]), capture([far]), [], [0]) == []
    assert pair_fuzzily(capture([SEGMENT]), capture([far]), [0], []) == []


def test_each_once() -> None:
    """Each packet has one twin, in order."""
    far = replace(routed(SEGMENT, SENT), seq=1)

    pairs = pair_fuzzily(capture([SEGMENT] * 3), capture([far] * 2), [0, 1, 2], [0, 1])

    assert pairs == [(0, 0), (1, 1)]


def test_many_of_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks like many is compared with many, but looked at once."""
    keys = [Tuple5(UDP, C1, port, HOST01, 53) for port in range(9)]
    packets = [Packet(key=key, ip_id=7) for key in keys]
    near = capture(packets)
    far = capture([routed(p, Tuple5(UDP, HOST, 1, HOST, 2)) for p in packets])
    seen: list[int] = []

    def looked(whole: Capture, row: int) -> Tuple5 | None:
        seen.append(row)
        return key_of(whole, row)

    monkeypatch.setattr(fuzzy_pairing, "key_of", looked)

    assert pair_fuzzily(near, far, range(9), range(9)) == []
    assert len(seen) <= 4 * len(packets)
