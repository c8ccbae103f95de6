"""A conversation while it is played. Compiled: every packet uses it several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.replay.tuple_codec import reversed_tuple, unpack

if TYPE_CHECKING:
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.replay.arrived import Identity
    from pytest_netlab.replay.ftp import Alg
    from pytest_netlab.replay.source import FlowPlan, PlannedPacket


class FlowState:
    """How far a conversation has been played; its tuples are packed.

    Attributes:
        plan: what is played.
        original: the initiator's tuple; `original_reply` is that of replies to it.
        translated: the tuple that the responder sees, None until it saw one;
            `translated_reply` is that of its replies.
        packet: the one in flight, or the next; unset before `begin`.
        side: the end at which that packet arrives: 0 the client's, 1 the server's.
        heard_by: who receives it: 0 the initiator, 1 the responder.
        flying: the datagrams of that packet in flight, by their identity.
        due: when they count as lost, in seconds of the monotonic clock.
        at: the index of that packet in the plan; `count` is how many there are.
        delivered: how many arrived; `segmented` how many were larger than the MTU.
        renamed: whether another conversation already had its source port or id.
        alg: what a conntrack helper did to it; None for nothing so far.
        alg_rewrites: what the helper wrote into which packet.

    """

    if TYPE_CHECKING:
        packet: PlannedPacket

    def __init__(self, plan: FlowPlan, original: bytes, renamed: bool = False) -> None:  # noqa: FBT001, FBT002 - C has no keywords
        """Start before the first packet."""
        self.plan = plan
        self.original, self.original_reply = original, reversed_tuple(original)
        self.translated: bytes | None = None
        self.translated_reply: bytes | None = None
        self.renamed = renamed
        self.at = self.side = self.heard_by = 0
        self.count = len(plan.packets)
        self.delivered = self.segmented = 0
        self.flying: dict[Identity, bytes] = {}
        self.due = 0.0
        self.alg: Alg | None = None
        self.alg_rewrites: list[str] = []

    @property
    def original_tuple(self) -> Tuple5:
        """Return the tuple that the initiator has."""
        return unpack(self.original)

    @property
    def translated_tuple(self) -> Tuple5 | None:
        """Return the tuple that the responder sees; None if it saw nothing."""
        return unpack(self.translated) if self.translated is not None else None

    def begin(self) -> None:
        """Make the packet at `at`, unless all have been played."""
        if self.at < self.count:
            self.packet = self.plan.packets[self.at]
            self.side = int(self.packet.reply == self.plan.server_initiated)
            self.heard_by = int(not self.packet.reply)

    def advance(self) -> None:
        """Go on to the next packet."""
        self.at += 1
        self.begin()

    def give_up(self) -> None:
        """Skip all packets that are left."""
        self.at = self.count

    def learn(self, translated: bytes) -> None:
        """Store the tuple that the responder sees."""
        self.translated, self.translated_reply = translated, reversed_tuple(translated)
