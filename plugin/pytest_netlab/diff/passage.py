"""A packet's way through the capture points, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.flows import way_of
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Flow


@dataclass(frozen=True, slots=True)
class Passage:
    """The sightings of one packet in the order it travelled, as rows of a capture.

    `role` is "" for anything but TCP, an ICMP error about a connection included.
    `aside` says why it is told and not compared; `skipped` how many requests before it
    are such asides.
    """

    rows: tuple[int, ...]
    reply: bool
    role: str = ""
    aside: str = ""
    skipped: int = 0


def is_reply(capture: Capture, flow: Flow, row: int) -> bool:
    """Tell the direction; an ICMP error travels against what it quotes."""
    return way_of(capture, row) not in (flow.inside, flow.outside)


def entered(capture: Capture, passage: Passage) -> bool:
    """Tell whether the tap saw the packet reach the host; not its sending."""
    return int(capture.direction[passage.rows[0]]) == Direction.INBOUND
