"""Which conversations of a run are its scenario's own, beside what a golden names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.diff.story import Story


def relevant(golden: Story, observed: Story) -> Story:
    """Return the observed story without what the golden cannot speak of.

    Left out are attempts that the network lost, where a later one did what the golden
    says, and what containers that are no nodes of the lab do with its neighbours.
    """
    spare = Counter(told.fact.name for told in observed.told)
    spare.subtract(told.fact.name for told in golden.told)
    known = {told.fact.name for told in golden.told}
    done = known - {told.fact.name for told in golden.told if told.lost}
    kept = []
    for told in observed.told:
        name = told.fact.name
        if name in done and told.lost and spare[name] > 0:
            spare[name] -= 1
        elif name in known or not told.stranger:
            kept.append(told)
    return replace(observed, told=tuple(kept))
