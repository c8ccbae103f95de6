"""One value changed in all packets of a conversation: at one point, or at both."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP
from pytest_netlab.mutate.fields import fields, repaired, replaced
from pytest_netlab.mutate.model import FLOW, FLOW_ONE, Mutation
from pytest_netlab.wire import is_mac

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.mutate.context import Context, TracedPacket
    from pytest_netlab.mutate.fields import Field

    Change = Callable[[bytes, Field], int | None]  # None: no change

UNRELATED = {4: "203.0.113.77", 6: "2001:db8::77"}
ENDS = (("source port", "destination port"), ("icmp id",))
# field -> what is added in every packet; None flips its bits. `sequence` is for TCP's.
SHIFTS = {
    "ttl": -1,
    "ip id": 1000,
    "dscp": 4,
    "DF": None,
    "tcp window": 1,
    "payload": 1,
}


def mutations(context: Context) -> Iterator[Mutation]:
    """Yield mutations that change one value consistently in a conversation."""
    for number in range(context.flows):
        packet = next(packet for packet in context.packets if packet.flow == number)
        rows = context.of_flow(number)
        for where, scope in _scopes(context, rows):
            flow = _Flow(context, packet, where, scope)
            yield from flow.addresses()
            yield from flow.ends()
            yield from flow.shifts()
            yield from flow.sequence(rows)


def _scopes(context: Context, rows: Sequence[int]) -> Iterator[tuple[list[int], str]]:
    points = dict.fromkeys(map(context.point, rows))
    if len(points) > 1:
        for point in points:
            yield [row for row in rows if context.point(row) == point], FLOW_ONE
    yield list(rows), FLOW


class _Flow:
    """Some rows of a conversation, changed together."""

    def __init__(
        self, context: Context, packet: TracedPacket, rows: list[int], scope: str
    ) -> None:
        self._context, self._packet = context, packet
        self._rows, self._scope = rows, scope

    def addresses(self) -> Iterator[Mutation]:
        """Yield each address replaced by another node's, and by an unrelated one."""
        capture = self._context.capture
        names = ("source address", "destination address")
        known = [text for text in capture.names if not is_mac(text)]
        version = int(capture.ip_version[self._rows[0]])
        for old in dict.fromkeys(self._values(names)):
            text = str(ip_address(old.to_bytes(16 if version == 6 else 4, "big")))  # noqa: PLR2004
            others = [
                one for one in known if one != text and (":" in one) == (":" in text)
            ]
            for new in (*others[:1], *others[-1:], UNRELATED[version]):
                value = int(ip_address(new))
                detail = f"address {text} -> {new} in the whole flow"
                yield self._mutation("address", detail, _swap(names, old, value))

    def ends(self) -> Iterator[Mutation]:
        """Yield each port and ICMP id replaced by one that differs by 2."""
        for names in ENDS:
            for old in dict.fromkeys(self._values(names)):
                new = old + 2 if old < 0xFFF0 else old - 2  # noqa: PLR2004
                kind = self._end(names, old)
                detail = f"{kind} {old} -> {new} in the whole flow"
                yield self._mutation(kind, detail, _swap(names, old, new))

    def _end(self, names: Sequence[str], old: int) -> str:
        """Return client port, server port or icmp id."""
        if len(names) == 1:
            return names[0]
        row = min(self._rows)
        first = next(f for f in self._fields(row) if f.name == names[0])
        return "client port" if self._stored(row, first) == old else "server port"

    def shifts(self) -> Iterator[Mutation]:
        """Yield each header field changed alike in every packet."""
        present = {field.name for row in self._rows for field in self._fields(row)}
        for name, by in SHIFTS.items():
            if name in present:
                detail = f"{name} changed in the whole flow"
                yield self._mutation(name, detail, _shift(name, by))

    def sequence(self, every: Sequence[int]) -> Iterator[Mutation]:
        """Yield a direction's sequence numbers shifted, with their acknowledgements."""
        context = self._context
        if context.capture.proto[self._rows[0]] != TCP:
            return
        for reply in (False, True):
            by_row = {row: context.is_reply(row, every) == reply for row in self._rows}
            detail = f"sequence numbers of {'replies' if reply else 'the initiator'}"
            yield self._mutation("sequence", detail, None, by_row)

    def _mutation(
        self,
        field: str,
        detail: str,
        change: Change | None,
        by_row: dict[int, bool] | None = None,
    ) -> Mutation:
        make = partial(self._changed, change, by_row or {})
        return Mutation(
            family="flow",
            field=field,
            scope=self._scope,
            role=self._packet.role,
            proto=self._packet.proto,
            detail=detail,
            packets=tuple(row + 1 for row in self._rows),
            frames=make,
        )

    def _changed(self, change: Change | None, by_row: dict[int, bool]) -> list[Frame]:
        frames = list(self._context.frames)
        for row in self._rows:
            made = change
            if made is None:
                made = _shift("tcp seq" if by_row[row] else "tcp ack", 100_000)
            data = self._put(row, frames[row].data, made)
            frames[row] = replaced(frames[row], data)
        return frames

    def _put(self, row: int, data: bytes, change: Change) -> bytes:
        changed = bytearray(data)
        embedded = 0
        for field in self._fields(row):
            embedded = embedded or field.embedded
            value = change(data, field)
            if value is not None:
                end = field.at + field.size
                changed[field.at : end] = value.to_bytes(field.size, "big")
        return repaired(
            bytes(changed), int(self._context.capture.ip_offset[row]), embedded
        )

    def _fields(self, row: int) -> Iterator[Field]:
        return fields(self._context.capture, row)

    def _stored(self, row: int, field: Field) -> int:
        data = self._context.frames[row].data
        return int.from_bytes(data[field.at : field.at + field.size], "big")

    def _values(self, names: Iterable[str]) -> Iterator[int]:
        wanted = set(names)
        for row in self._rows:
            for field in self._fields(row):
                if field.name in wanted:
                    yield self._stored(row, field)


def _swap(names: Sequence[str], old: int, new: int) -> Change:
    """Return a change of one value to another, in embedded packets too."""
    wanted = {*names, *(f"quoted {name}" for name in names)}

    def change(data: bytes, field: Field) -> int | None:
        stored = int.from_bytes(data[field.at : field.at + field.size], "big")
        return new if field.name in wanted and stored == old else None

    return change


def _shift(name: str, by: int | None) -> Change:
    """Return a change that adds to a field within its mask; None flips its bits."""

    def change(data: bytes, field: Field) -> int | None:
        if field.name not in (name, f"quoted {name}"):
            return None
        stored = int.from_bytes(data[field.at : field.at + field.size], "big")
        if by is None:
            return stored ^ field.mask
        return stored & ~field.mask | (stored + by) & field.mask

    return change
