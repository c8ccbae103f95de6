"""How a host's rules hang together: which hooks lead to them, and what they lead to.

A rule in a chain of Docker's own says nothing of where packets come from; the chains
that jump to it do. An element of a set decides nothing; the rules that look it up do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias

from pytest_netlab.host.firewall.rules import OF_SET, Chain, Hook, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_netlab.host.firewall.rules import Action, Item

Place: TypeAlias = tuple[str, str, str, str]  # backend, family, table, chain
JUMPS = ("jump", "goto")
MAPS = ("vmap", "elements")
_BEHIND_KEYS = (":", "counter", "timeout", "comment")
_FILLS = ("add", "update", "delete")
_BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
# What a line of a set says that is no element.
_ATTRIBUTES = frozenset(
    {
        *("type", "typeof", "flags", "size", "timeout", "gc-interval", "policy"),
        *("auto-merge", "counter", "quota", "limit", "comment", "elements"),
    }
)


def place(one: Rule | Chain) -> Place:
    """Return where a rule stands, or where a chain's rules do."""
    chain = one.chain if isinstance(one, Rule) else one.name
    return one.backend, one.family, one.table, chain


def called(action: Action) -> Iterator[str]:
    """Yield the chains that an action may call, `@NAME` for those of a map."""
    if action.option:
        yield action.name
    elif action.name in JUMPS:
        yield from action.tokens[:1]
    elif action.name in MAPS:
        yield from _verdicts(action.tokens)


def _verdicts(tokens: Sequence[str]) -> Iterator[str]:
    for name, word in zip(("", *tokens), tokens, strict=False):
        if name in JUMPS:
            yield word.rstrip(",")
        elif word.startswith(OF_SET):
            yield word


def key(element: str) -> str:
    """Return what an element of a set or map is found by, of its line."""
    words = takewhile(lambda word: word not in _BEHIND_KEYS, element.split(" "))
    return " ".join(words)


def connected(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return all rules of a host, each with its hooks, users and what it leads to."""
    every = tuple(items)
    chains: dict[Place, list[Rule]] = defaultdict(list)
    for one in every:
        if isinstance(one, Rule):
            chains[place(one)].append(one)
    hooks = _hooks(every, chains)
    leads = _Leads(chains)
    users = _users(chains)

    def connect(rule: Rule) -> Rule:
        here = place(rule)
        return replace(
            rule,
            hooks=hooks.get(here, frozenset()),
            leads=frozenset().union(*map(leads.of, callees(rule))),
            users=tuple(users.get(here, ())) if _is_element(rule) else (),
        )

    return tuple(connect(one) if isinstance(one, Rule) else one for one in every)


def callees(rule: Rule) -> Iterator[Place]:
    """Yield the chains that a rule may send packets to, and the maps that say where."""
    for action in rule.actions:
        for name in called(action):
            yield (*place(rule)[:-1], name)


def _hooks(
    items: Iterable[Item], chains: Mapping[Place, Sequence[Rule]]
) -> Mapping[Place, frozenset[Hook]]:
    """Return the hooks of each chain that packets may come to."""
    found: dict[Place, set[Hook]] = defaultdict(set)
    for start, hook in (*_of_nft(items), *_of_iptables(chains)):
        todo = [start]
        while todo:
            here = todo.pop()
            if hook not in found[here]:
                found[here].add(hook)
                todo += _reached(here, chains)
    return {here: frozenset(hooks) for here, hooks in found.items()}


def _of_nft(items: Iterable[Item]) -> Iterator[tuple[Place, Hook]]:
    for one in items:
        if isinstance(one, Chain) and one.hook:
            _, kind, _, at, *_ = one.hook.split(" ")
            yield place(one), Hook(kind, at)


def _of_iptables(chains: Iterable[Place]) -> Iterator[tuple[Place, Hook]]:
    for here in chains:
        tool, _, table, chain = here
        if tool != "nft" and chain in _BUILT_IN:
            yield here, Hook(table, chain.lower())


def _reached(here: Place, chains: Mapping[Place, Sequence[Rule]]) -> Iterator[Place]:
    """Yield the chains that rules of a chain call, and the sets they look up."""
    for rule in chains.get(here, ()):
        yield from callees(rule)
        yield from ((*here[:-1], name) for name in _looked_up(rule))


def _users(chains: Mapping[Place, Sequence[Rule]]) -> Mapping[Place, Sequence[Rule]]:
    """Return the rules that look up each set or map."""
    found: dict[Place, list[Rule]] = defaultdict(list)
    for here, rules in chains.items():
        for rule in rules:
            for name in dict.fromkeys(_looked_up(rule)):
                found[*here[:-1], name].append(rule)
    return found


def _looked_up(rule: Rule) -> Iterator[str]:
    """Yield the sets and maps that a rule looks up: not those that it fills."""
    if rule.backend != "nft":
        return
    for one in rule.statements:
        if one.name not in (*_FILLS, "comment"):
            words = (word.rstrip(",") for word in one.tokens)
            yield from (word for word in words if word[:1] == OF_SET)


def _is_element(rule: Rule) -> bool:
    first = rule.body.partition(" ")[0]
    return rule.chain.startswith(OF_SET) and first not in _ATTRIBUTES


def _done(rule: Rule) -> Iterator[str]:
    """Yield the names of what a rule does, also by the verdicts of a map."""
    for one in rule.actions:
        yield one.name
        if one.name in MAPS:
            yield from (word.rstrip(",") for word in one.tokens)


class _Leads:
    """What rules do in a chain and in those that it calls; each is found once."""

    def __init__(self, chains: Mapping[Place, Sequence[Rule]]) -> None:
        self._chains = chains
        self._known: dict[Place, frozenset[str]] = {}

    def of(self, start: Place) -> frozenset[str]:
        """Return the names of what is done with packets that come to a chain."""
        if start not in self._known:
            does: set[str] = set()
            seen, todo = {start}, [start]
            while todo:
                for rule in self._chains.get(todo.pop(), ()):
                    does.update(_done(rule))
                    new = set(callees(rule)) - seen
                    seen |= new
                    todo += new
            self._known[start] = frozenset(does)
        return self._known[start]
