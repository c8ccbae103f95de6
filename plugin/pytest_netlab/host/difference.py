"""How a host differs from the one a golden was recorded on, as far as that matters.

Another engine, or another backend of it, writes other rules: those say nothing. Then
what counts is what changed since the lab started, and rules that no engine writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.host.engine_rules import bridge_of, lacking, written_by_engine
from pytest_netlab.host.evidence import HostEvidence
from pytest_netlab.host.facts import EndSetting, Reach, link_state, reach
from pytest_netlab.host.firewall.rules import Rule
from pytest_netlab.host.firewall.ruleset import among, has_order, items
from pytest_netlab.host.firewall.ruleset import read as read_item
from pytest_netlab.host.firewall.unprintable import left
from pytest_netlab.host.sysctls import ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_netlab.host.facts import Fact
    from pytest_netlab.host.firewall.rules import Item
    from pytest_netlab.host.tracking.connections import Connection

# Facts that are lists of lines, compared line by line. Only rules have an order.
RULES = "ruleset"
LISTS = (RULES, "routes", "links")


@dataclass(frozen=True, kw_only=True)
class HostChange(HostEvidence):
    """How a host differs from the one a golden was recorded on.

    Attributes:
        missing: rules, chains, routes and links that only the golden's host has.
        extra: those that only this host has.
        moved: rules that both hosts have, in another order.
        settings: name -> (on the golden's host, on this one).
        older: those conntrack entries that the trace's flows followed, and that are
            older than its capture.
        ends: the sysctls of this lab's nodes that are not the kernel's defaults.
        devices: node -> the link by which the golden's host reached it.
        lines: a rule's line -> the same with this host's addresses.
        bare: this host has no rule that an engine writes.
        since: lines of what changed since the lab had just started; None where nobody
            looked.
        usual: how many more rules differ, because their engines do.

    """

    missing: tuple[Fact, ...] = ()
    extra: tuple[Fact, ...] = ()
    moved: tuple[Fact, ...] = ()
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    older: tuple[Connection, ...] = ()
    ends: tuple[EndSetting, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False
    since: frozenset[str] | None = None
    usual: int = 0

    def packets(self, fact: Fact) -> int | None:
        """Return how many packets a rule counted; None where that is not known.

        For an element without a counter, the rule counts that looks it up.
        """
        counts = self.counts or {}
        rules = (fact, *fact.users) if isinstance(fact, Rule) else (fact,)
        known = (counts[one.text] for one in rules if one.text in counts)
        return next(known, None)

    @cached_property
    def acted(self) -> tuple[Fact, ...]:
        """Return the rules and policies that counted packets, the most first."""
        counts = self.counts or {}
        found = sorted(filter(counts.get, counts), key=lambda one: -counts[one])
        return _read_in(found, tuple(self.lines) or found)


def read(line: str) -> Fact:
    """Parse a line of a host's facts; the `text` of the value is that line."""
    return _fact(read_item(line))


def _fact(item: Item) -> Fact:
    """Return the route or link that a line is about, else what it is."""
    known = reach(item.text) or link_state(item.text)
    return known if known and known.text == item.text else item


def difference(
    was: Mapping[str, str],
    now: Mapping[str, str],
    start: Mapping[str, str] | None = None,
) -> HostChange:
    """Return how two hosts' facts differ; rules, routes and links each on their own.

    A fact that only one of them has is ignored, and a list in which `was` has nothing.

    Args:
        was: facts of the golden's host, name -> text.
        now: facts of this one.
        start: its facts when its lab had just started; None where nobody looked.

    """
    both = [name for name in was if name in now and name not in LISTS]
    settings = {name: (was[name], now[name]) for name in both if was[name] != now[name]}
    changes = [_listed(was, now, name) for name in LISTS if name != RULES]
    rules = all_rules = _listed(was, now, RULES)
    if "engine" in was and "engine" in now and _engine(was) != _engine(now):
        rules = _beside_engines(rules, now)
        if start is not None:
            rules += _since(start, now)
    known = sum((*changes, rules), _Lists())
    return HostChange(
        missing=known.missing,
        extra=known.extra,
        moved=rules.moved,
        settings=settings,
        devices=_devices(was),
        bare=_is_bare(was, now),
        since=None if start is None else frozenset(_changed(start, now)),
        usual=len({*_texts(all_rules)}.difference(_texts(rules))),
    )


class _Lists(NamedTuple):
    missing: tuple[Fact, ...] = ()
    extra: tuple[Fact, ...] = ()
    moved: tuple[Fact, ...] = ()

    def __add__(self, other: object) -> _Lists:
        """Return what either of two has, once."""
        if not isinstance(other, _Lists):
            return NotImplemented
        both = zip(self, other, strict=True)
        return _Lists(*(tuple(dict.fromkeys(a + b)) for a, b in both))


def _listed(was: Mapping[str, str], now: Mapping[str, str], name: str) -> _Lists:
    """Return how one list of lines differs; only rules have an order."""
    if not was.get(name) or name not in now:
        return _Lists()
    old, new = was[name].splitlines(), now[name].splitlines()
    missing, extra = (
        left(old, new, _only_in(*both)) for both in ((old, new), (new, old))
    )
    return _Lists(
        _read_in(missing, old),
        _read_in(extra, new),
        _read_in(_moved(old, new), new) if name == RULES else (),
    )


def _since(start: Mapping[str, str], now: Mapping[str, str]) -> _Lists:
    """Return which rules changed, without those for networks that are new.

    The engine writes them for networks that a test makes.
    """
    changed, then = _listed(start, now, RULES), start.get(RULES, "")
    bridges = {one: bridge_of(one) for one in changed.extra}
    extra = (one for one in changed.extra if bridges[one] in then)
    return changed._replace(extra=tuple(extra))


def _changed(start: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in LISTS:
        yield from _texts(_listed(start, now, name))


def _texts(lists: _Lists) -> Iterator[str]:
    return (one.text for facts in lists for one in facts)


def _engine(facts: Mapping[str, str]) -> tuple[object, ...]:
    """Return what decides which rules an engine writes: its release, and backends.

    Facts that do not name the engine's own backend are older than its having others.
    """
    release = facts.get("engine", "").partition("+")[0].split(".")[:2]
    return (*release, facts.get("backend"), facts.get("firewall", "iptables"))


def _beside_engines(rules: _Lists, now: Mapping[str, str]) -> _Lists:
    """Return what is no engine's, and what each engine has and this host lacks."""
    foreign = _Lists(*(tuple(_foreign(one)) for one in rules))
    if RULES not in now:
        return foreign
    essential = lacking(items(now[RULES]), now.get("firewall", ""))
    known = [one.text for one in essential]
    listed = left(known, now[RULES].splitlines(), known)
    return _Lists(tuple(x for x in essential if x.text in listed)) + foreign


def _foreign(facts: Sequence[Fact]) -> Iterator[Fact]:
    return (one for one in facts if not written_by_engine(one))


def _devices(facts: Mapping[str, str]) -> dict[str, str]:
    known = map(reach, facts.get("routes", "").splitlines())
    return {one.node: one.device for one in known if isinstance(one, Reach)}


def _is_bare(was: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Return whether this host has no rule of an engine, and the golden's has some."""
    if RULES not in now or not was.get(RULES):
        return False
    lines = (was[RULES].splitlines(), now[RULES].splitlines())
    had, has = (any(_is_engine_rule(read(one)) for one in known) for known in lines)
    return had and not has


def _is_engine_rule(fact: Fact) -> bool:
    return isinstance(fact, Rule) and written_by_engine(fact)


def set_at_ends(ends: Mapping[str, Mapping[str, str]]) -> tuple[EndSetting, ...]:
    """Return the settings of nodes that are not what the kernel sets."""
    return tuple(
        EndSetting(node, name, value, ENDS[name])
        for node, settings in ends.items()
        for name, value in settings.items()
        if name in ENDS and value != ENDS[name]
    )


def _read_in(some: Iterable[str], lines: Iterable[str]) -> tuple[Fact, ...]:
    """Parse some of a list's lines; rules are connected with the others."""
    return tuple(map(_fact, among(lines, some)))


# Lines are compared before they are parsed: equal lines make equal values.


def _only_in(these: Sequence[str], those: Sequence[str]) -> Iterator[str]:
    others = set(those)
    return (one for one in these if one not in others)


def _moved(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the lines that both have, but in another order."""
    both = set(filter(has_order, set(old) & set(new)))
    was, now = ([one for one in these if one in both] for these in (old, new))
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for verb, start, end, _, _ in matcher.get_opcodes():
        if verb in ("delete", "replace"):
            yield from was[start:end]
