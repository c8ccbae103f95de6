"""What was seen of a host beside its facts: evidence of causes, and no difference."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_netlab.host.meters import Meters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.host.frame_counts import FrameCount
    from pytest_netlab.host.obstacles import Obstacle
    from pytest_netlab.host.routing.network import NetworkChange
    from pytest_netlab.host.routing.next_hops import NextHop
    from pytest_netlab.host.tracking.connections import Connection


@dataclass(frozen=True, kw_only=True)
class HostEvidence:
    """What a host did during a capture, and what it was then.

    Attributes:
        conntrack_entries: its conntrack table after the capture, in symbols.
        full: how many connections there were if that table was full, else "".
        counts: a rule's or policy's line in symbols -> packets that it counted during
            the capture; those that have no counter are left out. None where nobody
            looked.
        meters: what kernels counted during the capture.
        frame_counts: node -> its link's frames, and those that were captured.
        obstacles: what stops frames at its links, or may.
        hops: what each node of its lab does with packets to each other.
        network: where it sends packets, now and at its lab's start; None where nobody
            looked. Not stored: the causes that were found by it are.

    """

    conntrack_entries: tuple[Connection, ...] = ()
    full: str = ""
    counts: Mapping[str, int] | None = None
    meters: Meters = field(default_factory=Meters)
    frame_counts: Mapping[str, FrameCount] = field(default_factory=dict)
    obstacles: tuple[Obstacle, ...] = ()
    hops: tuple[NextHop, ...] = ()
    network: NetworkChange | None = field(default=None, compare=False)

    def evidence(self) -> dict[str, Any]:
        """Return these by name, to make another value with the same evidence."""
        names = (one.name for one in dataclasses.fields(HostEvidence))
        return {name: getattr(self, name) for name in names}
