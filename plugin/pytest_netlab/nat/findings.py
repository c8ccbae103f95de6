"""Collect pairs and violations step by step, and make flows of them in the end."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.checks import Observation
from pytest_netlab.nat.account.accounting import Learned, Part, account
from pytest_netlab.nat.clocks.delays import Delays
from pytest_netlab.nat.mapping.flagged import (
    OF_PACKET,
    Facts,
    of_deviation,
    of_facts,
    of_mapping,
    of_packets,
    of_renewal,
)
from pytest_netlab.nat.orientation import against_evidence, reverse
from pytest_netlab.nat.proxy import join_proxied
from pytest_netlab.nat.translations import (
    Account,
    Disposition,
    Flow,
    Made,
    Renewal,
    Side,
    Translations,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from pytest_netlab.capture import Budget
    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.clocks.clock import Clock
    from pytest_netlab.nat.mapping.table import MappingTable
    from pytest_netlab.nat.pairing.observations import Observations
    from pytest_netlab.nat.side import SideReader
    from pytest_netlab.nat.translations import Delay

    Index = npt.NDArray[np.int32]
    Pairs = npt.NDArray[np.int64]

_MOST_VIOLATIONS = 100_000


class Findings:
    """Pairs, the flow of each, and violations; of streams, pairs are only counted.

    `delays` has the times of the pairs.
    """

    def __init__(
        self, near: SideReader, far: SideReader, table: MappingTable, budget: Budget
    ) -> None:
        """Start without a pair."""
        self._near, self._far, self._table = near, far, table
        self.delays = Delays(table)
        self._budget = budget
        self._in_memory = near.whole is not None and far.whole is not None
        self._pairs: list[Pairs] = []
        self._flows: list[Index] = []
        self._violations: list[Violation] = []
        self._order: list[int] = []  # numbers of flows, as they are returned
        self._clock: Clock | None = None
        self.parts: list[Part] = []
        self._renewals: dict[int, Renewal] = {}  # flow -> of its latest mapping

    def add(
        self,
        near: Observations,
        far: Observations,
        rows: tuple[Index, Index],
        flow: Index,
        wrong: Pairs,
        *,
        mapped_only: bool = False,
    ) -> None:
        """Add the pairs of a step, and what the mapping table found wrong with them."""
        tables = self._near.table, self._far.table
        if self._in_memory:
            numbers = near.row[rows[0]], far.row[rows[1]]
            self._pairs.append(np.stack(numbers, axis=1))
            self._flows.append(flow)
        for pair, bits, *uniflows, idle in wrong.tolist():
            where = int(near.row[rows[0][pair]]), int(far.row[rows[1][pair]])
            if renewal := of_renewal(bits, idle):
                self._renewals[int(flow[pair])] = renewal
            self.note(of_mapping(bits, uniflows, tables, where))
            if mapped_only or not bits & OF_PACKET:
                continue
            if self._in_memory:
                self.note(self._check(bits, *where))
            else:
                ends = _facts(near, rows[0][pair]), _facts(far, rows[1][pair])
                self.note(of_facts(bits, *ends, where))

    def _check(self, bits: int, row_in: int, row_out: int) -> Iterator[Violation]:
        """Check two packets again, to describe what is wrong."""
        near, far = self._near.whole, self._far.whole
        if near is not None and far is not None:
            ends = Observation(near, row_in), Observation(far, row_out)
            yield from of_packets(bits, *ends)

    def note(self, found: Iterable[Violation]) -> None:
        """Add violations, up to a bound."""
        for violation in found:
            if len(self._violations) < _MOST_VIOLATIONS:
                self._violations.append(violation)

    def translations(self) -> Translations:
        """Return what was learned."""
        pairs = None
        if self._in_memory:
            pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *self._pairs])
        steps = self._table.steps
        room = _MOST_VIOLATIONS - len(self._violations)
        late = list(islice(map(of_deviation, steps.deviations()), room))
        violations = sorted(late + self._violations, key=lambda bad: bad.inside_row)
        return Translations(
            self._make_flows, tuple(violations), pairs, hops=steps.hops()
        )

    def _make_flows(self) -> Made:
        """Return forwarded flows by their first packet, then those of one side."""
        timing = self.delays.timing()
        self._clock = timing.clock
        self._table.flows[5, : self._table.count] = timing.outward
        table = self._table.flows[:, : self._table.count].T.tolist()
        keys = self._near.table.conversations(), self._far.table.conversations()
        answered = self._near.table.answered(), self._far.table.answered()
        guessed = self._near.table.guessed()
        flows = [
            _forwarded(keys, answered, row, delay, guessed=guessed[row[0]])
            for row, delay in zip(self._budget.watch(table), timing.delays, strict=True)
        ]
        for number, renewal in self._renewals.items():
            flows[number] = flows[number]._replace(renewal=renewal)
        if self._in_memory:
            flows = self._with_rows(flows)
        joined = {row[0] for row in table}, {row[1] for row in table}
        every = [*flows, *self._unpaired(*joined)]
        turned = against_evidence(every)
        shown = tuple(
            reverse(flow) if number in turned else flow
            for number, flow in enumerate(every)
        )
        return shown, lambda: _turned(self._account(tuple(every)), turned)

    def _account(self, flows: tuple[Flow, ...]) -> Account:
        """Return what became of the packets without a counterpart."""
        numbers = list(range(self._table.count))
        for index, number in enumerate(self._order):
            numbers[number] = index
        found = account(
            Learned(
                readers={"inside": self._near, "outside": self._far},
                table=self._table,
                flows=flows,
                numbers=numbers,
                clock=self._clock,
                parts=self.parts,
            )
        )
        return self._with_tunnels(found, flows)

    def _with_tunnels(self, found: Account, flows: tuple[Flow, ...]) -> Account:
        """Return the account with tunnels, without losses of the host's own.

        What is encrypted outside, and in no packet inside, the host encrypted.
        """
        near, far = (set(row[: self._table.count]) for row in self._table.flows[:2])
        sealed = {
            self._far.table.key(2 * number) for number in self._far.tunnels.sealed(far)
        }
        losses = tuple(
            one
            for one in found.losses
            if flows[one.flow].inside or not _is_in(flows[one.flow].outside, sealed)
        )
        tunnels = self._near.tunnels.of("inside", near)
        tunnels += self._far.tunnels.of("outside", far)
        return replace(found, losses=losses, tunnels=tuple(tunnels))

    def _with_rows(self, flows: list[Flow]) -> list[Flow]:
        """Return the flows with their pairs and rows, by their first packet.

        A conversation whose mapping changed has several flows; its unpaired rows go to
        the first of them.
        """
        if not flows:
            return []
        pairs, flow = np.concatenate(self._pairs), np.concatenate(self._flows)
        order = np.lexsort((pairs[:, 1], pairs[:, 0], flow))
        pairs, flow = pairs[order], flow[order]
        of_flow = _split(flow, pairs, len(flows))
        first = sorted(range(len(flows)), key=lambda number: tuple(of_flow[number][0]))
        self._order = first
        rows_in, rows_out = (
            self._rows(side, point, pairs[:, side], flow, first)
            for side, point in enumerate((self._near, self._far))
        )
        return [
            flows[number]._replace(
                pairs=tuple(map(tuple, of_flow[number].tolist())),
                inside_rows=tuple(rows_in[number]),
                outside_rows=tuple(rows_out[number]),
            )
            for number in first
        ]

    def _rows(
        self,
        side: int,
        point: SideReader,
        paired: npt.NDArray[np.int64],
        flow: Index,
        first: list[int],
    ) -> dict[int, list[int]]:
        """Return each flow's rows on one side, every row in one flow only."""
        owner = np.full(max(point.table.count, 1), -1, dtype=np.int64)
        for number in reversed(first):
            owner[self._table.flows[side, number]] = number
        uniflows = np.concatenate(point.uniflows)
        numbers = np.where(uniflows >= 0, owner[uniflows >> 1], -1)
        numbers[paired] = flow
        rows = np.flatnonzero(numbers >= 0)
        order = np.argsort(numbers[rows], kind="stable")
        parts = _split(numbers[rows][order], rows[order], self._table.count)
        return {number: part.tolist() for number, part in enumerate(parts)}

    def _unpaired(self, near: set[int], far: set[int]) -> list[Flow]:
        """Return the flows of conversations without a pair."""
        flows = _unpaired(self._near, self._without(self._near, near), "inside")
        behind = self._near.table.senders()
        flows += _unpaired(self._far, self._without(self._far, far), "outside", behind)
        ends = self._near.unpaired_left().capture, self._far.unpaired_left().capture
        joined = join_proxied(*ends, flows)
        if self._in_memory:
            return joined
        return [flow._replace(inside_rows=(), outside_rows=()) for flow in joined]

    def _without(self, point: SideReader, joined: set[int]) -> Iterator[int]:
        """Yield the numbers of a side's conversations that are not joined."""
        numbers = self._budget.watch(range(point.table.count))
        return (number for number in numbers if number not in joined)


def _is_in(key: Tuple5 | None, keys: set[Tuple5]) -> bool:
    """Return whether a conversation, of either orientation, is among these."""
    return key is not None and (key in keys or key.reply in keys)


def _forwarded(
    keys: tuple[list[Tuple5], list[Tuple5]],
    answered: tuple[list[bool], list[bool]],
    row: Sequence[int],
    delay: Delay | None,
    *,
    guessed: bool,
) -> Flow:
    """Return the flow of two conversations that share packets.

    The outside key takes its orientation from a packet seen on both sides: either
    capture may have begun in the middle of the conversation.
    """
    near, far, pairs, near_uniflow, far_uniflow, left, doubtful, _ = row
    back = near_uniflow & 1
    inside, beyond = keys[0][near], keys[1][far]
    if far_uniflow & 1 != back:
        beyond = beyond.reply
    from_inside = bool(left) != bool(back)
    here, there = answered[0][near], answered[1][far]
    ends = (inside, beyond) if from_inside else (beyond, inside)
    return Flow(
        kind=kind_of(*ends),
        disposition="forwarded",
        initiated="inside" if from_inside else "outside",
        inside=inside,
        outside=beyond,
        answered=here or there,
        returned=here if from_inside else there,
        packets=pairs,
        delay=delay,
        ambiguous=doubtful,
        guessed=guessed,
    )


def _turned(account: Account, flows: frozenset[int]) -> Account:
    """Return the account with the packets of these flows in the other direction."""
    if not flows:
        return account
    losses = [
        one._replace(reply=not one.reply) if one.flow in flows else one
        for one in account.losses
    ]
    return replace(account, losses=tuple(sorted(losses)))


def _facts(seen: Observations, index: int) -> Facts:
    return Facts(int(seen.facts[index]), int(seen.options[index]))


def _unpaired(
    point: SideReader,
    numbers: Iterable[int],
    where: Side,
    behind: frozenset[str] = frozenset(),
) -> list[Flow]:
    """Return these conversations of one side as flows.

    Those from an address in `behind`, of a sender inside, leaked. Their rows are those
    of `unpaired_left`.
    """
    flows = []
    rows = point.unpaired_left().by_conversation()
    answered, guessed = point.table.answered(), point.table.guessed()
    other: Side = "outside" if where == "inside" else "inside"
    for number in numbers:
        key = point.table.key(2 * number)
        both = answered[number] and (point.table.begun(number) or not guessed[number])
        disposition: Disposition = "local" if both else "dropped"
        sent = point.table.sent(number)
        seen = tuple(rows.get(number, ()))
        flows.append(
            Flow(
                kind="none",
                disposition="leaked" if key.src in behind else disposition,
                initiated=other if sent else where,
                inside=key if where == "inside" else None,
                outside=key if where == "outside" else None,
                answered=both,
                inside_rows=seen if where == "inside" else (),
                outside_rows=seen if where == "outside" else (),
                guessed=guessed[number],
            )
        )
    return flows


def _split(
    numbers: npt.NDArray[np.integer], values: npt.NDArray[np.int64], count: int
) -> list[npt.NDArray[np.int64]]:
    """Return the values of each number from 0 on; numbers ascend."""
    borders = np.searchsorted(numbers, np.arange(1, count))
    return np.split(values, borders)
