"""Find later IP fragments that one side saw and the other did not.

A later fragment has no ports, so it belongs to no flow and is not paired. Its datagram
is known by what NAT leaves alone: protocol, IP id and offset, and by the flow of its
first fragment.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.flows import NO_UNIFLOW
from pytest_netlab.wire import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from pytest_netlab.capture import Capture

_SECOND = 10**9  # ns
_REASSEMBLY = 30 * _SECOND  # net.ipv4.ipfrag_time: nobody waits longer for a fragment
_DUPLICATE = _SECOND  # 65,536 ids are not used up sooner


class LostFragment(NamedTuple):
    """A later fragment of which the other side lacks octets.

    Attributes:
        row: of the fragment.
        first: row of the first fragment of its datagram.
        uniflow: of that.
        whole: the other side has nothing of the datagram, or under another IP id: it is
            lost only if its first fragment is.

    """

    row: int
    first: int
    uniflow: int
    whole: bool


@dataclass(slots=True)
class _Datagram:
    """The fragments of one datagram, as one side saw them.

    `parts` is (first octet, that behind the last) -> row.
    """

    ts: int
    uniflow: int = NO_UNIFLOW
    first: int = -1
    parts: dict[tuple[int, int], int] = field(default_factory=dict)


class Datagrams:
    """The fragmented datagrams of one capture whose first fragment was seen."""

    def __init__(
        self,
        capture: Capture,
        uniflows: npt.NDArray[np.int32],
        numbers: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Put the fragments of a capture together.

        Args:
            capture: the fragments, perhaps among other packets.
            uniflows: of each row.
            numbers: of the packets in what was read; None where rows are numbers.

        """
        self._capture = capture
        self._numbers = np.arange(len(capture)) if numbers is None else numbers
        self._by_id: dict[tuple[int, int], list[_Datagram]] = defaultdict(list)
        for datagram, ident in self._datagrams(uniflows):
            if datagram.first >= 0:
                self._by_id[datagram.uniflow, ident].append(datagram)

    def lost(
        self,
        there: Datagrams,
        counterpart: Callable[[int], int],
        expected: Callable[[int], int],
    ) -> Iterator[LostFragment]:
        """Yield later fragments whose octets the other side did not see.

        A router may fragment anew for another MTU, so octets are compared.

        Args:
            there: the datagrams of the other side.
            counterpart: of a uniflow here, that of the other side; below 0 for none.
            expected: of a time here in ns, the same time by the other side's clock.

        """
        for (uniflow, ident), datagrams in self._by_id.items():
            candidates = there.of(counterpart(uniflow), ident)
            times = [one.ts for one in candidates]
            for datagram in datagrams:
                near = _nearest(times, expected(datagram.ts))
                match = candidates[near] if near >= 0 else None
                for part, row in datagram.parts.items():
                    if part[0] and (match is None or not _covers(match, part)):
                        at, first = self._numbers[[row, datagram.first]].tolist()
                        yield LostFragment(at, first, uniflow, match is None)

    def of(self, uniflow: int, ident: int) -> list[_Datagram]:
        """Return the datagrams of a uniflow with this IP id, by their times."""
        found = self._by_id.get((uniflow, ident), [])
        return sorted(found, key=attrgetter("ts"))

    def _datagrams(
        self, uniflows: npt.NDArray[np.int32]
    ) -> Iterator[tuple[_Datagram, int]]:
        """Yield each datagram, also without its first fragment, with its IP id."""
        capture = self._capture
        known: dict[tuple[bytes, bytes, int, int], _Datagram] = {}
        for row in np.flatnonzero(capture.status & int(Status.FRAGMENT)).tolist():
            ident, ts = int(capture.ip_id[row]), int(capture.ts[row])
            ends = capture.src[row].tobytes(), capture.dst[row].tobytes()
            key = (*ends, int(capture.proto[row]), ident)
            part = self._part(row)
            datagram = known.get(key)
            if datagram is None or _is_another(datagram, part, ts):
                if datagram is not None:
                    yield datagram, ident
                datagram = known[key] = _Datagram(ts)
            datagram.parts.setdefault(part, row)
            if not part[0] and uniflows[row] != NO_UNIFLOW and datagram.first < 0:
                datagram.first, datagram.uniflow = row, int(uniflows[row])
        for key, datagram in known.items():
            yield datagram, key[-1]

    def _part(self, row: int) -> tuple[int, int]:
        """Return which octets of its datagram a fragment carries."""
        capture = self._capture
        first, size = int(capture.frag_offset[row]), int(capture.payload_len[row])
        if not first and capture.payload_offset[row]:
            size += int(capture.payload_offset[row]) - int(capture.l4_offset[row])
        return first, first + size


def _is_another(datagram: _Datagram, part: tuple[int, int], ts: int) -> bool:
    """Return whether a fragment with the id of a datagram is of a later one."""
    age = abs(ts - datagram.ts)
    return age > _REASSEMBLY or (part in datagram.parts and age > _DUPLICATE)


def _nearest(times: list[int], ts: int) -> int:
    """Return the index of the nearest of ascending times; -1 if there is none."""
    at = bisect(times, ts)
    if at == len(times) or (at and ts - times[at - 1] <= times[at] - ts):
        return at - 1
    return at


def _covers(datagram: _Datagram, part: tuple[int, int]) -> bool:
    """Return whether fragments of a datagram carry all octets of a part."""
    at, end = part
    for first, last in sorted(datagram.parts):
        if first > at:
            break
        at = max(at, last)
    return at >= end
