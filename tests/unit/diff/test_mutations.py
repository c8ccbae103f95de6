"""A story does not differ from itself, and differs from every other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.traffic import (
    C1,
    C2,
    HOST,
    HOST01,
    INSIDE,
    OUTSIDE,
    WEB,
    Packet,
    error,
    routed,
    two_points,
)

from pytest_netlab.checks import Violation
from pytest_netlab.diff import canonicalize, compare
from pytest_netlab.diff.packets import DSCP
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.store import Store
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.diff import Difference, Line
    from pytest_netlab.diff.story import Story

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/golden.toml"))
OTHER = "something else"


class Mutation(NamedTuple):
    """A changed story, and how that must be told: (field, point) of each difference.

    `exact` says that nothing else may be told: the lines stay each other's.
    """

    name: str
    story: Story
    told: tuple[tuple[str, str], ...]
    exact: bool = False


def _lines(story: Story) -> Iterator[tuple[int, int, Line]]:
    """Yield every line, and where it is."""
    for number, told in enumerate(story.told):
        for at, line in enumerate(told.lines):
            if not line.aside:
                yield number, at, line


def _with_lines(story: Story, number: int, lines: Iterable[Line]) -> Story:
    """Return the story with other lines in one conversation."""
    told = list(story.told)
    told[number] = replace(told[number], lines=tuple(lines))
    return replace(story, told=tuple(told))


def _changes(line: Line) -> Iterator[tuple[str, Line]]:
    """Yield the line with one field changed, and what that field is called."""
    yield "source", replace(line, src=OTHER)
    yield "destination", replace(line, dst=OTHER)
    yield "rewrite", replace(line, note=OTHER)
    if line.note:
        yield "rewrite", replace(line, note="")
    for at, (name, _) in enumerate(line.fields):
        before, after = line.fields[:at], line.fields[at + 1 :]
        yield name, replace(line, fields=(*before, (name, OTHER), *after))
        if name != "tos" or int(line.fields[at][1], 16) & DSCP:  # else it is ECN's
            yield name, replace(line, fields=(*before, *after))
    yield "another", replace(line, fields=(*line.fields, ("another", OTHER)))


def _one_field(story: Story) -> Iterator[Mutation]:
    """Yield each field of each line changed."""
    for number, at, line in _lines(story):
        lines = story.told[number].lines
        for name, other in _changes(line):
            made = _with_lines(story, number, (*lines[:at], other, *lines[at + 1 :]))
            yield Mutation(f"{name} of line {at}", made, ((name, line.point),), True)  # noqa: FBT003


def _one_line(story: Story) -> Iterator[Mutation]:
    """Yield each line left out, told twice, or of another kind, way or point."""
    for number, at, line in _lines(story):
        lines, packet = story.told[number].lines, ("packet", line.point)
        before, after = lines[:at], lines[at + 1 :]
        changed = {
            "no": ((), (packet,)),
            "twice": ((line, line), (packet,)),
            "what": ((replace(line, what=OTHER),), (packet, packet)),
            "reply": ((replace(line, reply=not line.reply),), (packet, packet)),
            "point": ((replace(line, point=OTHER),), (packet, ("packet", OTHER))),
        }
        for name, (instead, told) in changed.items():
            made = _with_lines(story, number, (*before, *instead, *after))
            yield Mutation(f"{name} line {at}", made, told)


def _one_conversation(story: Story) -> Iterator[Mutation]:
    """Yield each conversation left out, told twice, under another name, or broken."""
    for number, told in enumerate(story.told):
        point = told.lines[0].point if told.lines else ""
        named = [t for t in story.told if t.fact.name == told.fact.name]
        whole = ("conversation", named[-1].lines[0].point if named[-1].lines else "")
        broken = Violation(OTHER, "1", "2", (0,), point, reply=False)
        renamed = [
            replace(told, fact=replace(told.fact, **{name: OTHER}))  # type: ignore[arg-type]
            for name in ("proto", "initiator", "responder")
        ]
        changed = [
            ((), (whole,)),
            ((told, told), (whole,)),
            *(((other,), (whole, ("conversation", point))) for other in renamed),
            ((replace(told, broken=(*told.broken, broken)),), ((OTHER, point),)),
        ]
        before, after = story.told[:number], story.told[number + 1 :]
        for kind, (instead, differ) in enumerate(changed):
            made = replace(story, told=(*before, *instead, *after))
            yield Mutation(f"conversation {number} {kind}", made, differ)


def mutations(story: Story) -> list[Mutation]:
    """Return every small change of a story."""
    return [*_one_field(story), *_one_line(story), *_one_conversation(story)]


def _named(found: Iterable[Difference]) -> list[tuple[str, str]]:
    """Return field and point of each difference."""
    return [(difference.field, difference.point) for difference in found]


def check(story: Story, mutation: Mutation) -> None:
    """Fail unless the change is told both ways: to what it was, and from it."""
    there = compare(story, mutation.story)
    back = compare(mutation.story, story)
    # What is no longer broken is no difference: the golden's story was the worse one.
    wanted = [one for one in mutation.told if one[0] != OTHER]

    assert set(mutation.told) <= set(_named(there)), mutation.name
    assert set(wanted) <= set(_named(back)), mutation.name
    assert all(d.want != d.got and d.flow for d in (*there, *back))
    if mutation.exact:
        assert list(mutation.told) == _named(there) == _named(back)


@pytest.fixture(params=NAMES)
def golden(request: pytest.FixtureRequest) -> Story:
    """Return the story of a golden that ships."""
    return Store(GOLDEN).load(request.param).story


def test_a_golden_equals_itself(golden: Story) -> None:
    """What was recorded does not differ from what was recorded."""
    assert compare(golden, golden) == []


def test_every_change_of_a_golden(golden: Story) -> None:
    """Each field, line and conversation that changes is named, and nothing else."""
    changes = mutations(golden)

    assert len(changes) > 5 * len(list(_lines(golden)))
    for mutation in changes:
        check(golden, mutation)


def test_points_of_a_golden_that_change_places(golden: Story) -> None:
    """What was seen at each point belongs there."""
    swapped = {INSIDE: OUTSIDE, OUTSIDE: INSIDE}
    told = [
        replace(t, lines=tuple(replace(x, point=swapped[x.point]) for x in t.lines))
        for t in golden.told
    ]

    assert compare(golden, replace(golden, told=tuple(told)))


KEYS = (
    Tuple5(TCP, C1, 40000, HOST01, 80),
    Tuple5(UDP, C2, 5555, HOST01, 53),
    Tuple5(ICMP, C1, 7, HOST01, 7),
    Tuple5(UDP, C1, 5555, WEB, 53),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.booleans(),  # a reply
        st.sampled_from(["crosses", "inside", "outside", "refused"]),
        st.sampled_from([tcp.SYN, tcp.ACK, tcp.FIN | tcp.ACK, tcp.RST]),
        st.sampled_from([b"", b"data"]),
    ),
    max_size=8,
)


def _sightings(
    number: int, key: Tuple5, way: str, packet: Packet
) -> Iterator[tuple[str, Packet]]:
    """Yield a packet where it was seen, by what became of it."""
    sent = key._replace(src=HOST)
    if packet.reply:
        there = replace(packet, key=sent.reply)
        seen = [(OUTSIDE, there), (INSIDE, routed(there, key.reply))]
    else:
        seen = [(INSIDE, packet), (OUTSIDE, routed(packet, sent))]
    if way == "refused":
        yield INSIDE, packet
        yield INSIDE, error(HOST01, packet, ip_id=900 + number)
    else:
        yield from (one for one in seen if way in ("crosses", _side(one[0])))


def _side(point: str) -> str:
    return "inside" if point == INSIDE else "outside"


def _story(steps: list[tuple[Tuple5, bool, str, int, bytes]]) -> Story:
    """Return what is told of packets that were seen on both points, or on one."""
    seen: list[tuple[str, Packet]] = []
    for number, (key, reply, way, flags, data) in enumerate(steps, 1):
        packet = Packet(
            key=key, data=data, flags=flags, reply=reply, seq=number, ip_id=number
        )
        seen += _sightings(number, key, way, packet)
    return canonicalize(two_points(seen))


ANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@ANY
@given(STEPS, st.data())
def test_any_trace(
    steps: list[tuple[Tuple5, bool, str, int, bytes]], data: st.DataObject
) -> None:
    """A trace equals itself, and each change of its story is named."""
    story = _story(steps)

    assert compare(story, story) == []
    assert story == _story(steps)
    changes = mutations(story)
    assume(changes)
    for number in data.draw(st.sets(st.integers(0, len(changes) - 1), max_size=20)):
        check(story, changes[number])
