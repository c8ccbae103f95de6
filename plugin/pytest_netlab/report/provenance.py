"""Describe how a host differs from the one a golden was recorded on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_netlab.host import HostChange

HEADLINE = ("engine", "kernel")


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

    What is known of connections is evidence, and no difference.
    """
    lines = list(_changes(recorded_on, host))
    if lines:
        yield "this host differs from the one the golden was recorded on"
        yield from (f"  {line}" for line in lines)


def _changes(recorded_on: Mapping[str, str], host: HostChange) -> Iterator[str]:
    versions = environment(recorded_on, host)
    if versions:
        yield versions
    for name, (was, now) in host.settings.items():
        if not versions or name not in HEADLINE:
            yield f"{name}: {was} then, {now} here"
    yield from (f"- {rule.text}" for rule in host.missing)
    yield from (f"+ {rule.text}" for rule in host.extra)
    yield from (f"~ {rule.text} (moved among the rules)" for rule in host.moved)
