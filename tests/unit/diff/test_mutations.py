"""A story does not differ from itself, and differs from every other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from pytest_netlab.diff import compare
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.store import Store
from pytest_netlab.trace import (
    End,
    Rewrite,
    Symbol,
    TcpFlags,
    TcpOption,
    What,
    canonicalize,
)
from pytest_netlab.trace import Packet as Told
from pytest_netlab.trace.packets import DSCP
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.diff import Difference
    from pytest_netlab.trace import CanonicalTrace

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/golden.toml"))
OTHER = "something else"


class Mutation(NamedTuple):
    """A changed story, and how that must be told: (field, point) of each difference.

    `exact` says that nothing else may be told: the lines stay each other's.
    """

    name: str
    story: CanonicalTrace
    told: tuple[tuple[str, str], ...]
    exact: bool = False


def _packets(trace: CanonicalTrace) -> Iterator[tuple[int, int, Told]]:
    """Yield every packet, and where it is."""
    for number, flow in enumerate(trace.flows):
        for at, packet in enumerate(flow.packets):
            if not packet.ignored:
                yield number, at, packet


def _with_packets(
    trace: CanonicalTrace, number: int, packets: Iterable[Told]
) -> CanonicalTrace:
    """Return the trace with other packets in one conversation."""
    flows = list(trace.flows)
    flows[number] = replace(flows[number], packets=tuple(packets))
    return replace(trace, flows=tuple(flows))


def _another(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, Symbol):
        return Symbol(value.kind, 99)
    if isinstance(value, TcpFlags):
        return value ^ TcpFlags.PSH
    if isinstance(value, tuple):
        is_embedded = bool(value) and isinstance(value[0], End)
        return (End(OTHER), End(OTHER)) if is_embedded else (*value, TcpOption(254))
    return value ^ 0x20


def _changes(packet: Told) -> Iterator[tuple[str, Told]]:
    """Yield the packet with one field changed, and what that field is called."""
    yield "source", replace(packet, src=End(OTHER))
    yield "destination", replace(packet, dst=End(OTHER))
    yield "rewrite", replace(packet, rewrite=Rewrite("dnat", ((End(OTHER),) * 2,)))
    if packet.rewrite:
        yield "rewrite", replace(packet, rewrite=None)
    fields = packet.fields
    for name, value in fields.named():
        if not isinstance(value, bool):  # these are told, or not
            other = replace(fields, **{name: _another(value)})
            yield name, replace(packet, fields=other)
        if name != "tos" or int(str(value)) & DSCP:  # else it is ECN's
            yield name, replace(packet, fields=replace(fields, **{name: None}))
    if fields.code is None:
        yield "code", replace(packet, fields=replace(fields, code=7))


def _one_field(trace: CanonicalTrace) -> Iterator[Mutation]:
    """Yield each field of each packet changed."""
    for number, at, packet in _packets(trace):
        packets = trace.flows[number].packets
        for name, other in _changes(packet):
            made = _with_packets(
                trace, number, (*packets[:at], other, *packets[at + 1 :])
            )
            told = ((name, packet.point),)
            yield Mutation(f"{name} of packet {at}", made, told, exact=True)


def _one_packet(trace: CanonicalTrace) -> Iterator[Mutation]:
    """Yield each packet left out, told twice, or of another kind, way or point."""
    for number, at, packet in _packets(trace):
        packets, named = trace.flows[number].packets, ("packet", packet.point)
        before, after = packets[:at], packets[at + 1 :]
        changed = {
            "no": ((), (named,)),
            "twice": ((packet, packet), (named,)),
            "what": ((replace(packet, what=What(99)),), (named, named)),
            "reply": ((replace(packet, reply=not packet.reply),), (named, named)),
            "point": ((replace(packet, point=OTHER),), (named, ("packet", OTHER))),
        }
        for name, (instead, told) in changed.items():
            made = _with_packets(trace, number, (*before, *instead, *after))
            yield Mutation(f"{name} packet {at}", made, told)


def _one_conversation(story: CanonicalTrace) -> Iterator[Mutation]:
    """Yield each conversation left out, told twice, under another name, or broken."""
    for number, told in enumerate(story.flows):
        point = told.packets[0].point if told.packets else ""
        named = [t for t in story.flows if t.fact.name == told.fact.name]
        last = named[-1].packets
        whole = ("conversation", last[0].point if last else "")
        broken = Violation(OTHER, "1", "2", (0,), point, reply=False)
        renamed = [
            replace(told, fact=replace(told.fact, **change))
            for change in (
                {"proto": 255},
                {"initiator": End(OTHER)},
                {"responder": End(OTHER)},
            )
        ]
        changed = [
            ((), (whole,)),
            ((told, told), (whole,)),
            *(((other,), (whole, ("conversation", point))) for other in renamed),
            (
                (replace(told, violations=(*told.violations, broken)),),
                ((OTHER, point),),
            ),
        ]
        before, after = story.flows[:number], story.flows[number + 1 :]
        for kind, (instead, differ) in enumerate(changed):
            made = replace(story, flows=(*before, *instead, *after))
            yield Mutation(f"conversation {number} {kind}", made, differ)


def mutations(story: CanonicalTrace) -> list[Mutation]:
    """Return every small change of a story."""
    return [*_one_field(story), *_one_packet(story), *_one_conversation(story)]


def _named(found: Iterable[Difference]) -> list[tuple[str, str]]:
    """Return field and point of each difference."""
    return [(difference.field, difference.point) for difference in found]


def check(story: CanonicalTrace, mutation: Mutation) -> None:
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
def golden(request: pytest.FixtureRequest) -> CanonicalTrace:
    """Return the story of a golden that ships."""
    return Store(GOLDEN).load(request.param).canonical


def test_a_golden_equals_itself(golden: CanonicalTrace) -> None:
    """What was recorded does not differ from what was recorded."""
    assert compare(golden, golden) == []


def test_every_change_of_a_golden(golden: CanonicalTrace) -> None:
    """Each field, line and conversation that changes is named, and nothing else."""
    changes = mutations(golden)

    assert len(changes) > 5 * len(list(_packets(golden)))
    for mutation in changes:
        check(golden, mutation)


def test_points_of_a_golden_that_change_places(golden: CanonicalTrace) -> None:
    """What was seen at each point belongs there."""
    swapped = {INSIDE: OUTSIDE, OUTSIDE: INSIDE}
    told = [
        replace(t, packets=tuple(replace(x, point=swapped[x.point]) for x in t.packets))
        for t in golden.flows
    ]

    assert compare(golden, replace(golden, flows=tuple(told)))


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


def _story(steps: list[tuple[Tuple5, bool, str, int, bytes]]) -> CanonicalTrace:
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
