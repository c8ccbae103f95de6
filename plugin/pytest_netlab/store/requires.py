"""Which hosts a golden is for: `engine >= 28, backend == nf_tables`. Pure text."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import GoldenError
from pytest_netlab.files.documents import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Compare = Callable[[Any, Any], bool]

OPERATORS: Mapping[str, Compare] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EQUALITIES = ("==", "!=")
_CLAUSE = re.compile(
    r"(?P<fact>\w+)\s*(?P<comparison>==|!=|<=|>=|<|>)\s*(?P<value>[^\s<>=!]+)"
)
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clause:
    """A comparison of one fact of the host with a value."""

    fact: str
    comparison: str
    value: str

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Return whether a host's facts satisfy it; without the fact they do not."""
        if self.fact not in facts:
            return False
        want, got = _version(self.value), _version(facts[self.fact])
        compare = OPERATORS[self.comparison]
        if want is None:
            return compare(facts[self.fact], self.value)
        if got is None:  # the value is a version, and the fact is none
            return self.comparison == "!="
        padding = [_number("0")] * (len(want) - len(got))
        return compare([*got, *padding][: len(want)], want)


@dataclass(frozen=True, slots=True)
class Requires:
    """Clauses that must all be satisfied; without any, a golden is for every host."""

    clauses: tuple[Clause, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Requires:
        """Parse clauses that are separated by commas.

        Raises:
            GoldenError: a clause cannot be parsed.

        """
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        return cls(tuple(_clause(part) for part in parts))

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Return whether a host with these facts satisfies all clauses.

        Versions are compared number by number, up to the length of the required one:
        28.5.2 is `== 28`, and neither `> 28` nor `< 28`.
        """
        return all(clause.holds(facts) for clause in self.clauses)

    def may_hold(self, facts: Mapping[str, str]) -> bool:
        """Return whether no clause is known to be wrong of a host with these facts."""
        return all(c.holds(facts) for c in self.clauses if c.fact in facts)

    @property
    def facts(self) -> list[str]:
        """Return the names of the facts that are compared."""
        return list(dict.fromkeys(clause.fact for clause in self.clauses))

    def __str__(self) -> str:
        """Return it as `parse` reads it."""
        return ", ".join(f"{c.fact} {c.comparison} {c.value}" for c in self.clauses)


def _clause(text: str) -> Clause:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        comparisons = " ".join(OPERATORS)
        raise GoldenError(
            f"requires: cannot read {brief(text)}: write a fact, one of "
            f"{comparisons} and a value, as in "
            '"engine >= 28, backend == nf_tables"'
        )
    clause = Clause(*found.group("fact", "comparison", "value"))
    if _version(clause.value) is None and clause.comparison not in EQUALITIES:
        raise GoldenError(
            f"requires: {brief(text)}: {brief(clause.value)} is no version, so only == "
            "and != can be asked"
        )
    return clause


def _version(text: str) -> Sequence[tuple[int, str]] | None:
    """Return the leading numbers of a version: 20, 10 and 24 of 20.10.24+dfsg1."""
    found = _VERSION.match(text)
    return [_number(part) for part in found[1].split(".")] if found else None


def _number(digits: str) -> tuple[int, str]:
    """Return a sort key for a number of any length: `int` has a limit."""
    plain = digits.lstrip("0")
    return len(plain), plain
