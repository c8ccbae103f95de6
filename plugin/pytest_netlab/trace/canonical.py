"""The canonical trace as a whole: the value in which goldens and runs are compared."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.nat import Translations
from pytest_netlab.trace.text import render

if TYPE_CHECKING:
    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.trace.values import CanonicalFlow, FlowFact


@dataclass(frozen=True, slots=True)
class CanonicalTrace:
    """The conversations of a lab's nodes, as every capture point saw them.

    Attributes:
        points: names of the points that were captured: of the nodes' flows they saw
            nothing but what `flows` contains.
        flows: in order of their first packet.
        forbidden: what no trace may have, found in all packets.
        left_out: conversations of which no end has a name; `flows` has none of them.
        learned: translations of all flows, unrelated ones too.
        stations: the capture names Ethernet addresses; if not, no packet has a `via`.

    """

    points: tuple[str, ...]
    flows: tuple[CanonicalFlow, ...]
    forbidden: tuple[Violation, ...] = ()
    left_out: tuple[Tuple5, ...] = dataclasses.field(default=(), compare=False)
    learned: Translations = dataclasses.field(
        default_factory=Translations, compare=False, repr=False
    )
    stations: bool = dataclasses.field(default=False, compare=False)

    @property
    def facts(self) -> list[FlowFact]:
        """Return each conversation as one fact."""
        return [flow.fact for flow in self.flows]

    def text(self, title: str) -> str:
        """Return the trace as text for reviewers: story.txt."""
        return render(self.points, self.flows, self.forbidden, title)
