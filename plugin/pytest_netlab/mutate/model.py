"""What a mutation is, and how it was judged. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.capture import Frame


# Where a change was made: at one of a packet's observations, at all of them, or in all
# packets of a conversation, at one point or at both.
ONE, EVERY = "one sighting", "every sighting"
FLOW_ONE, FLOW = "whole flow, one point", "whole flow"


class Outcome(StrEnum):
    """The verdict on a mutation, compared with what it should have been.

    A false positive is red though the mutation is equivalent; a crash is no verdict at
    all. Both are as bad as a survivor.
    """

    CAUGHT = "caught"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"
    FALSE_POSITIVE = "alarm"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One change of a golden's capture; `frames` makes the changed packets.

    Attributes:
        family: field, flow, drop, duplicate, swap, reorder, noise.
        field: what was changed of the packet; "" for whole packets.
        scope: one of this module's constants.
        role: what the packet is: SYN, ack, echo request, ...; "" for noise.
        proto: of IP, by name; "" for noise.
        detail: the change in words.
        packets: the packets it concerns, by their numbers in the capture, from 1.
        frames: returns all frames of the changed capture.
        value: what was put in a packet's field.

    """

    family: str
    field: str = ""
    scope: str = EVERY
    role: str
    proto: str
    detail: str
    packets: tuple[int, ...]
    frames: Callable[[], list[Frame]]
    value: int = 0

    @property
    def kind(self) -> str:
        """Return the row of the kill matrix that it counts in."""
        if self.family == "field":
            return self.field
        if self.field == "noise":
            return f"{self.family} of noise"
        names = (self.family, self.field) if self.field else (self.family,)
        of = " of a flow" if self.family == "drop" and "flow" in self.scope else ""
        return " ".join(names) + of

    @property
    def name(self) -> str:
        """Return a description, in one clause."""
        numbers = ", ".join(map(str, self.packets[:4]))
        more = ", ..." if len(self.packets) > 4 else ""  # noqa: PLR2004 - enough to find
        return (
            f"{self.detail} ({self.role or 'noise'}, {self.scope}, "
            f"packet {numbers}{more})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """How one mutation was judged in one scenario.

    Attributes:
        scenario: whose verdict it was.
        kind: the row of the kill matrix that it counts in.
        name: the mutation, in one clause.
        outcome: the verdict, compared with what it should have been.
        why: a reason, what differed first, or an error.
        wanted: the causes of which one had to be named; empty where none had to.
        cause: the one that was named; "" for none.
        cites: what the cause's text had to contain: one word of each.
        text: the cause in a sentence; "" for none.
        tested: False if the host has nothing that could be broken so: no verdict.

    """

    scenario: str
    kind: str
    name: str
    outcome: Outcome
    why: str = ""
    wanted: tuple[str, ...] = ()
    cause: str = ""
    cites: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    tested: bool = True

    @property
    def bad(self) -> bool:
        """Return whether this is a defect of the verdict."""
        return self.outcome not in (Outcome.CAUGHT, Outcome.EQUIVALENT)

    @property
    def right(self) -> bool | None:
        """Return whether the cause was a wanted one; None where none was wanted."""
        if not self.wanted or self.outcome is not Outcome.CAUGHT:
            return None
        return self.cause in self.wanted

    @property
    def text_right(self) -> bool | None:
        """Return whether the text cites what did it; None where nothing was wanted."""
        if not self.cites or self.outcome is not Outcome.CAUGHT:
            return None
        return not self.lacks

    @property
    def lacks(self) -> list[tuple[str, ...]]:
        """Return which of `cites` the text lacks."""
        return [
            words
            for words in self.cites
            if not any(word in self.text for word in words)
        ]
