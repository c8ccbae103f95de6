"""A packet's way through the capture points, and the order a story tells them in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.diff import attempts, repeats
from pytest_netlab.diff.packets import DSCP
from pytest_netlab.diff.passage import Passage, is_reply
from pytest_netlab.flows import TCP, role_of
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy import ndarray

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Flow


def passages(
    capture: Capture,
    flow: Flow,
    inside: ndarray,
    outside: ndarray,
    window: tuple[int, int] | None = None,
) -> list[Passage]:
    """Return what a story tells of a flow, in causal order.

    `inside` and `outside` translate the flow's rows into rows of `capture`; what was
    seen at one point only tells nothing outside `window`, the time in which every
    point was watched.
    """
    found = [
        _paired(capture, flow, int(inside[near]), int(outside[far]))
        for near, far in flow.pairs
    ]
    paired = {row for passage in found for row in passage.rows}
    rows = [int(inside[row]) for row in flow.inside_rows]
    rows += [int(outside[row]) for row in flow.outside_rows]
    found += [
        Passage((row,), is_reply(capture, flow, row))
        for row in rows
        if row not in paired and watched(int(capture.ts[row]), window)
    ]
    found.sort(key=lambda passage: (int(capture.ts[passage.rows[0]]), passage.rows))
    if flow.met.proto != TCP:
        return attempts.told(capture, flow, found)
    legs = [found]
    if flow.kind == "proxied":  # two connections: nothing of one repeats the other
        legs = [
            [p for p in found if p.rows[0] in set(side)] for side in (outside, inside)
        ]
    return [passage for leg in legs for passage in _tcp(capture, leg)]


def _paired(capture: Capture, flow: Flow, near: int, far: int) -> Passage:
    reply = is_reply(capture, flow, near)
    outward = (flow.initiated == "inside") != reply
    return Passage((near, far) if outward else (far, near), reply)


def watched(ts: int, window: tuple[int, int] | None) -> bool:
    """Tell whether every point was under watch at a time."""
    return window is None or window[0] <= ts <= window[1]


def _tcp(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Drop what only timing decides and put the closing in a fixed order.

    Bare acknowledgements go, repeats become asides; adjacent data of one direction
    becomes one passage; which side's FIN comes first is a race of two kernels, so the
    initiator's is told first.
    """
    named = [p for passage in found for p in _roles(capture, passage)]
    once = [p for p in repeats.marked(capture, named) if p.role != "ack"]
    ends = [p for p in once if p.role == "FIN"]
    rest = _merged(capture, [p for p in once if p.role not in ("FIN", "RST")])
    resets = [p for p in once if p.role == "RST"]
    return [*rest, *sorted(ends, key=lambda p: p.reply), *resets]


def _roles(capture: Capture, passage: Passage) -> Iterable[Passage]:
    """Name a segment's role; data that carries the FIN is told as both."""
    row = passage.rows[0]
    if capture.proto[row] != TCP:
        yield passage
        return
    named = replace(passage, role=role_of(capture, row))
    yield named
    if named.role == "data" and int(capture.tcp_flags[row]) & tcp.FIN:
        yield replace(passage, role="FIN")


def _merged(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Tell a run of data segments that fared alike as one; asides do not end it."""
    kept: list[Passage] = []
    last: dict[bool, Passage] = {}
    for passage in found:
        before = last.get(bool(passage.aside))
        same = before and _fate(capture, before) == _fate(capture, passage)
        if not passage.role or not same:
            kept.append(passage)
            last[bool(passage.aside)] = passage
    return kept


def _fate(capture: Capture, passage: Passage) -> tuple[object, ...]:
    columns = (capture.point, capture.ttl, capture.vlan, capture.ip_flags)
    seen = [
        (*(int(c[r]) for c in columns), capture.tos[r] & DSCP) for r in passage.rows
    ]
    return passage.reply, passage.role, passage.aside, seen
