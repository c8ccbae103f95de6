"""Packets as lines: each value once, and none where there is nothing to tell."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.traffic import C1, HOST01, IN, MACS, Packet, capture, error

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.report import packets
from pytest_netlab.wire import (
    COLUMNS,
    address_text,
    arp,
    assigned,
    canary,
    ethernet,
    ipv6,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SEGMENT = Packet(
    key=Tuple5(TCP, C1, 4000, HOST01, 80), data=b"GET", ip_id=1, direction=IN
)
ECHO = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), data=b"x")
V6 = Packet(key=Tuple5(UDP, "2001:db8::1", 1, "2001:db8::2", 53))
ECHO6 = Packet(key=Tuple5(ICMP6, "2001:db8::1", 9, "2001:db8::2", 9))
GRE = Packet(key=Tuple5(47, C1, 0, HOST01, 0), body=b"gre")
ANNOUNCEMENT = ethernet.build(*MACS, b"unknown", ethertype=0x88B5)
QUESTION = ethernet.build(
    *MACS, arp.build(arp.REQUEST, C1, HOST01, *MACS), ethertype=assigned.ARP
)
KINDS: tuple[Packet | bytes, ...] = (
    SEGMENT,
    ECHO,
    error(HOST01, SEGMENT),
    error(HOST01, ECHO),
    V6,
    ECHO6,
    GRE,
    ANNOUNCEMENT,
    QUESTION,
)


def rows(chunk: Capture) -> list[dict[str, Any]]:
    """Return each packet's JSON, parsed."""
    return [json.loads(line) for line in packets.jsons(chunk, range(len(chunk)))]


def row(packet: Packet | bytes) -> dict[str, Any]:
    """Return the JSON of one packet, parsed."""
    return rows(capture([packet]))[0]


def told(packet: Packet | bytes) -> set[str]:
    """Return which columns something is told of."""
    return {name for name, value in row(packet).items() if value is not None}


ALWAYS = {
    *("packet", "interface", "point", "ts", "caplen", "wirelen", "direction", "status"),
    *("ip_checksum", "l4_checksum", "encapsulation", "offset"),
}
LINK = ALWAYS | {"eth_src", "eth_dst", "ethertype"}
NETWORK = LINK | {
    *("ip_version", "src", "dst", "proto", "ttl", "tos", "payload_len", "ip_offset")
}
IDENT = {"ip_id", "ip_flags", "frag_offset"}
PAYLOAD = {"payload_hash", "payload_offset"}
PORTS = {"l4_offset", "sport", "dport"}
ANY_ICMP = {"l4_offset", "icmp_type", "icmp_code", "icmp_rest"}
QUOTED = {"quoted_proto", "quoted_src", "quoted_dst", "quoted_ttl", "quoted_ip_id"}


@pytest.mark.parametrize(
    ("packet", "columns"),
    [
        (
            SEGMENT,
            NETWORK
            | IDENT
            | PORTS
            | PAYLOAD
            | {"tcp_seq", "tcp_ack", "tcp_flags", "tcp_window", "tcp_urgent"},
        ),
        (ECHO, NETWORK | IDENT | ANY_ICMP | PAYLOAD | {"icmp_id", "icmp_seq"}),
        (ECHO6, NETWORK | ANY_ICMP | {"icmp_id", "icmp_seq"}),
        (V6, NETWORK | PORTS),
        (ANNOUNCEMENT, LINK),
        (QUESTION, LINK | {"arp_op", "src", "dst"}),
    ],
)
def test_only_what_means_something(packet: Packet | bytes, columns: set[str]) -> None:
    """A column that has no meaning for a packet is null, not 0."""
    assert told(packet) == columns


def test_quoted() -> None:
    """An ICMP error tells whom it quotes: ports of a segment, the id of an echo."""
    assert told(error(HOST01, SEGMENT)) >= QUOTED | {"quoted_sport", "quoted_dport"}
    assert "quoted_icmp_id" not in told(error(HOST01, SEGMENT))
    assert told(error(HOST01, ECHO)) >= QUOTED | {"quoted_icmp_id"}
    assert "quoted_sport" not in told(error(HOST01, ECHO))


def test_later_fragment() -> None:
    """A fragment without the transport header has no ports, flags or sequence."""
    later = replace(SEGMENT, body=b"x" * 16, frag_offset=64)

    assert told(later) == NETWORK | IDENT | PAYLOAD


def test_fragments_of_ipv6_have_an_ident() -> None:
    """IPv6 has an identification in its fragment header only."""
    fragment = bytes.fromhex("3a00 0001 0000002a") + b"x" * 8
    split = replace(V6, key=V6.key._replace(proto=ipv6.FRAGMENT), body=fragment)

    assert row(split)["ip_id"] == 42
    assert told(split) >= IDENT
    assert not told(V6) & IDENT


def test_errors_have_no_echo() -> None:
    """Where an echo has id and sequence an error has something else."""
    assert not told(error(HOST01, SEGMENT)) & {"icmp_id", "icmp_seq"}
    assert told(error(HOST01, SEGMENT)) >= ANY_ICMP


def test_words() -> None:
    """Addresses are text, states are lower-case words."""
    found = row(SEGMENT)

    assert (found["src"], found["dst"]) == (C1, HOST01)
    assert (found["eth_src"], found["eth_dst"]) == MACS
    assert (found["direction"], found["l4_checksum"]) == ("inbound", "good")
    assert found["status"] == []
    assert row(ANNOUNCEMENT)["status"] == ["undecoded"]
    assert row(ANNOUNCEMENT)["l4_checksum"] == "absent"


def test_flags_of_a_status_are_apart() -> None:
    """A status of several flags is a list of them; in CSV, words."""
    data = SEGMENT.frame[:40]
    cut = Capture.from_frames([Frame(0, 0, data, 99, status=16)], [Interface(name="")])

    (line,) = csv.DictReader([packets.header(), packets.csvs(cut, [1])])
    assert rows(cut)[0]["status"] == ["truncated", "checksum_not_ready"]
    assert line["status"] == "truncated checksum_not_ready"


def test_no_vlan_is_null() -> None:
    """-1 is no VLAN, 0 is one."""
    frames = [Frame(0, 0, SEGMENT.frame, 54, vlan=vlan) for vlan in (-1, 0, 9)]
    seen = Capture.from_frames(frames, [Interface(name="")])

    assert [found["vlan"] for found in rows(seen)] == [None, 0, 9]


def test_unspecified_addresses() -> None:
    """`::` is an address where there is a header, and none where there is not."""
    unspecified = Packet(key=Tuple5(UDP, "::", 1, "2001:db8::2", 53))

    assert row(unspecified)["src"] == "::"
    assert row(ANNOUNCEMENT)["src"] is None
    assert row(QUESTION)["src"] == C1


def test_raw_links_have_no_ethernet() -> None:
    """A link without Ethernet header has no Ethernet addresses."""
    data = ipv6.build("2001:db8::1", "2001:db8::2", 47, b"gre")
    seen = Capture.from_frames(
        [Frame(0, 0, data, len(data))], [Interface(name="tun0", linktype=101)]
    )

    assert (rows(seen)[0]["eth_src"], rows(seen)[0]["src"]) == (None, "2001:db8::1")


def test_comment() -> None:
    """What somebody wrote on a packet comes last, escaped as the format wants it."""
    frames = [
        Frame(0, 0, SEGMENT.frame, 57, comment='say "hi", twice\n'),
        Frame(0, 0, SEGMENT.frame, 57),
    ]
    seen = Capture.from_frames(frames, [Interface(name="")])
    text = packets.header() + packets.csvs(seen, [1, 2])

    assert [found["comment"] for found in rows(seen)] == ['say "hi", twice\n', None]
    parsed = list(csv.DictReader(text.splitlines(keepends=True)))
    assert [found["comment"] for found in parsed] == ['say "hi", twice\n', ""]


def test_csv_tells_what_json_does() -> None:
    """Both formats have the same values; nothing is an empty cell."""
    seen = capture(KINDS)
    text = packets.header() + packets.csvs(seen, range(len(seen)))
    words = csv.DictReader(text.splitlines(keepends=True))

    for found, line in zip(rows(seen), words, strict=True):
        for flags in ("status", "encapsulation"):
            found[flags] = " ".join(found[flags])
        plain = {name: "" if v is None else str(v) for name, v in found.items()}
        assert line == plain


def test_every_column_is_there() -> None:
    """Names are those of the columns, in their order."""
    names = [column.name for column in COLUMNS]

    assert list(row(SEGMENT)) == ["packet", "interface", *names, "comment"]


def test_numbers_are_the_columns() -> None:
    """What is told of a number is the number, however large."""
    seen = capture(KINDS)
    for index, found in enumerate(rows(seen)):
        for column in COLUMNS:
            value = found[column.name]
            if column.width == 1 and isinstance(value, int):
                assert value == seen.column(column.name)[index].item()


def test_texts() -> None:
    """Lines are those of `Packet.text`, of every kind of packet."""
    seen = capture(KINDS)

    assert list(packets.texts(seen)) == [packet.text for packet in seen]


@given(st.lists(st.binary(max_size=90), max_size=4))
def test_whatever_is_captured(datas: list[bytes]) -> None:
    """Any bytes at all can be told in all formats."""
    check(Frame(0, row, data, len(data)) for row, data in enumerate(datas))


@given(st.data())
def test_whatever_is_damaged(data: st.DataObject) -> None:
    """Packets with a byte changed, or cut, as well."""
    kind = data.draw(st.sampled_from(KINDS))
    frame = bytearray(kind if isinstance(kind, bytes) else kind.frame)
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] = data.draw(st.integers(0, 255))
    size = data.draw(st.integers(0, len(frame)))
    check([Frame(0, 0, bytes(frame[:size]), len(frame))])


def check(frames: Iterable[Frame]) -> None:
    """Check what always holds."""
    seen = Capture.from_frames(frames, [Interface(name="tap")])
    found = rows(seen)

    assert list(packets.texts(seen)) == [packet.text for packet in seen]
    for index, one in enumerate(found):
        for name in ("src", "dst", "quoted_src", "quoted_dst"):
            assert (one[name] or "") == seen[index].row[name]
            if one[name]:
                assert one[name] == address_text(seen.column(name)[index].tobytes())
    assert all(a["offset"] <= b["offset"] for a, b in pairwise(found))


@pytest.mark.parametrize("kind", ["open", "close"])
def test_canary(kind: str) -> None:
    """A canary of ours is called one; any other frame of its type is not decoded."""
    ours = canary.build(canary.Canary("nonce", "docker0", kind), bytes(6))
    tagged = ours[:12] + bytes.fromhex("8100 0007") + ours[12:]
    chunk = capture([ours, tagged, ANNOUNCEMENT, ours[:20]])

    text = f"canary: the capture of docker0 {kind}s"
    first, second, *others = packets.texts(chunk)
    assert (first.endswith(text), second.endswith(text)) == (True, True)
    assert str(chunk[0]) in first
    assert [text.partition(" [")[2] for text in others] == ["undecoded]"] * 2
