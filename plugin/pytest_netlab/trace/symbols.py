"""Symbols for what differs between any two runs: addresses, ephemeral ports, ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import WITH_PORTS, Tuple5
from pytest_netlab.trace.values import End, Symbol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Symbols:
    """The symbols of one conversation, each bound when its value is first seen.

    Named addresses are written by their names; the initiator's port, an ICMP id and an
    unknown address become port#1, id#1, addr#1 in order of first sight, across
    capture points: a value that NAT kept has one symbol, a remapped one has two.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        """Start with the names of the lab's addresses."""
        self._names = names
        self._bound: dict[tuple[str, object], Symbol] = {}

    def address(self, address: str) -> str | Symbol:
        """Return a node's name, or addr#n."""
        return self._names.get(address) or self.bind("addr", address)

    def bind(self, kind: str, value: object) -> Symbol:
        """Return the symbol of a value, the next free one on first sight."""
        number = 1 + sum(bound == kind for bound, _ in self._bound)
        return self._bound.setdefault((kind, value), Symbol(kind, number))

    def ends(self, key: Tuple5, *, reply: bool) -> tuple[End, End]:
        """Return source and destination of a directed key.

        The responder's port names a service and stays literal.
        """
        src, dst = self.address(key.src), self.address(key.dst)
        if key.proto not in WITH_PORTS:
            return End(src), End(dst)
        if reply:
            return End(src, key.sport), End(dst, self.bind("port", key.dport))
        return End(src, self.bind("port", key.sport)), End(dst, key.dport)
