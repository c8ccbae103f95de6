"""Which fields must match the golden or the other point. Knows names only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pytest_netlab.checks.forbidden import FORBIDDEN, FORBIDDEN_BY
from pytest_netlab.errors import PolicyError
from pytest_netlab.files.documents import brief

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

POLICY, WAIVE = "[policy]", "waive"
FieldRule = Literal["exact", "preserved", "remapped", "length", "any"]

# exact: as in the golden, and between the points as every router leaves it.
# preserved: the same at both points; the value does not matter.
# remapped: another value at the other point, of the same port range.
# length: of the payload, as many octets.
# any: it does not matter at all.
_FIELD_RULES = ("exact", "preserved", "any")
_ENDS = ("exact", "any")
_SOURCE = ("preserved", "remapped", "any")
_UNTOLD = ("preserved", "any")
_PAYLOAD = ("exact", "length", "any")
PAYLOAD = "payload"  # what conversations carry: of two captures, not of two points

FIELDS: Mapping[str, tuple[str, ...]] = {
    "checksum": _UNTOLD,
    "code": _FIELD_RULES,
    "destination": _ENDS,
    "df": _FIELD_RULES,
    "flags": _FIELD_RULES,
    "fragment": _FIELD_RULES,
    "id": _SOURCE,
    "ip_id": _UNTOLD,
    "ip_options": _FIELD_RULES,
    "length": _FIELD_RULES,
    "mss": _FIELD_RULES,
    "mtu": _FIELD_RULES,
    "options": _FIELD_RULES,
    PAYLOAD: _PAYLOAD,
    "port": _SOURCE,
    "quotes": _FIELD_RULES,
    "reserved": _FIELD_RULES,
    "rewrite": _ENDS,
    "seq": _FIELD_RULES,
    "source": _ENDS,
    "tos": _FIELD_RULES,
    "ttl": _FIELD_RULES,
    "urgent": _FIELD_RULES,
    "via": _FIELD_RULES,
    "vlan": _FIELD_RULES,
    "window": _UNTOLD,
}
_UNLESS_SAID: Mapping[str, FieldRule] = {"mss": "preserved"}

# A violation's field -> the field whose rule decides whether it matters.
_POLICY_OF = {
    "icmp_seq": "seq",
    "ip_checksum": "checksum",
    "ip_flags": "df",
    "l4_checksum": "checksum",
    "mapping": "rewrite",
    "one-to-one": "rewrite",
    "payload_len": "length",
    "tcp_ack": "seq",
    "tcp_flags": "flags",
    "tcp_options": "options",
    "tcp_seq": "seq",
    "tcp_urgent": "urgent",
    "tcp_window": "window",
    "undone": "rewrite",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule per field; a field without one has its own default.

    That is `exact`, except for `mss` and what no trace contains (`checksum`, `ip_id`,
    `window`), which must be the same at both points. A source port or ICMP id (`port`,
    `id`) must be kept if its translated tuple is free, and stay in its port range if
    another flow uses that tuple; a rule of the host may ask for any. The `payload` of a
    golden is not compared unless its policy says so; that NAT leaves it as it is, is
    checked between the points whatever the rule.

    Attributes:
        rules: field -> rule.
        waived: names of forbidden behaviour that is allowed.
        demanded: all other forbidden behaviour must be absent, also from the golden.

    """

    rules: Mapping[str, FieldRule] = field(default_factory=dict)
    waived: frozenset[str] = frozenset()
    demanded: bool = False

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> Policy:
        """Return the policy of a golden.toml table.

        Raises:
            PolicyError: a key is no field, or a value none of its rules; the text
                lists the known ones.

        """
        rules = {name: rule for name, rule in table.items() if name != WAIVE}
        for name, rule in rules.items():
            if name not in FIELDS:
                raise PolicyError(_unknown("field", name, FIELDS))
            if rule not in FIELDS[name]:
                raise PolicyError(_unknown(f"rule for {name}", rule, FIELDS[name]))
        return cls(rules, waived=waivers(table.get(WAIVE, [])))  # type: ignore[arg-type]

    def demanding(self, waived: Collection[str] = ()) -> Policy:
        """Return the policy for a verdict: no forbidden behaviour except `waived`."""
        return replace(self, demanded=True, waived=self.waived.union(waived))

    def without(self, name: str) -> Policy:
        """Return the policy where nothing is known of a field."""
        return replace(self, rules={**self.rules, name: "any"})

    def compares(self, name: str) -> bool:
        """Return whether a field must be as in the golden."""
        default = _UNLESS_SAID.get(name, "exact")
        return self.rules.get(name, default) == "exact"

    def minds(self, violation: str) -> bool:
        """Return whether a violation of this field matters."""
        name = (
            "quotes"
            if violation.startswith("quote")
            else _POLICY_OF.get(violation, violation)
        )
        waived = FORBIDDEN_BY.get(violation, violation) in self.waived
        matters = name == PAYLOAD or self.rules.get(name) != "any"
        return matters and not waived

    def demands(self, negative: str) -> bool:
        """Return whether no trace may show this behaviour, whatever its golden has."""
        return self.demanded and negative in FORBIDDEN.keys() - self.waived

    def of_payload(self, default: FieldRule = "any") -> FieldRule:
        """Return the rule for what conversations carry."""
        return self.rules.get(PAYLOAD, default)

    def of_source(self, name: str) -> FieldRule | None:
        """Return the rule for `port` or `id`; None: kept unless its tuple is in use."""
        return self.rules.get(name)


def waivers(names: object) -> frozenset[str]:
    """Return names of forbidden behaviour as a set.

    Raises:
        PolicyError: they are no list, or one is unknown; the text lists the known ones.

    """
    if not isinstance(names, list | tuple):
        raise PolicyError(f"{WAIVE} is a list of names: {', '.join(FORBIDDEN)}")
    for name in names:
        if not isinstance(name, str) or name not in FORBIDDEN:
            raise PolicyError(_unknown("global negative", name, FORBIDDEN, WAIVE))
    return frozenset(names)


def _unknown(what: str, got: object, known: Iterable[str], where: str = POLICY) -> str:
    names = ", ".join(known)
    return f"unknown {what} {brief(got)} in {where}; known are: {names}"
