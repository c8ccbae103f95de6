"""What `nft list ruleset` prints, as lines that can be compared, and as values.

A rule's line begins with its place: family, table and chain. What stands outside of
chains has a place of its own: `@NAME` for the elements of a set or map, one a line;
`KIND:NAME` for other objects of a table; `-` for what is said of the table itself.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.host.firewall.nft_statements import statements
from pytest_netlab.host.firewall.rules import OF_SET, Chain, Rule
from pytest_netlab.host.firewall.tokens import split

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pytest_netlab.host.firewall.rules import Item

OF_TABLE = "-"  # the place of what is said of a table
_COUNTER = re.compile(r"\bcounter packets (\d{1,20}) bytes \d{1,20}")
_EXPIRES = re.compile(r" expires [0-9a-z]+")
_HANDLE = re.compile(r"\s# (?:handle|count) \d+$")  # count: of a set's elements
_HOOK = re.compile(r"(type .* hook .*); policy (\w+);", re.ASCII)
_ELEMENTS = "elements = {"
_MANY = 1000  # elements: more are listed in one line
_SETS = ("set", "map", "meter")
# What an object counts, and what a quota has left: no two hosts have that in common.
_COUNTS = re.compile(r"packets \d+ bytes \d+|used \d+ \w+")


class _Listed(NamedTuple):
    """A line of nft's text: family and table, the place in it, and the words."""

    table: str
    place: str
    line: str

    @property
    def head(self) -> str:
        return f"nft {self.table} {self.place} "


def listed(text: str, known: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield the lines that iptables does not tell of: each line's place, and the line.

    firewalld, engines with a backend of nftables, and chains written by hand hook in
    beside iptables' own, and any of them may drop what Docker's rules accept. Of a
    table with one rule that it cannot spell, iptables tells nothing at all. Counters,
    handles and what an element has left of its time are removed, and all but its flag
    of a dormant table, which does nothing.

    Args:
        text: what `nft list ruleset` printed, with handles or without.
        known: family, table and name of each chain that iptables tells of.

    """
    for one in _read(text, known):
        yield one.head, _compared(one.line)


def counted(text: str, known: Collection[str] = ()) -> Iterator[tuple[str, int]]:
    """Yield those lines of `listed` that have a counter, and the packets it counted."""
    for one in _read(text, known):
        if found := _COUNTER.search(one.line):
            yield f"{one.head}{_compared(one.line)}", int(found[1])


def uncounted(text: str) -> Iterator[tuple[str, int]]:
    """Yield the rules without a counter: family, table and chain, and place therein.

    iptables-save shows what nft wrote without a counter as if it had counted nothing.
    """
    seen: Counter[str] = Counter()
    for table, place, line in _read(text, ()):
        chain = f"{table} {place}"
        if not _HOOK.fullmatch(line):
            if not _COUNTER.search(line):
                yield chain, seen[chain]
            seen[chain] += 1


def item(family: str, table: str, chain: str, line: str) -> Item:
    """Parse a line of a place: a chain's hook and policy, a rule, or an element."""
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
        statements=statements(split(line, escapes=False)),
    )


def is_dormant(line: str) -> bool:
    """Return whether a table's line says that none of its chains acts."""
    name, _, flags = line.partition(" ")
    return name == "flags" and "dormant" in flags.split(",")


def _compared(line: str) -> str:
    return _EXPIRES.sub("", _COUNTER.sub("counter", line))


def _read(text: str, known: Collection[str]) -> Iterator[_Listed]:
    table, place, dormant = "", OF_TABLE, False
    for line in _whole(text):
        head = line.split()
        if line.endswith("{") and head[0] == "table":
            table, place, dormant = " ".join(head[1:3]), OF_TABLE, False
        elif line.endswith("{"):
            place = _place(head[:-1])
        elif line == "}":
            place = OF_TABLE
        elif f"{table} {place}" not in known and not dormant:
            yield from _lines(table, place, line)
            dormant = place == OF_TABLE and is_dormant(line)


def _place(head: Sequence[str]) -> str:
    """Return the place that a line opens: `chain x`, `set x`, `ct helper x`."""
    kind, name = "-".join(head[:-1]), "".join(head[-1:])
    if kind in _SETS:
        return f"{OF_SET}{name}"
    return name if kind == "chain" else f"{kind}:{name}"


def _lines(table: str, place: str, line: str) -> Iterator[_Listed]:
    if place.startswith(OF_SET) and line.startswith(_ELEMENTS):
        inside = line.removeprefix(_ELEMENTS).removesuffix("}")
        elements = _elements(split(inside.strip(), escapes=False))
        if len(elements) <= _MANY:
            for element in elements:
                yield _Listed(table, place, element)
            return
    known = _COUNTS.sub("", line).rstrip() if ":" in place else line
    if known:
        yield _Listed(table, place, known)


def _elements(words: Iterable[str]) -> list[str]:
    """Return the elements that words list, between commas outside of quotes."""
    found: list[list[str]] = [[]]
    for word in words:
        ends = word.endswith(",")
        found[-1].append(word.removesuffix(","))
        if ends:
            found.append([])
    return [" ".join(one) for one in found if one]


def _whole(text: str) -> Iterator[str]:
    """Yield lines without indentation and handles; lists of elements in one line."""
    begun: list[str] = []
    for listed_line in text.splitlines():
        line = _HANDLE.sub("", listed_line).strip()
        if not line or line.startswith("#"):
            continue
        if begun or (line.startswith(_ELEMENTS) and not line.endswith("}")):
            begun.append(line)
            if not line.endswith("}"):
                continue
            line, begun = " ".join(begun), []
        yield line
