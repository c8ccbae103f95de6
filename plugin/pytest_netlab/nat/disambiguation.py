"""Pair packets of several flows with equal keys: by what NAT keeps of a flow key."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from pytest_netlab.flows import FlowTable, Tuple5
    from pytest_netlab.nat.pairing import Pairing

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
Candidates = tuple[list[int], list[int]]


def resolve(
    pairing: Pairing,
    tables: tuple[FlowTable, FlowTable],
    groups: Iterable[Candidates],
    *,
    patient: bool,
) -> None:
    """Pair the rows of each group; what is learned serves the later groups.

    Args:
        pairing: what is known of the flows.
        tables: the conversations of the near and the far point.
        groups: near and far rows of one key.
        patient: do not pair new observations that contradict what is known.

    """
    for here, there in groups:
        _Ambiguous(pairing, tables, here, there).resolve(patient=patient)


class _Ambiguous:
    """Rows of one key on either side."""

    def __init__(
        self,
        pairing: Pairing,
        tables: tuple[FlowTable, FlowTable],
        here: Sequence[int],
        there: Sequence[int],
    ) -> None:
        self._pairing = pairing
        self._tables = tables
        self._near: Uniflows = {row: int(pairing.near.uniflow[row]) for row in here}
        self._far: Uniflows = {row: int(pairing.far.uniflow[row]) for row in there}

    def resolve(self, *, patient: bool) -> None:
        """Pair new flows by similar keys, then known ones, then whatever is left."""
        pairing = self._pairing
        for like in _SIMILAR_BY:
            self._match(
                self._keyed(
                    0, like, lambda uniflow: pairing.far_uniflow_of(uniflow) >= 0
                ),
                self._keyed(1, like, pairing.is_owned),
            )
        self._match(pairing.far_uniflow_of, lambda uniflow: uniflow)
        if patient:  # the true counterpart of a new one may not have been read yet
            self._near = _older(self._near, pairing.near_fresh)
            self._far = _older(self._far, pairing.far_fresh)
        for like in _SIMILAR_BY:
            self._match(
                self._keyed(0, like, lambda _: False),
                self._keyed(1, like, lambda _: False),
            )

    def _keyed(
        self,
        side: int,
        like: Callable[[Tuple5], Hashable],
        is_settled: Callable[[int], bool],
    ) -> Project:
        """Return a projection of uniflows by their keys; None for settled flows."""
        table = self._tables[side]
        return lambda uniflow: None if is_settled(uniflow) else like(table.key(uniflow))

    def _match(self, of_near: Project, of_far: Project) -> None:
        """Pair the rows on which both projections agree, by rank."""
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for row in reversed(self._far if self._near else ()):
            waiting[of_far(self._far[row])].append(row)
        for row in list(self._near):
            wanted = of_near(self._near[row])
            if wanted is None or not waiting[wanted]:
                continue
            match = waiting[wanted].pop()
            self._pairing.take(row, match)
            del self._near[row], self._far[match]


def _older(uniflows: Uniflows, fresh: int) -> Uniflows:
    """Return the rows that earlier steps left unpaired."""
    return {row: uniflow for row, uniflow in uniflows.items() if row < fresh}
