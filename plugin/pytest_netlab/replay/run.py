"""A conversation while it is played. Compiled: every packet asks it several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.replay.packed import turned, unpack

if TYPE_CHECKING:
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.replay.arrived import Identity
    from pytest_netlab.replay.ftp import Helped
    from pytest_netlab.replay.tape import Part, Step


class Run:
    """How far a conversation is, its tuples packed.

    `way` is its tuple as its initiator has it, and `back` that of the answers there;
    `out` is the tuple as the responder was seen to get it, and `answer` that of the
    answers there. `step` is the packet that is on its way, or next, once it has begun,
    and `side` where that comes out: 0 is the client's, 1 the server's; `heard_by` is 0
    if the initiator is there, 1 if the responder. `flying` are its pieces. `renamed`
    says that another conversation had its source port or id already, `translated` what
    a helper put into which packet.
    """

    if TYPE_CHECKING:
        step: Step

    def __init__(self, part: Part, way: bytes, renamed: bool = False) -> None:  # noqa: FBT001, FBT002 - C has no keywords
        """Wait to begin."""
        self.part = part
        self.way, self.back = way, turned(way)
        self.out: bytes | None = None
        self.answer: bytes | None = None
        self.renamed = renamed
        self.at = self.side = self.heard_by = 0
        self.count = len(part.steps)
        self.delivered = self.cut = 0
        self.flying: dict[Identity, bytes] = {}
        self.due = 0.0
        self.helped: Helped | None = None
        self.translated: list[str] = []

    @property
    def met(self) -> Tuple5:
        """Return the tuple that the initiator has."""
        return unpack(self.way)

    @property
    def sent(self) -> Tuple5 | None:
        """Return the tuple that the responder sees; None if it saw nothing."""
        return unpack(self.out) if self.out is not None else None

    def begin(self) -> None:
        """Make the packet whose turn it is."""
        if self.at < self.count:
            self.step = self.part.steps[self.at]
            self.side = int(self.step.reply == self.part.turned)
            self.heard_by = int(not self.step.reply)

    def advance(self) -> None:
        """Go on to the next packet."""
        self.at += 1
        self.begin()

    def give_up(self) -> None:
        """Play no more of it."""
        self.at = self.count

    def learn(self, out: bytes) -> None:
        """Take what the responder was seen to get."""
        self.out, self.answer = out, turned(out)
