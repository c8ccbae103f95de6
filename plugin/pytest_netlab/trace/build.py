"""Make the canonical trace of a capture: the form in which goldens and runs compare."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.checks import Observed, Stations, check_conversation, leaks
from pytest_netlab.flows import (
    ICMP,
    ICMP6,
    WITH_PORTS,
    Role,
    Tuple5,
    key_of,
)
from pytest_netlab.host.naming import is_node
from pytest_netlab.nat import Flow, Translations, join_replies, learn
from pytest_netlab.trace.canonical import CanonicalTrace
from pytest_netlab.trace.clock import steady
from pytest_netlab.trace.packets import describe
from pytest_netlab.trace.points import Place, Point, rows_of, side, two_points
from pytest_netlab.trace.port_translation import Holders, port_translation
from pytest_netlab.trace.statistics import Statistics, statistics
from pytest_netlab.trace.symbols import Symbols
from pytest_netlab.trace.traversal import Traversal, is_reply
from pytest_netlab.trace.traversals import traversals, watched
from pytest_netlab.trace.values import (
    CanonicalFlow,
    End,
    Fields,
    FlowFact,
    Packet,
    Refusal,
    Rewrite,
    flow_name,
    without_kept_port,
)
from pytest_netlab.wire import address_text, canary, is_mac

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks import Violation
    from pytest_netlab.nat.translations import Kind as NatKind
    from pytest_netlab.trace.values import Kind, Step

# Addresses of the host itself: a flow between these only is not part of a scenario.
OWN = frozenset({"host", "bridge", "gateway"})
OWN_PLACES = {Place.BRIDGE: "bridge", Place.UPLINK: "host"}
BROADCAST = "255.255.255.255"
HOST = frozenset({"host", "bridge"})
# Violations where two flows are mapped to one tuple: then neither is unrelated.
MAPPING = frozenset({"mapping", "one-to-one", "undone"})

_REDIRECTED = ("dnat", "hairpin")  # kinds that rewrite where a packet goes


def in_trace(kind: NatKind) -> Kind:
    """Return the word of a trace, and so of format 1, for a rewrite."""
    if kind in ("none", "snat", "dnat", "proxied"):
        return kind
    return "hairpin"  # both ends


def translations(capture: Capture, inside: str, outside: str) -> Translations:
    """Learn the translations between two points of one capture.

    A point that was not captured counts as one that saw nothing.
    """
    ends = (rows_of(capture, [point]) for point in two_points(inside, outside))
    return learn(*map(capture.select, ends), hops=1)


def canonicalize(
    capture: Capture,
    *,
    inside: str = "docker0",
    outside: str = "uplink",
    points: Sequence[Point] | None = None,
    names: Mapping[str, str] | None = None,
) -> CanonicalTrace:
    """Return the canonical trace of a capture: the same function for golden and run.

    It contains the flows with a named node of the lab at one end; it does not contain
    ARP, neighbour discovery, multicast or unrelated traffic.

    Args:
        capture: packets of all points, on one clock; it may have been set back.
        inside: name of the point with the private addresses.
        outside: name of the point beyond the NAT.
        points: any number of points, of several kinds, instead of those two.
        names: address -> symbol; if absent, those of the capture's name records.

    """
    known = capture.names if names is None else names
    ends = points or two_points(inside, outside)
    builder = _Builder(steady(capture), known, ends)
    flows = builder.flows()
    return CanonicalTrace(
        points=builder.captured,
        flows=tuple(flows),
        forbidden=tuple(builder.forbidden(flows)),
        left_out=tuple(builder.left_out()),
        learned=builder.learned,
        stations=bool(builder.stations.known),
    )


class _Builder:
    """A capture with the names of its lab, and what each side of the host saw."""

    def __init__(
        self, capture: Capture, names: Mapping[str, str], points: Sequence[Point]
    ) -> None:
        self.capture = capture
        self.names = {text: one for text, one in names.items() if not is_mac(text)}
        self.interfaces = [interface.name for interface in capture.interfaces]
        self.points = points
        self.near = side(capture, [point for point in points if point.inside])
        self.far = side(capture, [point for point in points if not point.inside])
        sides = (capture.select(one.rows) for one in (self.near, self.far))
        self.learned = join_replies(learn(*sides, hops=1))
        self.window = _window(capture)
        self.stations = Stations(capture, names, dict(self._own()))
        apart = {one.name for one in points if one.apart}
        self.apart = [n for n, name in enumerate(self.interfaces) if name in apart]
        self.addresses = _host_addresses(capture, names, apart)

    @property
    def captured(self) -> tuple[str, ...]:
        """Return the names of the points that the capture has."""
        known = set(self.interfaces)
        return tuple(point.name for point in self.points if point.name in known)

    def flows(self) -> list[CanonicalFlow]:
        """Return the flows of nodes in order of their first packet."""
        flows = [
            flow
            for flow in self.learned.flows
            if self._concerns_a_node(flow) and any(map(self._watched, self._seen(flow)))
        ]
        flows.sort(key=self._first_seen)
        holders = Holders(self.learned.flows, self._first_seen)
        return [self._flow(flow, holders) for flow in flows]

    def left_out(self) -> list[Tuple5]:
        """Return the conversations with no node, of which an end has no name.

        Multicast is no conversation, nor is what no router forwards.
        """

        def concerns_nobody(flow: Flow) -> bool:
            ends = flow.original.src, flow.original.dst
            if all(end in self.names for end in ends) or self._concerns_a_node(flow):
                return False
            return all(map(_is_routed, ends))

        flows = sorted(
            filter(concerns_nobody, self.learned.flows), key=self._first_seen
        )
        return [flow.original for flow in flows]

    def forbidden(self, flows: Sequence[CanonicalFlow]) -> Iterator[Violation]:
        """Yield each leak on an uplink, once for each conversation."""
        known = {one.row: (flow, one) for flow in flows for one in flow.packets}
        seen = set()
        for leak in self._leaks():
            row = leak.rows[0]
            flow, packet = known.get(row, (None, None))
            name = flow.fact.name if flow else self._called(row)
            if (leak.field, name) in seen:
                continue
            seen.add((leak.field, name))
            yield replace(
                leak,
                got=self.names.get(leak.got, "an address of no node"),
                point=self._point_of(row),
                reply=packet.reply if packet else False,
                flow=name,
            )

    def _leaks(self) -> Iterator[Violation]:
        inside = [point.name for point in self.points if point.inside]
        outside = [point.name for point in self.points if not point.inside]
        yield from leaks(self.capture, inside, outside, self.names)

    def _called(self, row: int) -> str:
        """Return a name for the conversation of a packet in no flow of the trace."""
        key = key_of(self.capture, row)
        if key is None:
            return "arp" if self.capture.arp_op[row] else "no conversation"
        ends = _ends(key, Symbols(self.names))
        return flow_name(key.proto, *ends, echo=_is_echo(key))

    def _concerns_a_node(self, flow: Flow) -> bool:
        ends = [end for end in (flow.inside, flow.outside) if end is not None]
        found = {
            self.names.get(address) for end in ends for address in (end.src, end.dst)
        }
        return bool(found - OWN - {None})

    def _first_seen(self, flow: Flow) -> int:
        return min(int(self.capture.ts[row]) for row in self._seen(flow))

    def _seen(self, flow: Flow) -> list[int]:
        """Return the rows of a flow nearest to the host on both sides."""
        rows = self.near.rows[list(flow.inside_rows)].tolist()
        return [*rows, *self.far.rows[list(flow.outside_rows)].tolist()]

    def _flow(self, flow: Flow, holders: Holders) -> CanonicalFlow:
        symbols = Symbols(self.names)
        sides = self.near, self.far
        traversed = traversals(self.capture, flow, sides, self.window)
        packets = [
            packet for one in traversed for packet in self._packets(one, symbols, flow)
        ]
        translation = port_translation(flow, holders, symbols)
        fact = _fact(flow, symbols, _refusal(packets))
        unasked = bool(packets) and all(one.reply for one in packets)
        compared = {row for one in traversed if not one.ignored for row in one.rows}
        violations = tuple(self._violations(flow, compared))
        mapped = not MAPPING & {bad.field for bad in violations}
        return CanonicalFlow(
            fact=replace(fact, unasked=unasked, **self._statistics(flow)._asdict()),
            packets=tuple(packets),
            violations=violations,
            translation=translation,
            lost=_is_lost(flow, traversed, packets),
            unrelated=mapped and self._is_unrelated(flow),
            traversals=tuple(self._traversals(flow)),
        )

    def _traversals(self, flow: Flow) -> Iterator[tuple[int, ...]]:
        """Yield the rows of each packet of a flow, at every point."""
        near, far = self.near, self.far
        pairs = [(int(near.rows[a]), int(far.rows[b])) for a, b in flow.pairs]
        for row, other in pairs:
            yield (*near.observations(row), *far.observations(other))
        paired = {row for pair in pairs for row in pair}
        for one, numbers in ((near, flow.inside_rows), (far, flow.outside_rows)):
            for row in one.rows[list(numbers)].tolist():
                if row not in paired:
                    yield tuple(one.observations(row))

    def _statistics(self, flow: Flow) -> Statistics:
        crossed = {int(self.near.rows[row]) for row, _ in flow.pairs}
        crossed |= {int(self.far.rows[row]) for _, row in flow.pairs}
        return statistics(self.capture, self._seen(flow), crossed)

    def _is_unrelated(self, flow: Flow) -> bool:
        """Return whether the end inside has no name: a container that is no node.

        If a capture begins between such a container's request and the reply, the reply
        looks like a request that was translated to the container.
        """
        if flow.inside is None:
            return False
        if flow.initiated == "inside":
            left = flow.outside  # a source other than the host's is never unrelated
            hidden = left is None or self.names.get(left.src) in OWN
            return hidden and not is_node(self.names.get(flow.inside.src))
        if flow.outside is None or in_trace(flow.kind) not in _REDIRECTED:
            return False
        undone = self.names.get(flow.outside.dst) in OWN
        return undone and not is_node(self.names.get(flow.inside.dst))

    def _packets(
        self, traversal: Traversal, symbols: Symbols, flow: Flow
    ) -> list[Packet]:
        """Return a packet for each observation, with its rewrite since the last one."""
        kind = "undone" if traversal.reply else in_trace(flow.kind)
        packets: list[Packet] = []
        for row, step in zip(traversal.rows, (None, *traversal.steps), strict=True):
            packet = self._packet(row, traversal, symbols, step)
            if packets and (changes := tuple(_changes(packets[-1], packet))):
                packet = replace(packet, rewrite=Rewrite(kind, changes))
            packets.append(packet)
        return packets

    def _packet(
        self, row: int, traversal: Traversal, symbols: Symbols, step: Step | None
    ) -> Packet:
        key = key_of(self.capture, row)
        if key is None:
            raise ValueError(f"packet {row + 1} belongs to no flow")
        src, dst = symbols.ends(key, reply=traversal.reply)
        what, fields = describe(
            self.capture, row, symbols, traversal.role, reply=traversal.reply
        )
        return Packet(
            point=self._point_of(row),
            reply=traversal.reply,
            src=src,
            dst=dst,
            what=what,
            fields=replace(
                _renumbered(fields, traversal.skipped), via=self.stations.via(row)
            ),
            step=step,
            ignored=traversal.ignored,
            row=row,
        )

    def _violations(self, flow: Flow, compared: Collection[int]) -> list[Violation]:
        """Return one violation of each field: how many there are depends on timing.

        `compared` are the rows that the trace contains and does not ignore.
        """
        rows = set(flow.inside_rows)
        ours = [
            bad.at(int(self.near.rows[bad.inside_row]))
            for bad in self.learned.violations
            if bad.inside_row in rows
        ]
        first: dict[str, Violation] = {}
        for bad in (*ours, *check_conversation(self._observed(flow, compared))):
            first.setdefault(bad.field, bad)
        return [self._placed(flow, bad) for bad in first.values()]

    def _observed(self, flow: Flow, compared: Collection[int]) -> Observed:
        """Return what the checks of a conversation examine."""
        near, far = self.near.rows, self.far.rows
        pairs = [(int(near[a]), int(far[b])) for a, b in flow.pairs]
        paired = {row for pair in pairs for row in pair}
        seen = self._seen(flow)
        unpaired_rows = [
            row for row in seen if row not in paired and self._watched(row)
        ]
        return Observed(
            capture=self.capture,
            points=self._by_point(flow),
            is_reply=lambda row: is_reply(self.capture, flow, row),
            stations=self.stations,
            pairs=pairs,
            bridged=[(row, other) for row in seen for other in self._bridged(row)],
            unpaired=unpaired_rows if flow.disposition == "forwarded" else (),
            is_own=self._is_own,
            compared=compared,
            apart=self.apart,
        )

    def _is_own(self, row: int) -> bool:
        return address_text(bytes(self.capture.src[row])) in self.addresses

    def _bridged(self, row: int) -> list[int]:
        """Return the other observations of a packet on the same side of the host."""
        others = (*self.near.others.get(row, ()), *self.far.others.get(row, ()))
        return [other for _, other in others]

    def _by_point(self, flow: Flow) -> list[list[int]]:
        """Return the rows of a flow at each point, in order of time."""
        found: dict[str, list[int]] = {point.name: [] for point in self.points}
        for row in {row for rows in self._traversals(flow) for row in rows}:
            found[self._point_of(row)].append(row)
        ts = self.capture.ts
        return [
            sorted(rows, key=lambda row: (int(ts[row]), row)) for rows in found.values()
        ]

    def _own(self) -> Iterator[tuple[int, str]]:
        """Yield each point at an interface of the host, and that one's name."""
        for point in self.points:
            if point.place in OWN_PLACES and point.name in self.interfaces:
                yield self.interfaces.index(point.name), OWN_PLACES[point.place]

    def _watched(self, row: int) -> bool:
        return watched(int(self.capture.ts[row]), self.window)

    def _point_of(self, row: int) -> str:
        return self.interfaces[int(self.capture.point[row])]

    def _placed(self, flow: Flow, bad: Violation) -> Violation:
        row = bad.rows[0]
        reply = is_reply(self.capture, flow, row)
        return replace(bad, point=self._point_of(row), reply=reply)


def _is_routed(address: str) -> bool:
    """Return whether packets to an address may cross routers."""
    found = ip_address(address)
    special = found.is_multicast or found.is_link_local or found.is_unspecified
    return not special and address != BROADCAST


def _host_addresses(
    capture: Capture, names: Mapping[str, str], apart: Collection[str]
) -> set[str]:
    """Return the host's addresses: of its nodes, and of its captured interfaces."""
    named = {address for address, name in names.items() if name in HOST}
    return named | {
        address.partition("/")[0]
        for interface in capture.interfaces
        if interface.name not in apart
        for address in interface.addresses
    }


def _window(capture: Capture) -> tuple[int, int] | None:
    """Return the time (ns) in which all points were captured, by their canaries.

    None if no point has two canaries.
    """
    is_canary = capture.ethertype == canary.ETHERTYPE
    starts, ends = [], []
    for point in np.unique(capture.point):
        times = capture.ts[is_canary & (capture.point == point)]
        if len(times) > 1:
            starts.append(int(times.min()))
            ends.append(int(times.max()))
    return (max(starts), min(ends)) if starts else None


def _renumbered(fields: Fields, skipped: int) -> Fields:
    """Return the fields, with `skipped` subtracted from an echo's sequence number."""
    if not skipped or fields.seq is None:
        return fields
    return replace(fields, seq=fields.seq - skipped)


def _is_lost(
    flow: Flow, traversed: Sequence[Traversal], packets: Sequence[Packet]
) -> bool:
    """Return whether all of a flow left on the uplink, and nothing came back."""
    if flow.initiated != "inside" or flow.translated is None or flow.answered:
        return False
    crossed = all(traversal.crossed for traversal in traversed)
    return crossed and bool(packets) and not any(one.reply for one in packets)


def _refusal(packets: Sequence[Packet]) -> Refusal | None:
    """Return the first reset or ICMP error to the initiator, and its sender."""
    for one in packets:
        if one.reply and (one.what.role is Role.RST or one.what.refuses):
            return Refusal(one.what, one.src.node)
    return None


def _fact(flow: Flow, symbols: Symbols, refusal: Refusal | None) -> FlowFact:
    original, translated = flow.original, flow.translated
    initiator, responder = _ends(original, symbols)
    sender, target = _ends(translated, symbols) if translated else (None, None)
    return FlowFact(
        proto=original.proto,
        echo=_is_echo(original),
        initiator=initiator,
        responder=responder,
        sender=sender,
        target=target,
        kind=in_trace(flow.kind),
        disposition=flow.disposition,
        answered=flow.answered,
        returned=flow.returned,
        refusal=refusal,
        key=original,
    )


def _is_echo(key: Tuple5) -> bool:
    return key.proto in (ICMP, ICMP6) and bool(key.sport)


def _ends(key: Tuple5, symbols: Symbols) -> tuple[End, End]:
    """Return the ends of a flow: the responder's port names a service."""
    src = End(symbols.address(key.src))
    port = key.dport if key.proto in WITH_PORTS else None
    return src, End(symbols.address(key.dst), port)


def _changes(before: Packet, after: Packet) -> Iterator[tuple[End, End]]:
    """Yield each end that was rewritten, without a port that was kept."""
    for old, new in ((before.src, after.src), (before.dst, after.dst)):
        if old != new:
            yield without_kept_port(old, new)
