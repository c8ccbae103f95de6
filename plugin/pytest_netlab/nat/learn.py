"""Learn from two capture points what a NAT between them did to each flow.

Refuses to know what it should have done: addresses have no meaning here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.capture.budget import Budget
from pytest_netlab.checks import Observation, check_pair
from pytest_netlab.nat.account.accounting import Part
from pytest_netlab.nat.clocks.clock import Alignment
from pytest_netlab.nat.findings import Findings
from pytest_netlab.nat.mapping.table import IDLE, MappingTable
from pytest_netlab.nat.pairing import duplicates
from pytest_netlab.nat.pairing.datagram_matching import pair_pieces
from pytest_netlab.nat.pairing.disambiguation import Known, resolve
from pytest_netlab.nat.pairing.fuzzy_pairing import pair_fuzzily
from pytest_netlab.nat.pairing.hash_join import NOBODY, SPENT, Pairing
from pytest_netlab.nat.pairing.observations import DOUBLED, ERROR, HASHLESS, NUMBERED
from pytest_netlab.nat.pairing.segment_matching import RESENT, pair_ranges
from pytest_netlab.nat.read_schedule import SAMPLE, ReadSchedule
from pytest_netlab.nat.side import SideReader, index_of
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture.budget import Memory
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.pairing.observations import Observations
    from pytest_netlab.nat.pairing.segment_matching import Gap
    from pytest_netlab.nat.side import Source
    from pytest_netlab.nat.translations import Side, Translations

    Index = npt.NDArray[np.int32]

_WINDOW = 1 << 18  # packets of a stream that wait for their counterpart, per point
_TTL = np.uint64(0xFF)


def learn(
    inside: Source,
    outside: Source,
    *,
    memory: Memory = None,
    idle: int = IDLE,
    guess: bool = False,
    hops: int | None = None,
) -> Translations:
    """Pair the packets of two capture points and return each flow's rewrite.

    Packets are paired by what NAT may not change, never by clock, so the captures may
    come from clocks that differ. Of chunks (`open_capture`), memory is bounded: of each
    point the latest 260,000 or so unpaired packets are kept, and flows have counts
    instead of rows.

    Args:
        inside: the side with the private addresses (docker0), or its chunks.
        outside: the side beyond the NAT (the uplink), or its chunks.
        memory: bytes by which the process may grow meanwhile, or the `Budget` of the
            captures; None is three quarters of what is free.
        idle: ns without a packet after which a mapping may have ended (RFC 4787
            REQ-5): another one in its place is a `Renewal`, before it a violation.
        guess: judge by its ports who began a flow that was captured from its middle;
            otherwise whoever sent the first packet that was captured did.
        hops: by how much the ttl must be lowered between the points; None: by as much
            as it is for most packets, which `Translations.hops` has.

    Raises:
        MemoryLimitError: it takes more than that; also when flows are asked for.

    """
    budget = Budget.of(memory)
    sides = SideReader(inside, guess=guess), SideReader(outside, guess=guess)
    mappings = MappingTable(idle, hops)
    return _Learner(sides, mappings, budget, is_shared=memory is budget).run()


class _Learner:
    """Reads both sides step by step, and pairs after each step."""

    def __init__(
        self,
        sides: tuple[SideReader, SideReader],
        mappings: MappingTable,
        budget: Budget,
        *,
        is_shared: bool,
    ) -> None:
        self.near, self.far = sides
        self.budget, self._is_shared = budget, is_shared
        self.pairing, self.mapping_table = Pairing(), mappings
        self.findings = Findings(*sides, mappings, budget)
        self.schedule = ReadSchedule(*sides)
        self._alignment: Alignment | None = None

    def run(self) -> Translations:
        """Read both sides to their end, and return what was learned."""
        taps = self.near.knows_directions and self.far.knows_directions
        try:
            self.near.start(int(Direction.INBOUND) if taps else 0)
            self.far.start(int(Direction.OUTBOUND) if taps else 0)
            self._pair()
        finally:
            self.near.stop()
            self.far.stop()
        self._pair_fuzzily()
        return self.findings.translations()

    def _pair(self) -> None:
        """Pair step by step to the end of both sides."""
        more = True
        while more:
            self.schedule.read()
            self._check()
            more = self.near.alive or self.far.alive
            self._step(final=not more)

    def _check(self) -> None:
        """Check the budget; a shared one has noted the rows when they were read."""
        if not self._is_shared:
            self.budget.note("the inside", self.near.rows)
            self.budget.note("the outside", self.far.rows)
        self.budget.check()

    def _step(self, *, final: bool) -> None:
        """Pair what was read so far; keep the unpaired for the next step."""
        near, near_fresh = self.near.pending()
        far, far_fresh = self.far.pending()
        uniflows = 2 * self.near.table.count, 2 * self.far.table.count
        self.pairing.reserve(*uniflows)
        self.pairing.begin(near, far, (near_fresh, far_fresh))
        self._match(_every(near), _every(far), header=False, patient=not final)
        self._pair_truncated()
        self._part_distant()
        self.pairing.note_changes()
        ranges, gaps = pair_ranges(self.pairing, self._align, final=final)
        self._note_gaps(near, far, gaps)
        ranges += pair_pieces(self.pairing)
        self._unpair_resent()
        near_rows, far_rows = self._pairs(ranges)
        rows = near_rows, far_rows
        sure = (self.pairing.doubts[near_rows] == 0).view(np.uint8)
        flow, wrong = self.mapping_table.enter(near, far, rows, sure, uniflows)
        self.findings.add(near, far, rows, flow, wrong)
        self.findings.delays.add((near, far), rows, flow, sure)
        step = 1 + len(near_rows) // SAMPLE
        times = near.ts[near_rows[::step]], far.ts[far_rows[::step]]
        self.schedule.learn_offset(*times)
        for side, seen, counterparts in (
            (self.near, near, self.pairing.near_counterparts),
            (self.far, far, self.pairing.far_counterparts),
        ):
            paired = counterparts[: len(seen)] >= 0
            doubled = np.flatnonzero(duplicates.beside(seen, paired) & ~paired)
            seen.facts[doubled] |= np.uint64(1 << DOUBLED)
            side.carry(seen.take(np.flatnonzero(~paired)), _WINDOW)

    def _part_distant(self) -> None:
        """Unpair what is equal but was seen at quite another time, and out of order.

        Only datagrams without an id: of a request that was repeated, one side may have
        lost the first, and the other the second. In order, a clock was set.
        """
        pairing, near, far = self.pairing, self.pairing.near, self.pairing.far
        rows = np.flatnonzero(pairing.near_counterparts[: len(near)] >= 0)
        counterparts = pairing.near_counterparts[rows]
        apart = far.ts[counterparts] - near.ts[rows]
        if not len(rows) or int(apart.max()) - int(apart.min()) <= RESENT:
            return
        alignment = self._align()
        if alignment is None:
            return
        late = np.abs(alignment.residual(near.ts[rows], far.ts[counterparts]))
        distant = late > max(alignment.spread, RESENT)
        distant &= near.facts[rows] >> np.uint64(NUMBERED) & np.uint64(1) == 0
        for index in np.flatnonzero(distant & _overtaking(counterparts)).tolist():
            pairing.part(int(rows[index]), int(counterparts[index]))

    def _note_gaps(
        self, near: Observations, far: Observations, gaps: list[Gap]
    ) -> None:
        """Note octets of frames that crossed in pieces, but for these."""
        for side, row, first, end in gaps:
            seen = far if side else near
            where: Side = "outside" if side else "inside"
            at = int(seen.row[row]), int(seen.uniflow[row])
            self.findings.parts.append(Part(where, *at, (first, end)))

    def _match(
        self, near_rows: Index, far_rows: Index, *, header: bool, patient: bool
    ) -> None:
        ambiguous = self.pairing.match(
            near_rows, far_rows, header=header, patient=patient
        )
        tables = self.near.table, self.far.table
        known = Known(self.pairing, tables, self._align, patient)
        resolve(known, ambiguous)

    def _align(self) -> Alignment | None:
        """Return how far the clocks are apart, by this step's pairs or the last's."""
        pairing = self.pairing
        rows = np.flatnonzero(pairing.near_counterparts[: len(pairing.near)] >= 0)
        rows = rows[pairing.doubts[rows] == 0]
        if len(rows):
            there = pairing.near_counterparts[rows]
            self._alignment = Alignment.of(pairing.near.ts[rows], pairing.far.ts[there])
        return self._alignment

    def _pair_truncated(self) -> None:
        """Pair by their headers packets whose payload one capture truncated."""
        pairing = self.pairing
        for near_truncated, far_truncated in ((True, False), (False, True)):
            near = _unpaired(
                pairing.near.facts, pairing.near_counterparts, truncated=near_truncated
            )
            far = _unpaired(
                pairing.far.facts, pairing.far_counterparts, truncated=far_truncated
            )
            if len(near) and len(far):
                self._match(near, far, header=True, patient=False)

    def _unpair_resent(self) -> None:
        """Unpair datagrams that a user-space proxy sent again.

        Both endpoints differ, and the ttl was not decremented.
        """
        pairing, near, far = self.pairing, self.pairing.near, self.pairing.far
        rows = np.flatnonzero(pairing.near_counterparts[: len(near)] >= 0)
        counterparts = pairing.near_counterparts[rows]
        same = (near.facts[rows] ^ far.facts[counterparts]) & _TTL == 0
        same &= near.facts[rows] >> np.uint64(ERROR) & np.uint64(1) == 0
        for row, counterpart in zip(
            rows[same].tolist(), counterparts[same].tolist(), strict=True
        ):
            uniflows = int(near.uniflow[row]), int(far.uniflow[counterpart])
            if _both_new(
                self.near.table.key(uniflows[0]), self.far.table.key(uniflows[1])
            ):
                pairing.near_counterparts[row] = pairing.far_counterparts[
                    counterpart
                ] = SPENT

    def _pairs(self, ranges: list[tuple[int, int]]) -> tuple[Index, Index]:
        """Return the pairs of this step, ascending by the near row."""
        near = np.flatnonzero(
            self.pairing.near_counterparts[: len(self.pairing.near)] >= 0
        )
        far = self.pairing.near_counterparts[near]
        if ranges:
            by_range = np.array(ranges)
            plain = ~np.isin(near, by_range[:, 0]) & ~np.isin(far, by_range[:, 1])
            near = np.concatenate([near[plain], by_range[:, 0]])
            far = np.concatenate([far[plain], by_range[:, 1]])
            order = np.lexsort((far, near))
            near, far = near[order], far[order]
        return near.astype(np.int32), far.astype(np.int32)

    def _pair_fuzzily(self) -> None:
        """Pair at the end unpaired packets that are the same but for a field."""
        near, far = self.near.unpaired_left(), self.far.unpaired_left()
        is_bridge = self.mapping_table.steps.hops().outward == 0
        found = pair_fuzzily(
            *(near.capture, far.capture, near.rows, far.rows, self._alignment),
            is_bridge=is_bridge,
        )
        if not found:
            return
        seen = self.near.carried, self.far.carried
        uniflows = 2 * self.near.table.count, 2 * self.far.table.count
        for row_in, row_out in found:
            numbers = near.number(row_in), far.number(row_out)
            index = index_of(seen[0], numbers[0]), index_of(seen[1], numbers[1])
            if min(index) < 0:
                continue  # no longer in the window of a stream
            one, other = (np.array([place], dtype=np.int32) for place in index)
            pair, sure = (one, other), np.ones(1, dtype=np.uint8)
            flow, wrong = self.mapping_table.enter(*seen, pair, sure, uniflows)
            self.findings.add(*seen, pair, flow, wrong, mapped_only=True)
            self.near.paired_last.append(numbers[0])
            self.far.paired_last.append(numbers[1])
            self.findings.delays.add(seen, pair, flow, np.zeros(1, dtype=np.uint8))
            ends = Observation(near.capture, row_in), Observation(far.capture, row_out)
            # The mapping table counted the step of the ttl.
            wrong_fields = (bad for bad in check_pair(*ends) if bad.field != "ttl")
            self.findings.note(bad.at(*numbers) for bad in wrong_fields)


def _overtaking(counterparts: Index) -> npt.NDArray[np.bool_]:
    """Return which are behind one that comes later, or before one that came earlier."""
    later = np.minimum.accumulate(counterparts[::-1])[::-1]
    earlier = np.maximum.accumulate(counterparts)
    overtaking: npt.NDArray[np.bool_] = (later < counterparts) | (
        earlier > counterparts
    )
    return overtaking


def _every(seen: object) -> Index:
    """Return the indices of all observations."""
    return np.arange(len(seen), dtype=np.int32)  # type: ignore[arg-type]


def _unpaired(
    facts: npt.NDArray[np.uint64], counterparts: Index, *, truncated: bool
) -> Index:
    """Return the unpaired observations, or only those with a truncated payload."""
    unpaired = counterparts[: len(facts)] == NOBODY
    if truncated:
        unpaired &= facts >> np.uint64(HASHLESS) & np.uint64(1) > 0
    return np.flatnonzero(unpaired).astype(np.int32)


def _both_new(near: Tuple5, far: Tuple5) -> bool:
    return near.src != far.src and near.dst != far.dst
