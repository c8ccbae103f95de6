"""What one packet says, in words: roles, fields, errors with what they quote."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import (
    C1,
    FIN_ACK,
    HOST01,
    MACS,
    NAMES,
    SYN,
    SYN_ACK,
    SYN_OPTIONS,
    Packet,
    capture,
    error,
)

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Role, Tuple5
from pytest_netlab.trace import value_text, what_text
from pytest_netlab.trace.packets import describe
from pytest_netlab.trace.symbols import Symbols
from pytest_netlab.wire import (
    ethernet,
    fill,
    icmp,
    icmpv6,
    ip_options,
    ipv4,
    tcp,
)

PING = Tuple5(ICMP, C1, 7, HOST01, 7)
WEB = Tuple5(TCP, C1, 40000, HOST01, 80)
DNS = Tuple5(UDP, C1, 5555, HOST01, 53)
A6, B6 = "fd00::2", "fd00::1"
MORE_OPTIONS = bytes.fromhex("1304050601010402fe04abcd")


def told(packet: Packet, role: str = "", *, reply: bool = False) -> tuple[str, str]:
    """Return what a packet is and its fields as text."""
    seen, symbols = capture([packet]), Symbols(NAMES)
    what, fields = describe(seen, 0, symbols, Role(role) if role else None, reply=reply)
    named = ((name, value_text(one, name)) for name, one in fields.named())
    return what_text(what), " ".join(f"{name}={value}" for name, value in named)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (
            Packet(key=PING, data=bytes(56)),
            ("echo request", "id=id#1 seq=1 length=64 ttl=64"),
        ),
        (
            Packet(key=PING, reply=True, seq=9, ttl=63, tos=0x10),
            ("echo reply", "id=id#1 seq=9 length=8 tos=0x10 ttl=63"),
        ),
        (
            Packet(key=Tuple5(ICMP6, A6, 7, B6, 7), data=b"abcd"),
            ("echo request", "id=id#1 seq=1 length=12 ttl=64"),
        ),
        (
            Packet(key=Tuple5(ICMP6, A6, 7, B6, 7), reply=True),
            ("echo reply", "id=id#1 seq=1 length=8 ttl=64"),
        ),
        (
            Packet(key=PING, body=icmp.build(13, 0, payload=bytes(12))),
            ("type 13 code 0", "length=20 ttl=64"),
        ),
        (Packet(key=DNS, data=b"query"), ("datagram", "length=5 ttl=64")),
        (
            Packet(key=PING._replace(proto=47), body=b"gre!"),
            ("protocol 47", "length=4 ttl=64"),
        ),
    ],
    ids=["request", "reply", "request6", "reply6", "timestamp", "udp", "gre"],
)
def test_describe(packet: Packet, expected: tuple[str, str]) -> None:
    """A packet is told by its kind, ids in symbols, and what a golden speaks of."""
    assert told(packet) == expected


def test_what_no_ordinary_packet_has() -> None:
    """Options, reserved bits, and an urgent pointer without its flag are told."""
    segment = bytearray(tcp.build(C1, HOST01, 40000, 80, flags=SYN | 0x200))
    segment[tcp.URGENT + 1] = 9
    datagram = bytearray(ipv4.build(C1, HOST01, TCP, bytes(segment)))
    datagram[ipv4.FRAGMENT] |= 0x80
    frame = ethernet.build(*MACS, fill(ip_options.added(bytes(datagram))))
    seen = capture([frame])

    _, fields = describe(seen, 0, Symbols(NAMES), Role.SYN, reply=False)
    named = [f"{name}={value_text(one, name)}" for name, one in fields.named()]
    assert named == [
        *("flags=S", "options=none", "ip_options=148", "reserved=ip 0x4, above 0x200"),
        *("urgent=9", "ttl=64"),
    ]


@pytest.mark.parametrize(
    ("packet", "role", "expected"),
    [
        (
            Packet(key=WEB, flags=SYN | tcp.ECE | tcp.CWR, options=SYN_OPTIONS),
            "SYN",
            "flags=SEW options=mss 1460,sackOK,TS,nop,wscale ttl=64",
        ),
        (Packet(key=WEB, flags=SYN_ACK), "SYN-ACK", "flags=S. options=none ttl=64"),
        (
            Packet(key=WEB, flags=SYN, options=MORE_OPTIONS),
            "SYN",
            "flags=S options=opt-19,nop,nop,sackOK,opt-254 ttl=64",
        ),
        (
            Packet(key=WEB, flags=tcp.RST | tcp.ACK),
            "RST",
            "flags=R. ttl=64",
        ),
        (Packet(key=WEB, data=b"x", tos=2), "data", "tos=0x02 ttl=64"),
        (Packet(key=WEB, flags=FIN_ACK), "FIN", "ttl=64"),
        (Packet(key=WEB, flags=FIN_ACK, data=b"x", tos=0xBA), "FIN", "tos=0xb8 ttl=64"),
    ],
    ids=["SYN", "SYN-ACK", "odd options", "RST", "data", "FIN", "FIN with data"],
)
def test_segment(packet: Packet, role: str, expected: str) -> None:
    """Only handshakes and resets have fields that timing does not decide."""
    assert told(packet, role) == (role, expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ((3, 0), "net unreachable"),
        ((3, 1), "host unreachable"),
        ((3, 2), "protocol unreachable"),
        ((3, 3), "port unreachable"),
        ((3, 4), "fragmentation needed"),
        ((3, 9), "net prohibited"),
        ((3, 10), "host prohibited"),
        ((3, 13), "admin prohibited"),
        ((11, 0), "time exceeded"),
        ((12, 0), "icmp error 12/0"),
    ],
)
def test_error(kind: tuple[int, int], expected: str) -> None:
    """An error is told by its name, with the tuple it quotes."""
    packet = error(HOST01, Packet(key=DNS), kind=kind)

    assert told(packet, reply=True) == (
        expected,
        "quotes=c1:port#1 > host01:53 tos=0xc0 ttl=64",
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ((1, 4), "port unreachable"),
        ((2, 0), "packet too big"),
        ((3, 0), "time exceeded"),
        ((4, 1), "icmp error 4/1"),
    ],
)
def test_error6(kind: tuple[int, int], expected: str) -> None:
    """Likewise for IPv6."""
    quoted = Packet(key=Tuple5(UDP, A6, 5555, B6, 53)).datagram
    body = icmpv6.build(B6, A6, *kind, bytes(4) + quoted)
    packet = Packet(key=Tuple5(ICMP6, B6, 0, A6, 0), body=body)

    assert told(packet, reply=True) == (
        expected,
        "quotes=addr#1:port#1 > addr#2:53 ttl=64",
    )


def test_error_about_a_reply() -> None:
    """An error from the initiator quotes an answer: its source is the service."""
    packet = error(C1, Packet(key=DNS.reply))

    assert told(packet) == (
        "port unreachable",
        "quotes=host01:53 > c1:port#1 tos=0xc0 ttl=64",
    )


def test_error_about_an_echo() -> None:
    """An error about an echo quotes addresses; its id is none of a golden's."""
    packet = replace(error(HOST01, Packet(key=PING)), tos=0)

    assert told(packet, reply=True)[1] == "quotes=c1 > host01 ttl=64"


def test_unused_octets_of_an_error() -> None:
    """What RFC 1191 has beside the MTU is 0; where it is not, the trace shows it."""
    body = icmp.build_error(3, 4, Packet(key=DNS).datagram[:28], 0x8001 << 16 | 1400)
    packet = replace(error(HOST01, Packet(key=DNS)), body=body, tos=0)

    assert told(packet, reply=True)[1] == (
        "quotes=c1:port#1 > host01:53 mtu=1400 reserved=ip 0x0, above 0x8001 ttl=64"
    )
