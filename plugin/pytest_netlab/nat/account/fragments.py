"""Find later IP fragments that one side saw and the other did not.

A later fragment has no ports, so it belongs to no flow and is not paired. Its datagram
is known by what NAT leaves alone: protocol, IP id and offset, and by the flow of its
first fragment.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.flows import NO_UNIFLOW
from pytest_netlab.flows.fragments import FragmentedDatagram, fragmented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from pytest_netlab.capture import Capture


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
        self._numbers = np.arange(len(capture)) if numbers is None else numbers
        self._by_id: dict[tuple[int, int], list[FragmentedDatagram]] = defaultdict(list)
        for one in fragmented(capture, capture.ts):
            uniflow = int(uniflows[one.first]) if one.first >= 0 else NO_UNIFLOW
            if uniflow != NO_UNIFLOW:
                self._by_id[uniflow, one.ident].append(one)

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

    def of(self, uniflow: int, ident: int) -> list[FragmentedDatagram]:
        """Return the datagrams of a uniflow with this IP id, by their times."""
        found = self._by_id.get((uniflow, ident), [])
        return sorted(found, key=attrgetter("ts"))


def _nearest(times: list[int], ts: int) -> int:
    """Return the index of the nearest of ascending times; -1 if there is none."""
    at = bisect(times, ts)
    if at == len(times) or (at and ts - times[at - 1] <= times[at] - ts):
        return at - 1
    return at


def _covers(datagram: FragmentedDatagram, part: tuple[int, int]) -> bool:
    """Return whether fragments of a datagram carry all octets of a part."""
    at, end = part
    for first, last in sorted(datagram.parts):
        if first > at:
            break
        at = max(at, last)
    return at >= end
