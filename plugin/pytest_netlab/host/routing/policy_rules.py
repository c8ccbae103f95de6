"""Policy rules of a host, as values; their text is that of `ip rule`.

Decodes rtnetlink's messages, as pyroute2 returns them (rtnetlink(7)).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.host.routing.iproute import TABLES, maybe, named, network, number

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKUP, GOTO, NOP = "lookup", "goto", "nop"
_ACTIONS = {
    1: LOOKUP,
    2: GOTO,
    3: NOP,
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
}
_IP_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}
_INVERTED = 2  # FIB_RULE_INVERT
_ALL_BITS = 0xFFFFFFFF  # a prefix length that suppresses none; a mask of all bits
_RULE = frozenset(
    {
        *("from", "to", "tos", "fwmark", "iif", "oif", "uidrange", "ipproto"),
        *("sport", "dport", "tun_id", "lookup", "goto"),
        *("suppress_prefixlength", "suppress_ifgroup"),
    }
)
_VRF = "[l3mdev-table]"  # the table of the link's VRF
_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """A policy rule: which packets use which routing table.

    Attributes:
        priority: the rule with the lowest is tried first.
        negated: it applies to the packets that do not match.
        source: the packets' source: `all`, an address or a network.
        destination: an address or a network; "" for any.
        tos: as a number; "" for any.
        mark: fwmark and its mask, as `ip` writes them; "" for any.
        incoming: the link that they arrived on; "" for any.
        outgoing: the link that a socket is bound to; "" for any.
        uids: the users whose sockets send them, FIRST-LAST; "" for any.
        protocol: tcp, udp, ... or a number; "" for any.
        sport: a port or a range of ports; "" for any.
        dport: likewise.
        tunnel: the id of the tunnel that they came by; "" for any.
        action: `lookup`, `goto`, `nop`, or how they are refused: unreachable,
            blackhole, prohibit.
        table: the table that is looked up; "" for another action.
        suppress: routes of this prefix length or less are ignored; None ignores none.
        group: routes by links of this group are ignored; None ignores none.
        target: the priority of the rule that is tried next; None but for `goto`.

    """

    priority: int
    negated: bool = False
    source: str = _ALL
    destination: str = ""
    tos: str = ""
    mark: str = ""
    incoming: str = ""
    outgoing: str = ""
    uids: str = ""
    protocol: str = ""
    sport: str = ""
    dport: str = ""
    tunnel: str = ""
    action: str = LOOKUP
    table: str = ""
    suppress: int | None = None
    group: int | None = None
    target: int | None = None

    def __str__(self) -> str:
        """Render as `ip rule` does."""
        return f"{self.priority}:\t{' '.join(self._tokens())}"

    def _tokens(self) -> Iterator[str]:
        if self.negated:
            yield "not"
        for name, value in (
            ("from", self.source),
            ("to", self.destination),
            ("tos", self.tos),
            ("fwmark", self.mark),
            ("iif", self.incoming),
            ("oif", self.outgoing),
            ("uidrange", self.uids),
            ("ipproto", self.protocol),
            ("sport", self.sport),
            ("dport", self.dport),
            ("tun_id", self.tunnel),
        ):
            if value:
                yield f"{name} {value}"
        yield self.action
        if self.table or self.target is not None:
            yield self.table or f"{self.target}"
        if self.suppress is not None:
            yield f"suppress_prefixlength {self.suppress}"
        if self.group is not None:
            yield f"suppress_ifgroup {self.group}"


def policy_rule(message: Any) -> PolicyRule:
    """Return the policy rule in a message, RTM_NEWRULE."""
    protocol = message.get("ip_proto")
    action = _ACTIONS.get(message["action"], f"{message['action']}")
    return PolicyRule(
        priority=message.get("priority") or 0,
        negated=bool(message["flags"] & _INVERTED),
        source=network(message, "src") or _ALL,
        destination=network(message, "dst"),
        tos=f"0x{tos:x}" if (tos := message.get("tos") or 0) else "",
        mark=_mark(message.get("fwmark"), message.get("fwmask")),
        incoming=message.get("iifname") or "",
        outgoing=message.get("oifname") or "",
        uids=(message.get("uid_range") or "").replace(":", "-"),
        protocol=_IP_PROTOCOLS.get(protocol, f"{protocol or ''}"),
        sport=_range(message.get("sport_range")),
        dport=_range(message.get("dport_range")),
        tunnel=f"{message.get('tun_id') or ''}",
        action=action,
        table=_table(message) if action == LOOKUP else "",
        suppress=_unless_all(message.get("suppress_prefixlen")),
        group=_unless_all(message.get("suppress_ifgroup")),
        target=message.get("goto") if action == GOTO else None,
    )


def protocol_number(name: str) -> int:
    """Return the number of a rule's protocol; 0 for any."""
    known = {text: number for number, text in _IP_PROTOCOLS.items()}
    return known[name] if name in known else number(name or "0")


def policy_rules(listed: str) -> tuple[PolicyRule, ...]:
    """Return what `ip rule` printed; other lines are left out."""
    found = []
    for line in listed.splitlines():
        priority, colon, rest = line.partition(":\t")
        with suppress(ValueError):
            if colon:
                found.append(_policy_rule(number(priority), rest.split()))
    return tuple(found)


def _policy_rule(priority: int, tokens: list[str]) -> PolicyRule:
    found = named(tokens, _RULE)
    action = next((word for word in tokens if word in _ACTIONS.values()), "")
    if "from" not in found or not action:
        raise ValueError("no rule")
    return PolicyRule(
        priority=priority,
        negated=tokens[0] == "not",
        source=found["from"],
        destination=found.get("to", ""),
        tos=found.get("tos", ""),
        mark=found.get("fwmark", ""),
        incoming=found.get("iif", ""),
        outgoing=found.get("oif", ""),
        uids=found.get("uidrange", ""),
        protocol=found.get("ipproto", ""),
        sport=found.get("sport", ""),
        dport=found.get("dport", ""),
        tunnel=found.get("tun_id", ""),
        action=action,
        table=found.get("lookup", ""),
        suppress=maybe(found, "suppress_prefixlength"),
        group=maybe(found, "suppress_ifgroup"),
        target=maybe(found, GOTO),
    )


def _table(message: Any) -> str:
    table = message.get("table")
    return _VRF if message.get("l3mdev") else TABLES.get(table, f"{table}")


def _unless_all(value: int | None) -> int | None:
    return None if value in (None, _ALL_BITS) else value


def _mark(mark: int | None, mask: int | None) -> str:
    if mark is None or not mask:
        return ""
    return f"0x{mark:x}" if mask == _ALL_BITS else f"0x{mark:x}/0x{mask:x}"


def _range(ports: str | None) -> str:
    """Return a range of ports as `ip` writes it; pyroute2 gives FIRST:LAST."""
    first, _, last = (ports or "").partition(":")
    return first if first == last else f"{first}-{last}"
