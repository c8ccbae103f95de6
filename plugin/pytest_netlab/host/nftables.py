"""What `nft list ruleset` prints, as lines that can be compared, and as values.

Words are those of nft(8). Statements that act on a packet are known by their first
word; the words between two of them are read as one match.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_netlab.host.rules import Action, Chain, Match, Rule
from pytest_netlab.host.tokens import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.host.rules import Item, Statement

_IPTABLES = re.compile(r"table ip6? (filter|nat|mangle|raw|security) ")
_COUNTER = re.compile(r"counter packets \d+ bytes \d+")
_HANDLE = re.compile(r"# handle \d+$")
_HOOK = re.compile(r"(type .* hook .*); policy (\w+);", re.ASCII)
_ANY = 1 << 30
# First word of a statement that acts on packets -> how many words follow at most.
_TAKES = {
    **dict.fromkeys(("accept", "drop", "continue", "return", "notrack", "counter"), 0),
    **dict.fromkeys(("jump", "goto", "comment"), 1),
    **dict.fromkeys(("snat", "dnat", "masquerade", "redirect", "reject"), _ANY),
    **dict.fromkeys(("dup", "fwd", "queue", "tproxy", "synproxy"), _ANY),
    **dict.fromkeys(("log", "reset", "vmap", "elements"), _ANY),
}
ACTIONS = frozenset(_TAKES)
# nft's `tcp option NAME FIELD`; any other field has two words, except `@nh,48,8`.
_OPTION = ["tcp", "option"]


def listed(text: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of tables that iptables does not own: each line's place, and it.

    firewalld and hand-written nft tables hook in beside iptables' own, and any of them
    may drop or reject what Docker's rules accept. Counters and handles are removed.

    Args:
        text: what `nft list ruleset` printed, with handles or without.

    """
    table = chain = ""
    for listed_line in text.splitlines():
        line = _HANDLE.sub("", listed_line).strip()
        tokens = line.split()
        if line.endswith("{") and tokens[0] == "table":
            table = "" if _IPTABLES.match(line) else " ".join(tokens[1:3])
        elif line.endswith("{"):
            chain = tokens[1] if len(tokens) > 1 else ""
        elif table and tokens and tokens[0] not in ("}", "#"):
            yield f"nft {table} {chain} ", _COUNTER.sub("counter", line)


def item(family: str, table: str, chain: str, line: str) -> Item:
    """Parse a line of a chain: its hook and policy, or a rule."""
    if hook := _HOOK.fullmatch(line):
        return Chain(
            family=family,
            backend="nft",
            table=table,
            name=chain,
            policy=hook[2],
            hook=hook[1],
        )
    return Rule(
        family=family,
        backend="nft",
        table=table,
        chain=chain,
        statements=_statements(split(line, escapes=False)),
    )


def _statements(tokens: Sequence[str]) -> tuple[Statement, ...]:
    found: list[list[str]] = [[]]
    remaining, depth = _ANY, 0
    for word in tokens:
        # Words in braces are elements of a set, or verdicts of a map.
        begins = not depth and word in _TAKES
        quoted = word.startswith('"')
        depth = max(depth + (word.count("{") - word.count("}")) * (not quoted), 0)
        if 0 < remaining < _ANY:
            found[-1].append(word)
            remaining -= 1
        elif begins or not remaining:
            found.append([word])
            remaining = _TAKES.get(word, _ANY)
        elif word == "set" and not depth and (field := _field(found[-1])):
            del found[-1][-len(field) :]
            found.append([" ".join((*field, word))])
        else:
            found[-1].append(word)
    return tuple(_statement(*piece) for piece in found if piece)


def _field(tokens: Sequence[str]) -> Sequence[str]:
    """Return the words in front of `set` that name what is set."""
    tokens = tokens[_does(*tokens[:1]) :]
    if tokens and tokens[-1].startswith("@"):
        return tokens[-1:]
    if tokens[-4:-2] == _OPTION:
        return tokens[-4:]
    return tokens[-2:]


def _statement(name: str, *tokens: str) -> Statement:
    return Action(name, tokens) if _does(name) else Match(name, tokens)


def _does(name: str = "") -> bool:
    """Return whether a statement of this name acts on a packet."""
    return name in _TAKES or name.endswith(" set")
