"""What `iptables-save -c` prints, as values, and back.

Words are those of iptables(8) and iptables-extensions(8). Anything but a rule or chain
is kept as a line: comments, `*nat`, `COMMIT`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_netlab.host.rules import Action, Chain, Line, Match, Rule
from pytest_netlab.host.tokens import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_netlab.host.rules import Backend, Counters, Item, Statement

_NUMBER = r"(0|[1-9]\d{0,19})"  # of 64 bits
_CHAIN = re.compile(rf":(\S+) (\S+)(?: \[{_NUMBER}:{_NUMBER}\])?", re.ASCII)
_RULE = re.compile(rf"(?:\[{_NUMBER}:{_NUMBER}\] )?-A (\S+)(?: (.*))?", re.ASCII)
_TARGETS = ("-j", "-g")
# Options whose argument may look like an option: iptables does not quote `-`.
_TEXTS = frozenset(
    {
        *("--comment", "--string", "--helper", "--log-prefix"),
        *("--nflog-prefix", "--ulog-prefix", "--match-set", "--name"),
    }
)


def parse(
    saved: str, *, family: str = "ip", backend: Backend = "iptables"
) -> tuple[Item, ...]:
    """Return one item a line; `render` turns them back into the text.

    Args:
        saved: what iptables-save printed, with counters or without.
        family: `ip`, or `ip6` for what ip6tables-save printed.
        backend: `legacy` for iptables-legacy beside the default iptables.

    """
    found: list[Item] = []
    table = ""
    for line in saved.split("\n"):
        if line.startswith("*"):
            table = line[1:]
        one = item(line, table, family=family, backend=backend)
        found.append(one if _line(one) == line else Line(line))
    return tuple(found)


def render(items: Iterable[Item]) -> str:
    """Return the text that `parse` reads as these items."""
    return "\n".join(map(_line, items))


def item(line: str, table: str, *, family: str, backend: Backend) -> Item:
    """Parse one line of a table: a rule, a chain, or neither."""
    if chain := _CHAIN.fullmatch(line):
        return Chain(
            family=family,
            backend=backend,
            table=table,
            name=chain[1],
            policy=chain[2],
            counters=_counters(chain[3], chain[4]),
        )
    if rule := _RULE.fullmatch(line):
        return Rule(
            family=family,
            backend=backend,
            table=table,
            chain=rule[3],
            statements=_statements(rule[4]),
            counters=_counters(rule[1], rule[2]),
        )
    return Line(line)


def _counters(packets: str | None, octets: str | None) -> Counters | None:
    return (int(packets), int(octets)) if packets and octets else None


def _statements(body: str | None) -> tuple[Statement, ...]:
    if body is None:
        return ()
    tokens = split(body, escapes=True)
    found: list[Statement] = []
    start = 0
    while start < len(tokens):
        negated = tokens[start] == "!" and _is_option(tokens, start)
        name = start + negated
        if tokens[name] in _TARGETS and name + 1 < len(tokens):
            target, *arguments = tokens[name + 1 :]
            return (*found, Action(target, tuple(arguments), tokens[name]))
        end = name + 1 + (tokens[name] in _TEXTS)
        while end < len(tokens) and not _is_option(tokens, end):
            end += 1
        found.append(Match(tokens[name], tuple(tokens[name + 1 : end]), negated))
        start = end
    return tuple(found)


def _is_option(tokens: Sequence[str], at: int) -> bool:
    """Return whether an option begins there, with its negation or without."""
    at += tokens[at] == "!" and at + 1 < len(tokens)
    return tokens[at].startswith("-")


def _line(one: Item) -> str:
    if isinstance(one, Line):
        return one.text
    count = "[{}:{}]".format(*one.counters) if one.counters else ""
    if isinstance(one, Chain):
        return f":{one.name} {one.policy} {count}".rstrip()
    tokens = (*(count,) * bool(count), "-A", one.chain)
    return " ".join((*tokens, one.body) if one.statements else tokens)
