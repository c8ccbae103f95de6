"""A packet's path through the capture points, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.flows import uniflow_of
from pytest_netlab.trace.values import Step
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture
    from pytest_netlab.flows import Role
    from pytest_netlab.nat import Flow


@dataclass(frozen=True, slots=True)
class Traversal:
    """The observations of one packet in the order it travelled.

    Attributes:
        rows: of the capture, one a point that it passed.
        steps: what is between each observation and the next; one less than rows.
        reply: it travels to the initiator.
        role: None for anything but TCP, an ICMP error about a connection included.
        ignored: why it is listed and not compared; "" if it is compared.
        skipped: how many requests before it are ignored as unanswered.

    """

    rows: tuple[int, ...]
    steps: tuple[Step, ...]
    reply: bool
    role: Role | None = None
    ignored: str = ""
    skipped: int = 0

    @property
    def crossed(self) -> bool:
        """Whether it was seen on both sides of the host."""
        return Step.FORWARDED in self.steps


def is_reply(capture: Capture, flow: Flow, row: int) -> bool:
    """Return whether a packet's uniflow is towards the initiator."""
    return uniflow_of(capture, row) not in (flow.inside, flow.outside)


def entered(capture: Capture, traversal: Traversal) -> bool:
    """Return whether the first tap saw the packet arrive at the host."""
    return int(capture.direction[traversal.rows[0]]) == Direction.INBOUND
