"""Later IP fragments: no flow has them, but they go on with what a first one began."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.trace.clock import steady
from pytest_netlab.wire import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture

_REASSEMBLY_NS = 30 * 1_000_000_000  # net.ipv4.ipfrag_time: nobody waits longer


class Fragments:
    """The later fragments of a capture, by point and datagram (RFC 791, RFC 8200)."""

    def __init__(self, capture: Capture) -> None:
        """Find them all; linear in the packets."""
        self._capture = capture
        self._ts = steady(capture).ts
        self._rows: dict[tuple[object, ...], list[int]] = defaultdict(list)
        is_fragment = (capture.status & int(Status.FRAGMENT)) != 0
        later = np.flatnonzero(is_fragment & (capture.frag_offset != 0))
        for row in later.tolist():
            self._rows[self._key(row)].append(row)

    def behind(self, first: int) -> Iterator[tuple[int, int]]:
        """Yield offset in the payload and row of what follows a first fragment."""
        capture = self._capture
        if not self._rows or not capture.status[first] & int(Status.FRAGMENT):
            return
        header = int(capture.payload_offset[first]) - int(capture.l4_offset[first])
        for row in self._rows.get(self._key(first), ()):
            if abs(int(self._ts[row]) - int(self._ts[first])) <= _REASSEMBLY_NS:
                yield int(capture.frag_offset[row]) - header, row

    def _key(self, row: int) -> tuple[object, ...]:
        capture = self._capture
        ends = capture.src[row].tobytes(), capture.dst[row].tobytes()
        numbers = capture.point[row], capture.proto[row], capture.ip_id[row]
        return (*ends, *map(int, numbers))
