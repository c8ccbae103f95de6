"""Read back a verdict from verdict.json, as far as its text needs it.

A verdict's text is made of its differences. Traces and conntrack entries are stored for
other readers: they are validated, but not converted back to values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.causes import Cause
from pytest_netlab.diff import Difference
from pytest_netlab.host import HostChange, read
from pytest_netlab.judge import MatchingVariant, Verdict
from pytest_netlab.trace import CanonicalTrace

if TYPE_CHECKING:
    from pytest_netlab.evidence import document


def verdict(found: document.Verdict) -> Verdict:
    """Return the verdict in a verdict.json, with empty traces."""
    bare, known = CanonicalTrace((), ()), found.twin
    return Verdict(
        scenario=found.scenario,
        outcome=found.outcome,
        observed=bare,
        expected=bare if found.expected else None,
        differences=tuple(map(_difference, found.differences)),
        host=_change(found.host),
        recorded_on=found.recorded_on,
        variant=MatchingVariant(name=known.name, about=known.about) if known else None,
    )


def _difference(found: document.Difference) -> Difference:
    cause = found.cause
    return Difference(
        flow=found.flow,
        direction=found.direction,
        point=found.point,
        packet=found.packet,
        field=found.field,
        want=found.want,
        got=found.got,
        cause=_cause(cause) if cause else None,
    )


def _change(found: document.Host) -> HostChange:
    return HostChange(
        missing=tuple(map(read, found.missing)),
        extra=tuple(map(read, found.extra)),
        moved=tuple(map(read, found.moved)),
        settings=found.settings,
        full=found.full,
        counts={one.rule: one.packets for one in found.counted} or None,
        since=None if found.since is None else frozenset(found.since),
        usual=found.usual,
    )


def _cause(found: document.Cause) -> Cause:
    return Cause(found.name, found.flow, found.text, found.remedy)
