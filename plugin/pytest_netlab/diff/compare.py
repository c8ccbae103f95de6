"""Compare two traces and return typed differences; text is made of them later."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_netlab.causes import Cause, explain, unseen
from pytest_netlab.checks.forbidden import (
    EMPTY,
    FORBIDDEN,
    FORBIDDEN_BY,
    MADE,
    REFUSAL,
    UNPAIRED,
)
from pytest_netlab.diff.policy import Policy
from pytest_netlab.diff.ports import shows, source_texts, under_original
from pytest_netlab.diff.unrelated import without_unrelated
from pytest_netlab.flows import TCP, Role
from pytest_netlab.trace import packet_text, value_text
from pytest_netlab.trace.packets import DSCP
from pytest_netlab.trace.values import ECN, TcpFlags
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.checks import Violation
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace, Packet

ABSENT = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as the golden has it.

    Attributes:
        flow: name of the conversation.
        direction: original or reply (conntrack's words).
        point: name of the capture point.
        packet: number in the observed capture, from 1; None for what is missing there.
        field: what differs.
        want: what the golden has, as text.
        got: what was seen, as text.
        cause: why; shared by all differences of one flow.
        expected: what the golden has, as a value of the trace; None for nothing.
        found: what was seen, as such a value.

    """

    flow: str
    direction: str
    point: str
    packet: int | None
    field: str
    want: str
    got: str
    cause: Cause | None = None
    expected: object = dataclasses.field(default=None, compare=False, repr=False)
    found: object = dataclasses.field(default=None, compare=False, repr=False)

    def plain(self) -> dict[str, object]:
        """Return the difference as verdict.json has it: all values as text."""
        cause = self.cause.plain() if self.cause else None
        return {name: getattr(self, name) for name in PLAIN} | {"cause": cause}


PLAIN = tuple(
    one.name
    for one in dataclasses.fields(Difference)
    if one.name not in ("expected", "found")
)


def compare(
    golden: CanonicalTrace,
    observed: CanonicalTrace,
    policy: Policy | None = None,
    host: HostChange | None = None,
) -> list[Difference]:
    """Return what differs between a golden trace and an observed one.

    Conversations are matched by name and order; within one, each point's packets by
    direction and role. Every difference carries the cause of its flow, which cites
    what differs of the host, if that is known. A trace has no difference from itself,
    unless it shows a forbidden behaviour that the policy demands to be absent.
    """
    rules = policy or Policy()
    if not (golden.stations and observed.stations):
        rules = rules.without("via")
    seen = without_unrelated(golden, observed)
    found = [
        difference
        for want, got in _matched(golden.flows, seen.flows)
        for difference in sorted(_flow(want, got, rules), key=_when)
    ]
    causes = {
        cause.flow: cause for cause in explain(golden.facts, seen.facts, host, found)
    }
    found += _forbidden(seen, rules, found)
    found = found or list(_empty(golden, seen, rules))
    blind = [_point(name, golden) for name in _unshared(golden, seen)]
    return blind + [
        replace(one, cause=causes.get(one.flow) or _by_name(one)) for one in found
    ]


def _forbidden(
    seen: CanonicalTrace, policy: Policy, found: Sequence[Difference]
) -> Iterator[Difference]:
    """Yield forbidden behaviour of packets that have no other difference.

    An extra conversation is reported as a whole: what is wrong with it is added here.
    """
    known = {one.packet for one in found if one.field != "conversation"}
    for one in seen.forbidden:
        if one.packet not in known and policy.demands(one.field):
            yield _impossible(one.flow, one)


def _empty(
    golden: CanonicalTrace, seen: CanonicalTrace, policy: Policy
) -> Iterator[Difference]:
    """Yield that neither trace has a packet: they are equal whatever broke.

    A golden may be about containers that are no nodes; a run may not be about these.
    """
    flows = (*golden.flows, *(one for one in seen.flows if not one.unrelated))
    empty = not any(one.compared for one in flows)
    if empty and policy.demands(EMPTY):
        yield Difference(
            flow="every flow",
            direction="original",
            point=", ".join(seen.points),
            packet=None,
            field=EMPTY,
            want="a packet of a lab's node",
            got=ABSENT,
        )


def _by_name(difference: Difference) -> Cause | None:
    """Return a forbidden behaviour as the cause of a difference, if it is one."""
    name = FORBIDDEN_BY.get(difference.field, difference.field)
    if name not in FORBIDDEN:
        return None
    how = f'a scenario that means it says so: waive = ["{name}"]'
    return Cause(name, difference.flow, f"{FORBIDDEN[name]}; {how}")


def _when(difference: Difference) -> tuple[bool, int]:
    """Return the sort key: by packet, and missing packets last."""
    return difference.packet is None, difference.packet or 0


def _unshared(golden: CanonicalTrace, observed: CanonicalTrace) -> list[str]:
    both = dict.fromkeys((*golden.points, *observed.points))
    return [p for p in both if p not in golden.points or p not in observed.points]


def _point(name: str, golden: CanonicalTrace) -> Difference:
    """Return the difference that only one of the traces was captured at a point."""
    texts = ("captured", "not captured")
    want, got = texts if name in golden.points else reversed(texts)
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
    golden: Sequence[CanonicalFlow], observed: Sequence[CanonicalFlow]
) -> Iterator[tuple[CanonicalFlow | None, CanonicalFlow | None]]:
    names = dict.fromkeys(one.fact.name for one in (*golden, *observed))
    for name in names:
        want = [one for one in golden if one.fact.name == name]
        got = [one for one in observed if one.fact.name == name]
        yield from zip_longest(want, got)


def _flow(
    want: CanonicalFlow | None, got: CanonicalFlow | None, policy: Policy
) -> Iterator[Difference]:
    if got is None and want is not None:
        yield _whole(want, "the conversation", ABSENT)
    elif want is None and got is not None:
        yield _whole(got, ABSENT, "a conversation")
    elif want is not None and got is not None:
        yield from _source(want, got, policy)
        violations = list(_violations(want, got, policy))
        named = {bad.packet for bad in violations if bad.field in _ALONE}
        for difference in _packets(want, got, policy):
            if difference.field != "packet" or difference.packet not in named:
                yield difference
        yield from violations


_ALONE = (UNPAIRED, MADE)  # says more of a packet than that none is expected


def _source(
    want: CanonicalFlow, got: CanonicalFlow, policy: Policy
) -> Iterator[Difference]:
    """Yield a source port or id that NAT did not translate as it should."""
    for name in ("port", "id"):
        texts = source_texts(want, got, name, policy.of_source(name))
        if texts is None:
            continue
        packet = next((x for x in got.compared if shows(x, got.translation)), None)
        packet = packet or got.packets[0]
        values = want.translation, got.translation
        yield _differs(want.fact.name, packet, name, texts, values)


def _whole(flow: CanonicalFlow, want: str, got: str) -> Difference:
    first = flow.packets[0] if flow.packets else None
    return Difference(
        flow=flow.fact.name,
        direction="original",
        point=first.point if first else "",
        packet=first.number if first and want == ABSENT else None,
        field="conversation",
        want=want,
        got=got,
        found=flow if want == ABSENT else None,
    )


def _packets(
    want: CanonicalFlow, got: CanonicalFlow, policy: Policy
) -> Iterator[Difference]:
    """Align each point's packets by direction and kind, and compare what matches.

    Without TCP each direction is aligned by itself: the network decides their order.
    """
    shift = "tcp_options" in {bad.field for bad in want.violations}
    rules = replace(policy, rules={"mss": "exact", **policy.rules}) if shift else policy
    both = [
        [under_original(packet, flow.translation) for packet in flow.compared]
        for flow in (want, got)
    ]
    apart = want.fact.proto != TCP
    places = dict.fromkeys(
        (x.point, apart and x.reply) for packets in both for x in packets
    )
    for place in places:
        old, new = (
            [one for one in packets if (one.point, apart and one.reply) == place]
            for packets in both
        )
        yield from _aligned(want.fact.name, old, new, rules)


def _aligned(
    flow: str, old: Sequence[Packet], new: Sequence[Packet], policy: Policy
) -> Iterator[Difference]:
    keys = [[(one.reply, one.what) for one in packets] for packets in (old, new)]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    for verb, i1, i2, k1, k2 in matcher.get_opcodes():
        if verb == "equal":
            for was, now in zip(old[i1:i2], new[k1:k2], strict=True):
                yield from _fields(flow, was, now, policy)
            continue
        for packet in old[i1:i2]:
            texts = packet_text(packet), ABSENT
            missing = _differs(flow, packet, "packet", texts, (packet, None))
            yield replace(missing, packet=None)
        for packet in new[k1:k2]:
            texts = ABSENT, packet_text(packet)
            extra = _differs(flow, packet, "packet", texts, (None, packet))
            if not _is_refusal(packet):
                yield extra
            elif REFUSAL not in policy.waived:
                named = REFUSAL if policy.demands(REFUSAL) else extra.field
                yield replace(extra, field=named)


def _is_refusal(packet: Packet) -> bool:
    """Return whether the host itself refuses; a forwarded refusal has a rewrite."""
    by_host = packet.src.node in ("host", "bridge") and packet.rewrite is None
    return by_host and (packet.what.role is Role.RST or packet.what.refuses)


def _fields(
    flow: str, old: Packet, new: Packet, policy: Policy
) -> Iterator[Difference]:
    """Yield the fields in which two matched packets differ."""
    was, now = dict(old.fields.named()), dict(new.fields.named())
    ends = (("source", old.src, new.src), ("destination", old.dst, new.dst))
    rewrites = (("rewrite", old.rewrite, new.rewrite),)
    reported = ((name, was.get(name), now.get(name)) for name in {**was, **now})
    for name, want, got in (*ends, *rewrites, *reported):
        compared = (
            policy.rules.get(name) != "any"
            if name in _SOURCES
            else policy.compares(name)
        )
        if compared and (
            _meant(new, name, want, policy) != _meant(new, name, got, policy)
        ):
            texts = _texts(name, want), _texts(name, got)
            yield _differs(flow, new, name, texts, (want, got))


def _texts(name: str, value: object) -> str:
    if value is None:
        return "none" if name == "rewrite" else ABSENT
    return value_text(value, name)


_SOURCES = ("id", "port")  # symbols: that one value is used throughout always matters
_TOS_ROLES = (Role.SYN, Role.SYN_ACK, Role.DATA, Role.FIN, Role.DUPLICATE)


def _meant(packet: Packet, name: str, value: object, policy: Policy) -> object:
    """Return the part of a field's value that is compared with the golden.

    TCP's ends negotiate ECN, retransmissions are sent without it, and routers mark it
    (RFC 3168): in tos and in a handshake's flags, ECN is compared between points only.
    """
    role = packet.what.role
    if isinstance(value, TcpFlags) and role in (Role.SYN, Role.SYN_ACK):
        return value & ~ECN
    if name == "tos" and role in _TOS_ROLES:
        return value & DSCP if isinstance(value, int) else 0
    if name == "options" and isinstance(value, tuple) and not policy.compares("mss"):
        return tuple(replace(x, value=None) if x.kind == tcp.MSS else x for x in value)
    return value


def _differs(
    flow: str,
    packet: Packet,
    name: str,
    texts: tuple[str, str],
    values: tuple[object, object],
) -> Difference:
    return Difference(
        flow=flow,
        direction=_direction(packet),
        point=packet.point,
        packet=packet.number,
        field=name,
        want=texts[0],
        got=texts[1],
        expected=values[0],
        found=values[1],
    )


def _violations(
    want: CanonicalFlow, got: CanonicalFlow, policy: Policy
) -> Iterator[Difference]:
    """Yield violations of fields that no violation of the golden has.

    A golden does not excuse forbidden behaviour that the policy demands to be absent.
    """
    known = {bad.field for bad in want.violations}
    known = {name for name in known if not policy.demands(FORBIDDEN_BY.get(name, name))}
    for bad in got.violations:
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
        found=bad,
    )


def _direction(one: Packet | Violation) -> str:
    return "reply" if one.reply else "original"
