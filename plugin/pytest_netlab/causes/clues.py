"""What differs of the host from the golden's, cited as a cause's evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_netlab.host.sysctls import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.nat import HostChange

# What keeps a packet from its way, or from translation.
BARRIERS = ("DROP", "REJECT", " reject", " drop", "NOTRACK", "notrack", "unreachable")
REFUSALS = ("REJECT", " reject")
UNTRACKED = ("NOTRACK", "notrack")
VERSIONS = ("engine", "kernel", "iptables", "backend")
_MTU = re.compile(r"^link (\S+) mtu (\d{1,9})\b", re.ASCII)


def gone(host: HostChange, *words: str) -> str:
    """Cite the first rule that is missing and has all these words; "" for none."""
    return next((_gone(rule) for rule in host.missing if _has(rule, words)), "")


def new(host: HostChange, *words: str) -> str:
    """Cite the first rule that is extra and has any of these words; "" for none."""
    found = (rule for rule in host.extra if any(word in rule for word in words))
    return next((f"this rule is new: {rule}" for rule in found), "")


def reordered(host: HostChange, *words: str) -> str:
    """Cite the first rule that stands elsewhere now and has all these words."""
    found = (rule for rule in host.moved if _has(rule, words))
    return next((f"this rule stands elsewhere now: {rule}" for rule in found), "")


def setting(host: HostChange, *names: str) -> str:
    """Cite the first of these settings that differs; "" for none."""
    for name in names:
        if name in host.settings:
            was, now = host.settings[name]
            return f"{FACTS.get(name, name)} is {now} here, {was} when recorded"
    return ""


def route(host: HostChange, *nodes: str) -> str:
    """Cite the first of these nodes that is reached another way; "" for none."""
    for node in nodes:
        now = _starting(host.extra, f"route {node} ")
        was = _starting(host.missing, f"route {node} ")
        if now or was:
            return f"the route differs: {now or 'none'} here, {was or 'none'} then"
    return ""


def link(host: HostChange) -> str:
    """Cite the first link that differs, in its MTU, state or queue; "" for none."""
    now = _starting(host.extra, "link ")
    was = _starting(host.missing, "link ")
    return f"{now or 'a link is gone'} here, {was or 'none'} when recorded" * bool(
        now or was
    )


def mtu(host: HostChange) -> int:
    """Return the smallest MTU that is new here; 0 for none."""
    found = [match for rule in host.extra if (match := _MTU.match(rule))]
    was = {m[1]: int(m[2]) for rule in host.missing if (m := _MTU.match(rule))}
    return min((int(m[2]) for m in found if int(m[2]) < was.get(m[1], 0)), default=0)


def versions(host: HostChange) -> str:
    """Cite the versions that differ; "" for none."""
    return ", ".join(filter(None, (setting(host, name) for name in VERSIONS)))


def first(*clues: str, host: HostChange, otherwise: str) -> str:
    """Return the first clue there is; else where to look, and which versions differ."""
    found = next(filter(None, clues), "")
    if found:
        return found
    told = versions(host)
    return f"{otherwise} ({told})" if told else otherwise


def _gone(rule: str) -> str:
    return f"this rule is gone: {rule}"


def _has(rule: str, words: Iterable[str]) -> bool:
    return all(word in rule for word in words)


def _starting(rules: Iterable[str], prefix: str) -> str:
    return next((rule for rule in rules if rule.startswith(prefix)), "")
