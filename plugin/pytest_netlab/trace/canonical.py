"""The canonical trace as a whole: what goldens are, and what runs are brought into."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.nat import Translations
from pytest_netlab.trace.text import render

if TYPE_CHECKING:
    from pytest_netlab.checks import Violation
    from pytest_netlab.trace.values import CanonicalFlow, FlowFact


@dataclass(frozen=True, slots=True)
class CanonicalTrace:
    """What the lab's nodes said to each other, as every capture point saw it.

    At a point that is not among `points` nobody looked; one that is has seen nothing
    beyond what is told. `forbidden` is what no trace may have, of all packets;
    `learned` is what was learned of both sides of the host, of all flows.
    """

    points: tuple[str, ...]
    flows: tuple[CanonicalFlow, ...]
    forbidden: tuple[Violation, ...] = ()
    learned: Translations = dataclasses.field(
        default_factory=Translations, compare=False, repr=False
    )

    @property
    def facts(self) -> list[FlowFact]:
        """Return each conversation as one fact."""
        return [flow.fact for flow in self.flows]

    def text(self, title: str) -> str:
        """Return the trace as a reviewer reads it: story.txt."""
        return render(self.points, self.flows, self.forbidden, title)
