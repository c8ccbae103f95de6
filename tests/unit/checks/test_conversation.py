"""Which checks a conversation has to pass, and in which order they speak."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.traffic import C1, HOST01, IN, OUT, SYN, SYN_ACK, Packet, capture, error

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.checks import Observed, check_conversation
from pytest_netlab.flows import ICMP, TCP, Tuple5
from pytest_netlab.wire import icmp

ASK = Tuple5(TCP, C1, 40000, HOST01, 80)
ECHO = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), data=b"abc", ip_id=1, direction=IN)
REPLY = replace(ECHO, key=ECHO.key.reply, data=b"abd", reply=True)
OPEN = Packet(key=ASK, flags=SYN)
ACCEPT = Packet(key=ASK.reply, flags=SYN_ACK)
UNKNOWN_QUOTE = error(HOST01, replace(ECHO, ip_id=9))


def mtu(octets: int) -> Packet:
    """Return an error that asks for packets of so many octets."""
    body = icmp.build_error(3, 4, ECHO.datagram[:28], octets)
    return replace(error(HOST01, ECHO), body=body)


def found(packets: list[Packet], **looks: Any) -> list[tuple[str, int]]:
    """Return field and row of each violation, of what is looked at."""
    return broken(capture(packets), **looks)


def broken(seen: Capture, **looks: Any) -> list[tuple[str, int]]:
    """Return field and row of each violation in a capture."""
    known = {"points": (), "is_reply": lambda _: False, **looks}
    told = check_conversation(Observed(capture=seen, **known))
    return [(bad.field, bad.rows[0]) for bad in told]


def tagged(*packets: Packet | bytes) -> Capture:
    """Return packets of which the first has a VLAN tag."""
    frames = list(capture(packets).frames())
    frames[0] = frames[0]._replace(vlan=7)
    return Capture.from_frames(frames, [Interface(name="tap")])


def test_nothing_seen() -> None:
    """Of a conversation without packets nothing is impossible."""
    assert found([]) == []


@pytest.mark.parametrize(
    ("packets", "looks", "expected"),
    [
        (
            [ACCEPT, OPEN],
            {"points": [[0, 1]], "is_reply": lambda row: not row},
            "order",
        ),
        ([ECHO, REPLY], {"points": [[0, 1]], "is_reply": bool}, "echo"),
        ([ECHO, UNKNOWN_QUOTE], {"points": [[0, 1]]}, "quote"),
        ([ECHO, replace(ECHO, direction=OUT)], {"pairs": [(0, 0), (1, 1)]}, "crossing"),
        ([ECHO, replace(ECHO, mf=True)], {"pairs": [(0, 1)]}, "fragment"),
        ([mtu(1400), mtu(1300)], {"pairs": [(0, 1)]}, "mtu"),
        ([ECHO], {"unpaired": [0], "compared": {0}}, "unpaired-forwarded"),
        ([ECHO, replace(ECHO, ttl=63)], {"bridged": [(0, 1)]}, "ttl"),
    ],
    ids=[
        *("connections", "echoes", "embedded at a point", "reversed direction"),
        *("altered", "embedded across", "unpaired", "bridged"),
    ],
)
def test_every_check(
    packets: list[Packet], looks: dict[str, Any], expected: str
) -> None:
    """Each check that is listed is made, and is the only one to object."""
    assert [field for field, _ in found(packets, **looks)] == [expected]


def test_damage() -> None:
    """A damaged packet is told at each point that saw it."""
    frame = ECHO.frame[:-1] + b"x"
    seen = capture([frame, frame])

    told = broken(seen, points=[[0], [1]])
    assert told == [("l4_checksum", 0), ("l4_checksum", 1)]


def test_points_first() -> None:
    """What each point alone shows is told before what all of them show."""
    seen = tagged(ECHO, ECHO.frame[:-1] + b"x")

    told = broken(seen, points=[[1], [0]], pairs=[(0, 1)])
    assert told == [("l4_checksum", 1), ("vlan", 0)]
