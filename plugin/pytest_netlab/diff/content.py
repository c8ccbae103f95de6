"""Compare what conversations carry: streams of TCP, datagrams of all else.

Works on two captures beside their traces, point by point. Retransmissions, other
segmentation and reordering are no differences. Knows no file and no policy but `rule`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.diff.compare import ABSENT, Difference
from pytest_netlab.diff.fragments import Fragments
from pytest_netlab.diff.policy import PAYLOAD
from pytest_netlab.diff.stream import CUT, DATA, HOLE, Piece, datagram, streams
from pytest_netlab.diff.unrelated import without_unrelated
from pytest_netlab.flows import TCP, is_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.diff.policy import FieldRule
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace

_SHOWN = 16  # octets of a difference


@dataclass(frozen=True, slots=True)
class Traced:
    """A capture, its trace, and how the trace calls the points: interface -> name."""

    capture: Capture
    trace: CanonicalTrace
    points: Mapping[str, str]


class Place(NamedTuple):
    """Where octets were seen: a point, a direction, and which of several there.

    A point may see one direction of a flow twice, before and after translation, and
    several connections one after the other.
    """

    point: str
    reply: bool
    leg: int = 0
    connection: int = 0


@dataclass(slots=True)
class Contents:
    """What of two captures' contents differs, and what could not be compared.

    Attributes:
        found: the differences.
        cut: octets that a capture did not keep (snaplen), so they were not compared.
        holes: octets that neither capture has.

    """

    found: list[Difference] = field(default_factory=list)
    cut: int = 0
    holes: int = 0


class _Own(NamedTuple):
    """What one flow carries at one place: pieces of a stream, or of each datagram."""

    streamed: bool
    units: tuple[tuple[Piece, ...], ...]


_Carried = dict[Place, _Own]


def contents(want: Traced, got: Traced, rule: FieldRule) -> Contents:
    """Return where the contents of two captures differ, flow by flow.

    Flows are matched by name; of several, those that carry the same first, then by
    order. One difference is told of each direction at a point, the first. Linear in the
    octets; no octet is copied but those of one name's flows.
    """
    result = Contents()
    if rule == "any":
        return result
    seen = without_unrelated(want.trace, got.trace)
    wanted, observed = _by_name(want.trace.flows), _by_name(seen.flows)
    fragments = Fragments(want.capture), Fragments(got.capture)
    for name, flows in wanted.items():
        mine = [_carried(want, fragments[0], flow) for flow in flows]
        theirs = [_carried(got, fragments[1], flow) for flow in observed.get(name, ())]
        for old, new in _matched(mine, theirs):
            for place in dict.fromkeys((*old, *new)):
                _compare(name, place, (old.get(place), new.get(place)), rule, result)
    return result


def _by_name(flows: Sequence[CanonicalFlow]) -> dict[str, list[CanonicalFlow]]:
    found: dict[str, list[CanonicalFlow]] = defaultdict(list)
    for flow in flows:
        found[flow.fact.name].append(flow)
    return found


def _matched(
    old: list[_Carried], new: list[_Carried]
) -> Iterator[tuple[_Carried, _Carried]]:
    """Yield pairs: concurrent flows of one name begin in any order."""
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    spare: dict[object, list[int]] = defaultdict(list)
    for at, one in reversed(list(enumerate(new))):
        spare[_digest(one)].append(at)
    taken = set()
    left = []
    for one in old:
        if equal := spare.get(_digest(one)):
            taken.add(equal[-1])
            yield one, new[equal.pop()]
        else:
            left.append(one)
    rest = (one for at, one in enumerate(new) if at not in taken)
    yield from zip(left, rest, strict=False)


def _digest(carried: _Carried) -> int:
    """Return a hash of all octets, whatever pieces they came in."""
    parts = []
    for place, own in sorted(carried.items()):
        for unit in own.units:
            data = b"".join(bytes(piece.octets) for piece in unit)
            parts.append((place, data, unit[-1].end if unit else 0))
    return hash(tuple(parts))


def _carried(traced: Traced, fragments: Fragments, flow: CanonicalFlow) -> _Carried:
    """Return what a flow carries, by place."""
    if flow.fact.proto == TCP:
        found = streams(traced.capture, fragments, flow)
        return {
            Place(traced.points[where[0]], *where[1:]): _Own(
                streamed=True, units=(tuple(pieces),)
            )
            for where, pieces in found.items()
        }
    datagrams: dict[Place, list[tuple[Piece, ...]]] = defaultdict(list)
    for packet in flow.compared:
        if not (packet.what.error or is_error(traced.capture, packet.row)):
            place = Place(packet.point, packet.reply)
            own = datagram(traced.capture, fragments, packet.row)
            datagrams[place].append(tuple(own))
    return {
        place: _Own(streamed=False, units=tuple(units))
        for place, units in datagrams.items()
    }


def _compare(
    flow: str,
    place: Place,
    both: tuple[_Own | None, _Own | None],
    rule: FieldRule,
    result: Contents,
) -> None:
    """Add the first difference at one place, if there is one."""
    streamed = any(own.streamed for own in both if own)
    old, new = (own.units if own else ((),) * streamed for own in both)
    for number, units in enumerate(zip_longest(old, new), start=1):
        where = "" if streamed else f"datagram {number} of "
        totals = (f"{where}{len(old)}", f"{where}{len(new)}") if where else ("", "")
        texts = _unit(units, rule, result)
        if texts is None:
            continue
        want, got = (
            f"{total}: {text}" if total else text
            for total, text in zip(totals, texts[:2], strict=True)
        )
        later = f"connection {place.connection + 1}: " if place.connection else ""
        result.found.append(
            Difference(
                flow=flow,
                direction="reply" if place.reply else "original",
                point=place.point,
                packet=texts[2],
                field=PAYLOAD,
                want=later + want,
                got=later + got,
            )
        )
        return


_Units = tuple[tuple[Piece, ...] | None, tuple[Piece, ...] | None]
_Texts = tuple[str, str, int | None]


def _unit(units: _Units, rule: FieldRule, result: Contents) -> _Texts | None:
    """Return how one stream or datagram differs: both texts, and a packet's number."""
    old, new = units
    if old is None or new is None:
        texts = [ABSENT if unit is None else _show(unit, 0) for unit in units]
        return texts[0], texts[1], _number(new, 0)
    if rule == "length":
        sizes = [
            sum(one.size for one in unit if one.kind != HOLE) for unit in (old, new)
        ]
        if sizes[0] == sizes[1]:
            return None
        return *(f"{size} octets" for size in sizes), _number(new, 0)  # type: ignore[return-value]
    at = _first_difference(old, new, result)
    if at is None:
        return None
    return _show(old, at), _show(new, at), _number(new, at)


def _first_difference(
    old: Sequence[Piece], new: Sequence[Piece], result: Contents
) -> int | None:
    """Return the offset of the first octet that differs; count what has no octets."""
    i = k = at = 0
    while i < len(old) and k < len(new):
        was, now = old[i], new[k]
        end = min(was.end, now.end)
        kinds = {was.kind, now.kind}
        if kinds == {HOLE}:
            result.holes += end - at
        elif HOLE in kinds:
            return at
        elif CUT in kinds:
            result.cut += end - at
        elif (offset := _unlike(was.part(at, end), now.part(at, end))) is not None:
            return at + offset
        at = end
        i += was.end == end
        k += now.end == end
    rest = old[i:] or new[k:]
    return at if rest else None


def _unlike(one: memoryview, other: memoryview) -> int | None:
    """Return where two parts of equal length differ first, by halving."""
    if one == other:
        return None
    first, end = 0, len(one)
    while end - first > 1:
        middle = (first + end) // 2
        if one[first:middle] == other[first:middle]:
            first = middle
        else:
            end = middle
    return first


def _number(unit: Sequence[Piece] | None, at: int) -> int | None:
    """Return the number of the packet that has this octet."""
    rows = [one.row for one in unit or () if one.start <= at < one.end]
    return rows[0] + 1 if rows and rows[0] >= 0 else None


def _show(unit: Sequence[Piece], at: int) -> str:
    """Return the octets from an offset on, with their place: the first is octet 1."""
    total = unit[-1].end if unit else 0
    here = next((one for one in unit if one.start <= at < one.end), None)
    if here is None:
        return f"{ABSENT} after octet {at}" if total else "no octets"
    where = f"octet {at + 1} of {total}"
    if here.kind == HOLE:
        return f"{where}: a hole of {here.end - at} octets"
    if here.kind == CUT:
        return f"{where}: not captured"
    octets = b""
    for one in unit:
        if one.end > at + len(octets) and one.kind == DATA and len(octets) < _SHOWN:
            if one.start > at + len(octets):
                break
            octets += bytes(one.part(at + len(octets), min(one.end, at + _SHOWN)))
    return f"{where}: {repr(octets)[1:]}"
