"""Which rules a packet meets where sources are translated, from chain to chain.

What a match asks for that is not known here may be met or not: then the rule may apply,
and so may those behind it.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_netlab.host.firewall import effects
from pytest_netlab.host.firewall.chains import called
from pytest_netlab.host.firewall.conditions import meets
from pytest_netlab.host.firewall.rules import Chain, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.host.firewall.conditions import Sent
    from pytest_netlab.host.firewall.rules import Action, Item

_FINAL = frozenset(
    {
        *("ACCEPT", "DROP", "MASQUERADE", "SNAT", "NETMAP"),
        *("accept", "drop", "masquerade", "snat"),
    }
)
_RETURN = ("RETURN", "return")
_DEPTH = 32  # of chains that call each other: nft allows 16
_FAMILIES = {4: ("ip", "inet"), 6: ("ip6", "inet")}
_HOOK = "type nat hook postrouting "


class _End(enum.Enum):
    """How a packet leaves a chain."""

    RANDOM = enum.auto()  # a rule that asks for random ports may apply
    DECIDED = enum.auto()  # by a rule that asks for none
    ON = enum.auto()  # behind the chain


def asks_for_random(items: Iterable[Item], sent: Sent) -> bool:
    """Return whether a rule that may apply to a packet asks for random source ports.

    Args:
        items: all rules and chains of a host, with its own addresses.
        sent: the packet.

    """
    hooks: set[tuple[str, ...]] = set()
    chains: dict[tuple[str, ...], list[Rule]] = defaultdict(list)
    for one in items:
        if isinstance(one, Rule) and one.family in _FAMILIES[sent.version]:
            chains[(*_table(one), one.chain)].append(one)
        elif isinstance(one, Chain) and one.hook.startswith(_HOOK):
            hooks.add((*_table(one), one.name))
    family = _FAMILIES[sent.version][0]
    hooks |= {(tool, family, "nat", "POSTROUTING") for tool in ("iptables", "legacy")}
    walk = _Walk(chains, sent)
    return any(walk.end(hook) is _End.RANDOM for hook in hooks)


def _table(one: Rule | Chain) -> tuple[str, ...]:
    return one.backend, one.family, one.table


class _Walk:
    """The way of one packet; the end of each chain is found once."""

    def __init__(self, chains: dict[tuple[str, ...], list[Rule]], sent: Sent) -> None:
        self._chains, self._sent = chains, sent
        self._ends: dict[tuple[str, ...], _End] = {}

    def end(self, place: tuple[str, ...], depth: int = 0) -> _End:
        """Return how the packet leaves a chain; one that calls itself, behind it."""
        if place not in self._ends and depth < _DEPTH:
            self._ends[place] = _End.ON
            self._ends[place] = self._through(place, depth + 1)
        return self._ends.get(place, _End.ON)

    def _through(self, place: tuple[str, ...], depth: int) -> _End:
        for rule in self._chains.get(place, ()):
            met = meets(rule, self._sent)
            if met is False:
                continue
            if effects.randomises(rule):
                return _End.RANDOM
            for action in rule.actions:
                end = self._by(action, place, depth)
                if end is _End.RANDOM or (met and end is not None):
                    return end
        return _End.ON

    def _by(self, action: Action, place: tuple[str, ...], depth: int) -> _End | None:
        """Return how a packet that meets a rule leaves its chain; None if it stays."""
        if action.name in _FINAL or action.name in _RETURN:
            return _End.ON if action.name in _RETURN else _End.DECIDED
        ends = {self.end((*place[:-1], name), depth) for name in called(action)}
        if _End.RANDOM in ends:
            return _End.RANDOM
        if action.option == "-g" or action.name == "goto":
            return next(iter(ends), None)
        return _End.DECIDED if ends == {_End.DECIDED} else None
