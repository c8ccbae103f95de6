"""What there is to play, and what came of it, conversation by conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.replay.run import Run

_TOLD = 3  # findings

What = Literal["lost", "altered", "mapping", "duplicated", "stray", "not played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Whom the client talks to: an address, and a port unless it is the capture's.

    `lands` is the server's own port, where it is another than whom the client talks to.
    `back` is whom the server sees, and talks to where it begins a conversation; `hops`
    by how much a ttl is lower at the other end, None where that is the host's affair.
    """

    target: str
    back: str
    hops: int | None
    port: int | None = None
    lands: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One packet that did not come out as it went in.

    `flow` is the conversation as the client has it, `packet` its number in the capture
    that was played, from 1.
    """

    flow: str
    packet: int
    what: What
    detail: str = ""

    def __str__(self) -> str:
        """Render as one line."""
        told = f": {self.detail}" if self.detail else ""
        return f"packet {self.packet} of {self.flow} {self.what}{told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of it, conversation by conversation."""

    runs: Sequence[Run]
    findings: Sequence[Finding]
    seconds: float

    def __str__(self) -> str:
        """Say how many came out, and what was wrong with the first of the others."""
        told = f"{self.delivered} of {self.packets} packets came out"
        return "; ".join([told, *map(str, self.findings[:_TOLD])])

    @property
    def packets(self) -> int:
        """Return how many packets there were to play."""
        return sum(run.count for run in self.runs)

    @property
    def cut(self) -> int:
        """Return how many were larger than a link takes, and were played in pieces."""
        return sum(run.cut for run in self.runs)

    @property
    def translated(self) -> list[str]:
        """Return what helpers put into payloads, where packets name addresses."""
        return [told for run in self.runs for told in run.translated]

    @property
    def delivered(self) -> int:
        """Return how many came out at the other end."""
        return sum(run.delivered for run in self.runs)
