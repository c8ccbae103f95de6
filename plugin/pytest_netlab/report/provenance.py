"""Describe how a host differs from the one a golden was recorded on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host import Chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.host import Fact, HostChange

HEADLINE = ("engine", "kernel")
# Versions and drivers that say less than the headline: they share a line.
DETAILS = ("api", "containerd", "runc", "storage", "cgroup", "iptables")
MOST = 12  # lines of what differs for no known reason
_SINCE = "changed since the lab started"
_COUNTED = "counted packets during the capture"
_OTHERWISE = "otherwise"


def environment(recorded_on: Mapping[str, str], host: HostChange) -> str:
    """Return the versions at recording and here; "" if they do not differ."""
    here = [f"{k} {host.settings[k][1]}" for k in HEADLINE if k in host.settings]
    if not here:
        return ""
    was = {**{k: then for k, (then, _) in host.settings.items()}, **recorded_on}
    there = [f"{k} {was[k]}" for k in HEADLINE if k in was]
    return f"recorded on {', '.join(there)}; here {', '.join(here)}"


def changes(recorded_on: Mapping[str, str], host: HostChange) -> Iterator[str]:
    """Yield lines: versions, settings, then rules as a diff; none for no change.

    First come rules that changed since the lab started, then those that counted
    packets. What differs only as engines do is counted, not listed. What is known of
    connections is evidence, and no difference.
    """
    lines = [*_settings(recorded_on, host), *_rules(host)]
    if lines:
        yield "this host differs from the one the golden was recorded on"
        yield from (f"  {line}" for line in lines)


def _settings(recorded_on: Mapping[str, str], host: HostChange) -> Iterator[str]:
    versions = environment(recorded_on, host)
    if versions:
        yield versions
    found = host.settings.items()
    details = [
        f"{name} {was} -> {now}" for name, (was, now) in found if name in DETAILS
    ]
    if details:
        yield ", ".join(details)
    on_one_line = (*DETAILS, *HEADLINE) if versions else DETAILS
    for name, (was, now) in found:
        if name not in on_one_line:
            yield f"{name}: {was} then, {now} here"


def _rules(host: HostChange) -> Iterator[str]:
    groups: dict[str, list[str]] = {_SINCE: [], _COUNTED: [], _OTHERWISE: []}
    for fact, line in _diff(host):
        if _says_nothing(fact, host):
            continue
        if host.since is not None and fact.text in host.since:
            groups[_SINCE].append(line)
        else:
            groups[_COUNTED if host.packets(fact) else _OTHERWISE].append(line)
    more = max(len(groups[_OTHERWISE]) - MOST, 0)
    del groups[_OTHERWISE][MOST:]
    yield from _titled({title: found for title, found in groups.items() if found})
    if more:
        yield f"... and {_counted(more, 'more line')}"
    if host.usual:
        yield f"{_counted(host.usual, 'more rule')}, as each engine writes its own"
    if more or host.usual:
        yield "all rules are in golden.toml, and here in host/ of the evidence"


def _diff(host: HostChange) -> Iterator[tuple[Fact, str]]:
    for fact in host.missing:
        yield fact, f"- {fact.text}"
    for fact in host.extra:
        yield fact, f"+ {fact.text}{_packets(host, fact)}"
    for fact in host.moved:
        yield fact, f"~ {fact.text} (moved among the rules){_packets(host, fact)}"


def _packets(host: HostChange, fact: Fact) -> str:
    packets = host.packets(fact)
    return f" ({_counted(packets, 'packet')})" if packets else ""


def _says_nothing(fact: Fact, host: HostChange) -> bool:
    """Return whether it is a built-in chain that accepts, as it does unless told."""
    if not isinstance(fact, Chain) or fact.policy not in ("ACCEPT", "accept"):
        return False
    others = (one for one in host.missing if isinstance(one, Chain) and fact != one)
    return not any((one.table, one.name) == (fact.table, fact.name) for one in others)


def _titled(groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield groups under their titles; what is there for no known reason has none."""
    alone = list(groups) == [_OTHERWISE]
    for title, lines in groups.items():
        yield from () if alone else (title,)
        yield from lines


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
