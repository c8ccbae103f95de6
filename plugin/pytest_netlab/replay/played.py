"""What there is to play, and what came of it, conversation by conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_netlab.replay.packed import unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.replay.arrived import Identity
    from pytest_netlab.replay.helper import Helped
    from pytest_netlab.replay.tape import Part, Step

_TOLD = 3  # findings

What = Literal["lost", "altered", "mapping", "duplicated", "stray", "not played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Whom the client talks to: an address, and a port unless it is the capture's.

    `back` is whom the server sees, and talks to where it begins a conversation; `hops`
    by how much a ttl is lower at the other end.
    """

    target: str
    back: str
    hops: int
    port: int | None = None


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


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A conversation while it is played, its tuples packed.

    `way` is its tuple as its initiator has it, `out` as the responder was seen to get
    it; `renamed` says that another conversation had its source port or id already,
    `translated` what a helper put into which packet.
    """

    part: Part
    way: bytes
    renamed: bool = False
    out: bytes | None = None
    at: int = 0
    delivered: int = 0
    flying: dict[Identity, bytes] = field(default_factory=dict)
    due: float = 0.0
    made: Step | None = None
    cut: int = 0
    helped: Helped | None = None
    translated: list[str] = field(default_factory=list)

    @property
    def met(self) -> Tuple5:
        """Return the tuple that the initiator has."""
        return unpack(self.way)

    @property
    def sent(self) -> Tuple5 | None:
        """Return the tuple that the responder sees; None if it saw nothing."""
        return unpack(self.out) if self.out is not None else None

    @property
    def step(self) -> Step:
        """Return the packet that is on its way, or next."""
        if self.made is None:
            self.made = self.part.steps[self.at]
        return self.made

    @property
    def at_server(self) -> bool:
        """Tell where the packet that is on its way, or next, shall come out."""
        return self.step.reply == self.part.turned

    @property
    def over(self) -> bool:
        """Tell whether nothing is left to play."""
        return self.at >= len(self.part.steps)

    def advance(self) -> None:
        """Go on to the next packet."""
        self.at += 1
        self.made = None

    def give_up(self) -> None:
        """Play no more of it."""
        self.at = len(self.part.steps)
        self.made = None


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
        return sum(len(run.part.steps) for run in self.runs)

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
