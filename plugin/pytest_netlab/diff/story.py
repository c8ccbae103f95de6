"""The canonical form of a trace, and its text. Values only: knows no packet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.nat import FlowFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One packet at one capture point, in symbols.

    `fields` are (name, value) in the order they are told; `note` is the rewrite this
    sighting shows against the one before; `packet` its number in the capture, from 1.
    """

    point: str
    reply: bool
    src: str
    dst: str
    what: str
    fields: tuple[tuple[str, str], ...]
    note: str = ""
    packet: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An invariant that no NAT may break, broken in this conversation.

    `point`, `reply` and `packet` are of its first packet.
    """

    field: str
    want: str
    got: str
    point: str
    reply: bool
    packet: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One conversation, told in symbols that are numbered within it."""

    fact: FlowFact
    lines: tuple[Line, ...]
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """What the lab's nodes said to each other, as every point that was captured saw it.

    At a point that is not among `points` nobody looked; one that is has seen nothing
    beyond what is told.
    """

    points: tuple[str, ...]
    told: tuple[Told, ...]

    @property
    def facts(self) -> list[FlowFact]:
        """Return each conversation as one fact."""
        return [told.fact for told in self.told]

    def text(self, title: str) -> str:
        """Return the story as a reviewer reads it, one line a packet and point."""
        if not self.told:
            return f"{title}   no conversation at {', '.join(self.points)}\n"
        return "\n".join(self._paragraph(title, told) for told in self.told)

    def _paragraph(self, title: str, told: Told) -> str:
        name = f"{told.fact.proto}   {told.fact.initiator} -> {told.fact.responder}"
        width = max((len(line.src) for line in told.lines), default=0)
        rows = [_cells(line, width) for line in told.lines]
        silent = set(self.points) - {line.point for line in told.lines}
        rows += [[point, "nothing"] for point in self.points if point in silent]
        body = [f"  {row}" for row in _columns(rows)]
        body += [f"  ! {bad.field}: {bad.got}, not {bad.want}" for bad in told.broken]
        return "\n".join([f"{title}   {name}", *body, ""])


def _cells(line: Line, width: int) -> list[str]:
    told = "  ".join(_field(name, value) for name, value in line.fields)
    ends = f"{line.src.ljust(width)} > {line.dst}"
    return [line.point, ends, line.what, told, line.note]


def _field(name: str, value: str) -> str:
    """Return a field as text; a symbol says itself what it stands for."""
    return value if value.startswith(f"{name}#") else f"{name} {value}"


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align cells in columns two spaces apart."""
    widths: dict[int, int] = {}
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths.get(index, 0), len(cell))
    for row in rows:
        cells: Iterable[str] = (c.ljust(widths[i]) for i, c in enumerate(row))
        yield "  ".join(cells).rstrip()
