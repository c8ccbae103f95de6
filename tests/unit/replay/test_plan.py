"""A capture as conversations to play, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    Packet,
    capture,
    error,
    routed,
    two_points,
)

from pytest_netlab.capture import Capture, Frame, Interface, read
from pytest_netlab.errors import ReplayError
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay.plan import left_out, plan_flows
from pytest_netlab.wire import fill, tcp
from pytest_netlab.wire.checksum import pseudo
from pytest_netlab.wire.octets import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "golden"
RECORDED = sorted((ROOT / "tests" / "data" / "replay").glob("*.pcapng"))
ASK = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"who?", ip_id=1)
ANSWER = replace(ASK, key=ASK.key.reply, data=b"me", ip_id=2)


def test_one_point() -> None:
    """Packets in order, each with who sends it."""
    (plan,) = plan_flows(capture([ASK, ANSWER]))

    assert plan.key == ASK.key
    assert [(packet.number, packet.reply) for packet in plan.packets] == [
        (1, False),
        (2, True),
    ]
    assert [packet.datagram for packet in plan.packets] == [
        ASK.datagram,
        ANSWER.datagram,
    ]


def test_two_points() -> None:
    """Each packet as its sender sent it: the responder's from beyond the NAT."""
    sent = ASK.key._replace(src=HOST)
    answer = replace(ANSWER, key=sent.reply, direction=IN)
    seen = [
        (INSIDE, replace(ASK, direction=IN)),
        (OUTSIDE, routed(ASK, sent)),
        (OUTSIDE, answer),
        (INSIDE, routed(answer, ASK.key.reply)),
    ]
    (plan,) = plan_flows(two_points(seen))

    assert plan.key == ASK.key
    assert [packet.number for packet in plan.packets] == [1, 4]
    assert plan.packets[1].datagram == answer.datagram  # its ttl is the sender's


@pytest.mark.parametrize("name", ["ping-beyond", "ping-host", "published-web"])
def test_goldens(name: str) -> None:
    """Of each golden there is one conversation."""
    (plan,) = plan_flows(read(GOLDEN / name / "capture.pcapng"))

    assert len(plan.packets) >= 2
    assert {packet.datagram[8] for packet in plan.packets} == {64}


def test_conversations_apart() -> None:
    """Several conversations keep their packets, and an error is its quote's."""
    ping = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7))
    plans = plan_flows(capture([ASK, ping, error(HOST01, ASK)]))

    assert [plan.key for plan in plans] == [ASK.key, ping.key]
    assert [packet.error for packet in plans[0].packets] == [False, True]
    assert plans[0].packets[1].reply


def test_trailer_is_no_packet() -> None:
    """What a link pads a short frame with is not played."""
    (plan,) = plan_flows(capture([replace(ASK, tail=bytes(20))]))

    assert plan.packets[0].datagram == ASK.datagram


SIX = Packet(key=Tuple5(UDP, "2001:db8::1", 1, "2001:db8::2", 2))


@pytest.mark.parametrize(
    ("packets", "words"),
    [
        ([], "0 packets, and no conversation of TCP, UDP or ICMP"),
        ([SIX], "packet 1: IPv6 is not played, --flows ipv4"),
    ],
)
def test_refused(packets: list[Packet], words: str) -> None:
    """What cannot be played as it was is refused, with its packets."""
    with pytest.raises(ReplayError, match=words):
        plan_flows(capture(packets))


def test_fragments() -> None:
    """The fragments of a datagram are one step, wherever they were seen."""
    first = replace(ASK, mf=True, df=False)
    later = [
        replace(first, body=bytes(8), frag_offset=number, mf=number == 16)
        for number in (16, 24)
    ]
    (plan,) = plan_flows(capture([first, ANSWER, *later]))

    assert [packet.number for packet in plan.packets] == [1, 2]
    assert plan.packets[0].rest == tuple(one.datagram for one in later)
    assert plan.packets[1].rest == ()


def test_fragments_of_an_id_that_is_used_again() -> None:
    """Later fragments belong to the first one before them; others have none."""
    first = replace(ASK, mf=True, df=False)
    later = replace(first, body=bytes(8), frag_offset=16, mf=False)
    again = [replace(first, data=b"two!"), replace(later, body=bytes(16))]
    (plan,) = plan_flows(capture([first, later, *again, ASK]))

    assert [len(packet.rest) for packet in plan.packets] == [1, 1, 0]
    assert plan.packets[1].rest == (again[1].datagram,)


def test_cut_later_fragment() -> None:
    """A later fragment that the snaplen cut is refused as well."""
    first = replace(ASK, mf=True, df=False)
    later = replace(first, body=bytes(64), frag_offset=16, mf=False).frame
    frames = [
        Frame(0, 0, first.frame, len(first.frame)),
        Frame(0, 1, later[:-4], len(later)),
    ]
    with pytest.raises(ReplayError, match="cut by the capture's snaplen"):
        plan_flows(Capture.from_frames(frames, [Interface(name="tap")]))


def test_without_a_length() -> None:
    """A super-frame whose length an offload was to fill in is refused."""
    frame = bytearray(ASK.frame)
    frame[16:18] = b"\0\0"

    with pytest.raises(
        ReplayError, match=r"packet 1: without a length of its own|no conversation"
    ):
        plan_flows(capture([bytes(frame)]))


def cut(by: int) -> Capture:
    """Return a capture whose packet misses some octets."""
    frame = ASK.frame
    kept = Frame(0, 0, frame[:-by], len(frame))
    return Capture.from_frames([kept], [Interface(name="tap")])


def test_cut_packets() -> None:
    """A packet that the snaplen cut is refused, or filled with zeros where asked."""
    with pytest.raises(
        ReplayError, match=r"^packet 1: cut by the capture's snaplen, --fill"
    ):
        plan_flows(cut(2))
    (plan,) = plan_flows(cut(2), fill=True)

    filled = ASK.datagram[:-2] + b"\0\0"
    assert plan.packets[0].datagram == fill(filled) != filled


def test_chosen() -> None:
    """Only what is asked for is played, and may be refused."""
    other = Packet(key=Tuple5(UDP, "2001:db8::1", 1, "2001:db8::2", 53))
    mixed = capture([ASK, ANSWER, other])

    (plan,) = plan_flows(mixed, flows="ipv4")

    assert plan.key == ASK.key
    with pytest.raises(ReplayError, match=r"no conversation has '99'; there are udp "):
        plan_flows(mixed, flows="99")


def test_many_are_counted() -> None:
    """Of many packets that are refused, the first are named."""
    frame = ASK.frame
    frames = [Frame(0, number, frame[:-1], len(frame)) for number in range(7)]

    with pytest.raises(
        ReplayError, match=r"^packet 1, 2, 3, 4, 5, \.\.\. \(7 in all\)"
    ):
        plan_flows(Capture.from_frames(frames, [Interface(name="tap")]))


def test_link_type_is_named() -> None:
    """Where nothing can be read, the error says of which link type it is."""
    frames = [Frame(0, 0, ASK.datagram, len(ASK.datagram))]
    wifi = Capture.from_frames(frames, [Interface(name="air", linktype=105)])

    with pytest.raises(ReplayError, match="link type 105 is not decoded"):
        plan_flows(wifi)


def test_one_sided() -> None:
    """A conversation of which only one end was captured says so."""
    (both,) = plan_flows(capture([ASK, ANSWER]))
    (one,) = plan_flows(capture([ASK, replace(ASK, ip_id=9)]))

    assert (both.one_sided, one.one_sided) == (False, True)


def test_interfaces() -> None:
    """Of several interfaces one is named."""
    both = two_points([("a", ASK), ("b", ASK)], points=("a", "b"))

    with pytest.raises(ReplayError, match=r"several interfaces \(a, b\): name one"):
        plan_flows(both)
    with pytest.raises(ReplayError, match="no interface 'c': the capture has a, b"):
        plan_flows(both, interface="c")
    assert [packet.number for packet in plan_flows(both, interface="b")[0].packets] == [
        2
    ]


def test_under_way_when_it_began() -> None:
    """A connection without its SYN is played as far as it is there."""
    key = Tuple5(TCP, C1, 4000, HOST01, 80)
    data = Packet(key=key, flags=tcp.ACK, data=b"x", ip_id=3)
    (plan,) = plan_flows(capture([data, replace(data, key=key.reply, ip_id=4)]))

    assert [packet.reply for packet in plan.packets] == [False, True]


def test_middle_of_a_conversation() -> None:
    """Only a SYN shows that a server began: else it is an answer, seen first."""
    talk = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 80)
    other = Tuple5(TCP, "8.8.8.8", 443, "10.1.1.1", 5000)
    begun = Packet(key=talk, flags=tcp.SYN)

    middle = plan_flows(capture([begun, Packet(key=other, data=b"x")]))
    began = plan_flows(capture([begun, Packet(key=other, flags=tcp.SYN)]))

    assert [plan.server_initiated for plan in middle] == [False, False]
    assert [plan.server_initiated for plan in began] == [False, True]


CALL = Packet(key=Tuple5(UDP, C1, 4000, HOST01, 5060), data=b"call me", ip_id=1)
BACK = Tuple5(UDP, HOST01, 7000, C1, 5004)


@pytest.mark.parametrize(
    "first",
    [
        CALL,
        replace(CALL, key=Tuple5(TCP, C1, 4000, HOST01, 554), flags=tcp.SYN),
        Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7)),
        replace(CALL, key=Tuple5(UDP, C1, 700, HOST01, 2049)),
    ],
    ids=["UDP", "TCP", "ICMP", "client of root"],
)
@pytest.mark.parametrize(
    "back",
    [
        Packet(key=BACK, data=b"ring", ip_id=2),
        Packet(key=BACK._replace(dport=4000), data=b"to the port of the call", ip_id=2),
        Packet(key=BACK._replace(sport=5060), data=b"from the service", ip_id=2),
        Packet(key=BACK._replace(sport=53), data=b"from a server's port", ip_id=2),
        Packet(key=Tuple5(ICMP, HOST01, 9, C1, 9), ip_id=2),
    ],
    ids=["callback", "TFTP", "SIP", "DNS", "ping"],
)
def test_server_begins(first: Packet, back: Packet) -> None:
    """Whatever it begins, it is the server that sends it, and the client answers."""
    answer = replace(back, key=back.key.reply, reply=back.key.proto == ICMP, ip_id=3)
    talk, call = plan_flows(capture([first, back, answer]))

    assert (talk.server_initiated, call.server_initiated) == (False, True)
    assert call.key == back.key
    assert [packet.reply for packet in call.packets] == [False, True]


def test_server_begins_beyond_a_nat() -> None:
    """Captured on both sides, too: the server knows the client by another address."""
    sent = ASK.key._replace(src=HOST)
    data = Packet(key=Tuple5(UDP, HOST01, 3333, HOST, 5555), data=b"file", direction=IN)
    seen = [
        (INSIDE, replace(ASK, direction=IN)),
        (OUTSIDE, routed(ASK, sent)),
        (OUTSIDE, data),
        (INSIDE, routed(data, data.key._replace(dst=C1))),
    ]

    plans = plan_flows(two_points(seen))

    assert [(plan.key, plan.server_initiated) for plan in plans] == [
        (ASK.key, False),
        (data.key, True),
    ]


@pytest.mark.parametrize("proto", [UDP, TCP])
def test_answer_seen_first(proto: int) -> None:
    """An answer to what is not here does not make its server a client."""
    late = Packet(key=Tuple5(proto, HOST01, 53, C1, 5001), data=b"late")
    ask = replace(ASK, key=ASK.key._replace(proto=proto), flags=tcp.SYN)

    plans = plan_flows(capture([late, ask]))

    assert [plan.server_initiated for plan in plans] == [False, False]


def test_error_first() -> None:
    """An error is an answer to who sent what it quotes: that end began."""
    late = replace(ASK, key=ASK.key._replace(sport=6000))
    plans = plan_flows(capture([ASK, error(HOST01, late)]))

    assert [(plan.key.src, plan.server_initiated) for plan in plans] == [
        (C1, False),
        (C1, False),
    ]


def test_merged_interfaces() -> None:
    """An interface that a merged capture has twice is one."""
    frames = [
        Frame(number, number, packet.frame, len(packet.frame))
        for number, packet in enumerate((ASK, ANSWER))
    ]
    two = [Interface(name="eth0"), Interface(name="eth0")]

    (plan,) = plan_flows(Capture.from_frames(frames, two))
    (named,) = plan_flows(Capture.from_frames(frames, two), interface="eth0")

    assert (len(plan.packets), len(named.packets)) == (2, 2)


def test_partial_checksum_is_filled_in() -> None:
    """What a device was to fill in is, as it would have been on the wire."""
    whole = Packet(key=Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 80), data=b"data")
    frame = bytearray(whole.frame)
    frame[50:52] = fold(pseudo(whole.datagram, 0, TCP, 24)).to_bytes(2, "big")

    (plan,) = plan_flows(capture([bytes(frame)]))

    assert plan.packets[0].datagram == whole.datagram != bytes(frame[14:])


def test_left_out() -> None:
    """What is of no conversation is counted; multicast and ARP are nobody's."""
    gre = replace(ASK, key=ASK.key._replace(proto=47), body=bytes(8))
    group = replace(ASK, key=ASK.key._replace(dst="224.0.0.1"))
    arp = ASK.frame[:12] + b"\x08\x06" + bytes(28)
    mixed = capture([ASK, ANSWER, gre, group, arp])

    assert left_out(mixed, plan_flows(mixed)) == 1
    assert left_out(mixed, []) == 3


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_nothing_of_a_recording_is_left_out(path: Path) -> None:
    """What both points have seen is played, or stands for what is."""
    recorded = read(path)

    assert left_out(recorded, plan_flows(recorded)) == 0


SYN_ALONE = tcp.SYN | tcp.ACK | tcp.RST | tcp.FIN  # of which only the SYN is set


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("icmp-unreachable", lambda c: (c.icmp_type == 3) & (c.icmp_code == 3)),
        ("path-mtu", lambda c: (c.icmp_type == 3) & (c.icmp_code == 4)),
        ("reset", lambda c: (c.tcp_flags & tcp.RST) != 0),
        ("udp-fragments", lambda c: (c.frag_offset != 0) & (c.proto == UDP)),
        ("http-download", lambda c: c.payload_len > 1000),
        ("dns-tcp", lambda c: (c.proto == TCP) & (c.sport == 53)),
        ("sip", lambda c: (c.proto == UDP) & (c.sport == 5060)),
        ("tls", lambda c: (c.proto == TCP) & (c.sport == 4433)),
    ],
)
def test_recordings_show_what_they_are_called(
    name: str, shows: Callable[[Capture], np.ndarray]
) -> None:
    """A recording has what it is there for."""
    recorded = read(ROOT / "tests" / "data" / "replay" / f"{name}.pcapng")

    assert shows(recorded).any()


@pytest.mark.parametrize("name", ["half-open", "simultaneous-open"])
def test_who_opens(name: str) -> None:
    """Nobody answers a half-open connection; both ends begin a simultaneous one."""
    recorded = read(ROOT / "tests" / "data" / "replay" / f"{name}.pcapng")
    inside = recorded.select(recorded.point == 0)
    opening = inside.select(inside.tcp_flags & SYN_ALONE == tcp.SYN)
    ends = {
        (one.tobytes(), two.tobytes())
        for one, two in zip(opening.src, opening.dst, strict=True)
    }

    assert recorded.interfaces[0].name == "docker0"
    if name == "half-open":
        assert len(ends) == 1
        assert not (inside.tcp_flags & tcp.ACK).any()
    else:
        assert ends == {(two, one) for one, two in ends}
        assert len(ends) == 2
