"""Tables of which iptables-save prints nothing, for nft wrote what it cannot print.

nft's text has them then, all rules in other words than before: that they differ from
what iptables-save printed once says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host.firewall.ruleset import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_POLICY = "; policy "


def left(old: Sequence[str], new: Sequence[str], some: Iterable[str]) -> list[str]:
    """Return those of some lines that say something: not for which tool printed them.

    Args:
        old: the lines of a ruleset.
        new: those of a later one.
        some: lines that only one of them has.

    """
    unprintable = _tables(old) - _tables(new)
    spelled = {table for table in unprintable if _is_listed(table, new)}
    if not spelled:
        return list(some)
    policies = {line.lower() for line in old if " :" in line}
    return [
        line
        for line in some
        if _table(line) not in spelled and not _is_policy(line, spelled, policies)
    ]


def _tables(lines: Iterable[str]) -> set[tuple[str, str]]:
    """Return the tables that iptables-save printed: family and name."""
    return {table for table in map(_table, lines) if table}


def _table(line: str) -> tuple[str, str] | None:
    place = chain_of(line)
    if place is None or place[0] != "iptables" or not place[2]:
        return None
    return place[1], place[2]


def _is_listed(table: tuple[str, str], lines: Iterable[str]) -> bool:
    head = "nft {} {} ".format(*table)
    return any(line.startswith(head) for line in lines)


def _is_policy(
    line: str, spelled: Iterable[tuple[str, str]], policies: Iterable[str]
) -> bool:
    """Return whether a line is a chain's with the policy that it had."""
    place = chain_of(line)
    if place is None or place[1:3] not in spelled or _POLICY not in line:
        return False
    family, table, chain = place[1:]
    policy = line.partition(_POLICY)[2].rstrip(";")
    six = "ip6 " * (family == "ip6")
    return f"{six}{table} :{chain} {policy}".lower() in policies
