"""Render how a NAT translated each flow, as JSON, CSV or a table."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, PROTOCOL_NAMES, WITH_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow, Translations

SHOWN = 200  # rows of a table; laying out many more takes long
PAIRED = ("flow", "proto", "kind", "inside", "outside", "packets")
UNPAIRED = ("flow", "proto", "unpaired", "seen", "from -> to")
VIOLATIONS = ("violation", "inside", "outside", "want", "got")
ENDS = ("src", "sport", "dst", "dport", "id")
FIELDS = (
    "flow",
    "proto",
    "kind",
    "fate",
    *(f"{side}_{end}" for side in ("inside", "outside") for end in ENDS),
    "packets",
)


def to_json(found: Translations, violations: Sequence[Violation]) -> Iterator[str]:
    """Yield pieces of one JSON object, a flow a line.

    Flows are formatted by f-strings: that takes a sixth of the json module's time, and
    the values need no escapes.
    """
    paired, unpaired = _sorted(found)
    yield f'{{"flows": {_list([_paired(flow) for _, flow in paired])},\n'
    yield f'"unpaired": {json.dumps(found.unpaired)},\n'
    without = _list([_unpaired_json(flow) for _, flow in unpaired])
    yield f'"unpaired_flows": {without},\n'
    wrong = _list([json.dumps(_violation(one)) for one in violations])
    yield f'"violations": {wrong}}}\n'


def to_csv(found: Translations) -> str:
    """Return CSV, a flow a line; a cell is empty where a flow has no value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for number, flow in enumerate(found.flows, 1):
        ends = (*_cells(flow.inside), *_cells(flow.outside))
        head = (number, name(flow.inside or flow.outside), flow.kind, flow.disposition)
        writer.writerow((*head, *ends, crossed(flow)))
    return out.getvalue()


def to_table(
    found: Translations, violations: Sequence[Violation]
) -> Iterator[RenderableType]:
    """Yield what rich renders: paired flows, unpaired flows, and violations."""
    paired, unpaired = _sorted(found)
    if paired:
        yield from _table(PAIRED, [_paired_row(*one) for one in paired[:SHOWN]])
        yield from _more(len(paired))
    if unpaired:
        yield from _table(UNPAIRED, [_unpaired_row(*one) for one in unpaired[:SHOWN]])
        yield from _more(len(unpaired))
    if violations:
        yield from _table(
            VIOLATIONS, [_violation_row(one) for one in violations[:SHOWN]]
        )
        yield from _more(len(violations))
    yield summary(found)


def summary(found: Translations) -> str:
    """Return one line: counts of paired flows, unpaired ones, and violations."""
    paired, unpaired = _sorted(found)
    count = len(found.violations)
    dispositions = ", ".join(
        f"{count} {disposition}" for disposition, count in found.unpaired.items()
    )
    lost = (
        f"{len(unpaired)} unpaired ({dispositions})"
        if dispositions
        else "none unpaired"
    )
    flows = f"{len(paired)} {'flow' if len(paired) == 1 else 'flows'}"
    violations = f"{count} {'violation' if count == 1 else 'violations'}"
    return f"{flows}, {lost}, {violations if count else 'no violation'}"


def name(key: Tuple5 | None) -> str:
    """Return a protocol's name, or its number if it is not in `PROTOCOL_NAMES`."""
    proto = key.proto if key else 0
    return PROTOCOL_NAMES.get(proto, str(proto))


def ends(key: Tuple5 | None) -> str:
    """Return a flow's source and destination."""
    if key is None:
        return ""
    if key.proto in WITH_PORTS:
        return f"{end(key.src, key.sport)} -> {end(key.dst, key.dport)}"
    ident = f" id {key.sport}" if key.proto in (ICMP, ICMP6) else ""
    return f"{key.src} -> {key.dst}{ident}"


def end(address: str, port: int) -> str:
    """Return address and port as text."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def crossed(flow: Flow) -> int:
    """Return how many of a flow's packets were seen on both sides."""
    return flow.packets or len(flow.pairs)


def _sorted(
    found: Translations,
) -> tuple[list[tuple[int, Flow]], list[tuple[int, Flow]]]:
    """Return the flows seen on both sides and those on one only, numbered from 1."""
    numbered = list(enumerate(found.flows, 1))
    paired = [one for one in numbered if one[1].inside and one[1].outside]
    return paired, [one for one in numbered if not (one[1].inside and one[1].outside)]


def _paired(flow: Flow) -> str:
    """Return a flow seen on both sides as JSON."""
    near = flow.inside
    return (
        f'{{"proto": "{name(near)}", "kind": "{flow.kind}", "inside": {_json(near)}, '
        f'"outside": {_json(flow.outside)}, "packets": {crossed(flow)}}}'
    )


def _unpaired_json(flow: Flow) -> str:
    """Return a flow without a counterpart as JSON."""
    side, key = ("inside", flow.inside) if flow.inside else ("outside", flow.outside)
    known = f'"proto": "{name(key)}", "fate": "{flow.disposition}"'
    return f'{{{known}, "{side}": {_json(key)}}}'


def _json(key: Tuple5 | None) -> str:
    """Return a tuple as JSON: with ports, an ICMP id, or neither."""
    if key is None:
        return "null"
    proto, src, sport, dst, dport = key
    if proto in WITH_PORTS:
        return f'{{"src": "{src}", "sport": {sport}, "dst": "{dst}", "dport": {dport}}}'
    ident = f', "id": {sport}' if proto in (ICMP, ICMP6) else ""
    return f'{{"src": "{src}", "dst": "{dst}"{ident}}}'


def _list(items: Sequence[str]) -> str:
    """Return a JSON list, an item a line."""
    return "[\n" + ",\n".join(items) + "\n]" if items else "[]"


def _violation(one: Violation) -> dict[str, object]:
    return {
        "field": one.field,
        "want": one.want,
        "got": one.got,
        "inside_packet": one.inside_row + 1,
        "outside_packet": one.outside_row + 1,
    }


def _cells(key: Tuple5 | None) -> tuple[object, ...]:
    """Return the cells of a tuple, in the order of `ENDS`."""
    if key is None:
        return ("",) * len(ENDS)
    proto, src, sport, dst, dport = key
    if proto in WITH_PORTS:
        return src, sport, dst, dport, ""
    return src, "", dst, "", sport if proto in (ICMP, ICMP6) else ""


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[RenderableType]:
    """Yield a table and an empty line."""
    from rich.table import Table  # noqa: PLC0415 - slow to load, and JSON needs none

    table = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    yield from (table, "")


def _paired_row(number: int, flow: Flow) -> Sequence[str]:
    kind = str(number), name(flow.inside), flow.kind
    return *kind, ends(flow.inside), ends(flow.outside), str(crossed(flow))


def _unpaired_row(number: int, flow: Flow) -> Sequence[str]:
    side, key = ("inside", flow.inside) if flow.inside else ("outside", flow.outside)
    return str(number), name(key), flow.disposition, side, ends(key)


def _violation_row(one: Violation) -> Sequence[str]:
    packets = f"packet {one.inside_row + 1}", f"packet {one.outside_row + 1}"
    return one.field, *packets, one.want, one.got


def _more(count: int) -> Iterator[str]:
    """Yield a line with the number of rows left out, if any."""
    if count > SHOWN:
        yield from (f"... and {count - SHOWN} more: --json has all of them", "")
