"""Say what became of the packets without a counterpart: the account of a NAT.

Knows flows, times and what each side saw of TCP's octets; no captures, and no host. A
packet seen upstream only was lost, unless later packets prove that it crossed; one seen
downstream only proves it itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pytest_netlab.flows import ICMP, ICMP6, TCP
from pytest_netlab.nat.account.one_sided import OneSided
from pytest_netlab.nat.account.unpaired import Directions, Unpaired, other, unpaired
from pytest_netlab.nat.pairing.observations import ERROR
from pytest_netlab.nat.translations import Account, Loss
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from pytest_netlab.nat.account.fragments import LostFragment
    from pytest_netlab.nat.clocks.clock import Clock
    from pytest_netlab.nat.mapping.table import MappingTable
    from pytest_netlab.nat.side import SideReader
    from pytest_netlab.nat.translations import Absent, Flow, Side, Span, Status

    Mask = npt.NDArray[np.bool_]
    Range = tuple[int, int]

_ANSWERED_ONE_BY_ONE = frozenset({53, 123})  # ports of DNS and NTP: a reply a request


class _Where(NamedTuple):
    """A packet of one side: its uniflow, its row, and its flow in the mapping table."""

    side: Side
    uniflow: int
    row: int
    flow: int


class Part(NamedTuple):
    """Octets of a super-frame of which one side saw no segment.

    Attributes:
        side: that saw the super-frame.
        row: of it.
        uniflow: of it.
        octets: first sequence number, and that behind the last.

    """

    side: Side
    row: int
    uniflow: int
    octets: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the account is made of.

    Attributes:
        readers: that read the inside and the outside to their ends.
        table: the flows that crossed the host.
        flows: all flows.
        numbers: index into `flows` of each flow of the table.
        clock: of the outside; None without a pair.
        parts: octets of super-frames that were not seen.

    """

    readers: dict[Side, SideReader]
    table: MappingTable
    flows: Sequence[Flow]
    numbers: Sequence[int]
    clock: Clock | None
    parts: Sequence[Part] = ()


@dataclass(slots=True)
class _Entry:
    """What is gathered of one loss: the rows of its packets, and its octets."""

    rows: set[int] = field(default_factory=set)
    octets: list[Range] = field(default_factory=list)


class _Case(NamedTuple):
    """What packets have in common that are one loss."""

    flow: int
    reply: bool
    side: Side
    status: Status
    resent: bool = False
    part: bool = False


def account(learned: Learned) -> Account:
    """Return what became of each packet without a counterpart."""
    return _Accountant(learned).account()


class _Accountant:
    """Goes through the packets without a counterpart, flow by flow."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned
        self._spans = {side: reader.span() for side, reader in learned.readers.items()}
        self._directions = Directions(learned.table, learned.readers)
        self._entries: dict[_Case, _Entry] = defaultdict(_Entry)
        self._requests: dict[_Case, list[tuple[Unpaired, int]]] = defaultdict(list)
        self._outside_time: dict[Side, list[int]] = {
            "inside": [0, 0],
            "outside": [0, 0],
        }

    def account(self) -> Account:
        """Account for both sides."""
        one_sided = OneSided(self._learned.flows)
        for side, reader in self._learned.readers.items():
            found = unpaired(reader, side, self._directions)
            self._forwarded(found.take(found.flow >= 0))
            alone = found.take(found.flow < 0)
            one_sided.add(alone, self._late(alone), reader.table)
        absent = self._one_sided(one_sided)
        self._answered()
        for part in self._learned.parts:
            self._part(part)
        self._fragments("inside")
        self._fragments("outside")
        spans = {side: self._span(side) for side in self._spans}
        return Account(
            losses=tuple(self._losses()),
            clock=self._learned.clock,
            inside=spans["inside"],
            outside=spans["outside"],
            absent=absent,
            undecoded=tuple(
                one
                for side, reader in self._learned.readers.items()
                for one in reader.undecoded.of(side)
            ),
        )

    def _forwarded(self, found: Unpaired) -> None:
        """Account for packets of flows that crossed the host."""
        late = self._late(found)
        upstream = found.upstream.tolist()
        for at, number in enumerate(found.flow.tolist()):
            case = self._case(found.side, number, outward=bool(found.outward[at]))
            if late[at]:
                self._not_looked_for(case, found, at, late[at])
            elif upstream[at]:
                self._upstream(case, found, at)
            elif not _may_be_made(found, at):
                self._add(case._replace(status="not captured"), found, at)

    def _case(self, side: Side, number: int, *, outward: bool) -> _Case:
        """Return what a packet is that travelled outwards, or inwards, in a flow.

        Args:
            side: that saw it.
            number: of its flow in the mapping table.
            outward: it travelled from the inside to the outside.

        """
        flow = self._learned.numbers[number]
        reply = outward == (self._learned.flows[flow].initiated == "outside")
        return _Case(flow, reply, side, self._lost(side))

    def _late(self, found: Unpaired) -> list[int]:
        """Return -1 of packets before the other capture began, 1 after it ended, or 0.

        A packet is expected there as long after, or before, as the fastest ones need.
        """
        span, clock = self._spans[other(found.side)], self._learned.clock
        if span is None:
            return [1] * len(found.seen)
        there = found.seen.ts
        if clock is not None and found.side == "inside":
            there = clock.outside(there)
        elif clock is not None:
            there = there - clock.ahead(there - clock.offset)
        least = clock.error if clock is not None else 0
        there = there + np.where(found.upstream | (found.flow < 0), least, -least)
        after: list[int] = (there > span.last).astype(int).tolist()
        before = (there < span.first).tolist()
        return [late - early for late, early in zip(after, before, strict=True)]

    def _not_looked_for(self, case: _Case, found: Unpaired, at: int, late: int) -> None:
        """Account for a packet that came while the other side was not captured."""
        self._outside_time[found.side][late > 0] += 1
        self._add(case._replace(status="not looked for"), found, at)

    def _upstream(self, case: _Case, found: Unpaired, at: int) -> None:
        """Account for a packet that reached the host and was not seen beyond it."""
        proto = self._learned.flows[case.flow].original.proto
        is_error = bool(int(found.seen.facts[at]) >> ERROR & 1)
        if proto == TCP and not is_error:
            self._segment(case, found, at)
        elif proto in (ICMP, ICMP6) and not is_error and self._echoed(found, at):
            self._add(case._replace(status="not captured"), found, at)
        elif proto in (ICMP, ICMP6) or is_error or case.reply:
            self._add(case, found, at)
        else:
            self._requests[case].append((found, at))

    def _answered(self) -> None:
        """Account for datagrams: answers prove that requests before them crossed.

        They do where no request was seen to cross, or where an answer belongs to one
        request and there are more of them: then as many more requests crossed.
        """
        table = self._learned.table
        for case, requests in self._requests.items():
            found, at = requests[0]
            number = int(found.flow[at])
            forth, every = int(table.flows[7, number]), int(table.flows[2, number])
            near = self._near_uniflow(found, at)
            crossed = every - forth if near & 1 else forth
            answers = every - crossed
            key = self._learned.flows[case.flow].original
            proven = answers - crossed if key.dport in _ANSWERED_ONE_BY_ONE else 0
            if not crossed and answers:
                proven = max(proven, 1)
            status = case.status
            if proven >= len(requests):
                status = "not captured"
            elif proven > 0:
                status = "lost or not captured"
            for one, place in requests:
                self._add(case._replace(status=status), one, place)

    def _near_uniflow(self, found: Unpaired, at: int) -> int:
        """Return the uniflow inside of a packet of either side."""
        uniflow = int(found.seen.uniflow[at])
        if found.side == "inside":
            return uniflow
        return self._directions.counterpart(found.side, uniflow, int(found.flow[at]))

    def _segment(self, case: _Case, found: Unpaired, at: int) -> None:
        """Account for a segment: which of its octets crossed in another one?"""
        seen, bits = found.seen, int(found.flags[at])
        first, size = int(seen.seq[at]), int(seen.size[at])
        data = first + bool(bits & tcp.SYN)
        end = data + size + bool(bits & tcp.FIN)
        if first == end or bits & tcp.RST:
            self._add(case, found, at)
            return
        where = _Where(
            found.side, int(seen.uniflow[at]), int(seen.row[at]), int(found.flow[at])
        )
        self._octets(case, where, (first, end), (data, data + size))

    def _octets(self, case: _Case, where: _Where, numbers: Range, data: Range) -> None:
        """Account for sequence numbers of a packet that did not cross in that one."""
        side, uniflow, row = where.side, where.uniflow, where.row
        readers = self._learned.readers
        here, beyond = readers[side].streams, readers[other(side)].streams
        there = self._directions.counterpart(side, uniflow, where.flow)
        missing = beyond.missing(there, *numbers)
        if missing and (
            here.acknowledged(uniflow ^ 1, numbers[1])
            or beyond.acknowledged(there ^ 1, numbers[1])
        ):
            case = case._replace(status="not captured")
        entry = self._entries[case._replace(resent=not missing)]
        entry.rows.add(row)
        for octets in beyond.missing(there, *data) if data[0] < data[1] else ():
            entry.octets.append(self._relative(where, octets))

    def _relative(self, where: _Where, octets: Range) -> Range:
        """Return the first and the last number of octets, as Wireshark shows them."""
        first, end = octets
        streams = self._learned.readers[where.side].streams
        start = (first - (streams.base(where.uniflow, first) or 0)) % tcp.SPACE
        return start, start + (end - first) % tcp.SPACE - 1

    def _part(self, part: Part) -> None:
        """Account for octets of a super-frame that crossed in pieces, but for these."""
        uniflow = np.array([part.uniflow])
        number = self._directions.flow_of(part.side, uniflow, np.array([part.row]))
        if number[0] < 0:
            return
        outward = bool(self._directions.outward(part.side, uniflow, number)[0])
        case = self._case(part.side, int(number[0]), outward=outward)
        case = case._replace(part=True)
        where = _Where(part.side, part.uniflow, part.row, int(number[0]))
        if outward == (part.side == "inside"):
            self._octets(case, where, part.octets, part.octets)
        else:
            entry = self._entries[case._replace(status="not captured")]
            entry.rows.add(part.row)
            entry.octets.append(self._relative(where, part.octets))

    def _fragments(self, side: Side) -> None:
        """Account for later fragments: of a datagram that was lost, or of a part of it.

        Those of a datagram are only looked for where it was on its way to the host.
        """
        here = self._learned.readers[side].datagrams()
        there = self._learned.readers[other(side)].datagrams()
        clock = self._learned.clock
        ahead = clock.offset if clock else 0
        ahead = ahead if side == "inside" else -ahead
        of_row = {
            row: case
            for case, entry in self._entries.items()
            if case.side == side
            for row in entry.rows
        }
        counterpart = partial(self._beyond, side)
        for lost in here.lost(there, counterpart, lambda ts: ts + ahead):
            case = of_row.get(lost.first) if lost.whole else self._case_of(side, lost)
            if case is not None:
                self._entries[case].rows.add(lost.row)

    def _beyond(self, side: Side, uniflow: int) -> int:
        """Return what a uniflow became on the other side; -1: nothing."""
        first = np.array([0])
        flow = int(self._directions.flow_of(side, np.array([uniflow]), first)[0])
        return self._directions.counterpart(side, uniflow, flow) if flow >= 0 else -1

    def _case_of(self, side: Side, lost: LostFragment) -> _Case | None:
        """Return what the loss of a fragment is; None if it came from the host."""
        uniflow = np.array([lost.uniflow])
        number = self._directions.flow_of(side, uniflow, np.array([lost.row]))
        outward = bool(self._directions.outward(side, uniflow, number)[0])
        if outward != (side == "inside"):
            return None
        return self._case(side, int(number[0]), outward=outward)

    def _echoed(self, found: Unpaired, at: int) -> bool:
        """Return whether an echo was answered, and no other of its number crossed.

        The answer would be that one's.
        """
        uniflow, number = int(found.seen.uniflow[at]), int(found.seen.seq[at])
        readers, side = self._learned.readers, found.side
        number_of_flow = int(found.flow[at])
        there = self._directions.counterpart(side, uniflow, number_of_flow)
        beyond = readers[other(side)].streams
        if uniflow & 1 or beyond.echoed(there, number):
            return False
        here = readers[side].streams
        return here.echoed(uniflow ^ 1, number) or beyond.echoed(there ^ 1, number)

    def _one_sided(self, one_sided: OneSided) -> tuple[Absent, ...]:
        """Account for conversations that one side saw nothing of."""
        absent = tuple(one_sided.absent(self._learned.readers))
        for one in one_sided.judged(absent):
            found = one.found
            status = self._lost(found.side) if one.fate == "lost" else "not captured"
            for at, late in zip(one.places, one.late, strict=True):
                reply = bool(found.seen.uniflow[at] & 1)
                case = _Case(one.number, reply, found.side, status)
                if late:
                    self._not_looked_for(case, found, at, late)
                else:
                    self._add(case, found, at)
        return absent

    def _lost(self, side: Side) -> Status:
        """Return what a packet is that this side saw and the other one did not."""
        span = self._spans[other(side)]
        return "lost or not captured" if span and span.dropped else "lost"

    def _add(self, case: _Case, found: Unpaired, at: int) -> None:
        self._entries[case].rows.add(int(found.seen.row[at]))

    def _span(self, side: Side) -> Span | None:
        span = self._spans[side]
        before, after = self._outside_time[side]
        return span and replace(span, before=before, after=after)

    def _losses(self) -> Iterable[Loss]:
        """Yield the losses by flow, direction, side and status."""
        for case in sorted(self._entries):
            entry = self._entries[case]
            yield Loss(
                flow=case.flow,
                reply=case.reply,
                side=case.side,
                status=case.status,
                rows=tuple(sorted(entry.rows)),
                resent=case.resent,
                octets=tuple(_merged(entry.octets)),
                part=case.part,
            )


def _merged(ranges: Iterable[Range]) -> Iterable[Range]:
    """Yield ranges, first and last number, joined where they touch or overlap."""
    open_range: Range | None = None
    for first, last in sorted(ranges):
        if open_range is not None and first <= open_range[1] + 1:
            open_range = open_range[0], max(open_range[1], last)
            continue
        if open_range is not None:
            yield open_range
        open_range = first, last
    if open_range is not None:
        yield open_range


def _may_be_made(found: Unpaired, at: int) -> bool:
    """Return whether the host itself may have sent a packet in a flow of others.

    Firewalls reset connections and report errors in the name of an end.
    """
    return bool(found.flags[at] & tcp.RST or int(found.seen.facts[at]) >> ERROR & 1)
