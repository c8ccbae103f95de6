"""By which addresses conversations are played, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.replay.flow_state import FlowState

_SHOWN = 3  # findings

FindingKind = Literal["lost", "altered", "mapping", "duplicated", "stray", "not played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """By which addresses client and server know each other.

    Attributes:
        target: the address that the client talks to.
        back: the address that the server sees as its client's, and talks to where it
            begins a conversation.
        hops: by how much a ttl is lower at the other end; None where the host decides.
        port: the port that the client talks to; None for the capture's.
        lands: the server's own port; None where that is the same.

    """

    target: str
    back: str
    hops: int | None
    port: int | None = None
    lands: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One packet that did not arrive as it was sent.

    Attributes:
        flow: the conversation's tuple, as its initiator has it.
        packet: its number in the capture, from 1; 0 if it is of no conversation.
        what: the kind of the finding.
        detail: what is wrong with it; empty where the kind says it.

    """

    flow: str
    packet: int
    what: FindingKind
    detail: str = ""

    def __str__(self) -> str:
        """Render as one line."""
        detail = f": {self.detail}" if self.detail else ""
        return f"packet {self.packet} of {self.flow} {self.what}{detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of each conversation that was played; `seconds` is how long it took."""

    flows: Sequence[FlowState]
    findings: Sequence[Finding]
    seconds: float

    def __str__(self) -> str:
        """Say how many packets arrived, and list the first findings."""
        text = f"{self.delivered} of {self.packets} packets came out"
        return "; ".join([text, *map(str, self.findings[:_SHOWN])])

    @property
    def packets(self) -> int:
        """Return how many packets there were to play."""
        return sum(flow.count for flow in self.flows)

    @property
    def segmented(self) -> int:
        """Return how many packets were larger than the MTU, and were segmented."""
        return sum(flow.segmented for flow in self.flows)

    @property
    def alg_rewrites(self) -> list[str]:
        """Return what conntrack helpers wrote into payloads that name addresses."""
        return [text for flow in self.flows for text in flow.alg_rewrites]

    @property
    def delivered(self) -> int:
        """Return how many packets arrived at the other end."""
        return sum(flow.delivered for flow in self.flows)
