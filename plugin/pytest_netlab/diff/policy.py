"""Which fields of a story must match its golden. Knows names, no values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from pytest_netlab.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Rule = Literal["exact", "any"]
FIELDS = frozenset(
    {
        "code",
        "destination",
        "df",
        "flags",
        "fragment",
        "id",
        "length",
        "mtu",
        "options",
        "quotes",
        "rewrite",
        "seq",
        "source",
        "tos",
        "ttl",
        "vlan",
    }
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule per field; a field that is absent must match exactly.

    `exact` is compared in symbols: a port that NAT kept has the same symbol at both
    points, so a remapped one differs. `any` leaves the field out of the comparison.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> Policy:
        """Return the policy of a golden.toml table.

        Raises:
            PolicyError: a key is no field, or a value no rule; the text lists both.

        """
        for name, rule in table.items():
            if name not in FIELDS:
                raise PolicyError(_unknown("field", name, sorted(FIELDS)))
            if rule not in get_args(Rule):
                raise PolicyError(_unknown(f"rule for {name}", rule, get_args(Rule)))
        return cls(dict(table))  # type: ignore[arg-type]

    def compares(self, name: str) -> bool:
        """Tell whether a field takes part in the comparison."""
        return self.rules.get(name, "exact") == "exact"


def _unknown(what: str, got: object, known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"unknown {what} {got!r} in [policy]; known are: {names}"
