"""A verdict as text: flow, direction and cause first, then fields, then evidence."""

from __future__ import annotations

import textwrap
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_netlab.nat import HostChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_netlab.diff import Difference
    from pytest_netlab.runner import Verdict

SHOWN = 12


def render(verdict: Verdict, bundle: Path | None = None, node: str = "") -> str:
    """Return the failure text of a verdict.

    `bundle` is where its evidence is, `node` the test's id for the next step.
    """
    lines = [f"{verdict.scenario} FAILED: {verdict.cause}", ""]
    flows = dict.fromkeys(difference.flow for difference in verdict.differences)
    for flow in flows:
        found = [d for d in verdict.differences if d.flow == flow]
        lines += [*told_flow(flow, found), ""]
    lines += _host(verdict)
    lines += _evidence(bundle, node)
    return "\n".join(lines)


def told_flow(
    name: str, found: Sequence[Difference], most: int = SHOWN
) -> Iterator[str]:
    """Return a flow's differences as lines: direction and cause lead.

    Beyond `most` they are in the evidence's difference.txt.
    """
    directions = " and ".join(dict.fromkeys(d.direction for d in found))
    yield f"flow       {name}, {directions} direction"
    cause = found[0].cause
    if cause is not None:
        yield from _wrapped("cause", f"{cause.name}: {cause.text}")
    for difference in found[:most]:
        yield from _difference(difference)
    if len(found) > most:
        yield f"  ... and {len(found) - most} more, in difference.txt"


def _difference(found: Difference) -> Iterator[str]:
    where = f"packet {found.packet} at" if found.packet else "at"
    yield f"  {found.field} ({found.direction}, {where} {found.point})"
    yield f"    expected  {found.want}"
    yield f"    actual    {found.got}"


def _host(verdict: Verdict) -> Iterator[str]:
    """Tell how the host differs from the golden's: settings, then rules as a diff."""
    host = verdict.host
    if host == HostChange():
        return
    yield "this host differs from the one the golden was recorded on"
    for name, (was, now) in host.settings.items():
        yield f"  {name}: {was} then, {now} here"
    yield from (f"  - {rule}" for rule in host.missing)
    yield from (f"  + {rule}" for rule in host.extra)
    yield ""


def _evidence(bundle: Path | None, node: str) -> Iterator[str]:
    if bundle is not None:
        names = ", ".join(sorted(path.name for path in bundle.glob("[!.]*")))
        yield f"evidence   {bundle}\n           {names}"
    yield "next step  if this change is wanted, record it and review story.txt:"
    yield f"           pytest -m netlab --netlab-update {node}"


def _wrapped(label: str, text: str) -> Iterator[str]:
    """Return a labelled paragraph as lines that fit a terminal."""
    lines = textwrap.wrap(text, 77, break_on_hyphens=False, break_long_words=False)
    for label_or_room, line in zip_longest([label], lines, fillvalue=""):
        yield f"{label_or_room:<11}{line}"
