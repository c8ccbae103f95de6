"""Render the outcomes of mutations as a kill matrix, text or JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from pytest_netlab.mutate import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from pytest_netlab.mutate import Mutant

SHOWN = 40  # defects that are listed; --json has all of them
LEGEND = (
    "caught/all of a kind that must be caught; = equivalent; ! survived, alarm or "
    "crash; ~ another cause than it should name; ? its text does not cite what did it"
)


def to_json(mutants: Sequence[Mutant]) -> Iterator[str]:
    """Yield pieces of one JSON object: the counts, then a mutation a line."""
    yield f'{{"summary": {json.dumps(counts(mutants))},\n"mutations": [\n'
    items = (
        json.dumps(
            {
                **asdict(mutant),
                "cause_right": mutant.right,
                "text_right": mutant.text_right,
            }
        )
        for mutant in mutants
    )
    yield ",\n".join(items) + "\n]}\n"


def counts(mutants: Iterable[Mutant]) -> dict[str, int]:
    """Return how many mutations had each outcome, and how many causes were right."""
    mutants = list(mutants)
    found = Counter(mutant.outcome for mutant in mutants)
    described = {str(outcome): found[outcome] for outcome in Outcome}
    names = [mutant.right for mutant in mutants if mutant.right is not None]
    texts = [mutant.text_right for mutant in mutants if mutant.text_right is not None]
    described |= {"causes": len(names), "causes_right": sum(names)}
    return {**described, "texts": len(texts), "texts_right": sum(texts)}


def to_table(mutants: Sequence[Mutant]) -> Iterator[RenderableType]:
    """Yield what rich renders: the matrix, the reasons, and the defects."""
    yield _matrix(mutants)
    yield LEGEND
    yield ""
    yield from _reasons(mutants)
    yield from _defects(mutants)
    yield summary(mutants)


def summary(mutants: Sequence[Mutant]) -> str:
    """Return one line: the number of mutations, and how many had each outcome."""
    found = counts(mutants)
    described = [
        f"{found[o]} {o}" for o in Outcome if found[o] or o is Outcome.SURVIVED
    ]
    if untested := sum(not mutant.tested for mutant in mutants):
        described.append(f"{untested} of the equivalent not tested")
    if found["causes"]:
        described.append(f"cause right in {found['causes_right']} of {found['causes']}")
    if found["texts"]:
        described.append(f"text right in {found['texts_right']} of {found['texts']}")
    return f"{len(mutants)} mutations: {', '.join(described)}"


def _matrix(mutants: Sequence[Mutant]) -> RenderableType:
    from rich import box  # noqa: PLC0415 - slow to load, JSON needs none
    from rich.table import Table  # noqa: PLC0415

    scenarios = list(dict.fromkeys(mutant.scenario for mutant in mutants))
    table = Table("mutation", *scenarios, box=box.SIMPLE, pad_edge=False)
    for kind in dict.fromkeys(mutant.kind for mutant in mutants):
        own = [mutant for mutant in mutants if mutant.kind == kind]
        cells = [_cell([k for k in own if k.scenario == name]) for name in scenarios]
        style = "red" if any(mutant.bad for mutant in own) else None
        table.add_row(kind, *cells, style=style)
    return table


def _cell(mutants: Sequence[Mutant]) -> str:
    """Return caught/all, then equivalents, defects, wrong causes and wrong texts."""
    found = Counter(mutant.outcome for mutant in mutants)
    equivalent, bad = found[Outcome.EQUIVALENT], sum(mutant.bad for mutant in mutants)
    wrong = sum(mutant.right is False for mutant in mutants)
    vague = sum(mutant.text_right is False for mutant in mutants)
    wanted = len(mutants) - equivalent
    described = [f"{found[Outcome.CAUGHT]}/{wanted}"] if wanted else []
    marks = (("=", equivalent), ("!", bad), ("~", wrong), ("?", vague))
    described += [f"{mark}{number}" for mark, number in marks if number]
    return " ".join(described) or "-"


def _reasons(mutants: Sequence[Mutant]) -> Iterator[str]:
    reasons = Counter(
        mutant.why for mutant in mutants if mutant.outcome is Outcome.EQUIVALENT
    )
    if reasons:
        yield "equivalent, because"
        yield from (f"  {number:>5}  {why}" for why, number in reasons.most_common())
        yield ""


def _defects(mutants: Sequence[Mutant]) -> Iterator[str]:
    bad = [mutant for mutant in mutants if mutant.bad]
    for mutant in bad[:SHOWN]:
        yield f"{mutant.outcome.upper()}  {mutant.scenario}: {mutant.name}"
        if mutant.why:
            yield f"          {mutant.why}"
    if len(bad) > SHOWN:
        yield f"... and {len(bad) - SHOWN} more: see --json"
    wrong = [mutant for mutant in mutants if mutant.right is False]
    for mutant in wrong:
        wanted = " or ".join(mutant.wanted)
        place = f"{mutant.scenario}: {mutant.name}"
        yield f"CAUSE     {place}: {mutant.cause}, not {wanted}"
    vague = [mutant for mutant in mutants if mutant.text_right is False]
    for mutant in vague:
        lacks = ", ".join(" or ".join(words) for words in mutant.lacks)
        yield f"TEXT      {mutant.scenario}: {mutant.name}: no {lacks} in"
        yield f"          {mutant.text or 'no text'}"
    if bad or wrong or vague:
        yield ""
