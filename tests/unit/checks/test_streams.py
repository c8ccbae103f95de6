"""What one point alone shows to be impossible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST01, Packet, capture

from pytest_netlab.checks import Observed, check_conversation
from pytest_netlab.flows import ICMP, TCP, Tuple5, uniflow_of
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

ASK = Tuple5(TCP, C1, 40000, HOST01, 80)
PING = Tuple5(ICMP, C1, 7, HOST01, 7)
SYN = Packet(key=ASK, seq=100, flags=tcp.SYN)
SYN_ACK = Packet(key=ASK.reply, seq=900, ack=101, flags=tcp.SYN | tcp.ACK)
ACK = Packet(key=ASK, seq=101, ack=901)
DATA = Packet(key=ASK, seq=101, ack=901, data=b"hello")
MORE = Packet(key=ASK, seq=106, ack=901, data=b"again")
TAKEN = Packet(key=ASK.reply, seq=901, ack=111)
FIN = Packet(key=ASK, seq=111, ack=901, flags=tcp.FIN | tcp.ACK)
LAST = Packet(key=ASK.reply, seq=901, ack=112)
VISIT = [SYN, SYN_ACK, ACK, DATA, MORE, TAKEN, FIN, LAST]
ECHO = Packet(key=PING, data=b"abc")
REPLY = Packet(key=PING.reply, data=b"abc", reply=True)


def found(packets: Sequence[Packet]) -> list[tuple[str, int]]:
    """Return field and row of each violation."""
    seen = capture(packets)
    first = uniflow_of(seen, 0)
    rows = range(len(packets))
    whole = Observed(
        capture=seen, points=[rows], is_reply=lambda row: uniflow_of(seen, row) != first
    )
    return [(bad.field, bad.rows[0]) for bad in check_conversation(whole)]


@pytest.mark.parametrize(
    "packets",
    [
        VISIT,
        [SYN, *VISIT],
        [*VISIT[:5], DATA, MORE, *VISIT[5:]],
        [SYN, SYN_ACK, ACK, MORE, DATA, TAKEN, FIN, LAST],
        [DATA, MORE, TAKEN, FIN],
        [SYN, SYN_ACK, ACK, replace(DATA, flags=tcp.RST)],
        [SYN, replace(SYN, seq=7), SYN_ACK, DATA],
        [ECHO, REPLY],
    ],
    ids=[
        *("a visit", "SYN repeated", "data repeated", "data reordered", "begun before"),
        *("reset", "ports used again", "ping"),
    ],
)
def test_possible(packets: list[Packet]) -> None:
    """What loss, repeats and segmentation make of a conversation is no violation."""
    assert found(packets) == []


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ([*VISIT[:3], *VISIT[4:]], ("stream", 5)),
        ([SYN, SYN_ACK, ACK, replace(DATA, seq=102), MORE, TAKEN, FIN], ("stream", 6)),
        ([*VISIT, replace(DATA, seq=112)], ("stream", 8)),
        ([SYN_ACK, SYN, ACK], ("order", 0)),
        ([SYN, ACK, SYN_ACK], ("order", 1)),
        ([SYN, replace(SYN_ACK, ack=100)], ("order", 1)),
        ([SYN, replace(SYN_ACK, ack=102)], ("order", 1)),
        ([SYN, SYN_ACK, replace(DATA, flags=tcp.PSH)], ("flags", 2)),
        ([REPLY, ECHO], ("order", 0)),
        ([ECHO, replace(REPLY, data=b"abd")], ("echo", 1)),
    ],
)
def test_impossible(packets: list[Packet], expected: tuple[str, int]) -> None:
    """A hole, bytes behind the FIN, an early answer and other data are told."""
    assert found(packets) == [expected]


def test_damage() -> None:
    """A checksum that is bad, and a packet longer than its bytes, are told."""
    whole = ECHO.frame
    bad = whole[:-1] + bytes([whole[-1] ^ 1])
    seen = capture([whole, bad, whole[:-2]])

    ping = Observed(capture=seen, points=[[0, 1, 2]], is_reply=lambda _: False)
    told = check_conversation(ping)

    assert [(bad.field, bad.rows[0]) for bad in told] == [
        ("l4_checksum", 1),
        ("damage", 2),
        ("l4_checksum", 2),
    ]
