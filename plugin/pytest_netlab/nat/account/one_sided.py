"""Conversations that one side saw nothing of: local ones, lost ones, filtered ones.

Knows the addresses that flows of both sides show, and how far a packet came by its ttl.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_netlab.nat.account.unpaired import other
from pytest_netlab.nat.translations import Absent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_netlab.flows import FlowTable, Tuple5
    from pytest_netlab.nat.account.unpaired import Unpaired
    from pytest_netlab.nat.side import SideReader
    from pytest_netlab.nat.translations import Flow, Side

Fate = Literal["local", "lost", "not captured"]

# What systems send with: a packet that has it was sent by a neighbour (RFC 1700 has 64;
# Windows 128, network devices 255).
_INITIAL_TTLS = frozenset({64, 128, 255})
_TTL = 0xFF


class Judged(NamedTuple):
    """A conversation of one side only.

    Attributes:
        found: packets of its side without a counterpart.
        key: of the conversation, from its initiator.
        places: indices of its packets among them.
        late: of each of these, not 0 where the other side was not captured then.
        number: of its flow.
        fate: what became of it.

    """

    found: Unpaired
    key: Tuple5
    places: tuple[int, ...]
    late: tuple[int, ...]
    number: int
    fate: Fate


class OneSided:
    """What becomes of the conversations that one side saw nothing of."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        """Learn from the flows of both sides whose address is whose."""
        self._flows = flows
        self._numbers: dict[tuple[Side, Tuple5], int] = {}
        self._stations: set[str] = set()
        self._own: set[str] = set()
        self._published: set[tuple[int, str, int]] = set()
        self._judged: list[Judged] = []
        for number, flow in enumerate(flows):
            if flow.inside and flow.outside:
                self._note(flow, flow.inside, flow.outside)
            elif flow.inside:
                self._numbers["inside", flow.inside] = number
            elif flow.outside:
                self._numbers["outside", flow.outside] = number

    def _note(self, flow: Flow, inside: Tuple5, outside: Tuple5) -> None:
        """Note which addresses are inside, which the host's, and what it publishes."""
        if flow.initiated == "inside":
            self._stations.add(inside.src)
            if inside.src != outside.src:
                self._own.add(outside.src)
            return
        self._stations.add(inside.dst)
        self._published.add((outside.proto, outside.dst, outside.dport))
        if inside.dst != outside.dst:
            self._own.add(outside.dst)

    def add(self, found: Unpaired, late: Sequence[int], table: FlowTable) -> None:
        """Add a side's packets of conversations that the other side saw nothing of.

        Args:
            found: the packets.
            late: of each, not 0 where the other side was not captured then.
            table: the conversations of the side.

        """
        places: dict[int, list[int]] = defaultdict(list)
        for at, uniflow in enumerate(found.seen.uniflow.tolist()):
            places[uniflow >> 1].append(at)
        for conversation, of_it in places.items():
            key = table.key(2 * conversation)
            number = self._numbers.get((found.side, key), -1)
            if number < 0:  # a half of one that a proxy carried
                continue
            fate = self._fate(found, self._flows[number], key, of_it)
            when = tuple(late[at] for at in of_it)
            if self._flows[number].answered and all(when):
                fate = "lost"  # or local: nobody looked
            if fate != "local":
                judged = Judged(found, key, tuple(of_it), when, number, fate)
                self._judged.append(judged)

    def judged(self, absent: Collection[Absent]) -> Iterator[Judged]:
        """Yield the conversations that are not local.

        What is of a protocol or port that one capture leaves out crossed as well.
        """
        filtered = {(one.side, one.proto, one.port) for one in absent if one.crossed}
        for one in self._judged:
            there, key = other(one.found.side), one.key
            names = {(there, key.proto, None), (there, key.proto, key.dport)}
            yield one._replace(fate="not captured") if names & filtered else one

    def _fate(
        self, found: Unpaired, flow: Flow, key: Tuple5, places: Sequence[int]
    ) -> Fate:
        came_from = flow.initiated
        if flow.disposition == "leaked" or came_from != found.side:
            return "local"  # the host itself began it
        if found.side == "outside" and key.src in self._own:
            return "local"
        if {key.src, key.dst} <= self._stations:
            return "local"
        if flow.answered:
            return "local" if _from_neighbour(found, places) else "not captured"
        is_published = (key.proto, key.dst, key.dport) in self._published
        if found.side == "outside" and key.dst in self._own and not is_published:
            return "local"
        return "lost"

    def absent(self, readers: dict[Side, SideReader]) -> Iterator[Absent]:
        """Yield the protocols and ports that one side has nothing of."""
        for side in ("inside", "outside"):
            wanted = [one for one in self._judged if one.found.side == side]
            if wanted:
                there = other(side)
                keys = readers[there].table.conversations()
                ports = {(key.proto, key.dport) for key in keys}
                ports |= {(key.proto, key.sport) for key in keys}
                yield from _absent(there, wanted, ports)


def _absent(
    there: Side, wanted: Sequence[Judged], ports: set[tuple[int, int]]
) -> Iterator[Absent]:
    """Yield what is not among the protocols and ports of a side."""
    protocols = {proto for proto, _ in ports}
    counts: Counter[tuple[int, int | None]] = Counter()
    crossed: set[tuple[int, int | None]] = set()
    for one in wanted:
        proto, port = one.key.proto, one.key.dport
        if (proto, port) in ports:
            continue
        name = proto, port if proto in protocols else None
        counts[name] += len(one.places)
        crossed |= {name} if one.fate == "not captured" else set()
    for name in sorted(counts, key=str):
        yield Absent(there, *name, counts[name], name in crossed)


def _from_neighbour(found: Unpaired, places: Sequence[int]) -> bool:
    """Return whether an answer was sent by a neighbour, not forwarded by the host."""
    answers = (at for at in places if found.seen.uniflow[at] & 1)
    return any(int(found.seen.facts[at]) & _TTL in _INITIAL_TTLS for at in answers)
