"""Mappings end: which next one of a key is right, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from tests.traffic import (
    C1,
    C2,
    FIN_ACK,
    HOST,
    HOST01,
    INSIDE,
    OUTSIDE,
    SYN,
    SYN_ACK,
    Packet,
    error,
    routed,
    two_points,
)
from tests.unit.nat.conftest import made

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.nat.mapping.table import MappingTable
from pytest_netlab.nat.translations import Renewal
from pytest_netlab.trace.build import canonicalize
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from pytest_netlab.nat import Translations

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
RST, ACK = tcp.RST, tcp.ACK
A, B = (Tuple5(TCP, source, 40000, HOST01, 80) for source in (C1, C2))
X, Y, Z = (Tuple5(TCP, HOST, port, HOST01, 80) for port in (61000, 61001, 61002))
LIVE = [(0, A, X, SYN), (0.1, A, X, ACK)]


class Step(NamedTuple):
    """A packet, when it passed, and as what it was seen; None where it was not.

    `late` is how much later it was seen outside.
    """

    time: float
    inside: Tuple5 | None
    outside: Tuple5 | None
    flags: int = ACK
    reply: bool = False
    late: float = 0


Steps = list[tuple[object, ...]]


def learned(
    steps: Steps, proto: int = TCP, *, whole: bool = True, idle: int = 30 * SECOND
) -> Translations:
    """Learn from two captures of these steps."""
    sides: tuple[list[Frame], list[Frame]] = ([], [])
    for number, step in enumerate(steps, 1):
        one = Step(*step)  # type: ignore[arg-type]
        for side, key in enumerate((one.inside, one.outside)):
            if key is None:
                continue
            sent = Packet(
                key=_of(key, proto, reply=one.reply),
                flags=one.flags,
                ip_id=number,
                seq=number,
                ttl=64 - (side != one.reply),
                reply=one.reply,
            )
            after = int(one.time * SECOND) + int(one.late * SECOND) * side
            sides[side].append(
                Frame(0, START + after, sent.frame, len(sent.frame), sent.direction)
            )
    far = sorted(sides[1], key=lambda frame: frame.ts) if _orders(steps) else sides[1]
    inside, outside = (
        Capture.from_frames(frames, [Interface(name="tap")])
        for frames in (sides[0], far)
    )
    if whole:
        return learn(inside, outside, idle=idle)
    return learn([inside], [outside], idle=idle)


def _orders(steps: Steps) -> bool:
    return any(len(step) > 5 for step in steps)


def _of(key: Tuple5, proto: int, *, reply: bool) -> Tuple5:
    key = key._replace(proto=proto)
    if proto == ICMP:
        key = key._replace(dport=key.sport)
    return key.reply if reply else key


def fields(found: Translations) -> list[str]:
    """Return what is violated."""
    return [bad.field for bad in found.violations]


def renewals(found: Translations) -> list[Renewal | None]:
    """Return the renewal of each flow that crossed."""
    return [f.renewal for f in found.flows if f.disposition == "forwarded"]


def renewed(shared: str, seconds: float, *, closed: bool) -> Renewal:
    """Return a renewal after so many seconds."""
    return Renewal(shared, int(seconds * SECOND), closed)  # type: ignore[arg-type]


RIGHT = {
    "a SYN after a FIN": (
        [*LIVE, (1, A, X, FIN_ACK), (2, A, Y, SYN), (2.1, A, Y)],
        renewed("inside", 1, closed=True),
    ),
    "only the server closed": (
        [*LIVE, (1, A, X, FIN_ACK, True), (2, A, Y, SYN), (2.1, A, Y)],
        renewed("inside", 1, closed=True),
    ),
    "half closed for a while": (
        [*LIVE, (1, A, X, FIN_ACK), (3, A, X, ACK, True), (4, A, Y, SYN)],
        renewed("inside", 1, closed=True),
    ),
    "a reset that only the outside saw": (
        [*LIVE, (1, None, X, RST, True), (2, A, Y, SYN)],
        renewed("inside", 1.9, closed=True),
    ),
    "a FIN that only the inside saw": (
        [*LIVE, (1, A, None, FIN_ACK), (2, A, Y, SYN)],
        renewed("inside", 1.9, closed=True),
    ),
    "the next SYN had no counterpart": (
        [*LIVE, (1, A, X, RST), (2, A, None, SYN), (3, A, Y, SYN_ACK, True)],
        renewed("inside", 2, closed=True),
    ),
    "only the outside saw the next SYN": (
        [*LIVE, (1, A, X, RST), (2, None, Y, SYN), (3, A, Y, SYN_ACK, True)],
        renewed("inside", 2, closed=True),
    ),
    "a SYN that is sent again": (
        [*LIVE, (1, A, X, RST), (2, A, Y, SYN), (3, A, Y, SYN)],
        renewed("inside", 1, closed=True),
    ),
    "begins with a reply": (
        [(0, A, X, ACK, True), (1, A, X, FIN_ACK), (2, A, Y, SYN), (3, A, Y)],
        renewed("inside", 1, closed=True),
    ),
    "a copy of the SYN-ACK after the reset": (
        [*LIVE, (1, A, X, RST), (1, A, X, SYN_ACK, True), (2, A, Y, SYN)],
        renewed("inside", 1, closed=True),
    ),
    "idle": ([*LIVE, (30.1, A, Y)], renewed("inside", 30, closed=False)),
    "closed and idle, with no SYN": (
        [*LIVE, (1, A, X, FIN_ACK), (31, A, Y)],
        renewed("inside", 30, closed=True),
    ),
    "another client after a FIN": (
        [*LIVE, (1, A, X, FIN_ACK), (2, B, X, SYN), (3, B, X)],
        renewed("outside", 1, closed=True),
    ),
    "another client of an idle port": (
        [*LIVE, (30.1, B, X)],
        renewed("outside", 30, closed=False),
    ),
    "idle after the clock stepped back": (
        [(999, A, X, SYN), (0, A, X), (40, A, Y)],
        renewed("inside", 40, closed=False),
    ),
    "seen second, crossed first": (
        [
            *LIVE,
            (1, A, X, RST),
            (2, A, Y, SYN, False, 0.2),
            (2.1, A, X, ACK, True, -0.1),
        ],
        renewed("inside", 1, closed=True),
    ),
}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("steps", "expected"), RIGHT.values(), ids=RIGHT)
def test_renewals(steps: Steps, expected: Renewal, whole: bool) -> None:  # noqa: FBT001 - a table
    """The next mapping of a key whose last one ended is told, and no violation."""
    found = learned(steps, whole=whole)

    assert fields(found) == []
    assert renewals(found) == [None, expected]


WRONG = {
    "in mid-connection": ([*LIVE, (1, A, Y)], ["mapping"]),
    "a SYN of a live one": ([*LIVE, (1, A, Y, SYN)], ["mapping"]),
    "closed, and no SYN": ([*LIVE, (1, A, X, FIN_ACK), (2, A, Y)], ["mapping"]),
    "not idle for long enough": ([*LIVE, (30, A, Y)], ["mapping"]),
    "reopened": (
        [*LIVE, (1, A, X, RST), (2, A, X, SYN), (3, A, Y, SYN)],
        ["mapping"],
    ),
    "two live ones": ([*LIVE, (1, B, X, SYN), (2, A, X)], ["one-to-one"]),
    "another client, no SYN": (
        [*LIVE, (1, A, X, FIN_ACK), (2, B, X)],
        ["one-to-one"],
    ),
    "the old owner comes back": (
        [*LIVE, (31, B, X), (32, A, X)],
        ["one-to-one"],
    ),
    "and was wrong all the time": (
        [*LIVE, (10, A, Y), (25, A, Y), (40, A, Y), (55, A, Y)],
        ["mapping"] * 4,
    ),
    "the clock steps back": ([(999, A, X, SYN), (0, A, Y)], ["mapping"]),
    "a key that was wrongly taken is in use": (
        [*LIVE, (1, A, Y), (2, B, Y, SYN)],
        ["mapping", "one-to-one"],
    ),
    "a renewed one, that began with a reply": (
        [(0, A, X, ACK, True), (1, A, X, RST), (2, A, Y, SYN), (3, A, Z)],
        ["mapping"],
    ),
    "both keys are in use": (
        [*LIVE, (1, B, Y, SYN), (2, A, Y)],
        ["mapping", "one-to-one"],
    ),
    "its own ended, the other is in use": (
        [*LIVE, (1, B, Y, SYN), (2, A, X, RST), (3, A, Y, SYN)],
        ["one-to-one"],
    ),
    "its own is in use, the other ended": (
        [*LIVE, (1, B, Y, SYN), (2, B, Y, RST), (3, A, Y, SYN)],
        ["mapping"],
    ),
}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("steps", "expected"), WRONG.values(), ids=WRONG)
def test_live_mappings(steps: Steps, expected: list[str], whole: bool) -> None:  # noqa: FBT001 - a table
    """A key that is in use has one mapping: another one is a violation."""
    assert fields(learned(steps, whole=whole)) == expected


@pytest.mark.parametrize("proto", [UDP, ICMP])
@pytest.mark.parametrize("steps", [[(0, A, X)], [(0, A, X), (0.5, A, X, 0, True)]])
def test_without_connections(proto: int, steps: Steps) -> None:
    """Datagrams and pings close nothing: only idle time ends their mapping."""
    last = steps[-1][0]
    for key, shared in ((A, "inside"), (B, "outside")):
        after = [(last + 30, key, X if key is B else Y)]  # type: ignore[operator]
        before = [(last + 29, key, X if key is B else Y)]  # type: ignore[operator]
        found = learned([*steps, *after], proto)

        assert fields(found) == []
        assert renewals(found) == [None, renewed(shared, 30, closed=False)]
        assert len(learned([*steps, *before], proto).violations) == 1


def test_idle_time_is_an_option() -> None:
    """Who knows the NAT's timeout says so."""
    steps: Steps = [(0, A, X), (5, A, Y)]

    assert fields(learned(steps, UDP, idle=5 * SECOND)) == []
    assert fields(learned(steps, UDP, idle=5 * SECOND + 1)) == ["mapping"]


def test_both_keys_at_once() -> None:
    """Of a flow that takes over two keys, the mapping of the inside one is told."""
    steps = [*LIVE, (1, B, Y, SYN), (2, A, X, RST), (3, B, Y, RST), (5, A, Y, SYN)]
    found = learned([*steps, (6, A, Y)])

    assert fields(found) == []
    assert renewals(found)[-1] == renewed("inside", 3, closed=True)


def test_only_the_other_key_was_closed() -> None:
    """What is told of a renewal is of one mapping: that of the inside key."""
    found = learned([*LIVE, (31, B, Y, SYN), (32, B, Y, RST), (40.1, A, Y, SYN)])

    assert fields(found) == []
    assert renewals(found)[-1] == renewed("inside", 40, closed=False)


def test_back_to_the_first() -> None:
    """A flow whose mapping comes back is one flow, which replaced the other."""
    there = [*LIVE, (1, A, X, RST), (2, A, Y, SYN), (3, A, Y, RST)]
    found = learned([*there, (5, A, X, SYN), (6, A, X)])

    assert fields(found) == []
    assert [flow.packets for flow in found.flows] == [5, 2]
    assert renewals(found) == [
        renewed("inside", 2, closed=True),
        renewed("inside", 1, closed=True),
    ]


def test_a_key_that_its_owner_left() -> None:
    """Who has another mapping now does not keep the former one's port."""
    found = learned([(0, A, X), (40, A, Y), (41, B, X), (42, A, Y)], UDP)

    assert fields(found) == []
    assert renewals(found)[-1] == renewed("outside", 41, closed=False)


def test_a_closed_key_that_its_owner_left() -> None:
    """Nor does who closed and opened anew: the former port is free at once."""
    left: Steps = [*LIVE, (1, A, None, RST), (2, A, Y, SYN), (3, B, X, SYN), (4, A, Y)]
    found = learned(left)

    assert fields(found) == []
    assert renewals(found)[-1] == renewed("outside", 2.9, closed=True)


def test_an_error_about_the_former_mapping() -> None:
    """An ICMP error tells of a packet that was sent before the mapping was renewed."""
    old, new = (Packet(key=key._replace(proto=UDP)) for key in (X, Y))
    sent = Packet(key=A._replace(proto=UDP))
    refused = error(HOST01, old), error(HOST01, sent, ttl=63)
    near = [(0, sent), (40, sent), (40.1, refused[1])]
    far = [(0, routed(old)), (40, routed(new)), (40.1, refused[0])]
    frames = (
        [
            Frame(0, START + int(at * SECOND), one.frame, len(one.frame))
            for at, one in side
        ]
        for side in (near, far)
    )
    found = learn(
        *(Capture.from_frames(one, [Interface(name="tap")]) for one in frames)
    )

    assert [flow.packets for flow in found.flows] == [2, 1]
    assert fields(found) == []


def test_doubtful_pairs() -> None:
    """A pair that may be another flow's counts, and neither teaches nor breaks."""
    table, rows = MappingTable(), np.arange(3, dtype=np.int32)
    near, far = made([0, 0, 0]), made([2, 0, 2])
    near.facts[:], far.facts[:] = 64, [9, 63, 9]
    sure = np.array([0, 1, 0], dtype=np.uint8)
    flow, wrong = table.enter(near, far, (rows, rows), sure, (2, 4))

    assert (flow.tolist(), wrong.tolist()) == ([0, 1, 0], [])
    assert table.flows[2, :2].tolist() == [2, 1]
    assert table.flows[6, :2].tolist() == [2, 0]


@pytest.mark.parametrize(("closes", "expected"), [(True, set()), (False, {"mapping"})])
def test_scenarios(closes: bool, expected: set[str]) -> None:  # noqa: FBT001 - a table
    """A scenario's client may use its port again once it closed, and not before."""
    lives = [(A, X, SYN), (A, X, FIN_ACK if closes else ACK), (A, Y, SYN)]
    seen: list[tuple[str, Packet | bytes]] = []
    for number, (near, far, flags) in enumerate(lives, 1):
        sent = Packet(key=near, flags=flags, ip_id=number, seq=number)
        seen += [(INSIDE, sent), (OUTSIDE, routed(sent, far))]
    flows = canonicalize(two_points(seen)).flows

    assert {bad.field for flow in flows for bad in flow.violations} == expected
