"""What is said of flows, captures and clocks in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.report.translations import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.nat import Flow, Translations
    from pytest_netlab.nat.clocks.clock import Clock
    from pytest_netlab.nat.translations import (
        Absent,
        Change,
        Hops,
        Renewal,
        Side,
        Span,
        Tunnel,
        Undecoded,
    )

Line = tuple[str, str]  # label and text
_PPM = 1e6
_LEAST_PPM = 0.05  # of drift; less would be shown as 0.0 ppm


def of_flow(flow: Flow) -> str:
    """Return what is remarkable of a flow, if anything."""
    said = []
    if flow.ambiguous:
        every = flow.ambiguous >= words.crossed(flow)
        said.append("ambiguous" if every else f"{flow.ambiguous:,} ambiguous")
    if flow.renewal is not None:
        said.append(_renewed(flow.renewal))
    if flow.guessed:
        said.append("who began it is a guess")
    said += [changed(change, words.crossed(flow)) for change in flow.changes]
    return ", ".join(said)


def changed(change: Change, crossed: int) -> str:
    """Return what was rewritten of a flow's packets, and of how many if not of all."""
    if change.packets in (0, crossed):
        return change.text
    return f"{change.text} ({words.count(change.packets, 'packet')})"


def of_captures(found: Translations) -> Iterator[Line]:
    """Yield when each side was captured, how their clocks differ, what one lacks."""
    account = found.account
    if account.inside or account.outside:
        yield "inside", _span(account.inside, "outside")
        yield "outside", _span(account.outside, "inside")
    if account.clock is not None:
        yield "clock", _clock(account.clock)
    if is_remarkable(found.hops):
        yield "hops", _hops(found.hops)
    for one in account.absent:
        yield "absent", _absent(one)
    for tunnel in account.tunnels:
        yield "tunnel", _tunnel(tunnel)
    for odd in account.undecoded:
        yield "undecoded", f"{odd.side}: {_undecoded(odd)}"


def is_remarkable(hops: Hops) -> bool:
    """Return whether other than one router was found between the points."""
    return hops.learned and (hops.outward, hops.inward) not in ((1, 1), (None, None))


def _hops(hops: Hops) -> str:
    """Return by how much the ttl is lowered between the points."""
    if hops.outward != hops.inward:
        return (
            f"{hops.outward} between the points outwards, {hops.inward} inwards "
            "(most packets say so)"
        )
    if hops.outward == 0:
        return "0 between the points: a bridge"
    return f"{hops.outward} between the points (most packets say so)"


def _tunnel(one: Tunnel) -> str:
    """Return what became of the packets of a tunnel."""
    packets = words.count(one.packets, "packet")
    if one.encrypted:
        where = f"{packets} inside a {one.kind} tunnel"
        return f"{one.side}: {where}: encrypted, nothing to compare"
    inner = f"the inner packets of {one.kind} were compared (--decapsulate)"
    return f"{one.side}: {inner}: {packets}"


def _undecoded(one: Undecoded) -> str:
    """Return how many frames are not decoded, and what they are."""
    if one.broken:
        return f"{one.kind} ({one.packets:,})"
    return f"{words.count(one.packets, 'frame')} of {one.kind}"


def _renewed(renewal: Renewal) -> str:
    after = f"after {words.seconds(renewal.idle)}"
    if renewal.closed:
        return f"reused {after}"
    is_same_client = renewal.shared == "inside"
    return f"{'rebound' if is_same_client else 'reused'} {after} idle"


def _span(span: Span | None, other: Side) -> str:
    """Return when a side was captured, and what the other capture does not cover."""
    if span is None:
        return "no packet"
    times = words.period(span.first, span.last)
    said = [f"{words.count(span.packets, 'packet')}, {times}"]
    if span.dropped:
        said.append(f"{span.dropped:,} more were dropped while capturing")
    uncovered = []
    if span.before:
        packets = words.count(span.before, "packet")
        uncovered.append(f"{packets} before the {other} capture began")
    if span.after:
        packets = words.count(span.after, "packet")
        uncovered.append(f"{packets} after the {other} capture had ended")
    if uncovered:
        said.append(f"not looked for: {', '.join(uncovered)}")
    return "; ".join(said)


def _clock(clock: Clock) -> str:
    """Return how the clock of the outside differs from that of the inside."""
    drift = _drift(clock)
    if clock.one_way and not clock.offset and not drift:
        return "inside and outside seem to agree; all packets went one way"
    if clock.one_way:
        return (
            f"the outside is {_ahead(clock.offset)}, delay included: all packets went "
            f"one way, so delays are counted from the shortest{drift}"
        )
    within = f" within {words.duration(clock.error)}" if clock.error else ""
    if abs(clock.offset) <= clock.error and not drift:
        return f"inside and outside agree{within}"
    return (
        f"the outside is {_ahead(clock.offset)}{',' if within else ''}{within}{drift}"
    )


def _ahead(offset: int) -> str:
    size = abs(offset)
    exact = f"{size / words.S:,.6f} s" if size >= words.S else words.duration(size)
    return f"{exact} {'behind' if offset < 0 else 'ahead'}"


def _drift(clock: Clock) -> str:
    """Return by how much the clock runs faster or slower, if that can be seen."""
    ppm = clock.drift * _PPM
    if abs(ppm) < _LEAST_PPM:
        return ""
    return f", and runs {abs(ppm):,.1f} ppm {'slower' if ppm < 0 else 'faster'}"


def _absent(one: Absent) -> str:
    """Return what one capture lacks, and what that means."""
    what = words.protocol(one.proto)
    what += " at all" if one.port is None else f" port {one.port}"
    means = "seems filtered" if one.crossed else "seems filtered, or all was dropped"
    other = "outside" if one.side == "inside" else "inside"
    packets = words.count(one.packets, "packet")
    return f"{one.side} has no {what}: that capture {means} ({packets} {other})"
