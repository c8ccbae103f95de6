"""A stored capture as conversations to play. Knows no lab; refuses what is not kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from pytest_netlab.diff import translations
from pytest_netlab.errors import ReplayError
from pytest_netlab.flows import (
    ICMP,
    TCP,
    UDP,
    Tuple5,
    conversations,
    is_error,
    way_of,
)
from pytest_netlab.replay.pieces import pieces
from pytest_netlab.spec import DOCKER0, UPLINK
from pytest_netlab.wire import Checksum, Status

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture

    Found = tuple[Tuple5, list[int], Mapping[int, int]]
    Later = Mapping[int, list[int]]

PLAYED = (TCP, UDP, ICMP)
INSIDE, OUTSIDE = DOCKER0.name, UPLINK.name
IPV4 = 4
MTU = 1500
_HEADER = 20
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One datagram of a conversation.

    Args:
        number: the packet's in the capture, from 1.
        ts: when it was seen, in ns.
        reply: the responder sends it.
        datagram: from its IP header on, as it was stored; its first fragment.
        rest: its other fragments, in the order they were seen, or segments.
        partial: its transport checksum is the pseudo-header's sum alone.
        cut: it was larger than a link takes, and is played in pieces.
        error: it is an ICMP error, and quotes another packet.

    """

    number: int
    ts: int
    reply: bool
    datagram: bytes
    rest: tuple[bytes, ...] = ()
    partial: bool = False
    cut: bool = False
    error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One conversation: its initiator's tuple, and its datagrams in order."""

    key: Tuple5
    steps: Sequence[Step]


class _Steps(Sequence[Step]):
    """The steps of a conversation, made when they are asked for: there may be millions.

    `found` is the conversation; `rest` the later fragments of the capture.
    """

    def __init__(self, capture: Capture, found: Found, rest: Later) -> None:
        self._capture, self._found, self._rest = capture, found, rest

    def __len__(self) -> int:
        return len(self._found[1])

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Step]: ...
    def __getitem__(self, place: int | slice) -> Step | Sequence[Step]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        row = self._found[1][place]
        return _step(self._capture, row, self._found, self._rest)


def script(
    capture: Capture, *, interface: str | None = None, fill: bool = False
) -> list[Part]:
    """Return the conversations of a capture, in the order they begin.

    Of a capture of docker0 and the uplink, each is taken from its initiator's side of
    the NAT. Canaries, ARP, multicast and strangers to TCP, UDP and ICMP are left out.

    Args:
        capture: what was stored.
        interface: whose packets, where there are several and not these two.
        fill: put zeros where a packet was cut by the snaplen.

    Raises:
        ReplayError: there is nothing to play, or a packet cannot be; names the packets.

    """
    found = sorted(_conversations(capture, interface), key=lambda one: one[1][0])
    rest = _fragments(capture)
    rows = [row for one in found for row in _rows_played(one, rest)]
    _refuse(capture, rows, fill=fill)
    if not found:
        raise ReplayError(
            f"{len(capture)} packets, and no conversation of TCP, UDP or ICMP among "
            "them: there is nothing to play"
        )
    return [Part(key=one[0], steps=_Steps(capture, one, rest)) for one in found]


def _rows_played(found: Found, rest: Later) -> Iterator[int]:
    """Yield every row that a conversation is played from."""
    _, rows, twins = found
    for row in (*rows, *twins.values()):
        yield row
        yield from rest.get(row, ())


def _conversations(capture: Capture, interface: str | None) -> Iterator[Found]:
    """Yield each conversation's tuple, as its initiator has it, and its rows."""
    names = [known.name for known in capture.interfaces]
    if interface is None and set(names) >= {INSIDE, OUTSIDE}:
        yield from _initiated(capture)
        return
    if interface is None and len(names) > 1:
        raise ReplayError(
            f"the capture has several interfaces ({', '.join(names)}): name one"
        )
    if interface is not None and interface not in names:
        there = ", ".join(names)
        raise ReplayError(f"no interface {interface!r}: the capture has {there}")
    wanted = [n for n, name in enumerate(names) if interface in (None, name)]
    rows = np.flatnonzero(np.isin(capture.point, wanted))
    for one in conversations(capture.select(rows)):
        mine = sorted((*one.rows, *one.errors), key=lambda row: rows[row])
        kept = [int(rows[row]) for row in mine]
        if kept and _is_played(one.key):
            yield one.key, kept, {}


def _initiated(capture: Capture) -> Iterator[Found]:
    """Yield the flows between the two points, each as its initiator saw it.

    And where the other point saw the same packets: the responder's are whole there, and
    no router has lowered their ttl yet.
    """
    sides = {name: _rows_of(capture, name) for name in (INSIDE, OUTSIDE)}
    near, far = sides[INSIDE].tolist(), sides[OUTSIDE].tolist()
    for flow in translations(capture, INSIDE, OUTSIDE).flows:
        inside = flow.initiated == "inside"
        mine = [near[row] for row in flow.inside_rows]
        pairs = {near[a]: far[b] for a, b in flow.pairs}
        if not inside:
            mine = [far[row] for row in flow.outside_rows]
            pairs = {there: here for here, there in pairs.items()}
        if not mine or not _is_played(flow.met):
            continue
        mine.sort(key=lambda row: int(capture.ts[row]))
        yield flow.met, mine, pairs


def _is_played(key: Tuple5) -> bool:
    """Tell whether a conversation has a tuple that NAT maps: of ICMP, echoes have."""
    return key.proto in PLAYED and (key.proto != ICMP or bool(key.sport))


def _rows_of(capture: Capture, point: str) -> np.ndarray:
    names = [known.name for known in capture.interfaces]
    return np.flatnonzero(capture.point == names.index(point))


def _step(capture: Capture, row: int, found: Found, rest: Later) -> Step:
    key, _, twins = found
    reply = way_of(capture, row) != key
    number, row = row + 1, twins.get(row, row) if reply else row
    others = rest.get(row, ())
    cut = pieces(_datagram(capture, row), MTU)
    partial = int(capture.l4_checksum[row]) == Checksum.PARTIAL
    return Step(
        number=number,
        ts=int(capture.ts[row]),
        reply=reply,
        datagram=cut[0],
        rest=(*cut[1:], *(_datagram(capture, other) for other in others)),
        partial=partial and len(cut) == 1,
        cut=len(cut) > 1,
        error=is_error(capture, row),
    )


def _datagram(capture: Capture, row: int) -> bytes:
    """Return a packet from its IP header on, without what a link added."""
    at, length = int(capture.ip_offset[row]), _length(capture, row)
    return capture[row].bytes[at : at + length].ljust(length, b"\0")


def _fragments(capture: Capture) -> Later:
    """Return the first fragment of each datagram -> its later ones, in order of time.

    An id is used again: those behind a first fragment are its own, up to the next one;
    those that came before any wait for it (RFC 791, 3.2).
    """
    found: dict[int, list[int]] = {}
    last: dict[tuple[object, ...], int] = {}
    early: dict[tuple[object, ...], list[int]] = {}
    is_fragment = (capture.status & Status.FRAGMENT) != 0
    for row in np.flatnonzero(is_fragment).tolist():
        names = ("point", "proto", "ip_id")
        whole = (
            *(int(capture.column(name)[row]) for name in names),
            capture.src[row].tobytes(),
            capture.dst[row].tobytes(),
        )
        if not capture.frag_offset[row]:
            found[row] = early.pop(whole, [])
            last[whole] = row
        elif whole in last:
            found[last[whole]].append(row)
        else:
            early.setdefault(whole, []).append(row)
    return found


def _refuse(capture: Capture, rows: Sequence[int], *, fill: bool) -> None:
    """Refuse what cannot be played as it was.

    Raises:
        ReplayError: says which packets, and what to do.

    """
    for why, wrong in (
        ("are IPv6, which is not played", lambda row: capture.ip_version[row] != IPV4),
        ("are damaged", lambda row: capture.status[row] & Status.MALFORMED),
        (
            "have no length of their own: an offload was to fill it in",
            lambda row: _length(capture, row) < _HEADER,
        ),
        (
            f"are fragments of more than {MTU} octets, which no link here takes",
            lambda row: (
                capture.status[row] & Status.FRAGMENT and _length(capture, row) > MTU
            ),
        ),
        (
            "were cut by the capture's snaplen; --fill puts zeros for what is missing",
            lambda row: not fill and _is_cut(capture, row),
        ),
    ):
        found = [row + 1 for row in rows if wrong(row)]
        if found:
            told = ", ".join(map(str, found[:_MOST_NAMED]))
            more = ", ..." if len(found) > _MOST_NAMED else ""
            raise ReplayError(f"{len(found)} packets {why}: {told}{more}")


def _length(capture: Capture, row: int) -> int:
    at = int(capture.ip_offset[row])
    return int.from_bytes(capture[row].bytes[at + 2 : at + 4], "big")


def _is_cut(capture: Capture, row: int) -> bool:
    held = int(capture.caplen[row]) - int(capture.ip_offset[row])
    return held < _length(capture, row)
