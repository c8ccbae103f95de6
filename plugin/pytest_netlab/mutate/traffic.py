"""Whole packets: lost, doubled, seen at the other point, or in another order."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP
from pytest_netlab.mutate.fields import Field, replaced
from pytest_netlab.mutate.model import EVERY, FLOW, FLOW_ONE, ONE, Mutation
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.mutate.ground import Ground, Told

_MOMENT = 500  # nanoseconds between a packet and its double
_IP_ID_AT, _V4 = 4, 4


def mutations(ground: Ground) -> Iterator[Mutation]:
    """Yield each packet, and each conversation, treated as a network may treat it."""
    for told in ground.packets:
        yield from _losses(ground, told)
        yield from _doubles(ground, told)
        yield from _swaps(ground, told)
    for number in range(ground.flows):
        yield from _flow_losses(ground, number)
        yield from _orders(ground, number)
    yield from _noise(ground)


def _mutation(
    told: Told,
    family: str,
    scope: str,
    rows: Sequence[int],
    make: Callable[[], list[Frame]],
) -> Mutation:
    return Mutation(
        family=family,
        scope=scope,
        role=told.role,
        proto=told.proto,
        detail=family,
        packets=tuple(row + 1 for row in rows),
        frames=make,
    )


def _sightings(told: Told) -> Iterator[tuple[str, tuple[int, ...]]]:
    if len(told.rows) > 1:
        for row in told.rows:
            yield ONE, (row,)
    yield EVERY, told.rows


def _losses(ground: Ground, told: Told) -> Iterator[Mutation]:
    for scope, rows in _sightings(told):
        make = partial(without, ground, rows)
        yield _mutation(told, "drop", scope, rows, make)


def without(ground: Ground, rows: Sequence[int]) -> list[Frame]:
    """Return the frames but these."""
    return [f for row, f in enumerate(ground.frames) if row not in set(rows)]


def _doubles(ground: Ground, told: Told) -> Iterator[Mutation]:
    for scope, rows in _sightings(told):
        make = partial(_twice, ground, rows, fresh=False)
        yield _mutation(told, "duplicate", scope, rows, make)
    if ground.capture.ip_version[told.rows[0]] == _V4:
        make = partial(_twice, ground, told.rows, fresh=True)
        yield _mutation(told, "retransmit", EVERY, told.rows, make)


def _twice(ground: Ground, rows: Sequence[int], *, fresh: bool) -> list[Frame]:
    """Return the frames with these once more; `fresh` ones are packets of their own."""
    frames = []
    for row, frame in enumerate(ground.frames):
        frames.append(frame)
        if row in rows:
            again = frame._replace(ts=frame.ts + _MOMENT)
            frames.append(_renumbered(ground, row, again) if fresh else again)
    return sorted(frames, key=lambda frame: frame.ts)


def _renumbered(ground: Ground, row: int, frame: Frame) -> Frame:
    ip_at = int(ground.capture.ip_offset[row])
    field = Field("ip id", ip_at + _IP_ID_AT, 2, 0xFFFF)
    value = (int(ground.capture.ip_id[row]) + 5000) % 0x10000 or 1
    return replaced(frame, field.put(frame.data, value, ip_at))


def _swaps(ground: Ground, told: Told) -> Iterator[Mutation]:
    """Yield a sighting recorded at the other point, and both exchanged."""
    for row in told.rows:
        if ground.other_point(row) is not None:
            make = partial(_moved, ground, (row,))
            yield _mutation(told, "other point", ONE, (row,), make)
    if len(told.rows) > 1:
        make = partial(_moved, ground, told.rows)
        yield _mutation(told, "points swapped", EVERY, told.rows, make)


def _moved(ground: Ground, rows: Sequence[int]) -> list[Frame]:
    frames = list(ground.frames)
    for row in rows:
        frames[row] = frames[row]._replace(interface=ground.other_point(row) or 0)
    return frames


def _flow_losses(ground: Ground, number: int) -> Iterator[Mutation]:
    """Yield a conversation lost whole, at one point, and in one direction."""
    rows = ground.of_flow(number)
    told = next(packet for packet in ground.packets if packet.flow == number)
    yield _mutation(told, "drop", FLOW, rows, partial(without, ground, rows))
    for point in dict.fromkeys(map(ground.point, rows)):
        here = [row for row in rows if ground.point(row) == point]
        if len(here) < len(rows):
            make = partial(without, ground, here)
            yield _mutation(told, "drop", FLOW_ONE, here, make)
        for reply in (False, True):
            way = [row for row in here if ground.is_reply(row, rows) == reply]
            if way:
                make = partial(without, ground, way)
                yield _mutation(told, "drop direction", FLOW_ONE, way, make)


def _orders(ground: Ground, number: int) -> Iterator[Mutation]:
    """Yield neighbours in time of a conversation that change places at one point."""
    rows = sorted(ground.of_flow(number))
    packets = {row: told for told in ground.packets for row in told.rows}
    for point in dict.fromkeys(map(ground.point, rows)):
        here = [row for row in rows if ground.point(row) == point]
        for before, after in pairwise(here):
            first, second = packets[before], packets[after]
            way = _relation(ground, before, after, rows)
            yield Mutation(
                family="reorder",
                field=way,
                scope=ONE,
                role=f"{first.role}, {second.role}",
                proto=first.proto,
                detail=f"{first.role} moved behind {second.role} ({way})",
                packets=(before + 1, after + 1),
                frames=partial(_exchanged, ground, before, after),
            )


def _relation(ground: Ground, before: int, after: int, flow: Sequence[int]) -> str:
    """Return answered where the second cannot be sent before the first has come."""
    if ground.is_reply(before, flow) == ground.is_reply(after, flow):
        return "same way"
    if ground.capture.proto[before] != TCP:
        return "answered"
    columns = ground.capture
    flags = int(columns.tcp_flags[before])
    size = int(columns.payload_len[before]) + bool(flags & (tcp.SYN | tcp.FIN))
    end = int(columns.tcp_seq[before]) + size
    reached = (int(columns.tcp_ack[after]) - end) % (1 << 32) < 1 << 31
    return "answered" if size and reached else "crossing"


def _exchanged(ground: Ground, before: int, after: int) -> list[Frame]:
    frames = list(ground.frames)
    first, second = frames[before], frames[after]
    frames[before] = second._replace(ts=first.ts)
    frames[after] = first._replace(ts=second.ts)
    return frames


def _noise(ground: Ground) -> Iterator[Mutation]:
    """Yield each packet that no story speaks of, lost and doubled."""
    makers: dict[str, Callable[[Ground, Sequence[int]], list[Frame]]] = {
        "drop": without,
        "duplicate": partial(_twice, fresh=False),
    }
    for row in ground.noise:
        for family, make in makers.items():
            yield Mutation(
                family=family,
                field="noise",
                role="",
                proto="",
                detail=f"{family} of {ground.capture[row]!s}"[:60],
                packets=(row + 1,),
                frames=partial(make, ground, (row,)),
            )
