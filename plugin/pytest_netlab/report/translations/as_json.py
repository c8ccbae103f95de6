"""Flows, losses, captures and their clocks as one JSON object.

Flows are formatted by f-strings: that takes a sixth of the json module's time, and
their values need no escapes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_netlab.flows import ICMP, ICMP6, WITH_PORTS
from pytest_netlab.report.translations import losses
from pytest_netlab.report.translations.words import name, protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow, Translations
    from pytest_netlab.nat.clocks.clock import Clock
    from pytest_netlab.nat.translations import (
        Absent,
        Account,
        Hops,
        Loss,
        Renewal,
        Span,
        Undecoded,
    )


_NAMES = [protocol(number) for number in range(256)]
_NONE = '{"original": 0, "reply": 0}'


def to_json(found: Translations) -> Iterator[str]:
    """Yield pieces of one JSON object, a flow a line."""
    account = found.account
    lost = _lost(account)
    paired = [
        _paired(number, flow, lost.get(number, _NONE))
        for number, flow in enumerate(found.flows, 1)
        if flow.inside and flow.outside
    ]
    yield f'{{"flows": {_list(paired)},\n'
    yield f'"hops": {json.dumps(_hops(found.hops))},\n'
    yield f'"unpaired": {json.dumps(found.unpaired)},\n'
    alone = [
        _unpaired(number, flow, lost.get(number, _NONE))
        for number, flow in enumerate(found.flows, 1)
        if not (flow.inside and flow.outside)
    ]
    yield f'"unpaired_flows": {_list(alone)},\n'
    yield from _members(account)
    wrong = _list([json.dumps(_violation(one)) for one in found.violations])
    yield f'"violations": {wrong}}}\n'


def _hops(hops: Hops) -> dict[str, int | bool | None]:
    """Return by how much the ttl is lowered; by direction if that differs."""
    said = {"usual": hops.outward, "learned": hops.learned}
    if hops.outward != hops.inward:
        said["inward"] = hops.inward
    return said


def _lost(account: Account) -> dict[int, str]:
    """Return flow number -> how many of its packets were lost, as JSON."""
    counts = losses.by_flow(account.lost).items()
    return {
        number: f'{{"original": {there}, "reply": {back}}}'
        for number, (there, back) in counts
    }


def _members(account: Account) -> Iterator[str]:
    """Yield what became of the packets without a counterpart, member by member."""
    missed: dict[str, Callable[[Loss], bool]] = {
        "lost": lambda loss: loss.status.startswith("lost"),
        "not_captured": lambda loss: loss.status == "not captured",
        "not_looked_for": lambda loss: loss.status == "not looked for",
    }
    for member, wanted in missed.items():
        yield f'"{member}": {_list(_entries(filter(wanted, account.losses)))},\n'
    captures = {"inside": _span(account.inside), "outside": _span(account.outside)}
    yield f'"captures": {json.dumps(captures)},\n'
    yield f'"clock": {json.dumps(_clock(account.clock))},\n'
    yield f'"absent": {_list([json.dumps(_absent(one)) for one in account.absent])},\n'
    opened = any(not one.encrypted for one in account.tunnels)
    yield f'"decapsulated": {"true" if opened else "false"},\n'
    tunnels = [json.dumps(one._asdict()) for one in account.tunnels]
    yield f'"tunnels": {_list(tunnels)},\n'
    odd = [json.dumps(_undecoded(one)) for one in account.undecoded]
    yield f'"undecoded": {_list(odd)},\n'


def _entries(some: Iterable[Loss]) -> list[str]:
    return [json.dumps(entry) for loss in some for entry in losses.entries(loss)]


def _paired(number: int, flow: Flow, lost: str) -> str:
    """Return a flow seen on both sides as JSON; `lost` is its losses."""
    kind, _, _, near, far, _, _, pairs, _, _, packets, doubt, delay, *_ = flow
    proto = near[0] if near else 0
    if delay is None:
        wait = "null"
    else:
        least, median, most = delay
        wait = f'{{"min": {least}, "median": {median}, "max": {most}}}'
    return (
        f'{{"flow": {number}, "proto": "{_NAMES[proto]}", "kind": "{kind}", '
        f'"inside": {_json(near)}, "outside": {_json(far)}, '
        f'"packets": {packets or len(pairs)}, "lost": {lost}, "ambiguous": {doubt}, '
        f'"delay_ns": {wait}, '
        f'"renewal": {_renewal(flow.renewal) if flow.renewal else "null"}, '
        f'"guessed": {_bool(flow.guessed)}, '
        f'"changes": {_changes(flow) if flow.changes else "[]"}}}'
    )


def _unpaired(number: int, flow: Flow, lost: str) -> str:
    """Return a flow without a counterpart as JSON."""
    side, key = ("inside", flow.inside) if flow.inside else ("outside", flow.outside)
    return (
        f'{{"flow": {number}, "proto": "{name(key)}", "fate": "{flow.disposition}", '
        f'"{side}": {_json(key)}, "guessed": {_bool(flow.guessed)}, "lost": {lost}}}'
    )


def _changes(flow: Flow) -> str:
    """Return what was rewritten of a flow's packets as a JSON list."""
    crossed = flow.packets or len(flow.pairs)
    return json.dumps(
        [
            {"field": field, "text": text, "packets": packets or crossed}
            for field, text, packets in flow.changes
        ]
    )


def _renewal(renewal: Renewal) -> str:
    shared, idle, closed = renewal
    return f'{{"shared": "{shared}", "idle_ns": {idle}, "closed": {_bool(closed)}}}'


def _bool(value: bool) -> str:  # noqa: FBT001 - a value
    return "true" if value else "false"


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


def _span(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "packets": span.packets,
        "first_ns": span.first,
        "last_ns": span.last,
        "before": span.before,
        "after": span.after,
        "dropped": span.dropped,
    }


def _clock(clock: Clock | None) -> dict[str, Any] | None:
    if clock is None:
        return None
    return {
        "start_ns": clock.start,
        "offset_ns": clock.offset,
        "drift": clock.drift,
        "error_ns": clock.error,
        "one_way": clock.one_way,
    }


def _absent(one: Absent) -> dict[str, Any]:
    return {
        "side": one.side,
        "proto": protocol(one.proto),
        "port": one.port,
        "packets": one.packets,
        "crossed": one.crossed,
    }


def _undecoded(one: Undecoded) -> dict[str, Any]:
    return {"side": one.side, "kind": one.kind, "packets": one.packets}


def _violation(one: Violation) -> dict[str, object]:
    return {
        "field": one.field,
        "want": one.want,
        "got": one.got,
        "inside_packet": one.inside_row + 1,
        "outside_packet": one.outside_row + 1,
    }
