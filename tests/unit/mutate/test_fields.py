"""Where a packet's fields are, which values they get, and that the rest stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST01, SYN, SYN_OPTIONS, Packet, capture, error

from pytest_netlab.capture import Frame
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.mutate.fields import Field, fields, repaired, replaced
from pytest_netlab.wire import Checksum, icmpv6
from pytest_netlab.wire.columns import COLUMNS

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

V6 = ("fd00::2", "fd01::2")
IP_AT = 14
SEGMENT = Packet(
    key=Tuple5(TCP, C1, 40000, HOST01, 80),
    flags=SYN,
    seq=5,
    ack=6,
    options=SYN_OPTIONS,
    data=b"data",
    ip_id=7,
)
QUERY = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"query", ip_id=7)
ECHO = Packet(key=Tuple5(ICMP, C1, 9, HOST01, 9), seq=3, data=b"ping", ip_id=7)
QUERY6 = replace(QUERY, key=Tuple5(UDP, V6[0], 5555, V6[1], 53), ip_id=0)
ECHO6 = replace(ECHO, key=Tuple5(ICMP6, V6[0], 9, V6[1], 9), ip_id=0)
REFUSAL6 = Packet(
    key=Tuple5(ICMP6, V6[1], 0, V6[0], 0),
    body=icmpv6.build(V6[1], V6[0], 1, 4, bytes(4) + QUERY6.datagram[:48]),
)
MACS = {"destination MAC": "eth_dst", "source MAC": "eth_src"}
IP = {
    "dscp": "tos",
    "ecn": "tos",
    "ttl": "ttl",
    "source address": "src",
    "destination address": "dst",
}
IPV4 = {
    "ip id": "ip_id",
    "DF": "ip_flags",
    "reserved flag": "ip_flags",
    "ip checksum": "ip_checksum",
    **IP,
}
FRAMING = ("total length", "udp length", "protocol", "MF")
PORTS = {"source port": "sport", "destination port": "dport"}
FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE")
TCP_FIELDS = {
    **PORTS,
    "tcp seq": "tcp_seq",
    "tcp ack": "tcp_ack",
    **{f"{name} flag": "tcp_flags" for name in FLAGS},
    "tcp window": "tcp_window",
    "reserved bits": "tcp_flags",
    "urgent pointer": "tcp_urgent",
    "l4 checksum": "l4_checksum",
    "mss value": "options_hash",
    "nop option": "options_hash",
    "payload": "payload_hash",
}
ECHO_FIELDS = {
    "icmp type": "icmp_type",
    "icmp code": "icmp_code",
    "icmp id": "icmp_id",
    "icmp seq": "icmp_seq",
    "l4 checksum": "l4_checksum",
    "payload": "payload_hash",
}
QUOTED = {
    "icmp code": "icmp_code",
    "mtu": "icmp_rest",
    "quoted source address": "quoted_src",
    "quoted destination address": "quoted_dst",
}
QUOTED_PORTS = {
    "quoted source port": "quoted_sport",
    "quoted destination port": "quoted_dport",
}


def known(packet: Packet) -> dict[str, Field]:
    """Return the fields of a packet by their names; of one name, the first."""
    found: dict[str, Field] = {}
    for field in fields(capture([packet]), 0):
        found.setdefault(field.name, field)
    return found


def changed(packet: Packet, field: Field, value: int) -> Capture:
    """Return a capture of a packet with another value in a field."""
    return capture([field.put(packet.frame, value, IP_AT)])


def columns(before: Capture, after: Capture) -> set[str]:
    """Return the names of the columns that differ of the only packet."""
    names = (column.name for column in COLUMNS)
    return {
        name
        for name in names
        if getattr(before, name)[0].tobytes() != getattr(after, name)[0].tobytes()
    }


@pytest.mark.parametrize(
    ("packet", "where"),
    [
        (SEGMENT, {**MACS, **IPV4, **TCP_FIELDS}),
        (QUERY, {**MACS, **IPV4, **PORTS, "l4 checksum": "l4_checksum"}),
        (ECHO, {**MACS, **IPV4, **ECHO_FIELDS}),
        (QUERY6, {**MACS, **IP, **PORTS, "l4 checksum": "l4_checksum"}),
        (ECHO6, {**MACS, **IP, **ECHO_FIELDS}),
        (error(HOST01, QUERY), {**MACS, **IPV4, **QUOTED, **QUOTED_PORTS}),
        (error(HOST01, ECHO), {**QUOTED, "quoted icmp id": "quoted_icmp_id"}),
        (REFUSAL6, {**MACS, **IP, **QUOTED, **QUOTED_PORTS}),
    ],
    ids=["tcp", "udp", "icmp", "udp6", "icmp6", "error", "error of echo", "error6"],
)
def test_where_fields_are(packet: Packet, where: dict[str, str]) -> None:
    """Every other value of a field changes the column that the field is decoded to.

    What is decoded of the rest stays, and so do the checksums, but for the one that is
    meant: the packet is as a host would send it.
    """
    before, found = capture([packet]), known(packet)
    follows = {"payload_hash", "options_hash", "icmp_rest"}
    for name, column in where.items():
        for value in found[name].values(packet.frame):
            told = columns(before, changed(packet, found[name], value))
            assert column in told, name
            if not name.startswith(("icmp type", "quoted")):
                assert told - follows <= {column}, name


ETHERNET, SUMMED = "ff" * 14, "ffffffff 00ff ffff"
HEADER4 = "ffff 00ff ffff ffff ff7f ffff 00ffffff 00ffffff"
HEADER6 = "ffff ffff 00ff 7fff" + ("00" + "ff" * 15) * 2
SEGMENT_BITS = "ff" * 20
OPTIONS_BITS = "ff00ffff ff00 ff00ffffffffffffffff ff ff00ff"
ERROR_BITS = "ff" * 8


@pytest.mark.parametrize(
    ("packet", "bits"),
    [
        (SEGMENT, HEADER4 + SEGMENT_BITS + OPTIONS_BITS + "ff"),
        (QUERY, HEADER4 + SUMMED + "ff"),
        (QUERY6, HEADER6 + SUMMED + "ff"),
        (ECHO, HEADER4 + "ff" * 9),
        (ECHO6, HEADER6 + "ff" * 9),
        (error(HOST01, QUERY), HEADER4 + ERROR_BITS + HEADER4 + "ffffffff"),
        (error(HOST01, SEGMENT), HEADER4 + ERROR_BITS + HEADER4 + "ffffffff"),
        (error(HOST01, ECHO), HEADER4 + ERROR_BITS + HEADER4 + "00000000 ffffffff"),
        (REFUSAL6, HEADER6 + ERROR_BITS + HEADER6 + "ffffffff"),
    ],
    ids=[
        *("tcp", "udp", "udp6", "icmp", "icmp6"),
        *("error", "error of tcp", "error of echo", "error6"),
    ],
)
def test_which_bits_are_changed(packet: Packet, bits: str) -> None:
    """Every bit is in one field.

    Left alone are what makes a packet much longer than it is, and the first octets of
    addresses, which choose who has them.
    """
    covered = bytearray(len(packet.frame))
    for field in fields(capture([packet]), 0):
        mask = field.mask.to_bytes(field.size, "big")
        places = range(field.at, field.at + field.size)
        if field.name != "corrupted payload":  # the same bits as the payload's
            assert not any(
                covered[at] & bit for at, bit in zip(places, mask, strict=True)
            )
            for at, bit in zip(places, mask, strict=True):
                covered[at] |= bit

    wanted = bytes.fromhex(ETHERNET + bits)
    assert covered == wanted.ljust(len(covered), b"\0")


@pytest.mark.parametrize("packet", [error(HOST01, QUERY), REFUSAL6], ids=["v4", "v6"])
def test_what_is_put_in_a_quote(packet: Packet) -> None:
    """Of an error only a field, its own checksum and the quoted header's change."""
    found, frame = known(packet), packet.frame
    own = found["l4 checksum"].at
    quoted = found["quoted ip checksum"].at if "ip checksum" in found else own
    for name, field in found.items():
        if name.startswith("quoted"):
            after = field.put(frame, next(field.values(frame)), IP_AT)
            places = {
                *(own, own + 1, quoted, quoted + 1),
                *range(field.at, field.at + field.size),
            }
            differ = {at for at, byte in enumerate(after) if byte != frame[at]}
            assert differ <= places, name


def test_datagram_that_looks_like_a_segment() -> None:
    """Only a segment has options."""
    like = replace(QUERY, data=bytes(4) + b"\xf0" + bytes(7) + SYN_OPTIONS * 2)

    assert not [name for name in known(like) if name.endswith(("option", "kind"))]


def test_both_ends_of_a_field() -> None:
    """A field gets two other values: its lowest bit turned, and its highest."""
    frame = bytes([0b1010_1010, 0b1111_0000])

    assert list(Field("x", 0, 2, 0x0FF0).values(frame)) == [
        0b1010_1010_1111_0000 ^ 0x0010,
        0b1010_1010_1111_0000 ^ 0x0800,
    ]
    assert list(Field("x", 1, 1, 0x40).values(frame)) == [0b1011_0000]


@pytest.mark.parametrize("packet", [SEGMENT, QUERY, ECHO, QUERY6, ECHO6])
def test_what_is_put_is_repaired(packet: Packet) -> None:
    """Whatever field a host alters, it makes every checksum right again."""
    for field in fields(capture([packet]), 0):
        if field.repaired and field.name not in FRAMING:
            value = next(field.values(packet.frame))
            after = changed(packet, field, value)
            sums = {int(after.ip_checksum[0]), int(after.l4_checksum[0])}
            assert Checksum.BAD not in sums, field.name


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("ip checksum", "ip_checksum"),
        ("l4 checksum", "l4_checksum"),
        ("corrupted payload", "l4_checksum"),
    ],
)
def test_what_is_corrupted_stays_so(name: str, column: str) -> None:
    """A checksum that is changed, or bytes that are damaged, are not mended."""
    field = known(SEGMENT)[name]

    after = changed(SEGMENT, field, next(field.values(SEGMENT.frame)))

    assert getattr(after, column)[0] == Checksum.BAD
    frame = after[0].bytes
    assert sum(a != b for a, b in zip(frame, SEGMENT.frame, strict=True)) == 1


@pytest.mark.parametrize("packet", [QUERY, ECHO, ECHO6, error(HOST01, QUERY)])
def test_checksum_of_every_protocol_stays_corrupted(packet: Packet) -> None:
    """Whatever a packet bears, a checksum that was changed is not mended."""
    field = known(packet)["l4 checksum"]

    after = changed(packet, field, next(field.values(packet.frame)))

    assert after.l4_checksum[0] == Checksum.BAD


def test_quoted_header_is_repaired() -> None:
    """The checksum of a quoted header is made right, unless it is what was changed."""
    packet = error(HOST01, QUERY)
    quote, found = 14 + 20 + 8, known(packet)

    def is_right(name: str) -> bool:
        field = found[name]
        frame = field.put(packet.frame, next(field.values(packet.frame)), IP_AT)
        return repaired(frame, IP_AT, quote) == frame

    assert is_right("quoted ttl")
    assert is_right("quoted source address")
    assert is_right("quoted source port")
    assert not is_right("quoted ip checksum")


def test_repaired_without_a_sane_header() -> None:
    """A frame that is no packet any more is left as it is."""
    nonsense = SEGMENT.frame[:14] + b"\xff" * 20
    empty = SEGMENT.frame[:14]

    assert repaired(nonsense, IP_AT) == nonsense
    assert repaired(empty, IP_AT) == empty


@pytest.mark.parametrize("missing", [0, 30])
def test_replaced(missing: int) -> None:
    """A frame with other bytes is cut as much as it was, and seen when it was."""
    data = SEGMENT.frame
    frame = Frame(1, 5, data, len(data) + missing)

    other = replaced(frame, data + b"more")

    assert other == Frame(1, 5, data + b"more", len(data) + 4 + missing)


def test_options_of_a_segment() -> None:
    """Each option has a kind, and a value if it is longer; a NOP is all in one."""
    raw = SYN_OPTIONS + bytes([1, 99, 3, 7, 1, 1])
    packet = replace(SEGMENT, options=raw[:-1] + bytes([0]))
    names = [f.name for f in fields(capture([packet]), 0)]

    first = names.index("urgent pointer") + 1
    assert names[first:] == [
        *("mss kind", "mss value", "sackOK kind", "timestamps kind"),
        *("timestamps value", "nop option", "wscale kind", "wscale value"),
        *("nop option", "option 99 kind", "option 99 value", "nop option"),
        *("payload", "corrupted payload"),
    ]


def test_where_options_are() -> None:
    """An option's kind and value are where its bytes are."""
    at = 14 + 20 + 20
    places = {
        f.name: (f.at - at, f.size, f.mask)
        for f in fields(capture([SEGMENT]), 0)
        if "option" in f.name or f.name.endswith(("kind", "value"))
    }

    assert places == {
        "mss kind": (0, 1, 0xFF),
        "mss value": (2, 2, 0xFFFF),
        "sackOK kind": (4, 1, 0xFF),
        "timestamps kind": (6, 1, 0xFF),
        "timestamps value": (8, 8, 2**64 - 1),
        "nop option": (16, 1, 0xFF),
        "wscale kind": (17, 1, 0xFF),
        "wscale value": (19, 1, 0xFF),
    }


def test_payload() -> None:
    """A packet without payload has none to change."""
    empty = replace(SEGMENT, data=b"")

    assert not {"payload", "corrupted payload"} & set(known(empty))
    payload = known(SEGMENT)["payload"]
    assert SEGMENT.frame[payload.at :] == b"data"


def test_fields_of_an_error() -> None:
    """An error has its own few fields, and those of the header that it quotes."""
    names = list(known(error(HOST01, QUERY)))

    own = ["icmp type", "icmp code", "l4 checksum", "icmp unused", "mtu"]
    first = names.index("icmp type")
    assert names[first : first + 5] == own
    assert all(name.startswith("quoted ") for name in names[first + 5 :])
    assert {"quoted source port", "quoted ttl", "quoted ip checksum"} <= set(names)
    assert "quoted icmp id" not in names


def test_protocol_without_fields_of_its_own() -> None:
    """Of a protocol that nobody knows here the IP header and the payload are left."""
    gre = Packet(key=Tuple5(47, C1, 0, HOST01, 0), body=b"gre!", ip_id=1)
    names = list(known(gre))

    assert names[-2:] == ["payload", "corrupted payload"]
    assert names[-3] == "destination address"
