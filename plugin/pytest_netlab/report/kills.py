"""A kill matrix: what became of each mutation, as a table, text and JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from pytest_netlab.mutate import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from pytest_netlab.mutate import Kill

SHOWN = 40  # of what must not be: who has more looks at --json
LEGEND = (
    "caught/all of a kind that must be caught; = equivalent; ! survived, alarm or "
    "crash; ~ another cause than it should name"
)


def to_json(kills: Sequence[Kill]) -> Iterator[str]:
    """Return one JSON object, in pieces: the counts, then a line a mutation."""
    yield f'{{"summary": {json.dumps(counts(kills))},\n"mutations": [\n'
    items = (json.dumps({**asdict(kill), "cause_right": kill.right}) for kill in kills)
    yield ",\n".join(items) + "\n]}\n"


def counts(kills: Iterable[Kill]) -> dict[str, int]:
    """Return how many mutations had each outcome, and how many causes were right."""
    kills = list(kills)
    found = Counter(kill.outcome for kill in kills)
    told = {str(outcome): found[outcome] for outcome in Outcome}
    asked = [kill.right for kill in kills if kill.right is not None]
    return {**told, "causes": len(asked), "causes_right": sum(asked)}


def to_table(kills: Sequence[Kill]) -> Iterator[RenderableType]:
    """Return what rich renders: the matrix, the reasons, and what must not be."""
    yield _matrix(kills)
    yield LEGEND
    yield ""
    yield from _reasons(kills)
    yield from _defects(kills)
    yield summary(kills)


def summary(kills: Sequence[Kill]) -> str:
    """Return one line: how many, and what became of them."""
    found = counts(kills)
    told = [f"{found[o]} {o}" for o in Outcome if found[o] or o is Outcome.SURVIVED]
    if found["causes"]:
        told.append(f"cause right in {found['causes_right']} of {found['causes']}")
    return f"{len(kills)} mutations: {', '.join(told)}"


def _matrix(kills: Sequence[Kill]) -> RenderableType:
    from rich import box  # noqa: PLC0415 - slow to load, JSON needs none
    from rich.table import Table  # noqa: PLC0415

    scenarios = list(dict.fromkeys(kill.scenario for kill in kills))
    table = Table("mutation", *scenarios, box=box.SIMPLE, pad_edge=False)
    for kind in dict.fromkeys(kill.kind for kill in kills):
        own = [kill for kill in kills if kill.kind == kind]
        cells = [_cell([k for k in own if k.scenario == name]) for name in scenarios]
        style = "red" if any(kill.bad for kill in own) else None
        table.add_row(kind, *cells, style=style)
    return table


def _cell(kills: Sequence[Kill]) -> str:
    """Return caught/all, then what is equivalent and what must not be."""
    found = Counter(kill.outcome for kill in kills)
    equivalent, bad = found[Outcome.EQUIVALENT], sum(kill.bad for kill in kills)
    wrong = sum(kill.right is False for kill in kills)
    wanted = len(kills) - equivalent
    told = [f"{found[Outcome.CAUGHT]}/{wanted}"] if wanted else []
    marks = (("=", equivalent), ("!", bad), ("~", wrong))
    told += [f"{mark}{number}" for mark, number in marks if number]
    return " ".join(told) or "-"


def _reasons(kills: Sequence[Kill]) -> Iterator[str]:
    reasons = Counter(kill.why for kill in kills if kill.outcome is Outcome.EQUIVALENT)
    if reasons:
        yield "equivalent, because"
        yield from (f"  {number:>5}  {why}" for why, number in reasons.most_common())
        yield ""


def _defects(kills: Sequence[Kill]) -> Iterator[str]:
    bad = [kill for kill in kills if kill.bad]
    for kill in bad[:SHOWN]:
        yield f"{kill.outcome.upper()}  {kill.scenario}: {kill.name}"
        if kill.why:
            yield f"          {kill.why}"
    if len(bad) > SHOWN:
        yield f"... and {len(bad) - SHOWN} more: see --json"
    wrong = [kill for kill in kills if kill.right is False]
    for kill in wrong:
        wanted = " or ".join(kill.wanted)
        yield f"CAUSE     {kill.scenario}: {kill.name}: {kill.cause}, not {wanted}"
    if bad or wrong:
        yield ""
