"""Convert a verdict to the tables of verdict.json: values become text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.evidence import document, traces
from pytest_netlab.flows import WITH_PORTS
from pytest_netlab.host.tracking.conntrack import NAMES
from pytest_netlab.trace import refusal_text, value_text, what_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.causes import Cause
    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.host import Fact, HostChange
    from pytest_netlab.host.tracking.connections import Connection
    from pytest_netlab.judge import Verdict
    from pytest_netlab.trace import CanonicalTrace, FlowFact, Packet, PortTranslation


def verdict(found: Verdict) -> document.Verdict:
    """Return a verdict as a table of format 1."""
    known = found.variant
    variant = (
        document.Variant(name=known.name, about=dict(known.about)) if known else None
    )
    return document.Verdict(
        scenario=found.scenario,
        outcome=found.outcome,
        observed=_trace(found.observed),
        expected=_trace(found.expected) if found.expected else None,
        differences=differences(found),
        host=_host(found.host),
        recorded_on=dict(found.recorded_on),
        twin=variant,
    )


def differences(verdict: Verdict) -> tuple[document.Difference, ...]:
    """Return the differences of a verdict as tables of format 1."""
    return tuple(
        document.Difference(
            flow=one.flow,
            direction=one.direction,
            point=one.point,
            packet=one.packet,
            field=one.field,
            want=one.want,
            got=one.got,
            cause=_cause(one.cause) if one.cause else None,
        )
        for one in verdict.differences
    )


def _cause(cause: Cause) -> document.Cause:
    return document.Cause(
        name=cause.name, flow=cause.flow, text=cause.text, remedy=cause.remedy
    )


def _host(change: HostChange) -> document.Host:
    listed = _lines((*change.missing, *change.extra, *change.moved))
    return document.Host(
        missing=_lines(change.missing),
        extra=_lines(change.extra),
        moved=_lines(change.moved),
        settings=dict(change.settings),
        tracked=tuple(map(_connection, change.conntrack_entries)),
        full=change.full,
        since=None
        if change.since is None
        else tuple(filter(change.since.__contains__, listed)),
        counted=tuple(_counted(change)),
        usual=change.usual,
    )


def _counted(change: HostChange) -> Iterator[document.Counted]:
    for one in (*change.extra, *change.moved):
        if packets := change.packets(one):
            yield document.Counted(rule=one.text, packets=packets)


def _lines(facts: Iterable[Fact]) -> tuple[str, ...]:
    return tuple(one.text for one in facts)


def _connection(entry: Connection) -> document.Connection:
    return document.Connection(
        proto=entry.protocol,
        initiator=entry.initiator,
        responder=entry.responder,
        sender=entry.sender,
        target=entry.target,
    )


def _trace(trace: CanonicalTrace) -> traces.Trace:
    """Return a trace as a table of format 1, its packets as text."""
    flows = tuple(
        traces.Flow(
            fact=fact(flow.fact),
            lines=tuple(map(_packet, flow.packets)),
            broken=tuple(traces.Violation(**_of(bad)) for bad in flow.violations),
            remap=_translation(flow.translation) if flow.translation else None,
            lost=flow.lost,
            stranger=flow.unrelated,
        )
        for flow in trace.flows
    )
    never = (traces.Forbidden(**_of(bad), flow=bad.flow) for bad in trace.forbidden)
    return traces.Trace(points=trace.points, told=flows, never=tuple(never))


def fact(flow: FlowFact) -> traces.Fact:
    """Return a flow as a table of format 1, its ends as text, "" for none."""
    return traces.Fact(
        proto=flow.protocol,
        initiator=f"{flow.initiator}",
        responder=f"{flow.responder}",
        sender=f"{flow.sender or ''}",
        target=f"{flow.target or ''}",
        kind=flow.kind,
        fate=flow.disposition,
        answered=flow.answered,
        returned=flow.returned,
        refusal=refusal_text(flow.refusal),
        passed=flow.passed,
        stuck=flow.stuck,
        copies=flow.copies,
    )


def _packet(packet: Packet) -> traces.Packet:
    named = packet.fields.named()
    return traces.Packet(
        point=packet.point,
        reply=packet.reply,
        src=value_text(packet.src),
        dst=value_text(packet.dst),
        what=what_text(packet.what),
        fields=tuple((name, value_text(one, name)) for name, one in named),
        note=value_text(packet.rewrite) if packet.rewrite else "",
        aside=packet.ignored,
        packet=packet.number,
    )


def _of(bad: Violation) -> dict[str, Any]:
    """Return a violation's keys of format 1: the packet's number, but no rows."""
    names = ("field", "want", "got", "point", "reply", "packet")
    return {name: getattr(bad, name) for name in names}


def _translation(found: PortTranslation) -> traces.PortTranslation:
    return traces.PortTranslation(
        field=found.field,
        inner=f"{found.original}",
        outer=f"{found.mapped}",
        taken=found.in_use,
        in_class=found.in_port_range,
        wanted=_tuple(found.wanted) if found.wanted else "",
    )


def _tuple(one: Tuple5) -> str:
    """Return a tuple as text: protocol, addresses, then ports or the ICMP id."""
    ports = [one.sport, one.dport] if one.proto in WITH_PORTS else [one.sport]
    return " ".join(map(str, (NAMES[one.proto], one.src, one.dst, *ports)))
