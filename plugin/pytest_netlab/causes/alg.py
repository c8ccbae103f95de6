"""Causes in what a conntrack helper did, an ALG (RFC 2663, 2.9), and does no longer.

A helper reads what FTP and the like say: it translates addresses in it, and expects the
connections that it announces. Since Linux 6.0 only a rule assigns one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_netlab.causes import clues
from pytest_netlab.host import Rule
from pytest_netlab.host.firewall import effects
from pytest_netlab.host.firewall.conditions import meets

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case, Cause
    from pytest_netlab.host import Fact
    from pytest_netlab.trace import FlowFact


def unhelped(case: Case) -> Cause | None:
    """Find a flow whose helper is gone, or which such a flow announced."""
    want = case.want
    if want.disposition != "forwarded" or clues.acted(case, effects.bars):
        return None
    for one in (want, *case.flows):
        control = replace(case, want=one, got=one)
        why = clues.gone(control, partial(_assigned, control))
        if why and _nodes(one) == _nodes(want):
            cause = case.cause("no helper", _said(want, one), why)
            past = want.between(want.initiator, want.target or want.responder)
            return replace(cause, explains=frozenset({past}))
    return None


def _assigned(control: Case, rule: Fact) -> bool:
    """Return whether a rule may have assigned a helper to a flow: by how it began."""
    if not isinstance(rule, Rule) or not effects.assigns_helper(rule):
        return False
    initiator = f"{control.want.initiator.node}"
    begun = (one for one in control.packets if one.key.src == initiator)
    return any(meets(rule, one) is not False for one in begun if one.key.dport)


def _said(want: FlowFact, control: FlowFact) -> str:
    if control.name == want.name:
        return (
            f"nothing reads what {want.name} says: addresses in it are not translated, "
            "and connections that it announces are not expected"
        )
    return f"{control.name} announced {want.name}, and nothing expects it"


def _nodes(fact: FlowFact) -> set[object]:
    """Return both machines of a flow, whoever began."""
    return {fact.initiator.node, (fact.target or fact.responder).node}
