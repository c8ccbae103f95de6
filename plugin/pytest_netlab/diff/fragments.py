"""Later IP fragments: no flow has them, but they go on with what a first one began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows.fragments import fragmented
from pytest_netlab.trace.clock import steady

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture


class Fragments:
    """The later fragments of a capture, by the first one of their datagram."""

    def __init__(self, capture: Capture) -> None:
        """Find them all; linear in the packets."""
        self._capture = capture
        found = fragmented(capture, steady(capture).ts)
        self._parts = {one.first: one.parts for one in found if one.first >= 0}

    def behind(self, first: int) -> Iterator[tuple[int, int]]:
        """Yield offset in the payload and row of what follows a first fragment."""
        parts = self._parts.get(first)
        if parts is None:
            return
        capture = self._capture
        header = int(capture.payload_offset[first]) - int(capture.l4_offset[first])
        for (offset, _), row in parts.items():
            if offset:
                yield offset - header, row
