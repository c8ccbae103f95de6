"""One packet with one field changed: at one of its sightings, or at all of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_netlab.mutate.fields import fields, replaced
from pytest_netlab.mutate.model import EVERY, ONE, Mutation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.mutate.fields import Field
    from pytest_netlab.mutate.ground import Ground, Told

VLAN = 7


def mutations(ground: Ground) -> Iterator[Mutation]:
    """Yield every field of every told packet with other values."""
    for told in ground.packets:
        yield from _of_packet(ground, told)


def _of_packet(ground: Ground, told: Told) -> Iterator[Mutation]:
    for rows, scope in _scopes(told):
        for field in fields(ground.capture, rows[0]):
            for value in field.values(ground.frames[rows[0]].data):
                yield _changed(ground, told, (rows, scope), (field, value))
        yield Mutation(
            family="field",
            field="vlan",
            scope=scope,
            role=told.role,
            proto=told.proto,
            detail=f"vlan tag {VLAN} added",
            packets=_numbers(rows),
            frames=partial(_tagged, ground, rows),
        )


def _scopes(told: Told) -> Iterator[tuple[tuple[int, ...], str]]:
    if len(told.rows) > 1:
        for row in told.rows:
            yield (row,), ONE
    yield told.rows, EVERY


def _numbers(rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(row + 1 for row in rows)


def _changed(
    ground: Ground,
    told: Told,
    where: tuple[tuple[int, ...], str],
    what: tuple[Field, int],
) -> Mutation:
    (rows, scope), (field, value) = where, what
    old = ground.frames[rows[0]].data[field.at : field.at + field.size]
    return Mutation(
        family="field",
        field=field.name,
        scope=scope,
        role=told.role,
        proto=told.proto,
        detail=f"{field.name} {old.hex()} -> {value:0{2 * field.size}x}",
        packets=_numbers(rows),
        frames=partial(_put, ground, rows, (field, value)),
        value=value & field.mask,
    )


def _put(ground: Ground, rows: Sequence[int], what: tuple[Field, int]) -> list[Frame]:
    """Add the same at each sighting: a router and NAT made the values differ."""
    (field, value), frames = what, list(ground.frames)
    first = _stored(frames[rows[0]].data, field)
    for row in rows:
        here = _at(ground, row, rows[0], field)
        stored = _stored(frames[row].data, here)
        other = stored & ~here.mask | (stored + value - first) & here.mask
        ip_at = int(ground.capture.ip_offset[row])
        frames[row] = replaced(frames[row], here.put(frames[row].data, other, ip_at))
    return frames


def _at(ground: Ground, row: int, first: int, field: Field) -> Field:
    """Return the same field of another sighting: by its name and order."""
    if row == first:
        return field
    known = [f for f in fields(ground.capture, first) if f.name == field.name]
    there = [f for f in fields(ground.capture, row) if f.name == field.name]
    return there[known.index(field)]


def _stored(data: bytes, field: Field) -> int:
    return int.from_bytes(data[field.at : field.at + field.size], "big")


def _tagged(ground: Ground, rows: Sequence[int]) -> list[Frame]:
    """Put a tag on each sighting, as a tap gives it: beside the frame."""
    frames = list(ground.frames)
    for row in rows:
        frames[row] = frames[row]._replace(vlan=VLAN)
    return frames
