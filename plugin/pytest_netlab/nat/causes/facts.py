"""What a rule may look at: a flow in symbols, what differs of it, what the host is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.nat.ruleset import HostChange
    from pytest_netlab.nat.translations import Fate, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFact:
    """One flow in symbols, as the host met it and as it sent it on.

    `sender` and `target` are "" where the flow was never sent on; `returned` says that
    answers came back to the initiator; `refusal` is the reset or ICMP error that did.
    Ephemeral ports and ICMP ids are left out: they differ between any two runs. So do
    sizes and counts, which are evidence and no part of what a flow is: `passed` is the
    largest IP packet that was sent on, `stuck` the smallest that never was, 0 for none;
    `copies` is how many packets were seen again, themselves, at one point.
    """

    proto: str
    initiator: str
    responder: str
    sender: str
    target: str
    kind: Kind
    fate: Fate
    answered: bool = True
    returned: bool = True
    refusal: str = ""
    passed: int = field(default=0, compare=False)
    stuck: int = field(default=0, compare=False)
    copies: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        """Return the flow's name: proto initiator -> responder."""
        return f"{self.proto} {self.initiator} -> {self.responder}"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one expected flow differs; `name` is stable, `text` is for people."""

    name: str
    flow: str
    text: str


class Sign(Protocol):
    """One thing that differs of a flow: a field of a line, or a broken invariant."""

    @property
    def flow(self) -> str:
        """Return the flow's name."""

    @property
    def direction(self) -> str:
        """Return original or reply."""

    @property
    def field(self) -> str:
        """Return what differs."""

    @property
    def point(self) -> str:
        """Return where it was seen."""

    @property
    def want(self) -> str:
        """Return what the golden has."""

    @property
    def got(self) -> str:
        """Return what was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An expected flow, what became of it, and all that may tell why.

    `signs` are what differs of this flow; `flows` are all that were observed.
    """

    want: FlowFact
    got: FlowFact
    signs: Sequence[Sign]
    flows: Sequence[FlowFact]
    host: HostChange

    def named(self, name: str) -> list[FlowFact]:
        """Return the observed flows of this name."""
        return [fact for fact in self.flows if fact.name == name]

    def cause(self, name: str, text: str) -> Cause:
        """Return a cause of this flow."""
        return Cause(name, self.want.name, text)
