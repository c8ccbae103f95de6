"""Flows, losses and violations as tables, and one line that sums them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.report.translations import losses, notes, words
from pytest_netlab.report.translations.columns import Columns, Fitting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from pytest_netlab.checks import Violation
    from pytest_netlab.nat import Flow, Translations

    Cells = tuple[str, ...]

SHOWN = 200  # rows of a table; laying out many more takes long
PAIRED = ("flow", "proto", "kind", "inside", "outside", "packets", "lost")
STACKED = ("flow", "proto", "kind", "packets", "lost", "inside, and below it outside")
REMARKS = ("delay min/median/max", "note")
UNPAIRED = ("flow", "proto", "unpaired", "seen", "from -> to", "lost")
LOSSES = ("flow", "direction", "seen", "status", "packets", "octets", "note")
VIOLATIONS = ("violation", "inside", "outside", "want", "got")
_FOLDED = {
    PAIRED: frozenset(("inside", "outside", "note")),
    STACKED: frozenset((STACKED[-1],)),
    UNPAIRED: frozenset(("from -> to",)),
    LOSSES: frozenset(("status", "packets", "octets", "note")),
    VIOLATIONS: frozenset(("want", "got")),
}


def to_table(found: Translations) -> Iterator[RenderableType]:
    """Yield what rich renders: flows, losses, captures, violations, a summary."""
    lost = losses.by_flow(found.account.lost)
    paired, unpaired = _sorted(found)
    if paired:
        yield _flows([_paired(*one, lost) for one in paired[:SHOWN]])
        yield from _more(len(paired))
    alone = [_unpaired(*one, lost) for one in unpaired[:SHOWN]]
    yield from _table(UNPAIRED, alone, len(unpaired))
    missed = [one for one in found.account.losses if one.status != "not looked for"]
    yield from _table(LOSSES, list(map(losses.row, missed[:SHOWN])), len(missed))
    wrong = [_violation(one) for one in found.violations[:SHOWN]]
    yield from _table(VIOLATIONS, wrong, len(found.violations))
    yield from _captures(found)
    yield summary(found)


def summary(found: Translations) -> str:
    """Return one line: counts of paired and unpaired flows, losses, and violations."""
    paired, unpaired = _sorted(found)
    dispositions = ", ".join(
        f"{count} {disposition}" for disposition, count in found.unpaired.items()
    )
    alone = f"{len(unpaired)} unpaired ({dispositions})" if dispositions else ""
    count = len(found.violations)
    counts = (
        f"{len(paired)} {'flow' if len(paired) == 1 else 'flows'}",
        alone or "none unpaired",
        losses.total(found.account.lost),
        f"{count} {'violation' if count == 1 else 'violations'}"
        if count
        else "no violation",
    )
    return ", ".join(counts)


def _sorted(
    found: Translations,
) -> tuple[list[tuple[int, Flow]], list[tuple[int, Flow]]]:
    """Return the flows seen on both sides and those on one only, numbered from 1."""
    numbered = list(enumerate(found.flows, 1))
    paired = [one for one in numbered if words.is_paired(one[1])]
    return paired, [one for one in numbered if not words.is_paired(one[1])]


def _flows(rows: list[Cells]) -> Fitting:
    """Return flows; on narrower terminals delays and notes in another table.

    On the narrowest, both keys of a flow are in one column, below each other.
    """
    width = len(PAIRED)
    used = [at for at in range(len(REMARKS)) if any(row[width + at] for row in rows)]
    names = tuple(REMARKS[at] for at in used)
    wide, narrow, stacked, apart = [], [], [], []
    for row in rows:
        remarks = tuple(row[width + at] for at in used)
        *which, inside, outside, packets, lost = row[:width]
        lost_below = lost.replace(", ", "\n")  # by direction: half as wide
        wide.append((*row[:width], *remarks))
        narrow.append((*which, inside, outside, packets, lost_below))
        stacked.append((*which, packets, lost_below, f"{inside}\n{outside}"))
        if any(remarks):
            apart.append((row[0], *remarks))
    below = [Columns(("flow", *names), apart, _FOLDED[PAIRED])] if names else []
    return Fitting(
        (
            (Columns((*PAIRED, *names), wide, _FOLDED[PAIRED]),),
            (Columns(PAIRED, narrow, _FOLDED[PAIRED]), *below),
            (Columns(STACKED, stacked, _FOLDED[STACKED]), *below),
        )
    )


def _table(head: Cells, rows: list[Cells], count: int) -> Iterator[RenderableType]:
    """Yield a table if it has rows, without empty columns, and how many more rows."""
    if not rows:
        return
    used = [at for at in range(len(head)) if any(row[at] for row in rows)]
    cells = [tuple(row[at] for at in used) for row in rows]
    yield Columns([head[at] for at in used], cells, _FOLDED[head])
    yield from _more(count)


def _captures(found: Translations) -> Iterator[RenderableType]:
    """Yield a line for each capture, for the clocks, and for what one lacks."""
    from rich.table import Table  # noqa: PLC0415 - slow to load, and JSON needs none

    lines = list(notes.of_captures(found))
    if not lines:
        return
    grid = Table.grid(padding=(0, 2))
    for line in lines:
        grid.add_row(*line)
    yield from (grid, "")


def _paired(number: int, flow: Flow, lost: Mapping[int, losses.Lost]) -> Cells:
    delay = words.delay(flow.delay) if flow.delay else ""
    return (
        *(str(number), words.name(flow.inside), flow.kind),
        *(words.ends(flow.inside), words.ends(flow.outside)),
        *(str(words.crossed(flow)), losses.of_flow(lost.get(number, losses.NONE))),
        *(delay, notes.of_flow(flow)),
    )


def _unpaired(number: int, flow: Flow, lost: Mapping[int, losses.Lost]) -> Cells:
    side, key = ("inside", flow.inside) if flow.inside else ("outside", flow.outside)
    gone = losses.of_flow(lost.get(number, losses.NONE))
    what = words.name(key), flow.disposition, side, words.ends(key)
    return str(number), *what, gone


def _violation(one: Violation) -> Cells:
    packets = f"packet {one.inside_row + 1}", f"packet {one.outside_row + 1}"
    return one.field, *packets, one.want, one.got


def _more(count: int) -> Iterator[str]:
    """Yield a line with the number of rows left out, if any."""
    if count > SHOWN:
        yield from (f"... and {count - SHOWN} more: --json has all of them", "")
