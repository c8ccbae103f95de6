"""A conversation's packets with all their observations, in the order of a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP, Role, role_of
from pytest_netlab.trace import retransmissions, unanswered
from pytest_netlab.trace.packets import DSCP, odd
from pytest_netlab.trace.traversal import Traversal, is_reply
from pytest_netlab.trace.values import Step
from pytest_netlab.wire import Direction, tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Flow
    from pytest_netlab.trace.points import JoinedPoints

BothSides = tuple["JoinedPoints", "JoinedPoints"]


def traversals(
    capture: Capture,
    flow: Flow,
    sides: BothSides,
    window: tuple[int, int] | None = None,
) -> list[Traversal]:
    """Return the traversals of a flow that a trace contains, in causal order.

    `sides` are inside and outside, whose rows the flow's rows index. Packets seen on
    one side only are left out outside `window`, the time (ns) in which every point was
    captured.
    """
    near, far = sides
    found = [
        _across(capture, flow, sides, (int(near.rows[a]), int(far.rows[b])))
        for a, b in flow.pairs
    ]
    paired = {row for traversal in found for row in traversal.rows}
    for side, numbers in ((near, flow.inside_rows), (far, flow.outside_rows)):
        found += (
            _on_one_side(capture, flow, side, row, inside=side is near)
            for row in side.rows[list(numbers)].tolist()
            if row not in paired and watched(int(capture.ts[row]), window)
        )
    found.sort(key=lambda one: (int(capture.ts[one.rows[0]]), one.rows))
    if flow.original.proto != TCP:
        return unanswered.marked(capture, flow, found)
    legs = [found]
    if flow.kind == "proxied":  # two connections, with retransmissions of their own
        inside = set(near.rows.tolist())
        own = [one for one in found if inside.isdisjoint(one.rows)]
        legs = [own, [one for one in found if not inside.isdisjoint(one.rows)]]
    return [traversal for leg in legs for traversal in _tcp(capture, leg)]


def _across(
    capture: Capture, flow: Flow, sides: BothSides, pair: tuple[int, int]
) -> Traversal:
    """Return the traversal of a packet that was seen on both sides of the host."""
    reply = is_reply(capture, flow, pair[0])
    outward = (flow.initiated == "inside") != reply
    first, last = (0, 1) if outward else (1, 0)
    arriving = _in_order(capture, sides[first], pair[first], inside=first == 0)
    leaving = _in_order(
        capture, sides[last], pair[last], inside=last == 0, arriving=False
    )
    steps = [Step.BRIDGED] * (len(arriving) - 1) + [Step.FORWARDED]
    steps += [Step.BRIDGED] * (len(leaving) - 1)
    return Traversal((*arriving, *leaving), tuple(steps), reply)


def _on_one_side(
    capture: Capture, flow: Flow, side: JoinedPoints, row: int, *, inside: bool
) -> Traversal:
    """Return the traversal of a packet that did not cross the host."""
    reply = is_reply(capture, flow, row)
    outward = (flow.initiated == "inside") != reply
    rows = _in_order(capture, side, row, inside=inside, arriving=outward == inside)
    return Traversal(tuple(rows), (Step.BRIDGED,) * (len(rows) - 1), reply)


def _in_order(
    capture: Capture,
    side: JoinedPoints,
    row: int,
    *,
    inside: bool,
    arriving: bool = True,
) -> list[int]:
    """Return the rows of one side in the order in which the packet passed its points.

    A tap records whether the host received or sent. The farthest point is in another
    namespace, whose directions are the opposite, so it goes by `arriving`. A packet
    between two containers comes in by one port and goes out by another.
    """
    others = side.others.get(row, ())
    before: list[int] = []
    after: list[int] = []
    for distance, other in others:
        direction = int(capture.direction[other])
        comes = arriving
        if direction != Direction.UNKNOWN and not _is_far(distance, inside=inside):
            comes = direction == Direction.INBOUND
        (before if comes else after).append(other)
    return [*reversed(before), row, *after]


def _is_far(distance: int, *, inside: bool) -> bool:
    """Return whether a point at this distance is outside the host's namespace."""
    return distance > 1 if inside else distance > 0


def watched(ts: int, window: tuple[int, int] | None) -> bool:
    """Return whether every point was captured at a time (ns)."""
    return window is None or window[0] <= ts <= window[1]


def _tcp(capture: Capture, found: Sequence[Traversal]) -> list[Traversal]:
    """Drop what only timing decides, and put the closing in a fixed order.

    Bare acknowledgements are dropped and retransmissions ignored; adjacent data of one
    direction becomes one traversal. Which FIN comes first is a race of two kernels, so
    the initiator's is put first.
    """
    named = [one for traversal in found for one in _roles(capture, traversal)]
    marked = retransmissions.marked(capture, named)
    once = [one for one in marked if one.role is not Role.ACK]
    ends = [one for one in once if one.role is Role.FIN]
    others = [one for one in once if one.role not in (Role.FIN, Role.RST)]
    resets = [one for one in once if one.role is Role.RST]
    return [
        *_merged(capture, others),
        *sorted(ends, key=lambda one: one.reply),
        *resets,
    ]


def _roles(capture: Capture, traversal: Traversal) -> Iterable[Traversal]:
    """Set a segment's role; data that carries the FIN is listed as both."""
    row = traversal.rows[0]
    if capture.proto[row] != TCP:
        yield traversal
        return
    role = role_of(capture, row)
    yield replace(traversal, role=role)
    if role is Role.DATA and int(capture.tcp_flags[row]) & tcp.FIN:
        yield replace(traversal, role=Role.FIN)


def _merged(capture: Capture, found: Sequence[Traversal]) -> list[Traversal]:
    """Merge consecutive data that the host treated alike, ignored data separately."""
    kept: list[Traversal] = []
    last: dict[bool, Traversal] = {}
    for traversal in found:
        before = last.get(bool(traversal.ignored))
        same = before and _treatment(capture, before) == _treatment(capture, traversal)
        if not traversal.role or not same:
            kept.append(traversal)
            last[bool(traversal.ignored)] = traversal
    return kept


def _treatment(capture: Capture, traversal: Traversal) -> tuple[object, ...]:
    """Return where a segment was seen, and the header fields it had there."""
    seen = [
        (capture.point[r], capture.ttl[r], capture.tos[r] & DSCP, odd(capture, r))
        for r in traversal.rows
    ]
    return traversal.reply, traversal.role, traversal.ignored, seen
