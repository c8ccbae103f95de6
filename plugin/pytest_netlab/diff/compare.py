"""Compare two stories and return typed differences; text is made of them later."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_netlab.checks.forbidden import (
    FORBIDDEN,
    FORBIDDEN_BY,
    REFUSAL,
    UNPAIRED,
)
from pytest_netlab.diff.packets import DSCP, TCP_ROLES, is_refusal
from pytest_netlab.diff.policy import Policy
from pytest_netlab.diff.relevant import relevant
from pytest_netlab.diff.remap import held, source_words, tells
from pytest_netlab.nat import Cause, HostChange, explain, unseen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.checks import Violation
    from pytest_netlab.diff.story import Line, Story, Told

ABSENT = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as the golden has it.

    `direction` is original or reply (conntrack's words); `packet` is the number in
    the observed capture, from 1, or None for what is missing there; `cause` is shared
    by all differences of one flow.
    """

    flow: str
    direction: str
    point: str
    packet: int | None
    field: str
    want: str
    got: str
    cause: Cause | None = None


def compare(
    golden: Story,
    observed: Story,
    policy: Policy | None = None,
    host: HostChange | None = None,
) -> list[Difference]:
    """Return what differs between a golden story and an observed one.

    Conversations are matched by name and order; within one, each point's lines by
    direction and role. Every difference carries the cause of its flow, which cites
    what differs of the host where that is known. A story equals itself, unless the
    policy demands the global negatives too.
    """
    rules = policy or Policy()
    seen = relevant(golden, observed)
    found = [
        difference
        for want, got in _matched(golden.told, seen.told)
        for difference in sorted(_told(want, got, rules), key=_when)
    ]
    causes = {
        cause.flow: cause for cause in explain(golden.facts, seen.facts, host, found)
    }
    found += _never(seen, rules, found)
    blind = [_point(name, golden) for name in _unshared(golden, seen)]
    return blind + [
        replace(one, cause=causes.get(one.flow) or _negative(one)) for one in found
    ]


def _never(
    seen: Story, policy: Policy, found: Sequence[Difference]
) -> Iterator[Difference]:
    """Yield the negatives of packets of which nothing else is told.

    That a whole conversation is extra says nothing of what is wrong with it.
    """
    known = {one.packet for one in found if one.field != "conversation"}
    for one in seen.never:
        if one.packet not in known and policy.demands(one.field):
            yield _impossible(one.flow, one)


def _negative(difference: Difference) -> Cause | None:
    """Return a negative as a cause of its own, where packets tell of no other."""
    name = FORBIDDEN_BY.get(difference.field, difference.field)
    if name not in FORBIDDEN:
        return None
    how = f'a scenario that means it says so: waive = ["{name}"]'
    return Cause(name, difference.flow, f"{FORBIDDEN[name]}; {how}")


def _when(difference: Difference) -> tuple[bool, int]:
    """Order by packet; what is missing comes last: it follows from what is there."""
    return difference.packet is None, difference.packet or 0


def _unshared(golden: Story, observed: Story) -> list[str]:
    both = dict.fromkeys((*golden.points, *observed.points))
    return [p for p in both if p not in golden.points or p not in observed.points]


def _point(name: str, golden: Story) -> Difference:
    """Return that only one of the stories was captured at a point."""
    words = ("captured", "not captured")
    want, got = words if name in golden.points else reversed(words)
    return Difference(
        flow="every flow",
        direction="original",
        point=name,
        packet=None,
        field="point",
        want=want,
        got=got,
        cause=unseen(name, want, got),
    )


def _matched(
    golden: Sequence[Told], observed: Sequence[Told]
) -> Iterator[tuple[Told | None, Told | None]]:
    names = dict.fromkeys(told.fact.name for told in (*golden, *observed))
    for name in names:
        want = [told for told in golden if told.fact.name == name]
        got = [told for told in observed if told.fact.name == name]
        yield from zip_longest(want, got)


def _told(want: Told | None, got: Told | None, policy: Policy) -> Iterator[Difference]:
    if got is None and want is not None:
        yield _whole(want, "the conversation", ABSENT)
    elif want is None and got is not None:
        yield _whole(got, ABSENT, "a conversation")
    elif want is not None and got is not None:
        yield from _source(want, got, policy)
        lines = list(_lines(want, got, policy))
        yield from lines
        told = {difference.packet for difference in lines} - {None}
        for bad in _broken(want, got, policy):
            if bad.field != UNPAIRED or bad.packet not in told:
                yield bad


def _source(want: Told, got: Told, policy: Policy) -> Iterator[Difference]:
    """Yield that NAT did not do with the source port or id as it should."""
    for name in ("port", "id"):
        words = source_words(want, got, name, policy.of_source(name))
        if words is None:
            continue
        line = next((x for x in got.compared if tells(x, got.remap)), None)
        line = line or got.lines[0]
        yield _differs(want.fact.name, line, name, *words)


def _whole(told: Told, want: str, got: str) -> Difference:
    first = told.lines[0] if told.lines else None
    return Difference(
        flow=told.fact.name,
        direction="original",
        point=first.point if first else "",
        packet=first.packet if first and want == ABSENT else None,
        field="conversation",
        want=want,
        got=got,
    )


def _lines(want: Told, got: Told, policy: Policy) -> Iterator[Difference]:
    """Align each point's lines by direction and role, and compare what matches.

    Without TCP, which direction's packet was first is for the network to say.
    """
    shift = bool(want.broken) and "tcp_options" in {bad.field for bad in want.broken}
    rules = replace(policy, rules={"mss": "exact", **policy.rules}) if shift else policy
    both = [[held(line, told.remap) for line in told.compared] for told in (want, got)]
    apart = want.fact.proto != "tcp"
    places = dict.fromkeys(
        (x.point, apart and x.reply) for lines in both for x in lines
    )
    for place in places:
        old, new = (
            [line for line in lines if (line.point, apart and line.reply) == place]
            for lines in both
        )
        yield from _aligned(want.fact.name, old, new, rules)


def _aligned(
    flow: str, old: Sequence[Line], new: Sequence[Line], policy: Policy
) -> Iterator[Difference]:
    keys = [[(line.reply, line.what) for line in lines] for lines in (old, new)]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    for verb, i1, i2, k1, k2 in matcher.get_opcodes():
        if verb == "equal":
            for was, now in zip(old[i1:i2], new[k1:k2], strict=True):
                yield from _fields(flow, was, now, policy)
            continue
        for line in old[i1:i2]:
            yield _packet(flow, line, line_text(line), ABSENT, seen=False)
        for line in new[k1:k2]:
            extra = _packet(flow, line, ABSENT, line_text(line), seen=True)
            if not _is_refusal(line):
                yield extra
            elif REFUSAL not in policy.waived:
                named = REFUSAL if policy.demands(REFUSAL) else extra.field
                yield replace(extra, field=named)


def _is_refusal(line: Line) -> bool:
    """Tell whether the host itself says no; one that it passes on bears a rewrite."""
    by_host = line.src.partition(":")[0] in ("host", "bridge") and not line.note
    return by_host and (line.what == "RST" or is_refusal(line.what))


def _packet(flow: str, line: Line, want: str, got: str, *, seen: bool) -> Difference:
    return Difference(
        flow=flow,
        direction=_direction(line),
        point=line.point,
        packet=line.packet if seen else None,
        field="packet",
        want=want,
        got=got,
    )


def _fields(flow: str, old: Line, new: Line, policy: Policy) -> Iterator[Difference]:
    """Yield the fields in which two matched lines differ."""
    ends = (("source", old.src, new.src), ("destination", old.dst, new.dst))
    notes = (("rewrite", old.note or "none", new.note or "none"),)
    was, now = dict(old.fields), dict(new.fields)
    names = dict.fromkeys([*was, *now])
    fields = ((n, was.get(n, ABSENT), now.get(n, ABSENT)) for n in names)
    for name, want, got in (*ends, *notes, *fields):
        if (
            policy.rules.get(name) != "any"
            if name in _SOURCES
            else policy.compares(name)
        ):
            meant = (_meant(new, name, value, policy) for value in (want, got))
            if len(set(meant)) > 1:
                yield _differs(flow, new, name, want, got)


_SOURCES = ("id", "port")  # in symbols: that a value is used throughout always matters


def _meant(line: Line, name: str, value: str, policy: Policy) -> str:
    """Return what of a field's value is no other party's choice.

    TCP's ends agree on ECN, a retransmission goes without it, and routers mark it (RFC
    3168): of tos and of a handshake's flags, that is left to the comparison of points.
    """
    if name == "flags" and line.what.startswith("SYN"):
        return value.translate(_ECN_FLAGS)
    if name == "tos" and line.what in TCP_ROLES:
        return _dscp(value)
    if name == "options" and not policy.compares("mss"):
        return _MSS.sub("mss", value)
    return value


def _dscp(tos: str) -> str:
    told = re.fullmatch("0x[0-9a-f]+", tos)
    return str(int(tos, 16) & DSCP) if told else tos.replace(ABSENT, "0")


_ECN_FLAGS = str.maketrans("", "", "EWe")
_MSS = re.compile(r"\bmss \d+")


def _differs(flow: str, line: Line, name: str, want: str, got: str) -> Difference:
    return Difference(
        flow=flow,
        direction=_direction(line),
        point=line.point,
        packet=line.packet,
        field=name,
        want=want,
        got=got,
    )


def _broken(want: Told, got: Told, policy: Policy) -> Iterator[Difference]:
    """Yield invariants that are broken here and were not when the golden was made.

    Where the global negatives are demanded, a golden does not forgive them.
    """
    known = {bad.field for bad in want.broken}
    known = {name for name in known if not policy.demands(FORBIDDEN_BY.get(name, ""))}
    for bad in got.broken:
        if bad.field not in known and policy.minds(bad.field):
            yield _impossible(got.fact.name, bad)


def _impossible(flow: str, bad: Violation) -> Difference:
    return Difference(
        flow=flow,
        direction=_direction(bad),
        point=bad.point,
        packet=bad.packet,
        field=bad.field,
        want=bad.want,
        got=bad.got,
    )


def _direction(line: Line | Violation) -> str:
    return "reply" if line.reply else "original"


def line_text(line: Line) -> str:
    """Return a line as one clause: source > destination role."""
    return f"{line.src} > {line.dst} {line.what}"
