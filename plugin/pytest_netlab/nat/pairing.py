"""Pair the two sightings of a forwarded packet. Knows invariants, no addresses.

The keys hold only what Linux NAT may not change (RFC 3022 section 4, kernel
nf_nat_proto.c): IP id, lengths, sequence numbers, payload. Clocks are not used.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, TCP, Tuple5, is_error, key_of, way_of
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Container,
        Hashable,
        Iterable,
        Iterator,
        Sequence,
    )

    from pytest_netlab.capture import Capture

    Rows = dict[Hashable, list[int]]
    Ways = dict[int, Tuple5]
    Project = Callable[[Tuple5], Hashable]

_TCP = ("tcp_seq", "tcp_ack", "tcp_flags", "tcp_window", "payload_hash")
_QUERY = ("icmp_type", "icmp_code", "icmp_seq", "payload_hash")
_ERROR = ("icmp_type", "icmp_code", "icmp_rest", "quoted_proto", "quoted_ip_id")
_OTHER = ("payload_hash",)

# What a rewrite leaves of a flow's key, the likeliest first: all, then SNAT and DNAT
# that keep the port, then those that do not.
_LIKENESS: tuple[Project, ...] = (
    lambda key: key,
    lambda key: (key.sport, key.dst, key.dport),
    lambda key: (key.src, key.sport, key.dport),
    lambda key: (key.src, key.sport),
    lambda key: (key.dst, key.dport),
    lambda key: key.dst,
    lambda key: key.src,
    lambda _: (),
)
_OPPOSITE = {
    int(Direction.INBOUND): int(Direction.OUTBOUND),
    int(Direction.OUTBOUND): int(Direction.INBOUND),
}


def pair(inside: Capture, outside: Capture) -> list[tuple[int, int]]:
    """Return (inside row, outside row) of every packet seen on both sides.

    Packets may have equal keys: IP id 0 and the same payload, retransmissions that
    kept their id, duplicate acknowledgements. Those go by what the other packets of
    their flow became, then by likeness; what is equal even so is paired by rank: the
    n-th sighting here is the n-th sighting there.
    """
    taps = _taps_know(inside) and _taps_know(outside)
    near = _by_key(inside, {1: 1, 2: 2} if taps else {})
    far = _by_key(outside, _OPPOSITE if taps else {})
    both = [(near[key], far[key]) for key in near if key in far]
    pairs = [(here[0], there[0]) for here, there in both if len(here + there) == 2]  # noqa: PLR2004 - one on each side
    ambiguous = _Ambiguous(inside, outside, pairs)
    for here, there in both:
        if len(here + there) > 2:  # noqa: PLR2004
            pairs += ambiguous.settle(here, there)
    return sorted(p for p in pairs if not _is_anew(inside, outside, *p))


def _is_anew(inside: Capture, outside: Capture, row_in: int, row_out: int) -> bool:
    """Tell a packet that was sent anew with the same content: a proxy's datagram.

    Both its ends are new, and no router has lowered its ttl.
    """
    near, far = key_of(inside, row_in), key_of(outside, row_out)
    if near is None or far is None or near.src == far.src or near.dst == far.dst:
        return False
    return bool(inside.ttl[row_in] == outside.ttl[row_out])


def _taps_know(capture: Capture) -> bool:
    """Tell whether every packet that may be forwarded has a direction."""
    return bool(((capture.direction != Direction.UNKNOWN) | (capture.proto == 0)).all())


def _by_key(capture: Capture, directions: dict[int, int]) -> Rows:
    """Group rows by invariants, and by the direction the inside would see."""
    found: Rows = defaultdict(list)
    for row in range(len(capture)):
        key = invariant_key(capture, row)
        if key is not None:
            way = directions.get(int(capture.direction[row]), 0)
            found[way, key].append(row)
    return found


class _Ambiguous:
    """Pairs what has equal keys, by what is known of the flows from other packets."""

    def __init__(
        self, inside: Capture, outside: Capture, pairs: Iterable[tuple[int, int]]
    ) -> None:
        self._captures = inside, outside
        self._known: dict[Tuple5, Tuple5] = {}
        self._owned: set[Tuple5] = set()
        for row_in, row_out in pairs:
            self._learn(*self._ways((row_in,), (row_out,)))

    def settle(
        self, here: Sequence[int], there: Sequence[int]
    ) -> Iterator[tuple[int, int]]:
        """Yield the pairs among rows with equal keys; later calls profit from them."""
        near, far = self._ways(here, there)
        for like in _LIKENESS:
            yield from self._matched(
                near, far, _fresh(like, self._known), _fresh(like, self._owned)
            )
        yield from self._matched(near, far, self._known.get, _same)
        for like in _LIKENESS:
            yield from self._matched(near, far, like, like)

    def _ways(self, here: Sequence[int], there: Sequence[int]) -> tuple[Ways, Ways]:
        """Return row -> directed key of the flow, of each side."""
        rows = zip(self._captures, (here, there), strict=True)
        near, far = (
            {row: way for row in side if (way := way_of(capture, row)) is not None}
            for capture, side in rows
        )
        return near, far

    def _matched(
        self, near: Ways, far: Ways, of_near: Project, of_far: Project
    ) -> Iterator[tuple[int, int]]:
        """Take out and yield the rows on which both projections agree, by rank."""
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for row in reversed(far if near else ()):
            waiting[of_far(far[row])].append(row)
        for row in list(near):
            wanted = of_near(near[row])
            if wanted is None or not waiting[wanted]:
                continue
            match = waiting[wanted].pop()
            self._learn({row: near.pop(row)}, {match: far.pop(match)})
            yield row, match

    def _learn(self, near: Ways, far: Ways) -> None:
        for here, there in zip(near.values(), far.values(), strict=True):
            self._known.setdefault(here, there)
            self._known.setdefault(here.reply, there.reply)
            self._owned |= {there, there.reply}


def _same(key: Tuple5) -> Hashable:
    return key


def _fresh(like: Project, seen: Container[Tuple5]) -> Project:
    """Return the projection, of keys that were not seen yet only."""
    return lambda key: None if key in seen else like(key)


def invariant_key(capture: Capture, row: int) -> Hashable | None:
    """Return what NAT leaves alone of a packet; None for what no router forwards."""
    if key_of(capture, row) is None:
        return None
    proto = int(capture.proto[row])
    names: tuple[str, ...] = _TCP if proto == TCP else _OTHER
    if proto in (ICMP, ICMP6):
        names = _ERROR if is_error(capture, row) else _QUERY
    names = ("ip_id", "payload_len", *names)
    return (proto, *(int(getattr(capture, name)[row]) for name in names))
