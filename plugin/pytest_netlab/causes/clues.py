"""Cite, as evidence of a cause, what differs between this host and the golden's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host import LinkState, Reach
from pytest_netlab.host.sysctls import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.host import Fact, HostChange, Question

VERSIONS = ("engine", "kernel", "iptables", "backend")


def gone(host: HostChange, wanted: Question) -> str:
    """Cite the first missing rule that fulfils `wanted`; "" for none."""
    return _cited("this rule is gone", filter(wanted, host.missing))


def new(host: HostChange, wanted: Question) -> str:
    """Cite the first extra rule that fulfils `wanted`; "" for none."""
    return _cited("this rule is new", filter(wanted, host.extra))


def reordered(host: HostChange, wanted: Question) -> str:
    """Cite the first moved rule that fulfils `wanted`; "" for none."""
    return _cited("this rule stands elsewhere now", filter(wanted, host.moved))


def setting(host: HostChange, *names: str) -> str:
    """Cite the first of these settings that differs; "" for none."""
    for name in names:
        if name in host.settings:
            was, now = host.settings[name]
            return f"{FACTS.get(name, name)} is {now} here, {was} when recorded"
    return ""


def route(host: HostChange, *nodes: str) -> str:
    """Cite the first of these nodes to which the route differs; "" for none."""
    for node in nodes:
        now, was = (_route(facts, node) for facts in (host.extra, host.missing))
        if now or was:
            return f"the route differs: {now or 'none'} here, {was or 'none'} then"
    return ""


def link(host: HostChange) -> str:
    """Cite the first link whose MTU or state differs; "" for none."""
    now, was = (
        next((one.text for one in _links(facts)), "")
        for facts in (host.extra, host.missing)
    )
    return f"{now or 'a link is gone'} here, {was or 'none'} when recorded" * bool(
        now or was
    )


def mtu(host: HostChange) -> int:
    """Return the smallest MTU, in octets, that was lowered here; 0 for none."""
    was = {one.name: one.mtu for one in _links(host.missing)}
    found = (one for one in _links(host.extra) if one.mtu < was.get(one.name, 0))
    return min((one.mtu for one in found), default=0)


def versions(host: HostChange) -> str:
    """Cite the versions that differ; "" for none."""
    return ", ".join(filter(None, (setting(host, name) for name in VERSIONS)))


def first(*clues: str, host: HostChange, otherwise: str) -> str:
    """Return the first clue that is not empty; else where to look, and the versions."""
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
