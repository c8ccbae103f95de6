"""Which copy of a segment is told, and who is to blame for the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    FIN_ACK,
    HOST,
    HOST01,
    IN,
    OUT,
    SYN,
    SYN_ACK,
    SYN_OPTIONS,
    Packet,
    error,
)
from tests.unit.trace.through import through

from pytest_netlab.capture import Capture
from pytest_netlab.flows import ICMP, TCP, Role, Tuple5
from pytest_netlab.trace import retransmissions
from pytest_netlab.trace.retransmissions import (
    DUPLICATE,
    LATE,
    MADE,
    REPEATED,
    STUCK,
)
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_netlab.wire import Direction

KEY = Tuple5(TCP, HOST01, 40000, HOST, 80)
FIRST = Packet(key=KEY, flags=SYN, seq=10, ip_id=1)
DATA = Packet(key=KEY, seq=11, data=b"data", ip_id=2)
ANSWER = Packet(key=KEY.reply, flags=SYN_ACK, options=SYN_OPTIONS, seq=90)
FIN = Packet(key=KEY, flags=FIN_ACK, seq=15, ip_id=3)
FIN_BACK = replace(FIN, key=KEY.reply, seq=91, ip_id=4)
RESET = Packet(key=KEY.reply, flags=tcp.RST, seq=91, ip_id=5)


def marked(*segments: Packet, stuck: Collection[int] = ()) -> list[tuple[int, str]]:
    """Return which of these segments are told, in order, and why they are ignored."""
    capture, found = through(segments, KEY, stuck)
    number = {one.rows: n for n, one in enumerate(found)}
    told = retransmissions.marked(capture, found)
    return [(number[one.rows], one.ignored) for one in told]


def test_nothing_seen() -> None:
    """Of no segments nothing is told."""
    assert marked() == []


def test_every_segment_once() -> None:
    """Segments that differ are no copies of each other."""
    told = marked(FIRST, ANSWER, DATA, replace(DATA, seq=15), FIN, FIN_BACK, RESET)

    assert told[:6] == [(number, "") for number in range(6)]


@pytest.mark.parametrize(
    "segment", [FIRST, ANSWER, DATA], ids=["SYN", "SYN-ACK", "data"]
)
def test_the_furthest_copy_is_told_where_the_first_was(segment: Packet) -> None:
    """What the host lost at first is told behind the copy that it sent on."""
    again = replace(segment, ip_id=9)

    assert marked(segment, FIN, again, stuck={0}) == [(2, ""), (0, ""), (1, "")]


def test_of_equals_the_first_is_told() -> None:
    """Of two copies that got as far, the second is the repeat."""
    assert marked(FIRST, replace(FIRST, ip_id=9)) == [(0, ""), (1, REPEATED)]
    assert marked(FIRST, replace(FIRST, ip_id=9), stuck={0, 1}) == [
        (0, ""),
        (1, REPEATED),
    ]


@pytest.mark.parametrize(
    "segment",
    [FIN, RESET, Packet(key=KEY, seq=11, ack=5)],
    ids=["FIN", "RST", "ack"],
)
def test_a_repeat_that_got_less_far(segment: Packet) -> None:
    """A FIN, a reset or an acknowledgement that stuck is told: checks judge it."""
    again = replace(segment, ip_id=9)

    assert marked(segment, again, stuck={0}) == [(1, ""), (0, STUCK)]
    assert marked(segment, again, stuck={0, 1}) == [(0, ""), (1, REPEATED)]


def test_a_repeat_that_the_host_made() -> None:
    """What never reached the host cannot be lost by it: it made that itself.

    Where nothing crosses, the host is an end of the connection and may send again.
    """
    own = replace(FIRST, direction=OUT, ip_id=9)

    assert marked(FIRST, own, stuck={1}) == [(0, ""), (1, MADE)]
    assert marked(own, replace(own, ip_id=8), stuck={0, 1}) == [(0, ""), (1, REPEATED)]


@pytest.mark.parametrize(
    ("ip_id", "expected"),
    [(0, REPEATED), (1, DUPLICATE), (9, REPEATED)],
    ids=["no id", "same id", "another id"],
)
def test_who_made_the_copy(ip_id: int, expected: str) -> None:
    """The same IP id is the network's doing, another one the sender's; 0 is no id."""
    first = replace(FIRST, ip_id=1 if ip_id else 0)

    assert marked(first, replace(FIRST, ip_id=ip_id)) == [(0, ""), (1, expected)]


def test_doubled_data() -> None:
    """A network that doubles data is told as such, though its bytes are old too."""
    assert marked(DATA, DATA) == [(0, ""), (1, DUPLICATE)]


@pytest.mark.parametrize("way", [IN, OUT], ids=["by the network", "by the host"])
def test_the_furthest_clone_is_told_once(way: Direction) -> None:
    """The clone that got furthest is no duplicate of the one that got less far."""
    assert marked(FIRST, replace(FIRST, direction=way), stuck={0}) == [(1, ""), (0, "")]


@pytest.mark.parametrize(
    ("options", "again", "expected"),
    [
        (SYN_OPTIONS, SYN_OPTIONS, DUPLICATE),
        (SYN_OPTIONS, SYN_OPTIONS[:8] + b"\0\0\0\2" + SYN_OPTIONS[12:], REPEATED),
        (SYN_OPTIONS[:4], SYN_OPTIONS[:4], REPEATED),
    ],
    ids=["same timestamp", "later timestamp", "no timestamp"],
)
def test_copy_without_an_ip_id(options: bytes, again: bytes, expected: str) -> None:
    """A SYN-ACK, whose IP id is always 0, is told from its repeat by the timestamp."""
    one, other = (replace(ANSWER, options=raw) for raw in (options, again))

    assert marked(one, other) == [(0, ""), (1, expected)]


def test_doubled_by_the_host() -> None:
    """What reached the host once and left it twice is compared, as a duplicate."""
    capture, found = through([FIRST, replace(FIRST, direction=OUT)], KEY, stuck={0, 1})

    told = retransmissions.marked(capture, found)

    assert [(one.role, one.ignored) for one in told] == [
        (Role.SYN, ""),
        (Role.DUPLICATE, ""),
    ]


def test_doubled_by_the_network_and_lost_by_the_host() -> None:
    """A clone that reached the host and got less far than the first is compared."""
    capture, found = through([FIRST, FIRST], KEY, stuck={1})

    told = retransmissions.marked(capture, found)

    assert [(one.role, one.ignored) for one in told] == [
        (Role.SYN, ""),
        (Role.DUPLICATE, ""),
    ]


def test_a_doubled_error_has_no_role() -> None:
    """An ICMP error that the host doubled is no segment, and is compared."""
    refusal = error(HOST01, FIRST, dst=HOST, ip_id=6)
    capture, found = through([refusal, replace(refusal, direction=OUT)], KEY, stuck={1})

    told = retransmissions.marked(capture, found)

    assert [(one.role, one.ignored) for one in told] == [(None, ""), (None, "")]


@pytest.mark.parametrize(
    ("kind", "repeated"),
    [((3, 3), True), ((3, 4), False), ((11, 3), False)],
    ids=["same", "another code", "another type"],
)
def test_errors(kind: tuple[int, int], *, repeated: bool) -> None:
    """An ICMP error answers each repeat of a segment; one of another kind says more."""
    refusal = error(HOST01, FIRST, dst=HOST, kind=(3, 3))
    other = error(HOST01, FIRST, dst=HOST, kind=kind)

    assert refusal.key.proto == ICMP
    assert marked(refusal, other) == [(0, ""), (1, REPEATED if repeated else "")]


@pytest.mark.parametrize(
    ("change", "repeated"),
    [
        ({"seq": 12}, False),
        ({"data": b"more data"}, False),
        ({"ack": 7}, True),
        ({"data": b"atad"}, True),
        ({"key": KEY.reply}, False),
    ],
    ids=["number", "length", "acknowledgement", "content", "direction"],
)
def test_what_makes_data_a_copy(change: dict[str, object], *, repeated: bool) -> None:
    """Data is the same segment if its number, length and direction are the same."""
    again = replace(DATA, ip_id=9, **change)  # type: ignore[arg-type]

    assert marked(DATA, again) == [(0, ""), (1, REPEATED if repeated else "")]


def test_what_makes_an_acknowledgement_a_copy() -> None:
    """A bare acknowledgement of more bytes is no copy of the one before."""
    ack = Packet(key=KEY, seq=11, ack=5, ip_id=1)

    more, same = replace(ack, ack=6, ip_id=2), replace(ack, ip_id=3)

    assert marked(ack, more, same) == [(0, ""), (2, REPEATED), (1, "")]


@pytest.mark.parametrize("segment", [FIN, RESET], ids=["FIN", "RST"])
def test_one_end_a_direction(segment: Packet) -> None:
    """Of a direction's FINs and resets one is told, whatever their numbers are."""
    again = replace(segment, seq=999, ip_id=9)
    other = replace(segment, key=segment.key.reply, ip_id=8)

    assert marked(segment, again, other)[:3] == [(0, ""), (1, REPEATED), (2, "")]


@pytest.mark.parametrize("isn", [11, 2**32 - 2], ids=["", "numbers wrap"])
def test_data_that_was_cut_anew(isn: int) -> None:
    """Bytes that were all told before are a repeat, however they are cut now."""

    def data(at: int, size: int) -> Packet:
        return replace(DATA, seq=(isn + at) % 2**32, data=bytes(size), ip_id=at + 1)

    told = marked(data(0, 2), data(2, 4), data(1, 3), data(2, 6), data(6, 1))

    assert told == [(0, ""), (1, ""), (2, REPEATED), (3, ""), (4, REPEATED)]


def test_half_of_all_numbers_ahead_is_new() -> None:
    """What ends 2^31 octets ahead is no old segment (RFC 9293, 3.4)."""
    ahead = replace(DATA, seq=11 + 2**31, ip_id=9)

    assert marked(DATA, ahead) == [(0, ""), (1, "")]
    assert marked(DATA, replace(ahead, seq=12 + 2**31)) == [(0, ""), (1, REPEATED)]


def test_data_cut_anew_that_got_less_far() -> None:
    """What the host lost of bytes that it sent on before is compared."""
    part = replace(DATA, data=b"da", ip_id=9)

    assert marked(DATA, part, stuck={1}) == [(0, ""), (1, "")]


def test_ignored_data_tells_nothing_of_bytes() -> None:
    """A copy that is ignored already stays so, and moves no end."""
    again, next_ = replace(DATA, ip_id=9), replace(DATA, seq=15, ip_id=10)

    assert marked(DATA, next_, again) == [(0, ""), (2, REPEATED), (1, "")]


CLOSED = (FIRST, FIN, FIN_BACK)


def test_late_reset() -> None:
    """A reset after both FINs answers a late segment, and is ignored."""
    assert marked(*CLOSED, RESET)[-1] == (3, LATE)


@pytest.mark.parametrize(
    ("segments", "stuck"),
    [
        ([FIRST, FIN, RESET], ()),
        ([FIRST, FIN, RESET, FIN_BACK], ()),
        ([*CLOSED, replace(RESET, flags=tcp.RST | tcp.ACK)], ()),
        ([*CLOSED, RESET], (3,)),
        ([FIRST, ANSWER, RESET], ()),
    ],
    ids=[
        "one end closed",
        "before the other end closed",
        "acknowledges",
        "did not cross",
        "nobody closed",
    ],
)
def test_reset_that_is_not_late(segments: list[Packet], stuck: tuple[int, ...]) -> None:
    """A reset that something else explains is compared."""
    told = dict(marked(*segments, stuck=stuck))

    assert told[segments.index(next(x for x in segments if x.flags & tcp.RST))] == ""


def test_ports_used_again() -> None:
    """A SYN after both FINs opens another connection."""
    assert marked(*CLOSED, replace(FIRST, seq=5000))[-1] == (3, "")


def test_closed_at_the_first_fins() -> None:
    """A repeated FIN does not open a connection anew: the reset before it is late."""
    again = replace(FIN_BACK, ip_id=9)

    assert (3, LATE) in marked(*CLOSED, RESET, again)


def test_reset_at_the_moment_of_closing() -> None:
    """A reset that is as old as the last FIN answers nothing late."""
    capture, found = through([*CLOSED, RESET], KEY)
    frames = list(capture.frames())
    frames[6] = frames[6]._replace(ts=frames[4].ts)
    at_once = Capture.from_frames(frames, capture.interfaces, capture.names)

    told = retransmissions.marked(at_once, found)

    assert [one.ignored for one in told] == ["", "", "", ""]
