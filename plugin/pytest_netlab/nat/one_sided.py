"""Conversations that one side saw nothing of: local ones, lost ones, filtered ones.

Knows the addresses that flows of both sides show, and how far a packet came by its ttl.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_netlab.nat.translations import Absent
from pytest_netlab.nat.unpaired import other

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.side import SideReader
    from pytest_netlab.nat.translations import Flow, Side
    from pytest_netlab.nat.unpaired import Unpaired

Fate = Literal["local", "lost", "not captured"]

# What systems send with: a packet that has it was sent by a neighbour (RFC 1700 has 64;
# Windows 128, network devices 255).
_INITIAL_TTLS = frozenset({64, 128, 255})
_TTL = 0xFF


class _Seen(NamedTuple):
    """Conversations of one protocol and responder's port, seen on one side only."""

    side: Side
    proto: int
    port: int
    crossed: bool


class OneSided:
    """What becomes of the conversations that one side saw nothing of."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        """Learn from the flows of both sides whose address is whose."""
        self._flows = flows
        self._numbers: dict[tuple[Side, Tuple5], int] = {}
        self._stations: set[str] = set()
        self._own: set[str] = set()
        self._published: set[tuple[int, str, int]] = set()
        self._counts: Counter[_Seen] = Counter()
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

    def fate(
        self, found: Unpaired, key: Tuple5, places: Sequence[int]
    ) -> tuple[int, Fate]:
        """Return the number of a conversation's flow, and what became of it.

        Args:
            found: packets of a side without a counterpart.
            key: of the conversation, from its initiator.
            places: indices of its packets.

        """
        number = self._numbers.get((found.side, key), -1)
        if number < 0:  # a half of one that a proxy carried
            return number, "local"
        flow = self._flows[number]
        fate = self._fate(found, flow, key, places)
        if fate != "local":
            crossed = fate == "not captured"
            seen = _Seen(found.side, key.proto, key.dport, crossed)
            self._counts[seen] += len(places)
        return number, fate

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
            wanted = {seen for seen in self._counts if seen.side == side}
            if not wanted:
                continue
            there = other(side)
            keys = readers[there].table.conversations()
            ports = {(key.proto, key.dport) for key in keys}
            ports |= {(key.proto, key.sport) for key in keys}
            protocols = {proto for proto, _ in ports}
            yield from self._absent(there, wanted, ports, protocols)

    def _absent(
        self,
        there: Side,
        wanted: set[_Seen],
        ports: set[tuple[int, int]],
        protocols: set[int],
    ) -> Iterator[Absent]:
        counts: dict[tuple[int, int | None], int] = Counter()
        crossed: set[tuple[int, int | None]] = set()
        for seen in wanted:
            if (seen.proto, seen.port) in ports:
                continue
            port = seen.port if seen.proto in protocols else None
            counts[seen.proto, port] += self._counts[seen]
            crossed |= {(seen.proto, port)} if seen.crossed else set()
        for (proto, port), count in sorted(counts.items(), key=str):
            yield Absent(there, proto, port, count, (proto, port) in crossed)


def _from_neighbour(found: Unpaired, places: Sequence[int]) -> bool:
    """Return whether an answer was sent by a neighbour, not forwarded by the host."""
    answers = (at for at in places if found.seen.uniflow[at] & 1)
    return any(int(found.seen.facts[at]) & _TTL in _INITIAL_TTLS for at in answers)
