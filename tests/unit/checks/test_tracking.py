"""Which segments connection tracking may drop, and which a host has to send on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.traffic import C1, FIN_ACK, HOST01, IN, OUT, SYN, SYN_ACK, Packet, capture

from pytest_netlab.capture import Capture
from pytest_netlab.checks import Observed, tracking
from pytest_netlab.checks.tracking import ACK_WINDOW, FORGOTTEN_NS, droppable
from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.wire import tcp

KEY = Tuple5(TCP, C1, 40000, HOST01, 80)
OPEN = Packet(key=KEY, flags=SYN, seq=10)
ACCEPTED = Packet(key=KEY.reply, flags=SYN_ACK, seq=90, ack=11)
DATA = Packet(key=KEY, seq=11, ack=91, data=b"data")
ANSWER = Packet(key=KEY.reply, seq=91, ack=15, data=b"data")
FIN = Packet(key=KEY, flags=FIN_ACK, seq=15, ack=95)
FIN_BACK = Packet(key=KEY.reply, flags=FIN_ACK, seq=95, ack=16)
LAST = Packet(key=KEY, seq=16, ack=96)
RESET = Packet(key=KEY.reply, flags=tcp.RST, seq=96)
CLOSED = (OPEN, ACCEPTED, DATA, ANSWER, FIN, FIN_BACK, LAST)


def dropped(*crossed: Packet, last: Packet, later: int = 0) -> bool:
    """Return whether the last packet may be dropped, some nanoseconds after others."""
    both = [replace(one, direction=way) for one in crossed for way in (IN, OUT)]
    frames = list(capture([*both, replace(last, direction=IN)]).frames())
    frames[-1] = frames[-1]._replace(ts=frames[-1].ts + later)
    seen = Capture.from_frames(frames, capture([]).interfaces)
    pairs = [(row, row + 1) for row in range(0, len(both), 2)]
    back = [row for row in range(len(seen)) if seen.sport[row] == KEY.dport]
    known = Observed(
        capture=seen, points=(), is_reply=lambda row: row in back, pairs=pairs
    )
    return bool(droppable(known, [len(both)]))


@pytest.mark.parametrize(
    "last",
    [DATA, ANSWER, FIN, FIN_BACK, LAST, replace(OPEN, seq=500)],
    ids=["data", "answer", "FIN", "FIN back", "ack", "SYN"],
)
@pytest.mark.parametrize("crossed", [(), CLOSED[:3], CLOSED], ids=len)
def test_must_cross(crossed: tuple[Packet, ...], last: Packet) -> None:
    """Whatever belongs to a connection has to cross, a repeat and a late one too."""
    assert not dropped(*crossed, last=last)


def test_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each segment that crossed is taken once, however many are asked about."""
    taken, advance = [], tracking._State.advance

    def counted(state: Any, seen: Capture, row: int, *, reply: bool) -> None:
        taken.append(row)
        advance(state, seen, row, reply=reply)

    monkeypatch.setattr(tracking._State, "advance", counted)
    seen = capture(
        [replace(DATA, direction=way) for _ in range(5) for way in (IN, OUT)]
    )
    pairs = [(0, 1), (2, 3), (4, 5)]
    known = Observed(capture=seen, points=(), is_reply=lambda _: False, pairs=pairs)

    droppable(known, [6, 8])

    assert taken == [0, 2, 4]


def test_after_a_reset() -> None:
    """A connection that was reset may be forgotten at once, until a SYN opens anew."""
    assert dropped(*CLOSED[:3], RESET, last=DATA)
    assert dropped(OPEN, RESET, last=RESET)
    assert not dropped(OPEN, RESET, last=OPEN)
    assert not dropped(OPEN, RESET, OPEN, last=RESET)


def test_long_after_closing() -> None:
    """A connection that both ends closed long ago may be forgotten."""
    assert dropped(*CLOSED, last=LAST, later=FORGOTTEN_NS + 1)
    assert not dropped(*CLOSED, last=LAST, later=FORGOTTEN_NS // 2)
    assert not dropped(*CLOSED[:5], last=LAST, later=FORGOTTEN_NS + 1)


@pytest.mark.parametrize(("seq", "invalid"), [(14, True), (15, False), (16, False)])
def test_old_reset(seq: int, *, invalid: bool) -> None:
    """A reset of what its receiver has acknowledged already is none (RFC 5961)."""
    reset = Packet(key=KEY, flags=tcp.RST, seq=seq)

    assert dropped(*CLOSED[:4], last=reset) == invalid
    assert not dropped(OPEN, last=reset)


def test_a_window_old() -> None:
    """A segment is old if its bytes, or what it acknowledges, are a window behind."""
    window = 64240  # of every packet here
    far = replace(DATA, seq=DATA.seq + window)
    more = replace(ANSWER, seq=ANSWER.seq + ACK_WINDOW)

    assert not dropped(OPEN, ACCEPTED, far, last=DATA)
    assert dropped(OPEN, ACCEPTED, replace(far, seq=far.seq + 1), last=DATA)
    assert not dropped(OPEN, ACCEPTED, replace(more, data=b""), last=LAST)
    assert not dropped(OPEN, ACCEPTED, replace(more, data=b""), last=DATA)
    assert dropped(OPEN, ACCEPTED, more, last=DATA)
