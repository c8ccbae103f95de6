"""Whole packets: lost, duplicated, recorded at the other point, or reordered."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP
from pytest_netlab.mutate.fields import Field, replaced
from pytest_netlab.mutate.model import EVERY, FLOW, FLOW_ONE, ONE, Mutation
from pytest_netlab.wire import ipv4, tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.mutate.context import Context, TracedPacket

_MOMENT = 500  # nanoseconds between a packet and its duplicate


def mutations(context: Context) -> Iterator[Mutation]:
    """Yield each packet and conversation lost, duplicated, moved or reordered."""
    for packet in context.packets:
        yield from _losses(context, packet)
        yield from _doubles(context, packet)
        yield from _swaps(context, packet)
    for number in range(context.flows):
        yield from _flow_losses(context, number)
        yield from _orders(context, number)
    yield from _noise(context)


def _mutation(
    packet: TracedPacket,
    family: str,
    scope: str,
    rows: Sequence[int],
    make: Callable[[], list[Frame]],
) -> Mutation:
    return Mutation(
        family=family,
        scope=scope,
        role=packet.role,
        proto=packet.proto,
        detail=family,
        packets=tuple(row + 1 for row in rows),
        frames=make,
    )


def _observations(packet: TracedPacket) -> Iterator[tuple[str, tuple[int, ...]]]:
    if len(packet.rows) > 1:
        for row in packet.rows:
            yield ONE, (row,)
    yield EVERY, packet.rows


def _losses(context: Context, packet: TracedPacket) -> Iterator[Mutation]:
    for scope, rows in _observations(packet):
        make = partial(without, context, rows)
        yield _mutation(packet, "drop", scope, rows, make)


def without(context: Context, rows: Sequence[int]) -> list[Frame]:
    """Return all frames except these rows."""
    return [f for row, f in enumerate(context.frames) if row not in set(rows)]


def _doubles(context: Context, packet: TracedPacket) -> Iterator[Mutation]:
    for scope, rows in _observations(packet):
        make = partial(_twice, context, rows, fresh=False)
        yield _mutation(packet, "duplicate", scope, rows, make)
        if context.capture.ip_version[packet.rows[0]] == ipv4.VERSION:
            make = partial(_twice, context, rows, fresh=True)
            yield _mutation(packet, "retransmit", scope, rows, make)


def _twice(context: Context, rows: Sequence[int], *, fresh: bool) -> list[Frame]:
    """Return the frames with these rows twice; `fresh` copies have another IP id."""
    frames = []
    for row, frame in enumerate(context.frames):
        frames.append(frame)
        if row in rows:
            again = frame._replace(ts=frame.ts + _MOMENT)
            frames.append(_renumbered(context, row, again) if fresh else again)
    return sorted(frames, key=lambda frame: frame.ts)


def _renumbered(context: Context, row: int, frame: Frame) -> Frame:
    ip_at = int(context.capture.ip_offset[row])
    field = Field("ip id", ip_at + ipv4.ID, 2, 0xFFFF)
    value = (int(context.capture.ip_id[row]) + 5000) % 0x10000 or 1
    return replaced(frame, field.put(frame.data, value, ip_at))


def _swaps(context: Context, packet: TracedPacket) -> Iterator[Mutation]:
    """Yield an observation recorded at the other point, and both exchanged."""
    for row in packet.rows:
        if context.other_point(row) is not None:
            make = partial(_moved, context, (row,))
            yield _mutation(packet, "other point", ONE, (row,), make)
    if len(packet.rows) > 1:
        make = partial(_moved, context, packet.rows)
        yield _mutation(packet, "points swapped", EVERY, packet.rows, make)


def _moved(context: Context, rows: Sequence[int]) -> list[Frame]:
    frames = list(context.frames)
    for row in rows:
        frames[row] = frames[row]._replace(interface=context.other_point(row) or 0)
    return frames


def _flow_losses(context: Context, number: int) -> Iterator[Mutation]:
    """Yield a conversation lost completely, at one point, and in one direction."""
    rows = context.of_flow(number)
    packet = next(packet for packet in context.packets if packet.flow == number)
    yield _mutation(packet, "drop", FLOW, rows, partial(without, context, rows))
    for point in dict.fromkeys(map(context.point, rows)):
        here = [row for row in rows if context.point(row) == point]
        if len(here) < len(rows):
            make = partial(without, context, here)
            yield _mutation(packet, "drop", FLOW_ONE, here, make)
        for reply in (False, True):
            chosen = [row for row in here if context.is_reply(row, rows) == reply]
            if chosen:
                make = partial(without, context, chosen)
                yield _mutation(packet, "drop direction", FLOW_ONE, chosen, make)


def _orders(context: Context, number: int) -> Iterator[Mutation]:
    """Yield consecutive packets of a conversation, exchanged at one point."""
    rows = sorted(context.of_flow(number))
    packets = {row: packet for packet in context.packets for row in packet.rows}
    for point in dict.fromkeys(map(context.point, rows)):
        here = [row for row in rows if context.point(row) == point]
        for before, after in pairwise(here):
            first, second = packets[before], packets[after]
            relation = _relation(context, before, after, rows)
            yield Mutation(
                family="reorder",
                field=relation,
                scope=ONE,
                role=f"{first.role}, {second.role}",
                proto=first.proto,
                detail=f"{first.role} moved behind {second.role} ({relation})",
                packets=(before + 1, after + 1),
                frames=partial(_exchanged, context, before, after),
            )


def _relation(context: Context, before: int, after: int, flow: Sequence[int]) -> str:
    """Return how two packets relate; `answered`: the second depends on the first."""
    if context.is_reply(before, flow) == context.is_reply(after, flow):
        return "same way"
    if context.capture.proto[before] != TCP:
        return "answered"
    columns = context.capture
    flags = int(columns.tcp_flags[before])
    size = int(columns.payload_len[before]) + bool(flags & (tcp.SYN | tcp.FIN))
    end = int(columns.tcp_seq[before]) + size
    reached = tcp.distance(int(columns.tcp_ack[after]), end) >= 0
    return "answered" if size and reached else "crossing"


def _exchanged(context: Context, before: int, after: int) -> list[Frame]:
    frames = list(context.frames)
    first, second = frames[before], frames[after]
    frames[before] = second._replace(ts=first.ts)
    frames[after] = first._replace(ts=second.ts)
    return frames


def _noise(context: Context) -> Iterator[Mutation]:
    """Yield each packet that is not in the trace, lost and duplicated."""
    makers: dict[str, Callable[[Context, Sequence[int]], list[Frame]]] = {
        "drop": without,
        "duplicate": partial(_twice, fresh=False),
    }
    for row in context.noise:
        for family, make in makers.items():
            yield Mutation(
                family=family,
                field="noise",
                role="",
                proto="",
                detail=f"{family} of {context.capture[row]!s}"[:60],
                packets=(row + 1,),
                frames=partial(make, context, (row,)),
            )
