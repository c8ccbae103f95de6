"""Tables that fold their cells between words, so that numbers and addresses stay whole.

Knows widths; refuses to know what is in a cell. rich alone would shrink the widest
columns alike, and break an address to keep a note on one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType

    Cells = Sequence[str]

_GAP = 2  # between two columns


@dataclass(frozen=True, slots=True)
class Columns:
    """A table as wide as its cells, or folded to the width there is.

    Attributes:
        head: names of the columns.
        rows: a cell for each.
        folded: names of the columns whose cells may be folded.

    """

    head: Cells
    rows: Sequence[Cells]
    folded: frozenset[str] = frozenset()

    def least(self) -> int:
        """Return how wide it is at least, with no word broken."""
        return _total(low for low, _ in self._limits())

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the table, and an empty line."""
        del console
        from rich.console import Group  # noqa: PLC0415 - slow to load; JSON needs none
        from rich.table import Table  # noqa: PLC0415 - likewise

        table = Table(box=None, header_style="bold", pad_edge=False)
        for name, width in zip(self.head, self._widths(options.max_width), strict=True):
            table.add_column(name, width=width)
        for row in self.rows:
            # A line end within a text would be escaped.
            table.add_row(*(Group(*cell.split("\n")) for cell in row))
        yield from (table, "")

    def _widths(self, columns: int) -> list[int]:
        """Return the width of each column: the widest that may be is folded first."""
        limits = self._limits()
        widths = [most for _, most in limits]
        while _total(widths) > columns:
            free = [
                (width, at)
                for at, (width, (least, _)) in enumerate(
                    zip(widths, limits, strict=True)
                )
                if width > least
            ]
            if not free:
                break  # a word is too long: rich breaks it
            widths[max(free)[1]] -= 1
        return widths

    def _limits(self) -> list[tuple[int, int]]:
        """Return least and greatest useful width of each column."""
        limits = []
        for at, name in enumerate(self.head):
            cells = [name, *(row[at] for row in self.rows)]
            lines = [line for cell in cells for line in cell.split("\n")]
            most = max(map(len, lines))
            words = (word for line in lines for word in line.split())
            least = max(map(len, words), default=0) if name in self.folded else most
            limits.append((least, most))
        return limits


@dataclass(frozen=True, slots=True)
class Fitting:
    """The first of several layouts that fits without breaking a word, or the last.

    Each is some tables, one below the other.
    """

    layouts: Sequence[Sequence[Columns]]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the tables of a layout."""
        del console
        for tables in self.layouts:
            if max(table.least() for table in tables) <= options.max_width:
                break
        yield from tables


def _total(widths: Iterator[int] | list[int]) -> int:
    every = list(widths)
    return sum(every) + _GAP * (len(every) - 1)
