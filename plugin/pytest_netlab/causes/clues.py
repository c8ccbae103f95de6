"""Cite, as evidence of a cause, what is otherwise on this host, and what acted.

Only what may concern the packets of the flow is cited. Of rules, those come first that
counted packets during the capture, and those that counted none are no evidence at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.causes.facts import Clue
from pytest_netlab.causes.remedies import undo, wake
from pytest_netlab.host import Chain, LinkState, Reach, Rule
from pytest_netlab.host.engine_rules import written_by_engine
from pytest_netlab.host.firewall import effects
from pytest_netlab.host.sysctls import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.causes.facts import Case
    from pytest_netlab.host import Fact, HostChange, Question

VERSIONS = ("engine", "kernel", "iptables", "backend", "firewall")
RESTART = "systemctl restart docker"  # an engine writes its rules when it starts


NONE = Clue()


def gone(case: Case, wanted: Question) -> Clue:
    """Cite the first missing rule that fulfils `wanted`."""
    found = next(_concerning(case, case.host.missing, wanted), None)
    if found is None:
        return NONE
    asleep = next(filter(effects.sleeps(found), case.host.extra), None)
    if isinstance(asleep, Rule):
        text = f"its table is dormant, so this rule does nothing: {found.text}"
        return Clue(f"{text}; this is new: {asleep.text}", wake(asleep))
    remedy = RESTART if written_by_engine(found) else ""
    what = (
        "this rule and its whole table are" if _lacks(case, found) else "this rule is"
    )
    text = f"{what} gone: {_cited_as(found)}"
    if case.host.bare:
        text += ", and no other rule of Docker's is left on this host"
    return Clue(text, remedy)


def _lacks(case: Case, fact: Fact) -> bool:
    """Return whether a host has nothing of the table of an nft rule."""
    if not isinstance(fact, Rule) or fact.backend != "nft" or not case.host.lines:
        return False
    head = f"nft {fact.family} {fact.table} "
    return not any(one.startswith(head) for one in case.host.lines)


def unpublished(case: Case) -> Clue:
    """Cite the missing rule that published a port: DNAT before what leads to it."""
    translates = gone(case, effects.translates_destination)
    return translates or gone(case, effects.publishes)


def new(case: Case, wanted: Question) -> Clue:
    """Cite the extra rule that fulfils `wanted`: the one that counted most packets."""
    return _cited(case, "this rule is new", case.host.extra, wanted)


def reordered(case: Case, wanted: Question) -> Clue:
    """Cite the moved rule that fulfils `wanted`: the one that counted most packets."""
    return _cited(case, "this rule stands elsewhere now", case.host.moved, wanted)


def acted(case: Case, wanted: Question) -> Clue:
    """Cite what changed and made a rule act that fulfils `wanted`; no policy.

    That is the rule itself where it is new or was moved, else one that leads to it.
    """
    found = _most_active(case, wanted)
    if found is None:
        return NONE
    for what, known in (("new", case.host.extra), ("elsewhere now", case.host.moved)):
        if found in known:
            text = f"this rule is {what}: {_counted(case, found)}"
            return Clue(text, undo(case.host, found))
        leads = next(filter(_leads_to(found), known), None)
        if leads is not None:
            text = f"this rule is {what}: {_counted(case, leads)}, and leads to"
            return Clue(f"{text} {_counted(case, found)}", undo(case.host, leads))
    return NONE


def did(case: Case, wanted: Question) -> Clue:
    """Cite the rule that fulfils `wanted` and counted most packets, if as it was."""
    found = _most_active(case, wanted)
    return Clue(f"this rule did it: {_counted(case, found)}") if found else NONE


def _most_active(case: Case, wanted: Question) -> Fact | None:
    rules = (one for one in case.host.acted if isinstance(one, Rule))
    return next(_concerning(case, rules, wanted), None)


def policy(case: Case, wanted: Question) -> Clue:
    """Cite the policy that fulfils `wanted` and counted packets: no rule decided."""
    chains = (one for one in case.host.acted if isinstance(one, Chain))
    found = next(_concerning(case, chains, wanted), None)
    if found is None:
        return NONE
    what = "this policy is new" if found in case.host.extra else "the policy did it"
    return Clue(f"no rule let them pass, and {what}: {_counted(case, found)}")


def setting(case: Case, *names: str) -> Clue:
    """Cite the first of these settings that differs."""
    for name in names:
        if name in case.host.settings:
            was, now = case.host.settings[name]
            sysctl = FACTS.get(name, name)
            remedy = f"sysctl -w {sysctl}={was}" if name in FACTS else ""
            return Clue(f"{sysctl} is {now} here, {was} when recorded", remedy)
    return NONE


def route(case: Case, *nodes: str) -> Clue:
    """Cite the first of these nodes to which the route differs."""
    host = case.host
    for node in nodes:
        now, was = (_route(facts, node) for facts in (host.extra, host.missing))
        if now or was:
            now, was = now or "none", was or "none"
            return Clue(f"the route differs: {now} here, {was} then")
    return NONE


def link(case: Case) -> Clue:
    """Cite the first link whose MTU or state differs."""
    now, was = (
        next((one.text for one in _links(facts)), "")
        for facts in (case.host.extra, case.host.missing)
    )
    if not now and not was:
        return NONE
    return Clue(f"{now or 'a link is gone'} here, {was or 'none'} when recorded")


def mtu(host: HostChange) -> int:
    """Return the smallest MTU, in octets, that was lowered here; 0 for none."""
    was = {one.name: one.mtu for one in _links(host.missing)}
    found = (one for one in _links(host.extra) if one.mtu < was.get(one.name, 0))
    return min((one.mtu for one in found), default=0)


def versions(case: Case) -> str:
    """Return the versions that differ; "" for none."""
    cited = (setting(case, name).text for name in VERSIONS)
    return ", ".join(filter(None, cited))


def first(*clues: Clue, case: Case, otherwise: str) -> Clue:
    """Return the first clue that cites; else where to look, and the versions."""
    found = next(filter(None, clues), None)
    if found is not None:
        return found
    known_versions = versions(case)
    text = f"{otherwise} ({known_versions})" if known_versions else otherwise
    return Clue(text)


def _concerning(case: Case, facts: Iterable[Fact], wanted: Question) -> Iterator[Fact]:
    return (one for one in facts if wanted(one) and case.concerns(one))


def _cited(case: Case, what: str, facts: Iterable[Fact], wanted: Question) -> Clue:
    known = [(one, case.host.packets(one)) for one in _concerning(case, facts, wanted)]
    able = [(one, count) for one, count in known if count != 0]
    if not able:
        return NONE
    found, _ = max(able, key=lambda one: (one[1] or 0, case.is_met(one[0])))
    return Clue(f"{what}: {_counted(case, found)}", undo(case.host, found))


def _counted(case: Case, fact: Fact) -> str:
    """Return a rule's line, and how many packets it counted."""
    count, line = case.host.packets(fact), _cited_as(fact)
    if not count:
        return line
    return f"{line} (it counted {count} packet{'s' * (count > 1)})"


def _cited_as(fact: Fact) -> str:
    """Return a rule's line; of an element, with the rule that looks it up."""
    if not isinstance(fact, Rule) or not fact.users:
        return fact.text
    return f"{fact.text}, an element for {fact.users[0].text}"


def _leads_to(rule: Fact) -> Question:
    def leads(fact: Fact) -> bool:
        if not isinstance(fact, Rule) or not isinstance(rule, Rule):
            return False
        same = (fact.backend, fact.family, fact.table)
        named = [word for one in fact.actions for word in (one.name, *one.tokens)]
        return same == (rule.backend, rule.family, rule.table) and rule.chain in named

    return leads


def _route(facts: Iterable[Fact], node: str) -> str:
    routes = (one for one in facts if isinstance(one, Reach) and one.node == node)
    return next((one.text for one in routes), "")


def _links(facts: Iterable[Fact]) -> list[LinkState]:
    return [one for one in facts if isinstance(one, LinkState)]
