"""One packet with one field changed: at one of its observations, or at all of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_netlab.mutate.fields import MACS, fields, repaired, replaced
from pytest_netlab.mutate.model import EVERY, ONE, Mutation
from pytest_netlab.wire import ip_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.mutate.context import Context, TracedPacket
    from pytest_netlab.mutate.fields import Field

    Change = Callable[[Frame, int], Frame]

VLAN = 7
_LEAST_FRAME = 60  # octets, without the checksum (IEEE 802.3, 4A.4.2)


def mutations(context: Context) -> Iterator[Mutation]:
    """Yield every field of every packet of the trace with other values."""
    for packet in context.packets:
        yield from _of_packet(context, packet)


def _of_packet(context: Context, packet: TracedPacket) -> Iterator[Mutation]:
    for rows, scope in _scopes(packet):
        for field in fields(context.capture, rows[0]):
            data = context.frames[rows[0]].data
            for value in (*field.values(data), *_others(context, field, data)):
                yield _changed(context, packet, (rows, scope), (field, value))
        for name, (detail, change) in _ADDED.items():
            yield Mutation(
                family="field",
                field=name,
                scope=scope,
                role=packet.role,
                proto=packet.proto,
                detail=detail,
                packets=_numbers(rows),
                frames=partial(_with, context, rows, change),
            )


def _others(context: Context, field: Field, data: bytes) -> Iterator[int]:
    """Yield the Ethernet addresses of other nodes, for a field that has one."""
    if field.name in MACS:
        for station in context.stations:
            if station != _stored(data, field):
                yield station


def _scopes(packet: TracedPacket) -> Iterator[tuple[tuple[int, ...], str]]:
    if len(packet.rows) > 1:
        for row in packet.rows:
            yield (row,), ONE
    yield packet.rows, EVERY


def _numbers(rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(row + 1 for row in rows)


def _changed(
    context: Context,
    packet: TracedPacket,
    where: tuple[tuple[int, ...], str],
    what: tuple[Field, int],
) -> Mutation:
    (rows, scope), (field, value) = where, what
    old = context.frames[rows[0]].data[field.at : field.at + field.size]
    return Mutation(
        family="field",
        field=field.name,
        scope=scope,
        role=packet.role,
        proto=packet.proto,
        detail=f"{field.name} {old.hex()} -> {value:0{2 * field.size}x}",
        packets=_numbers(rows),
        frames=partial(_put, context, rows, (field, value)),
        value=value & field.mask,
    )


def _put(context: Context, rows: Sequence[int], what: tuple[Field, int]) -> list[Frame]:
    """Add the same amount at each observation: ttl and NAT make the values differ."""
    (field, value), frames = what, list(context.frames)
    first = _stored(frames[rows[0]].data, field)
    for row in rows:
        here = _at(context, row, rows[0], field)
        stored = _stored(frames[row].data, here)
        other = stored & ~here.mask | (stored + value - first) & here.mask
        ip_at = int(context.capture.ip_offset[row])
        frames[row] = replaced(frames[row], here.put(frames[row].data, other, ip_at))
    return frames


def _at(context: Context, row: int, first: int, field: Field) -> Field:
    """Return the same field of another observation, found by name and position."""
    if row == first:
        return field
    known = [f for f in fields(context.capture, first) if f.name == field.name]
    there = [f for f in fields(context.capture, row) if f.name == field.name]
    return there[known.index(field)]


def _stored(data: bytes, field: Field) -> int:
    return int.from_bytes(data[field.at : field.at + field.size], "big")


def _with(context: Context, rows: Sequence[int], change: Change) -> list[Frame]:
    """Change each observation."""
    frames = list(context.frames)
    for row in rows:
        frames[row] = change(frames[row], int(context.capture.ip_offset[row]))
    return frames


def _tagged(frame: Frame, _: int) -> Frame:
    """Add a VLAN tag, as a tap reports it: beside the frame."""
    return frame._replace(vlan=VLAN)


def _trailed(frame: Frame, _: int) -> Frame:
    """Add octets behind the datagram, more than fill the shortest frame."""
    return replaced(frame, frame.data + bytes(_LEAST_FRAME))


def _with_option(frame: Frame, ip_at: int) -> Frame:
    """Add an option or extension: Router Alert (RFC 2113), Hop-by-Hop padding."""
    head, datagram = frame.data[:ip_at], frame.data[ip_at:]
    longer = ip_options.added(datagram)
    return replaced(frame, repaired(head + longer, ip_at))


_ADDED: Mapping[str, tuple[str, Change]] = {
    "vlan": (f"vlan tag {VLAN} added", _tagged),
    "trailing octets": ("octets added behind the datagram", _trailed),
    "ip option": ("an IP option added", _with_option),
}
