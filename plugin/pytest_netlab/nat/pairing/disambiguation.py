"""Pair packets with equal keys that known flows and rank do not resolve.

Either several flows have the key, or one side has more of it than the other: a copy was
lost. Flows are told apart by what other packets of them became, then by what NAT keeps
of a flow key, copies by when they were seen. What time does not decide either is paired
in order, and doubtful.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.nat.pairing.equal_packets import Seen, assign
from pytest_netlab.nat.pairing.hash_join import NOBODY
from pytest_netlab.nat.pairing.observations import NUMBERED

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

    from pytest_netlab.flows import FlowTable, Tuple5
    from pytest_netlab.nat.clocks.clock import Alignment
    from pytest_netlab.nat.pairing.hash_join import Pairing

    Options = npt.NDArray[np.uint64]
    Uniflows = dict[int, int]
    Project = Callable[[int], Hashable]

# Most likely first: nothing is rewritten, then SNAT and DNAT that keep the port, then
# those that do not.
_SIMILAR_BY: tuple[Callable[[Tuple5], Hashable], ...] = (
    lambda key: key,
    lambda key: (key.sport, key.dst, key.dport),
    lambda key: (key.src, key.sport, key.dport),
    lambda key: (key.src, key.sport),
    lambda key: (key.dst, key.dport),
    lambda key: key.dst,
    lambda key: key.src,
    lambda _: (),
)
_KNOWN, _NEW, _CONTRADICTING = range(3)  # what a pair says of its flows
Candidates = tuple[list[int], list[int]]


class Known(NamedTuple):
    """What is known when packets are paired.

    Attributes:
        pairing: what became of the flows.
        tables: the conversations of the near and the far point.
        align: returns how far the clocks are apart, by the pairs so far; None: unknown.
        patient: pair no two new observations of new flows, and no new one against what
            is known: the counterpart of one of them may not have been read yet.

    """

    pairing: Pairing
    tables: tuple[FlowTable, FlowTable]
    align: Callable[[], Alignment | None]
    patient: bool


def resolve(known: Known, groups: Iterable[Candidates]) -> None:
    """Pair the rows of each group: first what is certain in any, then what is likely.

    What is learned of one group decides others: answers tell which request was whose.

    Args:
        known: what is known before.
        groups: near and far rows of one key, ascending.

    """
    ambiguous = [_Ambiguous(known, near, far) for near, far in groups]
    for sure in (True, False):
        alignment = known.align() if ambiguous else None
        for one in ambiguous:
            one.resolve(alignment, sure=sure)


class _Ambiguous:
    """Rows of one key on either side."""

    def __init__(self, known: Known, here: Sequence[int], there: Sequence[int]) -> None:
        self._pairing, self._tables, self._patient = (
            known.pairing,
            known.tables,
            known.patient,
        )
        near, far = self._pairing.near.uniflow, self._pairing.far.uniflow
        self._near: Uniflows = {row: int(near[row]) for row in here}
        self._far: Uniflows = {row: int(far[row]) for row in there}
        self._alignment: Alignment | None = None
        self._sure = self._is_guess = False

    def resolve(self, alignment: Alignment | None, *, sure: bool) -> None:
        """Pair known flows, then new ones by similar keys, then whatever is left.

        Args:
            alignment: of the clocks, if it is known.
            sure: make no pair that is doubtful.

        """
        self._alignment, self._sure = alignment, sure
        pairing = self._pairing
        self._match_known()
        for like in _SIMILAR_BY:
            self._match(
                self._keyed(
                    0, like, lambda uniflow: pairing.far_uniflow_of(uniflow) >= 0
                ),
                self._keyed(1, like, pairing.is_owned),
                _NEW,
            )
            self._match_known()
        for like in () if sure else _SIMILAR_BY:
            self._match(
                self._keyed(0, like, lambda _: False),
                self._keyed(1, like, lambda _: False),
                _CONTRADICTING,
            )

    def _match_known(self) -> None:
        """Pair the rows of known flows: those with the same options first.

        Copies of a SYN-ACK have timestamps of their own.
        """
        near, far = self._pairing.near.options, self._pairing.far.options
        became = self._pairing.far_uniflow_of
        if (
            self._near
            and self._far
            and (near[list(self._near)].any() or far[list(self._far)].any())
        ):
            self._match(became, lambda uniflow: uniflow, _KNOWN, (near, far))
        self._match(became, lambda uniflow: uniflow, _KNOWN)

    def _keyed(
        self,
        side: int,
        like: Callable[[Tuple5], Hashable],
        is_settled: Callable[[int], bool],
    ) -> Project:
        """Return a projection of uniflows by their keys; None for settled flows."""
        table = self._tables[side]
        return lambda uniflow: None if is_settled(uniflow) else like(table.key(uniflow))

    def _match(
        self,
        of_near: Project,
        of_far: Project,
        kind: int,
        options: tuple[Options, Options] | None = None,
    ) -> None:
        """Pair the rows on which both projections, and options if given, agree."""
        near = _grouped(self._near, of_near, options and options[0])
        far = _grouped(self._far, of_far, options and options[1])
        for value in near.keys() & far.keys() if near and far else ():
            ends = self._seen(near[value], far[value])
            for here, there, is_sure in assign(*ends, self._alignment):
                certain = is_sure and self._may_be_sure(kind)
                if (certain or not self._sure) and not self._waits(here, there, kind):
                    self._is_guess |= not certain
                    self._pairing.take(here, there, sure=certain)
                    del self._near[here], self._far[there]

    def _seen(self, near: list[int], far: list[int]) -> tuple[Seen, Seen]:
        """Return rows with their uniflows and times."""
        here, there = self._pairing.near, self._pairing.far
        is_numbered = bool(int(here.facts[near[0]]) >> NUMBERED & 1)
        return (
            Seen(near, [self._near[row] for row in near], here.ts[near], is_numbered),
            Seen(far, [self._far[row] for row in far], there.ts[far], is_numbered),
        )

    def _may_be_sure(self, kind: int) -> bool:
        """Return whether a pair can be certain: what a guess leaves over is not."""
        return kind == _KNOWN or (kind == _NEW and not self._is_guess)

    def _waits(self, here: int, there: int, kind: int) -> bool:
        """Return whether a later step may know better than to pair two rows."""
        if not self._patient or kind == _KNOWN:
            return False
        new = here >= self._pairing.near_fresh, there >= self._pairing.far_fresh
        return any(new) if kind == _CONTRADICTING else all(new)


def _grouped(
    uniflows: Uniflows, project: Project, options: Options | None
) -> dict[Hashable, list[int]]:
    """Return value -> the rows whose uniflow has it; rows without one are left out.

    With options, a value is that of the uniflow and of the row's options.
    """
    of_uniflow: dict[int, Hashable] = {}
    found: dict[Hashable, list[int]] = defaultdict(list)
    for row, uniflow in uniflows.items():
        if uniflow not in of_uniflow:
            of_uniflow[uniflow] = project(uniflow)
        value = of_uniflow[uniflow]
        if value is not None and value != NOBODY:
            found[(value, int(options[row])) if options is not None else value].append(
                row
            )
    return found
