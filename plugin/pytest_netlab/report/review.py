"""Render a pending golden for review: what differs, why, and on which host."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_netlab.errors import GoldenError
from pytest_netlab.recorder import review
from pytest_netlab.report.provenance import changes, environment
from pytest_netlab.report.text import render_flow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pytest_netlab.recorder import Review
    from pytest_netlab.store import Pending, PendingStore

MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s"))


def render(found: Review, now: datetime) -> Iterator[str]:
    """Yield lines: causes, changes of the host, then story.txt as a diff."""
    pending = found.pending
    yield f"{pending.name}: {pending.differs}"
    yield f"proposed   {age(pending, now)} ago by {pending.test}"
    yield f"golden     {pending.golden}{'' if found.recorded else ' (new)'}"
    if pending.stale:
        yield "           has changed since: it can be rejected, not accepted"
    if pending.refused:
        yield f"           cannot be accepted: {pending.refused}"
    yield ""
    for flow in dict.fromkeys(d.flow for d in found.differences):
        own = [d for d in found.differences if d.flow == flow]
        yield from (*render_flow(flow, own, len(own)), "")
    if found.recorded is not None:
        lines = list(changes(found.recorded.provenance, found.host))
        yield from (*lines, *[""] * bool(lines))
    yield from _trace_diff(found)


def _trace_diff(found: Review) -> Iterator[str]:
    name = found.pending.proposed.scenario
    new = found.pending.proposed.canonical.text(name).splitlines()
    if found.recorded is None:
        yield from new
        return
    old = found.recorded.canonical.text(name).splitlines()
    yield from difflib.unified_diff(old, new, "golden", "proposed", n=99, lineterm="")


def _environment(found: Review) -> str:
    """Return the versions at recording and in the run; "" if they do not differ."""
    recorded = found.recorded
    return environment(recorded.provenance, found.host) if recorded else ""


def age(pending: Pending, now: datetime) -> str:
    """Return the age of a proposal in its largest unit, as in `3 h`."""
    seconds = max(int((now - pending.made).total_seconds()), 0)
    size, unit = next(u for u in UNITS if seconds >= u[0] or u[0] == 1)
    return f"{seconds // size} {unit}"


def summary(
    store: PendingStore, goldens: Path, name: str, now: datetime
) -> dict[str, object]:
    """Return a pending golden's entry for the list; a damaged one has its error."""
    about = {"name": name, "folder": str(store.root / name)}
    try:
        pending = store.load(name, goldens)
        found = review(pending)
    except GoldenError as error:
        return {**about, "error": str(error)}
    return {
        **about,
        "scenario": found.pending.proposed.scenario,
        "golden": str(pending.golden),
        "new": pending.new,
        "stale": pending.stale,
        "differs": pending.differs,
        "environment": _environment(found),
        "test": pending.test,
        "made": pending.made.isoformat(),
        "age": age(pending, now),
    }


def listed(one: dict[str, object]) -> Iterator[str]:
    """Yield a summary as lines."""
    if "error" in one:
        yield f"{one['name']}  damaged"
        yield f"  {one['error']}"
        return
    yield f"{one['name']}  {one['differs']}  ({one['age']} ago)"
    if one["stale"]:
        yield "  its golden has changed since: run the scenario again"
    if one["environment"]:
        yield f"  {one['environment']}"
    yield f"  {one['folder']}"
    yield f"  for {one['golden']}{' (new)' if one['new'] else ''}"
