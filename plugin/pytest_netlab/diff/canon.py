"""Bring a capture into the canonical form in which goldens and runs are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.checks import Observed, check_conversation, leaks
from pytest_netlab.diff.fortunes import Fortune, fortune
from pytest_netlab.diff.packets import describe, is_refusal
from pytest_netlab.diff.passage import Passage, is_reply
from pytest_netlab.diff.passages import passages, watched
from pytest_netlab.diff.remap import Holders, remap_of
from pytest_netlab.diff.story import Line, Story, Told
from pytest_netlab.diff.symbols import Symbols
from pytest_netlab.flows import ICMP, ICMP6, PROTOCOL_NAMES, TCP, UDP, Tuple5, key_of
from pytest_netlab.nat import Flow, FlowFact, Translations, learn
from pytest_netlab.wire import canary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks import Violation
    from pytest_netlab.diff.packets import Fields

# Addresses of the host itself: a flow between these alone is none of a scenario's.
OWN = frozenset({"host", "bridge", "gateway"})
# What is broken where two flows are mapped to one: then neither is a stranger's alone.
MAPPING = frozenset({"mapping", "one-to-one", "undone"})


def translations(capture: Capture, inside: str, outside: str) -> Translations:
    """Learn what happened between two points of one capture.

    A point that was not captured saw nothing.
    """
    return learn(*(capture.select(_rows(capture, name)) for name in (inside, outside)))


def _rows(capture: Capture, point: str) -> np.ndarray:
    """Return the rows of one point; none where it was not captured."""
    wanted = [i for i, known in enumerate(capture.interfaces) if known.name == point]
    return np.flatnonzero(np.isin(capture.point, wanted))


def canonicalize(
    capture: Capture,
    *,
    inside: str = "docker0",
    outside: str = "uplink",
    names: Mapping[str, str] | None = None,
) -> Story:
    """Return the story of a two-point capture: the same function for golden and run.

    Told are the flows with a named node of the lab at one end; ARP, neighbour
    discovery, multicast and strangers' traffic are not.

    Args:
        capture: packets of both points, on one clock.
        inside: name of the point with the private addresses.
        outside: name of the point beyond the NAT.
        names: address -> symbol; what the capture's own name records say if absent.

    """
    known = capture.names if names is None else names
    teller = _Teller(capture, known, inside, outside)
    found = translations(capture, inside, outside)
    points = (name for name in (inside, outside) if name in teller.points)
    told = teller.tell(found)
    never = _never(teller, told, leaks(capture, inside, outside, known))
    return Story(tuple(points), tuple(told), tuple(never))


def _never(
    teller: _Teller, told: Sequence[Told], found: Iterable[Violation]
) -> Iterator[Violation]:
    """Yield what must not leave on the uplink, once a conversation."""
    lines = {line.packet: (one, line) for one in told for line in one.lines}
    seen = set()
    for leak in found:
        known = lines.get(leak.packet)
        flow = known[0].fact.name if known else teller.called(leak.rows[0])
        if (leak.field, flow) in seen:
            continue
        seen.add((leak.field, flow))
        yield replace(
            leak,
            got=teller.names.get(leak.got, "an address of no node"),
            point=teller.point_of(leak.rows[0]),
            reply=known[1].reply if known else False,
            flow=flow,
        )


class _Teller:
    """A capture with the names of its lab, and where each point's rows are."""

    def __init__(
        self, capture: Capture, names: Mapping[str, str], inside: str, outside: str
    ) -> None:
        self.capture, self.names = capture, names
        self.points = [interface.name for interface in capture.interfaces]
        self.inside = _rows(capture, inside)
        self.outside = _rows(capture, outside)
        self.window = _window(capture)

    def tell(self, found: Translations) -> list[Told]:
        """Return the told flows in order of their first packet."""
        flows = [
            flow
            for flow in found.flows
            if self._concerns_a_node(flow) and any(map(self._watched, self._seen(flow)))
        ]
        flows.sort(key=self._first_seen)
        holders = Holders(found.flows, self._first_seen)
        return [self._tell_one(flow, found, holders) for flow in flows]

    def called(self, row: int) -> str:
        """Return what to call a packet that belongs to no told conversation."""
        key = key_of(self.capture, row)
        if key is None:
            return "arp" if self.capture.arp_op[row] else "no conversation"
        symbols = Symbols(self.names)
        src = symbols.address(key.src)
        return f"{_protocol(key)} {src} -> {_service(key, symbols)}"

    def _concerns_a_node(self, flow: Flow) -> bool:
        ends = [end for end in (flow.inside, flow.outside) if end is not None]
        found = {
            self.names.get(address) for end in ends for address in (end.src, end.dst)
        }
        return bool(found - OWN - {None})

    def _first_seen(self, flow: Flow) -> int:
        return min(int(self.capture.ts[row]) for row in self._seen(flow))

    def _seen(self, flow: Flow) -> list[int]:
        """Return the rows of a flow at both points."""
        rows = self.inside[list(flow.inside_rows)].tolist()
        return [*rows, *self.outside[list(flow.outside_rows)].tolist()]

    def _tell_one(self, flow: Flow, found: Translations, holders: Holders) -> Told:
        symbols = Symbols(self.names)
        ends = self.inside, self.outside
        told = passages(self.capture, flow, *ends, self.window)
        lines = [
            line for passage in told for line in self._lines(passage, symbols, flow)
        ]
        remap = remap_of(flow, holders, symbols)
        fact = _fact(flow, symbols, _refusal(lines))
        compared = {row for one in told if not one.aside for row in one.rows}
        broken = tuple(self._broken(flow, found, compared))
        mapped = not MAPPING & {bad.field for bad in broken}
        return Told(
            fact=replace(fact, **self._fortune(flow)._asdict()),
            lines=tuple(lines),
            broken=broken,
            remap=remap,
            lost=_is_lost(flow, told, lines),
            stranger=mapped and self._is_strangers(flow),
        )

    def _fortune(self, flow: Flow) -> Fortune:
        near, far = (
            rows[list(of_flow)].tolist()
            for rows, of_flow in (
                (self.inside, flow.inside_rows),
                (self.outside, flow.outside_rows),
            )
        )
        crossed = {int(self.inside[row]) for row, _ in flow.pairs}
        crossed |= {int(self.outside[row]) for _, row in flow.pairs}
        return fortune(self.capture, [*near, *far], crossed)

    def _is_strangers(self, flow: Flow) -> bool:
        """Tell whether the end inside has no name: a container that is no node.

        A capture that begins between its request and the reply takes the reply for a
        request, translated to the stranger.
        """
        if flow.inside is None:
            return False
        if flow.initiated == "inside":
            left = flow.outside  # as anyone but the host: then it concerns us all
            hidden = left is None or self.names.get(left.src) in OWN
            return hidden and flow.inside.src not in self.names
        if flow.outside is None or flow.kind not in ("dnat", "hairpin"):
            return False
        undone = self.names.get(flow.outside.dst) in OWN
        return undone and flow.inside.dst not in self.names

    def _lines(self, passage: Passage, symbols: Symbols, flow: Flow) -> list[Line]:
        """Return one line a sighting; from the second on, what was rewritten."""
        label = "undone" if passage.reply else flow.kind
        lines: list[Line] = []
        for row in passage.rows:
            line = self._line(row, passage, symbols)
            line = replace(line, aside=passage.aside)
            if lines:
                line = replace(line, note=_note(label, lines[-1], line))
            lines.append(line)
        return lines

    def _line(self, row: int, passage: Passage, symbols: Symbols) -> Line:
        key = key_of(self.capture, row)
        if key is None:
            raise ValueError(f"packet {row + 1} belongs to no flow")
        src, dst = symbols.ends(key, reply=passage.reply)
        what, fields = describe(
            self.capture, row, symbols, passage.role, reply=passage.reply
        )
        return Line(
            point=self.point_of(row),
            reply=passage.reply,
            src=src,
            dst=dst,
            what=what,
            fields=_renumbered(fields, passage.skipped),
            packet=row + 1,
        )

    def _broken(
        self, flow: Flow, found: Translations, compared: Collection[int]
    ) -> list[Violation]:
        """Return each violation once: how often it was is a matter of timing.

        `compared` are the rows that are told and no asides.
        """
        rows = set(flow.inside_rows)
        ours = [
            bad.at(int(self.inside[bad.inside_row]))
            for bad in found.violations
            if bad.inside_row in rows
        ]
        first: dict[str, Violation] = {}
        for bad in (*ours, *check_conversation(self._observed(flow, compared))):
            first.setdefault(bad.field, bad)
        return [self._placed(flow, bad) for bad in first.values()]

    def _observed(self, flow: Flow, compared: Collection[int]) -> Observed:
        """Return what the checks of a conversation look at."""
        near = self.inside[list(flow.inside_rows)].tolist()
        far = self.outside[list(flow.outside_rows)].tolist()
        pairs = [(int(self.inside[a]), int(self.outside[b])) for a, b in flow.pairs]
        paired = {row for pair in pairs for row in pair}
        alone = [r for r in (*near, *far) if r not in paired and self._watched(r)]
        return Observed(
            capture=self.capture,
            points=[sorted(rows, key=self._when) for rows in (near, far)],
            is_reply=lambda row: is_reply(self.capture, flow, row),
            pairs=pairs,
            unpaired=alone if flow.fate == "forwarded" else (),
            compared=compared,
        )

    def _when(self, row: int) -> tuple[int, int]:
        return int(self.capture.ts[row]), row

    def _watched(self, row: int) -> bool:
        return watched(int(self.capture.ts[row]), self.window)

    def point_of(self, row: int) -> str:
        """Return the name of the capture point of a row."""
        return self.points[int(self.capture.point[row])]

    def _placed(self, flow: Flow, bad: Violation) -> Violation:
        row = bad.rows[0]
        reply = is_reply(self.capture, flow, row)
        return replace(bad, point=self.point_of(row), reply=reply)


def _window(capture: Capture) -> tuple[int, int] | None:
    """Return from when to when every point was watched: between all its canaries.

    None where the capture has none.
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
    """Return the fields with an echo's number as if none before it were in vain."""
    if not skipped:
        return fields
    return tuple(
        (name, f"{int(value) - skipped}" if name == "seq" else value)
        for name, value in fields
    )


def _is_lost(flow: Flow, told: Sequence[Passage], lines: Sequence[Line]) -> bool:
    """Tell whether all of a flow left on the uplink and nothing came back."""
    if flow.initiated != "inside" or flow.sent is None or flow.answered:
        return False
    crossed = all(len(passage.rows) > 1 for passage in told)
    return crossed and bool(lines) and not any(line.reply for line in lines)


def _refusal(lines: Sequence[Line]) -> str:
    """Return the first reset or ICMP error that answers the initiator, and whose."""
    for line in lines:
        if line.reply and (line.what == "RST" or is_refusal(line.what)):
            return f"{line.what} from {line.src.partition(':')[0]}"
    return ""


def _fact(flow: Flow, symbols: Symbols, refusal: str) -> FlowFact:
    met, sent = flow.met, flow.sent
    return FlowFact(
        proto=_protocol(met),
        initiator=symbols.address(met.src),
        responder=_service(met, symbols),
        sender=symbols.address(sent.src) if sent else "",
        target=_service(sent, symbols) if sent else "",
        kind=flow.kind,
        fate=flow.fate,
        answered=flow.answered,
        returned=flow.returned,
        refusal=refusal,
    )


def _protocol(key: Tuple5) -> str:
    name = PROTOCOL_NAMES.get(key.proto, f"protocol {key.proto}")
    return f"{name} echo" if key.proto in (ICMP, ICMP6) and key.sport else name


def _service(key: Tuple5, symbols: Symbols) -> str:
    address = symbols.address(key.dst)
    return f"{address}:{key.dport}" if key.proto in (TCP, UDP) else address


def _note(label: str, before: Line, after: Line) -> str:
    """Return what was rewritten between two sightings; "" for nothing."""
    ends = ((before.src, after.src), (before.dst, after.dst))
    changes = [_change(old, new) for old, new in ends if old != new]
    return f"{label} {', '.join(changes)}" if changes else ""


def _change(old: str, new: str) -> str:
    """Render one rewritten end; a port that was kept goes without saying."""
    (old_host, _, old_port), (new_host, _, new_port) = (
        end.partition(":") for end in (old, new)
    )
    return f"{old_host} -> {new_host}" if old_port == new_port else f"{old} -> {new}"
