"""The packet inside an ICMP error: one that crossed, and the same at both points."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import C1, HOST, HOST01, Packet, capture, error

from pytest_netlab.checks import Observed
from pytest_netlab.checks.embedded import changed, unknown
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.wire import icmp, icmpv6, ipv4

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.checks import Violation

QUERY = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"query", ip_id=7)
SEGMENT = Packet(
    key=Tuple5(TCP, C1, 40000, HOST01, 80), seq=100, data=b"GET /", ip_id=7
)
ECHO = Packet(key=Tuple5(ICMP, C1, 9, HOST01, 9), seq=3, data=b"ping", ip_id=7)
QUERY6 = Packet(key=Tuple5(UDP, "fd00::2", 5555, "fd01::2", 53), data=b"query")
PROTOCOLS = pytest.mark.parametrize(
    "packet", [QUERY, SEGMENT, ECHO, QUERY6], ids=["udp", "tcp", "icmp", "v6"]
)
CROSSED, WHOLE = "a packet that crossed this point", "a header with a good checksum"


def refusal(quoted: Packet, ttl: int = 60) -> Packet:
    """Return an error about a packet as it arrived, from whom it was sent to."""
    arrived = replace(quoted, ttl=ttl)
    if ":" not in quoted.key.src:
        return error(HOST01, arrived)
    src, dst = quoted.key.dst, quoted.key.src
    body = icmpv6.build(src, dst, 1, 4, bytes(4) + arrived.datagram[:48])
    return Packet(key=Tuple5(ICMP6, src, 0, dst, 0), body=body)


def quoting(quote: bytes, rest: int = 0) -> Packet:
    """Return an error that quotes these bytes."""
    return replace(error(HOST01, QUERY), body=icmp.build_error(3, 4, quote, rest))


def told(found: Iterable[Violation]) -> list[tuple[str, str, int]]:
    """Return field, want and row of each violation."""
    return [(bad.field, bad.want, bad.rows[0]) for bad in found]


def at_a_point(*packets: Packet, rows: list[int] | None = None) -> list[Any]:
    """Return what is unknown in the errors that one point saw."""
    everything = list(range(len(packets)))
    seen = Observed(capture=capture(packets), points=(), is_reply=bool)
    return told(unknown(seen, everything if rows is None else rows))


def across(near: Packet, far: Packet) -> list[tuple[str, str, int]]:
    """Return what was changed of an error between the points."""
    seen = capture([near, far])
    return told(
        changed(Observed(capture=seen, points=(), is_reply=bool, pairs=[(0, 1)]))
    )


@PROTOCOLS
def test_quote_of_what_crossed(packet: Packet) -> None:
    """An error about a packet that this point saw is right, at any ttl and tos."""
    assert at_a_point(packet, refusal(packet)) == []
    assert at_a_point(replace(packet, ttl=63), packet, refusal(packet, ttl=1)) == []
    assert at_a_point(packet, refusal(replace(packet, tos=8))) == []


def test_nothing_seen() -> None:
    """Where nothing was seen, and where there are no errors, nothing is unknown."""
    assert at_a_point() == []
    assert at_a_point(QUERY, QUERY) == []
    assert at_a_point(replace(QUERY, data=b"E" * 28)) == []


@pytest.mark.parametrize(
    ("sent", "change"),
    [
        (QUERY, {"ip_id": 8}),
        (QUERY, {"data": b"queries"}),
        (QUERY, {"df": False}),
        (SEGMENT, {"seq": 101}),
        (ECHO, {"seq": 4}),
        (QUERY6, {"data": b"queries"}),
    ],
    ids=["id", "length", "DF", "tcp seq", "icmp seq", "v6 length"],
)
def test_quote_of_another_packet(sent: Packet, change: dict[str, Any]) -> None:
    """An error about a packet of the conversation that nobody sent is told."""
    found = at_a_point(sent, refusal(replace(sent, **change)))

    assert found == [("quote", CROSSED, 1)]


def test_quoted_before_it_was_sent() -> None:
    """An error comes after the packet that it is about."""
    assert at_a_point(refusal(QUERY), QUERY) == [("quote", CROSSED, 0)]
    assert at_a_point(QUERY, refusal(QUERY), QUERY) == []


def test_quote_of_what_was_never_seen() -> None:
    """A capture that begins between a packet and the error about it knows nothing."""
    assert at_a_point(refusal(QUERY)) == []
    assert at_a_point(SEGMENT, refusal(QUERY)) == []


def test_rows_of_one_point() -> None:
    """What another point saw tells nothing of this one."""
    other = replace(QUERY, ip_id=8)

    assert at_a_point(QUERY, other, refusal(QUERY), rows=[1, 2]) == [
        ("quote", CROSSED, 2)
    ]
    assert at_a_point(QUERY, other, refusal(QUERY), rows=[0, 2]) == []


def test_quoted_header_that_is_damaged() -> None:
    """A quoted IPv4 header must add up; options are a part of it."""
    datagram = bytearray(QUERY.datagram[:28])
    datagram[11] ^= 1

    assert at_a_point(QUERY, quoting(bytes(datagram))) == [("quote", WHOLE, 1)]


def test_damaged_and_unknown() -> None:
    """A quote that does not add up, of a packet that nobody sent, is told as both."""
    datagram = bytearray(QUERY.datagram[:28])
    datagram[5] ^= 1

    assert at_a_point(QUERY, quoting(bytes(datagram))) == [
        ("quote", WHOLE, 1),
        ("quote", CROSSED, 1),
    ]


def test_options_in_a_quoted_header() -> None:
    """The transport header is looked for behind the options of IPv4."""
    plain = bytearray(QUERY.datagram)
    plain[0], plain[3] = 0x46, plain[3] + 4
    sent = ipv4.fill_header(bytes(plain[:20]) + bytes([1, 1, 1, 0]) + plain[20:])
    other = sent[:28] + b"\0\0" + sent[30:]
    frame = QUERY.frame[:14]
    looks: dict[str, Any] = {"points": (), "is_reply": bool}

    for quoted, expected in ((sent, []), (other, [("quote", CROSSED, 1)])):
        seen = capture([frame + sent, quoting(quoted[:32])])
        assert told(unknown(Observed(capture=seen, **looks), [0, 1])) == expected


@PROTOCOLS
def test_same_quote_at_both_points(packet: Packet) -> None:
    """An error that is forwarded quotes the same packet on either side."""
    assert across(refusal(packet), refusal(packet)) == []


@pytest.mark.parametrize("packet", [QUERY, SEGMENT], ids=["udp", "tcp"])
def test_translated_quote(packet: Packet) -> None:
    """Addresses and ports of a quote are translated along."""
    translated = replace(packet, key=packet.key._replace(src=HOST, sport=6000))

    assert across(refusal(packet), refusal(translated)) == []


@pytest.mark.parametrize(
    ("sent", "change"),
    [
        (QUERY, {"tos": 8}),
        (QUERY, {"ip_id": 8}),
        (QUERY, {"data": b"queries"}),
        (SEGMENT, {"seq": 101}),
        (ECHO, {"seq": 4}),
        (QUERY6, {"tos": 16}),
        (QUERY6, {"data": b"queries"}),
    ],
    ids=["tos", "id", "length", "tcp seq", "icmp seq", "v6 tos", "v6 length"],
)
def test_changed_quote(sent: Packet, change: dict[str, Any]) -> None:
    """A quote of which the host changed anything else is told."""
    found = across(refusal(sent), refusal(replace(sent, **change)))

    assert found == [("quote", "the same header at both points", 0)]


@pytest.mark.parametrize(
    ("packet", "header", "fixed"),
    [
        (QUERY, 20, {*range(1, 9), 24, 25}),
        (SEGMENT, 20, {*range(1, 9), 24, 25, 26, 27}),
        (ECHO, 20, {*range(1, 9), 26, 27}),
        (QUERY6, 40, {1, 4, 5, 7, 44, 45}),
    ],
    ids=["udp", "tcp", "icmp", "v6"],
)
def test_bytes_of_a_quote(packet: Packet, header: int, fixed: set[int]) -> None:
    """No router and no NAT changes tos, length, id, fragmentation, ttl or numbers.

    Addresses, ports, an ICMP id and checksums are translated, or follow from those.
    """
    kept, protocol = packet.datagram[: header + 8], {20: 9, 40: 6}[header]
    told_at = set()
    for at in range(1, len(kept)):
        other = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
        if at != protocol and across(quoting(kept), quoting(other)):
            told_at.add(at)

    assert told_at == fixed


@pytest.mark.parametrize("packet", [QUERY, QUERY6], ids=["v4", "v6"])
def test_changed_ttl_of_a_quote(packet: Packet) -> None:
    """The ttl in a quote is the one the packet died with: no router touches it."""
    found = across(refusal(packet), refusal(packet, ttl=59))

    assert found == [("quote", "the same header at both points", 0)]


@pytest.mark.parametrize("first", [0x05, 0x55, 0xF5])
def test_quote_of_no_version(first: int) -> None:
    """What one point embeds may begin with anything; then the other's differs."""
    whole = QUERY.datagram[:28]
    other = bytes((first, *whole[1:]))

    assert across(quoting(whole), quoting(other)) == [
        ("quote", "the same header at both points", 0)
    ]


def test_mtu() -> None:
    """The MTU that an error tells is the same at both points."""
    quote = QUERY.datagram[:28]

    assert across(quoting(quote, 1400), quoting(quote, 1400)) == []
    assert across(quoting(quote, 1400), quoting(quote, 1300)) == [("mtu", "1400", 0)]


def test_pairs_that_are_no_errors() -> None:
    """Of a pair of other packets nothing is embedded."""
    assert across(ECHO, replace(ECHO, seq=4)) == []
