"""Conversations end when both sides' FIN is acknowledged, or by a reset."""

from __future__ import annotations

from struct import pack
from typing import NamedTuple

import pytest

from pytest_netlab.capture.values import Frame
from pytest_netlab.lab.tap.tcp_close import Conversations
from pytest_netlab.wire.tcp import ACK, FIN, PSH, RST, SYN

PSH_ACK = ACK | PSH
FIN_ACK = FIN | ACK
SYN_ACK = SYN | ACK
ISN = {"c": 2**32 - 3, "s": 1000}  # the client's wraps within its first bytes
PORTS = {"c": 40000, "s": 80}
LAST_OCTET = {"c": 1, "s": 2}


class Step(NamedTuple):
    """One segment: who sends it, its flags, sequence offsets and payload bytes."""

    who: str
    flags: int
    seq: int = 0
    ack: int = 0
    size: int = 0


SHAKE = [Step("c", SYN), Step("s", SYN_ACK, 0, 1), Step("c", ACK, 1, 1)]
CLOSE = [
    Step("c", FIN_ACK, 1, 1, size=9),
    Step("s", FIN_ACK, 1, 11),
    Step("c", ACK, 11, 2),
]


def tcp(step: Step) -> bytes:
    """Return the TCP segment of a step."""
    peer = "s" if step.who == "c" else "c"
    seq, ack = (ISN[step.who] + step.seq) % 2**32, (ISN[peer] + step.ack) % 2**32
    head = pack("!HHIIBB6x", PORTS[step.who], PORTS[peer], seq, ack, 5 << 4, step.flags)
    return head + bytes(step.size)


def ip4(step: Step, *, fragment: int = 0, proto: int = 6, length: bool = True) -> bytes:
    """Return an Ethernet frame of a step over IPv4."""
    octets, segment = LAST_OCTET, tcp(step)
    peer = "s" if step.who == "c" else "c"
    ends = bytes([10, 0, 0, octets[step.who], 10, 0, 0, octets[peer]])
    total = 20 + len(segment) if length else 0
    head = pack("!BBHHHBBH", 0x45, 0, total, 0, fragment, 64, proto, 0) + ends
    return bytes(12) + b"\x08\x00" + head + segment


def ip6(step: Step) -> bytes:
    """Return an Ethernet frame of a step over IPv6."""
    segment = tcp(step)
    ends = [
        bytes(15) + bytes([LAST_OCTET[who]]) for who in ("cs", "sc")[step.who == "s"]
    ]
    head = pack("!IHBB", 6 << 28, len(segment), 6, 64) + b"".join(ends)
    return bytes(12) + b"\x86\xdd" + head + segment


def unfinished(*frames: bytes, interface: int = 0) -> int:
    """Return what is unfinished after these frames."""
    conversations = Conversations()
    conversations.feed(Frame(interface, 0, data, len(data)) for data in frames)
    return conversations.unfinished


@pytest.mark.parametrize("build", [ip4, ip6])
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], 0),
        (SHAKE[:1], 0),
        (SHAKE[:2], 1),
        (SHAKE, 1),
        (SHAKE[1:], 0),
        ([*SHAKE, *CLOSE[:1]], 1),
        ([*SHAKE, *CLOSE[:2]], 1),
        ([*SHAKE, *CLOSE], 0),
        ([*SHAKE, CLOSE[0], CLOSE[1]._replace(ack=10), CLOSE[2]], 1),
        ([*SHAKE, Step("s", PSH_ACK, 1, 1, 40), *CLOSE[:1]], 1),
        ([*SHAKE, Step("s", RST | ACK, 1, 1)], 0),
        ([SHAKE[0], Step("s", RST | ACK, 0, 1)], 0),
        ([*SHAKE, *CLOSE, *SHAKE], 1),
    ],
    ids=[
        "nothing",
        "unanswered",
        "answered",
        "established",
        "began before the capture",
        "one side done",
        "last ACK missing",
        "closed",
        "last byte unacknowledged",
        "half open",
        "reset",
        "refused",
        "port used again",
    ],
)
def test_unfinished(build: object, steps: list[Step], expected: int) -> None:
    """A conversation counts from its answer until its very last segment."""
    assert callable(build)

    assert unfinished(*(build(step) for step in steps)) == expected


def test_points_apart() -> None:
    """The last ACK must have been seen on each point, not on one of them."""
    conversations = Conversations()
    whole = [ip4(step) for step in [*SHAKE, *CLOSE]]
    for point, seen in ((1, whole[:-1]), (0, whole)):
        conversations.feed(Frame(point, 0, data, len(data)) for data in seen)

    assert conversations.unfinished == 1


def test_vlan() -> None:
    """A tag does not hide a conversation."""
    tag = b"\x81\x00\x00\x05"
    tagged = [ip4(step)[:12] + tag + ip4(step)[12:] for step in SHAKE]

    assert unfinished(*tagged) == 1


def test_length_field_too_small() -> None:
    """A GSO frame beyond 64 KiB says length 0; the frame's own length counts."""
    big = Step("c", FIN_ACK, 1, 1, size=70_000)
    begin = [*(ip4(step) for step in SHAKE), ip4(big, length=False)]
    part, end = Step("s", FIN_ACK, 1, 69_999), Step("s", FIN_ACK, 1, 70_002)
    last = ip4(Step("c", ACK, 70_002, 2))

    assert unfinished(*begin, ip4(part), last) == 1
    assert unfinished(*begin, ip4(end), last) == 0


@pytest.mark.parametrize("cut", range(0, 48, 3))
def test_impossible_lengths(cut: int) -> None:
    """A frame cut before its TCP flags is no segment, and no error."""
    frames = [ip4(SHAKE[0]), ip4(SHAKE[1])[:cut]]

    assert unfinished(*frames) == 0


def test_not_tcp() -> None:
    """Later fragments and other protocols hold no segment, whatever their bytes say."""
    answer = SHAKE[1]
    frames = [ip4(SHAKE[0]), ip4(answer, fragment=1), ip4(answer, proto=17)]

    assert unfinished(*frames) == 0
