"""Flows as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, WITH_PORTS
from pytest_netlab.report.translations import losses, notes
from pytest_netlab.report.translations.words import crossed, name

if TYPE_CHECKING:
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow, Translations

ENDS = ("src", "sport", "dst", "dport", "id")
FIELDS = (
    "flow",
    "proto",
    "kind",
    "fate",
    *(f"{side}_{end}" for side in ("inside", "outside") for end in ENDS),
    "packets",
    "lost_original",
    "lost_reply",
    "ambiguous",
    *(f"delay_{which}_ns" for which in ("min", "median", "max")),
    "renewed_after_ns",
    "renewed_key",
    "renewed_closed",
    "guessed",
    "changes",
)


def to_csv(found: Translations) -> str:
    """Return CSV, a flow a line; a cell is empty where a flow has no value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    lost = losses.by_flow(found.account.lost)
    for number, flow in enumerate(found.flows, 1):
        keys = (*_cells(flow.inside), *_cells(flow.outside))
        head = (number, name(flow.inside or flow.outside), flow.kind, flow.disposition)
        counts = (crossed(flow), *lost.get(number, losses.NONE), flow.ambiguous)
        writer.writerow((*head, *keys, *counts, *_rest(flow)))
    return out.getvalue()


def _rest(flow: Flow) -> tuple[object, ...]:
    """Return the cells of a flow's delay, of the mapping it replaced, of changes."""
    delay = flow.delay or ("",) * 3
    changes = "; ".join(notes.changed(one, crossed(flow)) for one in flow.changes)
    last = str(flow.guessed).lower(), changes
    if flow.renewal is None:
        return (*delay, "", "", "", *last)
    shared, idle, closed = flow.renewal
    return (*delay, idle, shared, str(closed).lower(), *last)


def _cells(key: Tuple5 | None) -> tuple[object, ...]:
    """Return the cells of a tuple, in the order of `ENDS`."""
    if key is None:
        return ("",) * len(ENDS)
    proto, src, sport, dst, dport = key
    if proto in WITH_PORTS:
        return src, sport, dst, dport, ""
    return src, "", dst, "", sport if proto in (ICMP, ICMP6) else ""
