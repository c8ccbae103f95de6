"""Comparing stories: nothing for equal ones, and every change is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.flowfacts import end, fact

from pytest_netlab.checks import Violation
from pytest_netlab.diff import Difference, Policy, compare
from pytest_netlab.diff.compare import ABSENT
from pytest_netlab.flows import ICMP
from pytest_netlab.host import HostChange
from pytest_netlab.trace import (
    CanonicalFlow,
    CanonicalTrace,
    End,
    Fields,
    Packet,
    Rewrite,
    Symbol,
    What,
    what_text,
)

FACT = fact(
    "icmp echo", "c1", "host01", "host", "host01", kind="snat", disposition="forwarded"
)
FLOW = "icmp echo c1 -> host01"


ECHO = Fields(id=Symbol("id", 1), seq=1, ttl=64)


def rewrite(kind: str, old: str, new: str) -> Rewrite:
    """Return one end rewritten."""
    return Rewrite(kind, ((End(old), End(new)),))  # type: ignore[arg-type]


def ping(
    number: int, point: str, src: str, dst: str, change: Rewrite | None = None
) -> Packet:
    """Return one observation of a ping."""
    reply = dst != "host01"
    return Packet(
        point=point,
        reply=reply,
        src=End(src),
        dst=End(dst),
        what=What(ICMP, icmp=(0 if reply else 8, 0)),
        fields=ECHO,
        rewrite=change,
        row=number - 1,
    )


PACKETS = (
    ping(1, "docker0", "c1", "host01"),
    ping(2, "uplink", "host", "host01", rewrite("snat", "c1", "host")),
    ping(3, "uplink", "host01", "host"),
    ping(4, "docker0", "host01", "c1", rewrite("undone", "host", "c1")),
)
FLOW_OF_C1 = CanonicalFlow(fact=FACT, packets=PACKETS)
POINTS = ("docker0", "uplink")
GOLDEN = CanonicalTrace(POINTS, (FLOW_OF_C1,))
BAD = Violation("ttl", "63", "64", (2,), "uplink", reply=True)


def observed(*packets: Packet, **rest: Any) -> CanonicalTrace:
    """Return a trace with these packets."""
    flow = replace(FLOW_OF_C1, packets=packets or PACKETS, **rest)
    return CanonicalTrace(POINTS, (flow,))


def changed(number: int, **change: Any) -> CanonicalTrace:
    """Return the trace with one packet changed."""
    packets = [
        replace(old, **change) if old.number == number else old for old in PACKETS
    ]
    return observed(*packets)


def fields(
    golden: CanonicalTrace, seen: CanonicalTrace, policy: Policy | None = None
) -> list[str]:
    """Return the names of the fields that differ."""
    return [difference.field for difference in compare(golden, seen, policy)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_equal(count: int) -> None:
    """A trace does not differ from itself."""
    same = CanonicalTrace(POINTS, (FLOW_OF_C1,) * count)

    assert compare(same, same) == []


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("change", "field", "got"),
    [
        ({"src": End("c2")}, "source", "c2"),
        ({"dst": End("c2")}, "destination", "c2"),
        ({"rewrite": rewrite("snat", "c1", "c2")}, "rewrite", "snat c1 -> c2"),
        ({"fields": replace(ECHO, id=Symbol("id", 2))}, "id", "id#2"),
        ({"fields": replace(ECHO, seq=9)}, "seq", "9"),
        ({"fields": replace(ECHO, ttl=63)}, "ttl", "63"),
        ({"fields": replace(ECHO, ttl=None)}, "ttl", ABSENT),
        ({"fields": replace(ECHO, tos=0x10)}, "tos", "0x10"),
    ],
)
def test_changed_field(
    number: int, change: dict[str, Any], field: str, got: str
) -> None:
    """A field that changed is named, with its line and the golden's value."""
    was = PACKETS[number - 1]
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


def test_lost_rewrite() -> None:
    """A rewrite that did not happen is told as none."""
    (difference,) = compare(GOLDEN, changed(2, rewrite=None))

    assert (difference.want, difference.got) == ("snat c1 -> host", "none")


@pytest.mark.parametrize(
    "change",
    [{"what": What(ICMP, icmp=(11, 0))}, {"reply": None}, {"point": "docker1"}],
    ids=str,
)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_another_packet(number: int, change: dict[str, Any]) -> None:
    """A line of another kind, direction or point is one missing and one extra."""
    if "reply" in change:
        change = {"reply": not PACKETS[number - 1].reply}

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
    rest = [old for old in PACKETS if old.number != number]
    (difference,) = compare(GOLDEN, observed(*rest))

    assert difference == Difference(
        flow=FLOW,
        direction="reply" if number > 2 else "original",
        point=PACKETS[number - 1].point,
        packet=None,
        field="packet",
        want=difference.want,
        got=ABSENT,
    )
    assert difference.want.endswith(what_text(PACKETS[number - 1].what))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_duplicated_line(number: int) -> None:
    """A packet that was seen twice is one too many."""
    twice = [old for old in PACKETS for _ in range(1 + (old.number == number))]
    (difference,) = compare(GOLDEN, observed(*twice))

    assert (difference.field, difference.want) == ("packet", ABSENT)
    assert difference.packet == number


def test_line_at_a_silent_point() -> None:
    """A packet where the golden saw none is one too many."""
    golden = observed(*(old for old in PACKETS if old.point == "docker0"))

    assert {d.point for d in compare(golden, GOLDEN)} == {"uplink"}


@pytest.mark.parametrize("count", [1, 2])
def test_missing_conversation(count: int) -> None:
    """A conversation that did not take place is one difference, with its cause."""
    golden = CanonicalTrace(POINTS, (FLOW_OF_C1,) * count)
    (difference,) = compare(golden, CanonicalTrace(POINTS, golden.flows[1:]))

    assert (difference.field, difference.got) == ("conversation", ABSENT)
    assert difference.packet is None
    assert difference.cause is not None
    assert difference.cause.name == "no traffic"


@pytest.mark.parametrize("count", [0, 1])
def test_extra_conversation(count: int) -> None:
    """A conversation the golden does not know is one difference, with its cause."""
    golden = CanonicalTrace(POINTS, (FLOW_OF_C1,) * count)
    (difference,) = compare(golden, CanonicalTrace(POINTS, (*golden.flows, FLOW_OF_C1)))

    assert (difference.field, difference.want) == ("conversation", ABSENT)
    assert (difference.point, difference.packet) == ("docker0", 1)
    assert difference.cause is not None
    assert difference.cause.name == "unexpected flow"


def test_conversation_without_lines() -> None:
    """Even a conversation of which nothing is told is missed, and is extra."""
    bare = CanonicalTrace(POINTS, (replace(FLOW_OF_C1, packets=()),))
    nothing = CanonicalTrace(POINTS, ())

    assert fields(bare, nothing) == fields(nothing, bare) == ["conversation"]


def test_order_of_conversations() -> None:
    """Conversations are matched by name, in whatever order they began."""
    other = replace(FLOW_OF_C1, fact=replace(FACT, initiator=end("c2")))
    both = FLOW_OF_C1, other
    turned = CanonicalTrace(POINTS, both[::-1])

    assert compare(CanonicalTrace(POINTS, both), turned) == []


@pytest.mark.parametrize("field", ["id", "seq", "ttl", "tos", "length"])
def test_policy_any(field: str) -> None:
    """A field whose rule is any is left out; the others are not."""
    values = Fields(id=Symbol("id", 2), seq=2, ttl=2, tos=4, length=2)
    seen = changed(1, fields=values)
    every = ["id", "seq", "ttl", "length", "tos"]

    assert fields(GOLDEN, seen) == every
    assert fields(GOLDEN, seen, Policy({field: "any"})) == [
        name for name in every if name != field
    ]


def test_policy_rewrite() -> None:
    """What was rewritten is a field like the others."""
    seen = changed(2, rewrite=rewrite("dnat", "c1", "host"))

    assert fields(GOLDEN, seen, Policy({"rewrite": "any"})) == []


def test_broken() -> None:
    """An invariant that is broken only now is a difference, at its own packet."""
    (difference,) = compare(GOLDEN, observed(violations=(BAD,)))

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
    golden = observed(violations=(BAD,))
    other = replace(BAD, field="tos")

    assert compare(golden, observed(violations=(replace(BAD, got="62"),))) == []
    assert fields(golden, observed(violations=(BAD, other))) == ["tos"]


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
    quiet = [replace(FLOW_OF_C1, packets=PACKETS[:1])]
    (difference,) = compare(
        CanonicalTrace(was, tuple(quiet)), CanonicalTrace(now, tuple(quiet))
    )

    assert (difference.point, difference.want, difference.got) == expected
    assert difference.field == "point"


def test_cause_of_a_flow() -> None:
    """Every difference of a flow has its cause, citing what differs of the host."""
    gone = replace(FACT, sender=None, target=None, kind="none", disposition="dropped")
    host = HostChange(settings={"ip_forward": ("1", "0")})
    found = compare(
        GOLDEN,
        CanonicalTrace(POINTS, (CanonicalFlow(fact=gone, packets=PACKETS[:1]),)),
        host=host,
    )

    assert len(found) == 3
    assert {d.cause.name if d.cause else "" for d in found} == {"not forwarded"}
    assert all(d.cause and "ip_forward is 0" in d.cause.text for d in found)


def test_in_order_of_packets() -> None:
    """What is there is told by packet number, what is missing comes last."""
    others = [replace(old, dst=End("x")) for old in PACKETS[:3]]

    found = compare(GOLDEN, observed(*others))

    assert [difference.packet for difference in found] == [1, 2, 3, None]
