"""Which conversations of a run are its scenario's own, beside what a golden names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.diff.story import Line, Story, Told


def relevant(golden: Story, observed: Story) -> Story:
    """Return the observed story without what the golden cannot speak of.

    Left out are attempts that the network lost, where a later one did what the golden
    says, and what containers that are no nodes of the lab do with its neighbours.
    """
    spare = Counter(told.fact.name for told in observed.told)
    spare.subtract(told.fact.name for told in golden.told)
    known: dict[str, list[Told]] = {}
    for told in golden.told:
        known.setdefault(told.fact.name, []).append(told)
    kept = []
    for told in observed.told:
        name = told.fact.name
        wanted = known.get(name, [])
        if spare[name] > 0 and any(_is_attempt(told, one) for one in wanted):
            spare[name] -= 1
        elif name in known or not told.stranger:
            kept.append(told)
    return replace(observed, told=tuple(kept))


def _is_attempt(told: Told, wanted: Told) -> bool:
    """Tell whether the network lost what began as the golden has it.

    What the host did to it must be right: a wrong source has no answer either.
    """
    if not told.lost or wanted.lost or told.broken or (told.remap and told.remap.fault):
        return False
    began = replace(told.fact, answered=wanted.fact.answered)
    began = replace(began, returned=wanted.fact.returned, refusal=wanted.fact.refusal)
    lines = {_shown(line) for line in wanted.lines}
    return began == wanted.fact and all(_shown(x) in lines for x in told.compared)


def _shown(line: Line) -> tuple[object, ...]:
    return line.point, line.src, line.dst, line.what, line.fields, line.note
