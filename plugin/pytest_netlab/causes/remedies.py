"""Commands that undo what differs in a host's rules, with that host's addresses."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_netlab.host import Rule
from pytest_netlab.host.engine_shapes import is_known
from pytest_netlab.host.firewall.chains import key
from pytest_netlab.host.firewall.iptables import TABLES as IPTABLES
from pytest_netlab.host.firewall.rules import OF_SET, unquoted
from pytest_netlab.host.firewall.tokens import split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.host import Fact, HostChange


def undo(host: HostChange, fact: Fact) -> str:
    """Return the command that deletes a new rule; "" where none is known."""
    line = host.lines.get(fact.text, "")
    if not line:
        return ""
    if line.startswith("nft "):
        return _undo_nft(host, fact, line)
    return _undo_iptables(fact, line) if isinstance(fact, Rule) else ""


def wake(table: Rule) -> str:
    """Return the command after which the chains of a dormant table act again."""
    return f"nft add table {table.family} {table.table}"


def _undo_iptables(rule: Rule, line: str) -> str:
    tool = "ip6tables" if rule.family == "ip6" else "iptables"
    tool += "-legacy" * (rule.backend == "legacy")
    _, _, deleted = line.partition(" -A ")
    parts = split(deleted, escapes=True)
    words = shlex.join(unquoted(one, escapes=True) for one in parts)
    table = "" if rule.table == "filter" else f"-t {shlex.quote(rule.table)} "
    return f"{tool} {table}-D {words}"


def _is_shared(table: str, lines: Iterable[str]) -> bool:
    """Return whether a table is one of iptables' or of an engine's."""
    return table in IPTABLES or any(map(is_known, lines))


def _undo_nft(host: HostChange, fact: Fact, line: str) -> str:
    """Delete a new table as a whole, else an element; rules have no names in nft."""
    words = line.split(" ", 4)
    if len(words) < len(("nft", "family", "table", "place", "line")):
        return ""
    _, family, table, place, element = words
    head = f"nft {family} {table} "
    new = {one.text for one in host.extra}
    whole = [one for one in host.lines if one.startswith(head)]
    if new.issuperset(whole) and not _is_shared(f"{family} {table}", whole):
        return f"nft delete table {family} {table}"
    if not isinstance(fact, Rule) or not place.startswith(OF_SET):
        return ""
    name, braced = place.removeprefix(OF_SET), shlex.quote(f"{{ {key(element)} }}")
    return f"nft delete element {family} {table} {name} {braced}"
