"""A packet's way through the capture points, and the order a story tells them in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_netlab.diff.packets import DSCP, role_of
from pytest_netlab.flows import TCP, way_of
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy import ndarray

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Flow


@dataclass(frozen=True, slots=True)
class Passage:
    """The sightings of one packet in the order it travelled, as rows of a capture.

    `role` is "" for anything but TCP, an ICMP error about a connection included.
    """

    rows: tuple[int, ...]
    reply: bool
    role: str = ""


def passages(
    capture: Capture, flow: Flow, inside: ndarray, outside: ndarray
) -> list[Passage]:
    """Return what a story tells of a flow, in causal order.

    `inside` and `outside` translate the flow's rows into rows of `capture`.
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
        if row not in paired
    ]
    found.sort(key=lambda passage: (int(capture.ts[passage.rows[0]]), passage.rows))
    if flow.met.proto != TCP:
        return found
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


def is_reply(capture: Capture, flow: Flow, row: int) -> bool:
    """Tell the direction; an ICMP error travels against what it quotes."""
    return way_of(capture, row) not in (flow.inside, flow.outside)


def _tcp(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Drop what only timing decides and put the closing in a fixed order.

    Bare acknowledgements and repeats go; adjacent data of one direction becomes one
    passage; which side's FIN comes first is a race of two kernels, so the initiator's
    is told first.
    """
    named = [p for passage in found for p in _roles(capture, passage)]
    once = _without_repeats(capture, named)
    ends = [p for p in once if p.role == "FIN"]
    rest = _merged(capture, [p for p in once if p.role not in ("FIN", "ack", "RST")])
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


def _without_repeats(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Keep of each segment the copy that got furthest, where it was first seen.

    Of a direction's FINs and resets one is kept: a kernel may repeat them with or
    without the data before, and answers each late segment with a reset. Likewise an
    ICMP error answers each repeat of a segment. A repeat is a packet of its own; the
    same packet once more, with the same IP id, is told as a duplicate.
    """
    best: dict[tuple[object, ...], Passage] = {}
    seen: dict[tuple[object, ...], set[int]] = defaultdict(set)
    for passage in found:
        row = passage.rows[0]
        key = (passage.reply, passage.role, *_repeated(capture, row, passage.role))
        known, ip_id = best.get(key), _identity(capture, row)
        if ip_id and ip_id in seen[key]:
            copy = replace(passage, role=passage.role and "duplicate")
            best[*key, copy.rows] = copy
        elif known is None or len(passage.rows) > len(known.rows):
            best[key] = passage
        seen[key].add(ip_id)
    return list(best.values())


def _identity(capture: Capture, row: int) -> int:
    """Return what a packet shares with its clones alone; 0 for nothing.

    A SYN-ACK has the IP id 0, but its timestamp grows from one to the next.
    """
    ip_id = int(capture.ip_id[row])
    if ip_id or capture.proto[row] != TCP:
        return ip_id
    raw = tcp.raw_options(capture[row].bytes, int(capture.l4_offset[row]))
    return int(capture.options_hash[row]) if tcp.named_options(raw).tsval else 0


def _repeated(capture: Capture, row: int, role: str) -> tuple[int, ...]:
    """Return what tells one segment of a role from the next."""
    if role in ("FIN", "RST"):
        return ()
    if not role:
        return int(capture.icmp_type[row]), int(capture.icmp_code[row])
    ack = int(capture.tcp_ack[row]) if role == "ack" else 0
    return int(capture.tcp_seq[row]), int(capture.payload_len[row]), ack


def _merged(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Tell a run of data segments that fared alike as one."""
    kept: list[Passage] = []
    for passage in found:
        same = kept and _fate(capture, kept[-1]) == _fate(capture, passage)
        if not passage.role or not same:
            kept.append(passage)
    return kept


def _fate(capture: Capture, passage: Passage) -> tuple[object, ...]:
    columns = (capture.point, capture.ttl, capture.vlan, capture.ip_flags)
    seen = [
        (*(int(c[r]) for c in columns), capture.tos[r] & DSCP) for r in passage.rows
    ]
    return passage.reply, passage.role, seen
