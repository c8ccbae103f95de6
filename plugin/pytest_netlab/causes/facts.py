"""What a rule may examine: a flow in symbols, its differences, and the host's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import End, FlowFact

# The names of causes, as docs/verdicts.md lists them. They are part of the formats that
# others read. The cause of a forbidden behaviour has that behaviour's name.
Name = Literal[
    "leaked",
    "proxied",
    "not forwarded",
    "table full",
    "rejected",
    "reply not forwarded",
    "not answered",
    "wrong target",
    "wrong port",
    "wrong source",
    "reply not undone",
    "stale conntrack",
    "hairpin without masquerade",
    "remapped although free",
    "remapped out of its class",
    "MTU black hole",
    "corrupted checksum",
    "header changed",
    "sender differs",
    "wrong neighbour",
    "delivered twice",
    "blind",
    "no traffic",
    "unexpected flow",
    "flow differs",
]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one expected flow differs.

    Attributes:
        name: stable; reports and JSON contain it.
        flow: name of the flow.
        text: the cause in a sentence, for people.
        explains: names of other flows that need no cause of their own.

    """

    name: str
    flow: str
    text: str
    explains: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def plain(self) -> dict[str, str]:
        """Return the cause as verdict.json has it."""
        return {"name": self.name, "flow": self.flow, "text": self.text}


def named(name: Name, flow: str, text: str) -> Cause:
    """Return a cause, by one of the known names."""
    return Cause(name, flow, text)


class Evidence(Protocol):
    """One difference of a flow: a field of a packet, or a violation."""

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
        """Return what the golden has, as text."""

    @property
    def got(self) -> str:
        """Return what was seen, as text."""

    @property
    def expected(self) -> object:
        """Return what the golden has, as a value of the trace; None for nothing."""

    @property
    def found(self) -> object:
        """Return what was seen, as such a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An expected flow, what was observed of it, and all that may explain why.

    Attributes:
        want: the golden's flow.
        got: the observed flow.
        evidence: the differences of this flow.
        flows: all observed flows.
        host: how the host differs from the golden's.

    """

    want: FlowFact
    got: FlowFact
    evidence: Sequence[Evidence]
    flows: Sequence[FlowFact]
    host: HostChange

    def between(self, initiator: End | None, responder: End | None) -> list[FlowFact]:
        """Return the observed flows of the same protocol between two ends."""
        protocol = self.want.proto, self.want.echo, initiator, responder
        return [
            one
            for one in self.flows
            if (one.proto, one.echo, one.initiator, one.responder) == protocol
        ]

    def cause(self, name: Name, text: str) -> Cause:
        """Return a cause of this flow."""
        return named(name, self.want.name, text)
