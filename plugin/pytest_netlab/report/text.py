"""Render a verdict as text: flow, direction and cause, then fields, then evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.report.next_steps import NextSteps
from pytest_netlab.report.provenance import changes
from pytest_netlab.terminal import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_netlab.diff import Difference
    from pytest_netlab.judge import Verdict

SHOWN = 12


def render(
    verdict: Verdict, bundle: Path | None = None, steps: NextSteps | None = None
) -> str:
    """Return the failure text of a verdict.

    Args:
        verdict: what to render.
        bundle: folder of its evidence; None for none.
        steps: what to do next; None where nothing is known of that.

    """
    lines = [f"{verdict.scenario} FAILED: {verdict.cause}", ""]
    lines += explained(verdict, bundle)
    lines += (steps or NextSteps()).after(verdict)
    return joined(lines)


def explained(verdict: Verdict, bundle: Path | None = None) -> Iterator[str]:
    """Yield lines: differences, known variant, changes of the host, and evidence."""
    flows = dict.fromkeys(difference.flow for difference in verdict.differences)
    for flow in flows:
        found = [d for d in verdict.differences if d.flow == flow]
        yield from (*render_flow(flow, found), "")
    yield from _variant(verdict)
    yield from _host(verdict)
    yield from _evidence(bundle)


def render_flow(
    name: str, found: Sequence[Difference], most: int = SHOWN
) -> Iterator[str]:
    """Yield a flow's differences as lines, direction and cause first.

    At most `most` are listed; difference.txt of the evidence has the others.
    """
    directions = " and ".join(dict.fromkeys(d.direction for d in found))
    yield f"flow       {name}, {directions} direction"
    cause = found[0].cause
    if cause is not None:
        yield f"cause      {cause.name}: {cause.text}"
    for difference in found[:most]:
        yield from _difference(difference)
    if len(found) > most:
        yield f"  ... and {len(found) - most} more, in difference.txt"


def _difference(found: Difference) -> Iterator[str]:
    where = f"packet {found.packet} at" if found.packet else "at"
    yield f"  {found.field} ({found.direction}, {where} {found.point})"
    yield f"    expected  {found.want}"
    yield f"    actual    {found.got}"


def _variant(verdict: Verdict) -> Iterator[str]:
    """Yield the variant whose trace this is: a change that is known."""
    variant = verdict.variant
    if variant is None:
        return
    name, about = variant.name, variant.about
    requires = f" (requires {about['requires']})" if "requires" in about else ""
    text = f"the packets match variant {name}{requires}: {about.get('description')}"
    yield f"known as   {text}"
    if "reference" in about:
        yield f"           {about['reference']}"
    yield ""


def _host(verdict: Verdict) -> Iterator[str]:
    """Yield how the host differs from the golden's."""
    lines = list(changes(verdict.recorded_on, verdict.host))
    yield from (*lines, *[""] * bool(lines))


def _evidence(bundle: Path | None) -> Iterator[str]:
    if bundle is not None:
        names = ", ".join(sorted(path.name for path in bundle.glob("[!.]*")))
        yield f"evidence   {bundle}"
        yield f"           {names}"
