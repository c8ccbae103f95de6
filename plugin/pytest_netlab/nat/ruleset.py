"""Rules of a host as lines that can be compared between hosts. Pure text.

Counters go, names stand for addresses, and a network is just `net`: what is left says
what the rules do, on whatever address plan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTERS = re.compile(r"\[\d+:\d+\]\s*")
_ADDRESS = re.compile(r"\b(\d+\.\d+\.\d+\.\d+)(?:/(\d+))?")
_IPTABLES = re.compile(r"table ip6? (filter|nat|mangle|raw|security) ")
_NFT_COUNTER = re.compile(r"counter packets \d+ bytes \d+")
_NFT_HANDLE = re.compile(r"\s*# handle \d+$")
_DNAT = re.compile(r"--dport (\d+) .*-j DNAT --to-destination (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """How a host differs from the one a golden was recorded on.

    `missing` and `extra` are normalised rules; `settings` is name -> (then, here).
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """What a DNAT rule says: a port of the host, and where it leads."""

    port: str
    target: str


def normalize(saved: str, symbols: Mapping[str, str]) -> str:
    """Return what `iptables-save` printed, without what differs between any two runs.

    Args:
        saved: the output, of one family.
        symbols: address -> name.

    """
    table = ""
    kept = []
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith((":", "-A", "[")):
            rule = _COUNTERS.sub("", line).strip()
            kept.append(f"{table} {_named(rule, symbols)}")
    return "\n".join(kept)


def foreign(listed: str, symbols: Mapping[str, str]) -> str:
    """Return the rules of tables that iptables does not own, a line each.

    firewalld and hand-written nft tables hook in beside iptables' own, and any of them
    may drop or reject what Docker's rules accept.

    Args:
        listed: what `nft list ruleset` printed.
        symbols: address -> name.

    """
    table = chain = ""
    kept = []
    for listed_line in listed.splitlines():
        line = _NFT_HANDLE.sub("", listed_line).strip()
        words = line.split()
        if line.endswith("{") and words[0] == "table":
            table = "" if _IPTABLES.match(line) else " ".join(words[1:3])
        elif line.endswith("{"):
            chain = words[1] if len(words) > 1 else ""
        elif table and words and words[0] not in ("}", "#"):
            rule = _NFT_COUNTER.sub("counter", line)
            kept.append(f"nft {table} {chain} {_named(rule, symbols)}")
    return "\n".join(kept)


def host_change(
    was: Mapping[str, str], now: Mapping[str, str], rules: str = "ruleset"
) -> HostChange:
    """Return how two hosts' facts differ; the one named by `rules` is compared by line.

    A fact that either side does not know tells nothing.
    """
    old, new = was.get(rules, ""), now.get(rules, "")
    both = [name for name in was if name in now and name != rules]
    settings = {name: (was[name], now[name]) for name in both if was[name] != now[name]}
    if not old or not new:
        return HostChange(settings=settings)
    return HostChange(
        missing=_only_in(old.splitlines(), new.splitlines()),
        extra=_only_in(new.splitlines(), old.splitlines()),
        settings=settings,
    )


def _only_in(these: Sequence[str], those: Sequence[str]) -> tuple[str, ...]:
    return tuple(rule for rule in these if rule not in those)


def published(rule: str) -> Published | None:
    """Return what a normalised DNAT rule publishes; None for any other rule."""
    found = _DNAT.search(rule)
    return Published(*found.groups()) if found else None


def _named(rule: str, symbols: Mapping[str, str]) -> str:
    def name(found: re.Match[str]) -> str:
        address, length = found.groups()
        if length not in (None, "32"):
            return found.group() if address.startswith("127.") else "net"
        return symbols.get(address, address)

    return _ADDRESS.sub(name, rule)
