"""What differs of the host from the golden's, cited as a cause's evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host import LinkState, Reach
from pytest_netlab.host.sysctls import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.host import Fact, HostChange, Question

VERSIONS = ("engine", "kernel", "iptables", "backend")


def gone(host: HostChange, wanted: Question) -> str:
    """Cite the first rule that is missing and does what is asked; "" for none."""
    return _cited("this rule is gone", filter(wanted, host.missing))


def new(host: HostChange, wanted: Question) -> str:
    """Cite the first rule that is extra and does what is asked; "" for none."""
    return _cited("this rule is new", filter(wanted, host.extra))


def reordered(host: HostChange, wanted: Question) -> str:
    """Cite the first such rule that stands elsewhere now; "" for none."""
    return _cited("this rule stands elsewhere now", filter(wanted, host.moved))


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
        now, was = (_route(facts, node) for facts in (host.extra, host.missing))
        if now or was:
            return f"the route differs: {now or 'none'} here, {was or 'none'} then"
    return ""


def link(host: HostChange) -> str:
    """Cite the first link that differs, in its MTU or state; "" for none."""
    now, was = (
        next((one.text for one in _links(facts)), "")
        for facts in (host.extra, host.missing)
    )
    return f"{now or 'a link is gone'} here, {was or 'none'} when recorded" * bool(
        now or was
    )


def mtu(host: HostChange) -> int:
    """Return the smallest MTU that is new here; 0 for none."""
    was = {one.name: one.mtu for one in _links(host.missing)}
    found = (one for one in _links(host.extra) if one.mtu < was.get(one.name, 0))
    return min((one.mtu for one in found), default=0)


def versions(host: HostChange) -> str:
    """Cite the versions that differ; "" for none."""
    return ", ".join(filter(None, (setting(host, name) for name in VERSIONS)))


def first(*clues: str, host: HostChange, otherwise: str) -> str:
    """Return the first clue there is; else where to look, and which versions differ."""
    found = next(filter(None, clues), "")
    if found:
        return found
    known_versions = versions(host)
    return f"{otherwise} ({known_versions})" if known_versions else otherwise


def _cited(what: str, rules: Iterable[Fact]) -> str:
    return next((f"{what}: {rule.text}" for rule in rules), "")


def _route(facts: Iterable[Fact], node: str) -> str:
    routes = (one for one in facts if isinstance(one, Reach) and one.node == node)
    return next((one.text for one in routes), "")


def _links(facts: Iterable[Fact]) -> list[LinkState]:
    return [one for one in facts if isinstance(one, LinkState)]
