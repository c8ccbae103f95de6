"""Render the differences of two captures as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from pytest_netlab.diff.compare import PLAIN
from pytest_netlab.report.text import render_flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.diff import Difference


def to_text(found: Sequence[Difference]) -> Iterator[str]:
    """Yield lines: a paragraph a flow, direction and cause first."""
    flows = dict.fromkeys(difference.flow for difference in found)
    for flow in flows:
        own = [difference for difference in found if difference.flow == flow]
        yield from render_flow(flow, own, len(own))
        yield ""
    things = "difference" if len(found) == 1 else "differences"
    where = "flow" if len(flows) == 1 else "flows"
    yield f"{len(found)} {things} in {len(flows)} {where}"


def to_json(found: Sequence[Difference]) -> Iterator[str]:
    """Yield pieces of one JSON list, a difference a line."""
    items = (json.dumps(difference.plain()) for difference in found)
    yield "[\n" + ",\n".join(items) + "\n]\n" if found else "[]\n"


def to_csv(found: Sequence[Difference]) -> str:
    """Return CSV, a difference a line; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PLAIN)
    for difference in found:
        cause = difference.cause
        text = f"{cause.name}: {cause.text}" if cause else ""
        plain = [getattr(difference, name) for name in PLAIN if name != "cause"]
        writer.writerow([*plain, text])
    return out.getvalue()
