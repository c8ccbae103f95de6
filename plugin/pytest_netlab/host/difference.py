"""How a host differs from the one a golden was recorded on."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pytest_netlab.host import ruleset
from pytest_netlab.host.facts import EndSetting, link_state, reach
from pytest_netlab.host.sysctls import ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_netlab.host.connections import Connection
    from pytest_netlab.host.facts import Fact
    from pytest_netlab.host.rules import Item

# Facts that are lists of lines, compared line by line. Only rules have an order.
RULES = "ruleset"
LISTS = (RULES, "routes", "links")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """How a host differs from the one a golden was recorded on.

    Attributes:
        missing: rules, chains, routes and links that only the golden's host has.
        extra: those that only this host has.
        moved: rules that both hosts have, in another order.
        settings: name -> (on the golden's host, on this one).
        conntrack_entries: the conntrack table of this host: evidence, no difference.
        full: how many connections there are if that table is full, else "".
        ends: the sysctls of this lab's nodes that are not the kernel's defaults.

    """

    missing: tuple[Fact, ...] = ()
    extra: tuple[Fact, ...] = ()
    moved: tuple[Fact, ...] = ()
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    conntrack_entries: tuple[Connection, ...] = ()
    full: str = ""
    ends: tuple[EndSetting, ...] = ()


def read(line: str) -> Fact:
    """Parse a line of a host's facts; the `text` of the value is that line."""
    return _fact(ruleset.read(line))


def _fact(item: Item) -> Fact:
    """Return the route or link that a line is about, else what it is."""
    known = reach(item.text) or link_state(item.text)
    return known if known and known.text == item.text else item


def difference(
    was: Mapping[str, str],
    now: Mapping[str, str],
    conntrack_entries: Sequence[Connection] = (),
    full: str = "",
) -> HostChange:
    """Return how two hosts' facts differ; rules, routes and links each on their own.

    A fact that only one of them has is ignored.

    Args:
        was: facts of the golden's host, name -> text.
        now: facts of this one.
        conntrack_entries: the conntrack table of this one.
        full: how many connections there are if that table is full, else "".

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
        missing=_read_in((_only_in(old, new), old) for old, new in lists),
        extra=_read_in((_only_in(new, old), new) for old, new in lists),
        moved=ruleset.among(rules[1], _moved(*rules)),
        settings=settings,
        conntrack_entries=tuple(conntrack_entries),
        full=full,
    )


def set_at_ends(ends: Mapping[str, Mapping[str, str]]) -> tuple[EndSetting, ...]:
    """Return the settings of nodes that are not what the kernel sets."""
    return tuple(
        EndSetting(node, name, value, ENDS[name])
        for node, settings in ends.items()
        for name, value in settings.items()
        if name in ENDS and value != ENDS[name]
    )


def _read_in(
    lists: Iterable[tuple[Iterable[str], Sequence[str]]],
) -> tuple[Fact, ...]:
    """Parse some lines of each list; rules are connected with the others of theirs."""
    return tuple(
        _fact(one) for some, lines in lists for one in ruleset.among(lines, some)
    )


# Lines are compared before they are parsed: equal lines make equal values.


def _only_in(these: Sequence[str], those: Sequence[str]) -> Iterator[str]:
    others = set(those)
    return (one for one in these if one not in others)


def _moved(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the lines that both have, but in another order."""
    both = set(old) & set(new)
    was, now = ([one for one in these if one in both] for these in (old, new))
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for verb, start, end, _, _ in matcher.get_opcodes():
        if verb in ("delete", "replace"):
            yield from was[start:end]
