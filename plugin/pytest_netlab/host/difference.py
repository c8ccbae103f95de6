"""How a host differs from the one a golden was recorded on."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pytest_netlab.host import ruleset
from pytest_netlab.host.facts import link_state, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.host.connections import Connection
    from pytest_netlab.host.facts import Fact

# Facts of several lines, of which each stands for itself. Only rules have an order.
RULES = "ruleset"
LISTS = (RULES, "routes", "links")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """How a host differs from the one a golden was recorded on.

    Attributes:
        missing: rules, chains, routes and links that only the golden's host has.
        extra: those that only this host has.
        moved: rules that stand elsewhere among the others.
        settings: name -> (then, here).
        conntrack_entries: what connection tracking holds here: no difference, but
            evidence.
        full: how much that is, where it is all it can hold; else "".

    """

    missing: tuple[Fact, ...] = ()
    extra: tuple[Fact, ...] = ()
    moved: tuple[Fact, ...] = ()
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    conntrack_entries: tuple[Connection, ...] = ()
    full: str = ""


def read(line: str) -> Fact:
    """Return what a line says of a host; its `text` is that line."""
    known = reach(line) or link_state(line)
    return known if known and known.text == line else ruleset.read(line)


def difference(
    was: Mapping[str, str],
    now: Mapping[str, str],
    conntrack_entries: Sequence[Connection] = (),
    full: str = "",
) -> HostChange:
    """Return how two hosts' facts differ; rules, routes and links each on their own.

    A fact that either side does not know tells nothing.

    Args:
        was: facts of the golden's host, name -> text.
        now: facts of this one.
        conntrack_entries: what connection tracking holds here.
        full: how much that is, where it is all it can hold.

    """
    both = [name for name in was if name in now and name not in LISTS]
    settings = {name: (was[name], now[name]) for name in both if was[name] != now[name]}
    known = {
        name: (was[name].splitlines(), now[name].splitlines())
        for name in LISTS
        if was.get(name) and now.get(name)
    }
    lists, rules = known.values(), known.get(RULES, ([], []))
    return HostChange(
        missing=tuple(read(one) for old, new in lists for one in _only_in(old, new)),
        extra=tuple(read(one) for old, new in lists for one in _only_in(new, old)),
        moved=tuple(map(read, _moved(*rules))),
        settings=settings,
        conntrack_entries=tuple(conntrack_entries),
        full=full,
    )


# A line and its value tell the same, and only lines that differ are worth reading.


def _only_in(these: Sequence[str], those: Sequence[str]) -> Iterator[str]:
    others = set(those)
    return (one for one in these if one not in others)


def _moved(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield what both have, in another order."""
    both = set(old) & set(new)
    was, now = ([one for one in these if one in both] for these in (old, new))
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for verb, start, end, _, _ in matcher.get_opcodes():
        if verb in ("delete", "replace"):
            yield from was[start:end]
