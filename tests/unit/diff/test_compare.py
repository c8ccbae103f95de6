"""Comparing stories: nothing for equal ones, and every change is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_netlab.checks import Violation
from pytest_netlab.diff import Difference, Line, Policy, Story, Told, compare
from pytest_netlab.diff.compare import ABSENT
from pytest_netlab.nat import FlowFact, HostChange

FACT = FlowFact(
    proto="icmp echo",
    initiator="c1",
    responder="host01",
    sender="host",
    target="host01",
    kind="snat",
    fate="forwarded",
)
FLOW = "icmp echo c1 -> host01"


def line(number: int, point: str, src: str, dst: str, note: str = "") -> Line:
    """Return one sighting of a ping."""
    reply = dst != "host01"
    return Line(
        point=point,
        reply=reply,
        src=src,
        dst=dst,
        what="echo reply" if reply else "echo request",
        fields=(("id", "id#1"), ("seq", "1"), ("ttl", "64")),
        note=note,
        packet=number,
    )


LINES = (
    line(1, "docker0", "c1", "host01"),
    line(2, "uplink", "host", "host01", "snat c1 -> host"),
    line(3, "uplink", "host01", "host"),
    line(4, "docker0", "host01", "c1", "undone host -> c1"),
)
TOLD = Told(fact=FACT, lines=LINES)
POINTS = ("docker0", "uplink")
GOLDEN = Story(POINTS, (TOLD,))
BAD = Violation("ttl", "63", "64", (2,), "uplink", reply=True)


def observed(*lines: Line, **told: object) -> Story:
    """Return a story with these lines."""
    return Story(POINTS, (replace(TOLD, lines=lines or LINES, **told),))  # type: ignore[arg-type]


def changed(number: int, **change: object) -> Story:
    """Return the story with one line changed."""
    lines = [
        replace(old, **change) if old.packet == number else old  # type: ignore[arg-type]
        for old in LINES
    ]
    return observed(*lines)


def fields(golden: Story, seen: Story, policy: Policy | None = None) -> list[str]:
    """Return the names of the fields that differ."""
    return [difference.field for difference in compare(golden, seen, policy)]


@pytest.mark.parametrize(
    "story", [GOLDEN, Story(POINTS, ()), Story(POINTS, (TOLD,) * 2)]
)
def test_equal(story: Story) -> None:
    """A story does not differ from itself."""
    assert compare(story, story) == []


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("change", "field", "got"),
    [
        ({"src": "c2"}, "source", "c2"),
        ({"dst": "c2"}, "destination", "c2"),
        ({"note": "snat c1 -> c2"}, "rewrite", "snat c1 -> c2"),
        (
            {"fields": (("id", "id#2"), ("seq", "1"), ("ttl", "64"))},
            "id",
            "id#2",
        ),
        ({"fields": (("id", "id#1"), ("seq", "9"), ("ttl", "64"))}, "seq", "9"),
        ({"fields": (("id", "id#1"), ("seq", "1"), ("ttl", "63"))}, "ttl", "63"),
        ({"fields": (("id", "id#1"), ("seq", "1"))}, "ttl", ABSENT),
        ({"fields": (*LINES[0].fields, ("tos", "0x10"))}, "tos", "0x10"),
    ],
)
def test_changed_field(
    number: int, change: dict[str, object], field: str, got: str
) -> None:
    """A field that changed is named, with its line and the golden's value."""
    was = LINES[number - 1]
    (difference,) = compare(GOLDEN, changed(number, **change))

    assert (difference.field, difference.got) == (field, got)
    assert difference.want != got
    assert replace(difference, cause=None) == Difference(
        flow=FLOW,
        direction="reply" if was.reply else "original",
        point=was.point,
        packet=number,
        field=field,
        want=difference.want,
        got=got,
    )


def test_lost_note() -> None:
    """A rewrite that did not happen is told as none."""
    (difference,) = compare(GOLDEN, changed(2, note=""))

    assert (difference.want, difference.got) == ("snat c1 -> host", "none")


@pytest.mark.parametrize(
    "change", [{"what": "timeout"}, {"reply": None}, {"point": "docker1"}], ids=str
)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_another_packet(number: int, change: dict[str, object]) -> None:
    """A line of another kind, direction or point is one missing and one extra."""
    if "reply" in change:
        change = {"reply": not LINES[number - 1].reply}

    found = compare(GOLDEN, changed(number, **change))

    assert [difference.field for difference in found] == ["packet", "packet"]
    assert sorted((d.want == ABSENT, d.got == ABSENT) for d in found) == [
        (False, True),
        (True, False),
    ]
    assert sorted(d.packet or 0 for d in found) == [0, number]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_missing_line(number: int) -> None:
    """A line that is missing is told, at its point, without a packet."""
    rest = [old for old in LINES if old.packet != number]
    (difference,) = compare(GOLDEN, observed(*rest))

    assert difference == Difference(
        flow=FLOW,
        direction="reply" if number > 2 else "original",
        point=LINES[number - 1].point,
        packet=None,
        field="packet",
        want=difference.want,
        got=ABSENT,
    )
    assert difference.want.endswith(LINES[number - 1].what)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_duplicated_line(number: int) -> None:
    """A packet that was seen twice is one too many."""
    twice = [old for old in LINES for _ in range(1 + (old.packet == number))]
    (difference,) = compare(GOLDEN, observed(*twice))

    assert (difference.field, difference.want) == ("packet", ABSENT)
    assert difference.packet == number


def test_line_at_a_silent_point() -> None:
    """A packet where the golden saw none is one too many."""
    golden = observed(*(old for old in LINES if old.point == "docker0"))

    assert {d.point for d in compare(golden, GOLDEN)} == {"uplink"}


@pytest.mark.parametrize("count", [1, 2])
def test_missing_conversation(count: int) -> None:
    """A conversation that did not take place is one difference, with its cause."""
    golden = Story(POINTS, (TOLD,) * count)
    (difference,) = compare(golden, Story(POINTS, golden.told[1:]))

    assert (difference.field, difference.got) == ("conversation", ABSENT)
    assert difference.packet is None
    assert difference.cause is not None
    assert difference.cause.name == "no traffic"


@pytest.mark.parametrize("count", [0, 1])
def test_extra_conversation(count: int) -> None:
    """A conversation the golden does not know is one difference, with its cause."""
    golden = Story(POINTS, (TOLD,) * count)
    (difference,) = compare(golden, Story(POINTS, (*golden.told, TOLD)))

    assert (difference.field, difference.want) == ("conversation", ABSENT)
    assert (difference.point, difference.packet) == ("docker0", 1)
    assert difference.cause is not None
    assert difference.cause.name == "unexpected flow"


def test_conversation_without_lines() -> None:
    """Even a conversation of which nothing is told is missed, and is extra."""
    bare = Story(POINTS, (replace(TOLD, lines=()),))
    nothing = Story(POINTS, ())

    assert fields(bare, nothing) == fields(nothing, bare) == ["conversation"]


def test_order_of_conversations() -> None:
    """Conversations are matched by name, in whatever order they began."""
    other = replace(TOLD, fact=replace(FACT, initiator="c2"))

    assert compare(Story(POINTS, (TOLD, other)), Story(POINTS, (other, TOLD))) == []


@pytest.mark.parametrize("field", ["id", "seq", "ttl", "tos", "length"])
def test_policy_any(field: str) -> None:
    """A field whose rule is any is left out; the others are not."""
    values = (("id", "?"), ("seq", "?"), ("ttl", "?"), ("tos", "?"), ("length", "?"))
    seen = changed(1, fields=values)
    every = ["id", "seq", "ttl", "tos", "length"]

    assert fields(GOLDEN, seen) == every
    assert fields(GOLDEN, seen, Policy({field: "any"})) == [
        name for name in every if name != field
    ]


def test_policy_rewrite() -> None:
    """The note is a field like the others."""
    seen = changed(2, note="dnat")

    assert fields(GOLDEN, seen, Policy({"rewrite": "any"})) == []


def test_broken() -> None:
    """An invariant that is broken only now is a difference, at its own packet."""
    (difference,) = compare(GOLDEN, observed(broken=(BAD,)))

    assert replace(difference, cause=None) == Difference(
        flow=FLOW,
        direction="reply",
        point="uplink",
        packet=3,
        field="ttl",
        want="63",
        got="64",
    )


def test_broken_when_recorded() -> None:
    """An invariant that was broken already when the golden was made is known."""
    golden = observed(broken=(BAD,))
    other = replace(BAD, field="tos")

    assert compare(golden, observed(broken=(replace(BAD, got="62"),))) == []
    assert fields(golden, observed(broken=(BAD, other))) == ["tos"]


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (POINTS, ("docker0",), ("uplink", "captured", "not captured")),
        (("docker0",), POINTS, ("uplink", "not captured", "captured")),
    ],
)
def test_points(
    was: tuple[str, ...], now: tuple[str, ...], expected: tuple[str, str, str]
) -> None:
    """A point that only one of them captured is a difference, even if silent."""
    quiet = [replace(TOLD, lines=LINES[:1])]
    (difference,) = compare(Story(was, tuple(quiet)), Story(now, tuple(quiet)))

    assert (difference.point, difference.want, difference.got) == expected
    assert difference.field == "point"


def test_cause_of_a_flow() -> None:
    """Every difference of a flow has its cause, citing what differs of the host."""
    gone = replace(FACT, sender="", target="", kind="none", fate="dropped")
    host = HostChange(settings={"ip_forward": ("1", "0")})
    found = compare(
        GOLDEN, Story(POINTS, (Told(fact=gone, lines=LINES[:1]),)), host=host
    )

    assert len(found) == 3
    assert {d.cause.name if d.cause else "" for d in found} == {"not forwarded"}
    assert all(d.cause and "ip_forward is 0" in d.cause.text for d in found)


def test_in_order_of_packets() -> None:
    """What is there is told by packet number, what is missing comes last."""
    changed_lines = [replace(old, dst="x") for old in LINES[:3]]

    found = compare(GOLDEN, observed(*changed_lines))

    assert [difference.packet for difference in found] == [1, 2, 3, None]
