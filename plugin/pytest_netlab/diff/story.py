"""The canonical form of a trace, and its text. Values only: knows no packet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.checks import Violation
    from pytest_netlab.nat import FlowFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One packet at one capture point, in symbols.

    `fields` are (name, value) in the order they are told; `note` is the rewrite this
    sighting shows against the one before; `packet` its number in the capture, from 1.
    `aside` says why the line is told and not compared: the network beyond the host, or
    chance, put it there.
    """

    point: str
    reply: bool
    src: str
    dst: str
    what: str
    fields: tuple[tuple[str, str], ...]
    note: str = ""
    aside: str = ""
    packet: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remap:
    """A source port or ICMP id (`field`) that NAT did not keep, in symbols.

    `taken` says that another flow held the tuple it would have had, of which `wanted`
    are the replies; `in_class` that it got one of the same class of ports.
    """

    field: str
    inner: str
    outer: str
    taken: bool
    in_class: bool
    wanted: str = dataclasses.field(default="", compare=False)

    @property
    def fault(self) -> str:
        """Return what is wrong with it; "" where Linux must do just this."""
        if not self.in_class:
            return "remapped out of its class"
        return "" if self.taken else "remapped although free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One conversation, told in symbols that are numbered within it.

    `lost` says that the network beyond the host lost it: all of it was sent on, and
    nothing came back; `stranger` that the container in it is no node of the lab.
    """

    fact: FlowFact
    lines: tuple[Line, ...]
    broken: tuple[Violation, ...] = ()
    remap: Remap | None = None
    lost: bool = False
    stranger: bool = False

    @property
    def compared(self) -> tuple[Line, ...]:
        """Return the lines that are not told as an aside."""
        return tuple(line for line in self.lines if not line.aside)


@dataclass(frozen=True, slots=True)
class Story:
    """What the lab's nodes said to each other, as every point that was captured saw it.

    At a point that is not among `points` nobody looked; one that is has seen nothing
    beyond what is told. `never` is what no story may have, of all packets.
    """

    points: tuple[str, ...]
    told: tuple[Told, ...]
    never: tuple[Violation, ...] = ()

    @property
    def facts(self) -> list[FlowFact]:
        """Return each conversation as one fact."""
        return [told.fact for told in self.told]

    def text(self, title: str) -> str:
        """Return the story as a reviewer reads it, one line a packet and point."""
        parts = [self._paragraph(title, told) for told in self.told]
        if not self.told:
            parts = [f"{title}   no conversation at {', '.join(self.points)}\n"]
        if self.never:
            lines = [f"  ! {one.field}: {one.got} ({one.flow})" for one in self.never]
            parts.append("\n".join([f"{title}   never", *lines, ""]))
        return "\n".join(parts)

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
    aside = f"({line.aside})" if line.aside else ""
    return [
        line.point,
        ends,
        line.what,
        told,
        " ".join(filter(None, (line.note, aside))),
    ]


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
