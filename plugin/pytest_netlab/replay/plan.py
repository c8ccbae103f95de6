"""Make conversations to play from a capture, or refuse them. Knows no lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.errors import ReplayError
from pytest_netlab.flows import (
    ICMP,
    NO_UNIFLOW,
    PROTOCOL_NAMES,
    TCP,
    UDP,
    FlowTable,
    Tuple5,
    uniflow_of,
)
from pytest_netlab.replay.ftp import FTP, announced
from pytest_netlab.replay.source import MTU, FlowPlan, Found, PlannedPackets, Source
from pytest_netlab.spec import DOCKER0, UPLINK
from pytest_netlab.trace import translations
from pytest_netlab.wire import Checksum, Status, ipv4, tcp
from pytest_netlab.wire.address import FIRST_GROUP, MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from pytest_netlab.capture import Capture

PROTOCOLS = (TCP, UDP, ICMP)
INSIDE, OUTSIDE = DOCKER0.name, UPLINK.name
_MOST_NAMED, _MOST_SHOWN = 5, 10
SERVERS = 512  # ports below are servers'; from here on, clients of root have them too


def plan_flows(
    capture: Capture,
    *,
    interface: str | None = None,
    flows: str | None = None,
    fill: bool = False,
) -> list[FlowPlan]:
    """Return the conversations of a capture, in the order they begin.

    If the capture has docker0 and the uplink, each is taken from its initiator's side
    of the NAT. Canaries, ARP, multicast and other protocols are left out.

    Args:
        capture: the stored packets.
        interface: whose packets to play, if there are several and not these two.
        flows: only the conversations with this protocol, address or port.
        fill: put zeros where a packet was cut by the snaplen.

    Raises:
        ReplayError: there is nothing to play, or packets that it names cannot be.

    """
    found = list(_conversations(capture, interface))
    found.sort(key=lambda one: int(one.rows[0]))
    if not found:
        raise ReplayError(
            f"{len(capture)} packets, and no conversation of TCP, UDP or ICMP among "
            f"them: there is nothing to play{_undecoded(capture)}"
        )
    found = _chosen(found, flows)
    source = Source(capture)
    _refuse(source, _planned_rows(found, source), fill=fill)
    return list(_plans(source, found))


def _plans(source: Source, found: Sequence[Found]) -> Iterator[FlowPlan]:
    """Yield conversations, with what earlier ones say about each."""
    pairs: set[tuple[str, str]] = set()  # clients and servers, as servers saw them
    ports: set[tuple[str, int]] = set()  # that servers announced
    capture = source.capture
    bad = capture.l4_checksum == Checksum.BAD
    bad |= capture.ip_checksum == Checksum.BAD
    for one in found:
        key, packets = one.key, PlannedPackets(source, one)
        if key.proto == TCP and key.dport == FTP:
            ports.update((key.dst, announced(packet.datagram)) for packet in packets)
        server_initiated = (key.dst, key.src) in pairs and _is_opened(capture, one)
        if not (server_initiated or _is_answer(capture, one)):
            pairs.add((one.translated.src, one.translated.dst))
        sides = bool(one.replies.any()), bool(one.replies.all())
        yield FlowPlan(
            key=key,
            packets=packets,
            server_initiated=server_initiated,
            announced=(key.dst, key.dport) in ports,
            one_sided=sides[0] == sides[1],
            bad_checksum=bool(bad[one.rows].any()),
        )


def _is_opened(capture: Capture, one: Found) -> bool:
    """Return whether whoever sent a conversation's first packet here began it.

    A connection shows it by its SYN, and an echo by its kind. A datagram shows nothing:
    what the capture has first is the first, so that each end sends what it sent.
    """
    if one.key.proto == TCP:
        flags = int(capture.tcp_flags[one.rows[0]])
        return flags & (tcp.SYN | tcp.ACK) == tcp.SYN
    return not one.replies[0]


def _is_answer(capture: Capture, one: Found) -> bool:
    """Return whether a conversation probably was under way when the capture began.

    Its first packet is from a server's port to a client's, and no SYN.
    """
    key = one.key
    answers = key.sport < SERVERS <= key.dport
    return answers and not (key.proto == TCP and _is_opened(capture, one))


def _undecoded(capture: Capture) -> str:
    """Name the link types that have no columns, where there are packets of them."""
    rows = (capture.status & Status.UNDECODED) != 0
    points = np.unique(capture.point[rows & (capture.ethertype == 0)]).tolist()
    types = sorted({capture.interfaces[point].linktype for point in points})
    if not types:
        return ""
    return f" (link type {', '.join(map(str, types))} is not decoded)"


def _chosen(found: list[Found], word: str | None) -> list[Found]:
    """Return the conversations with this protocol, address or port."""
    chosen = [one for one in found if word is None or word in _words(one.key)]
    if not chosen:
        there = ", ".join(str(one.key) for one in found[:_MOST_SHOWN])
        raise ReplayError(f"no conversation has {word!r}; there are {there}")
    return chosen


def _words(key: Tuple5) -> set[str]:
    family = "ipv6" if ":" in key.src else "ipv4"
    ports = {str(key.sport), str(key.dport)}
    return {family, PROTOCOL_NAMES[key.proto], key.src, key.dst, *ports}


def left_out(capture: Capture, plans: Sequence[FlowPlan]) -> int:
    """Return how many unicast packets of IPv4 are of no conversation that is played.

    They are of other protocols, or ICMP other than echo.
    """
    planned = np.zeros(len(capture), dtype=bool)
    for plan in plans:
        planned[plan.packets.rows] = True
    unicast = capture.dst[:, len(MAPPED)] < FIRST_GROUP
    unicast &= capture.ip_version == ipv4.VERSION
    return int(np.count_nonzero(unicast & ~planned))


def _planned_rows(found: Sequence[Found], source: Source) -> npt.NDArray[np.intp]:
    """Return all rows that are played, in order, with counterparts and fragments."""
    rows = np.concatenate([one.rows for one in found])
    counterparts = [row for one in found for row in one.counterparts.values()]
    firsts = np.array(list(source.later), dtype=np.intp)
    rows = np.concatenate([rows, np.array(counterparts, dtype=np.intp)])
    here = firsts[np.isin(firsts, rows)].tolist()
    later = [row for first in here for row in source.later[first]]
    return np.unique(np.concatenate([rows, np.array(later, dtype=np.intp)]))


def _conversations(capture: Capture, interface: str | None) -> Iterator[Found]:
    """Yield each conversation with its original tuple and its rows."""
    names = [known.name for known in capture.interfaces]
    if interface is None and set(names) >= {INSIDE, OUTSIDE}:
        yield from _initiated(capture)
        return
    if interface is None and len(set(names)) > 1:
        raise ReplayError(
            f"the capture has several interfaces ({', '.join(names)}): name one"
        )
    if interface is not None and interface not in names:
        there = ", ".join(names)
        raise ReplayError(f"no interface {interface!r}: the capture has {there}")
    if len(set(names)) == 1:  # merged captures have one several times
        yield from _grouped(capture, np.arange(len(capture)))
        return
    wanted = [point for point, name in enumerate(names) if name == interface]
    rows = np.flatnonzero(np.isin(capture.point, wanted))
    yield from _grouped(capture.select(rows), rows)


def _grouped(capture: Capture, rows: npt.NDArray[np.intp]) -> Iterator[Found]:
    """Yield a point's conversations; `rows` are its packets' in the whole capture."""
    table = FlowTable()
    made = [table.add(*block) for block in capture.blocks()]
    uniflows = np.concatenate(made) if made else np.zeros(0, dtype=np.int32)
    here = np.flatnonzero(uniflows != NO_UNIFLOW)
    number = uniflows[here] >> 1
    order = here[np.argsort(number, kind="stable")]
    mine, replies = rows[order], (uniflows[order] & 1).astype(bool)
    ends = np.cumsum(np.bincount(number, minlength=table.count))
    first = 0
    for key, end in zip(table.conversations(), ends.tolist(), strict=True):
        if end > first and _is_playable(key):
            yield Found(key, key, mine[first:end], replies[first:end])
        first = end


def _initiated(capture: Capture) -> Iterator[Found]:
    """Yield the flows between the two points, each as its initiator saw it.

    Counterparts are the same packets at the other point: the responder's are as it sent
    them there, and no router has lowered their ttl yet.
    """
    sides = {name: _rows_of(capture, name) for name in (INSIDE, OUTSIDE)}
    near, far = sides[INSIDE].tolist(), sides[OUTSIDE].tolist()
    ids = capture.ip_id
    for flow in translations(capture, INSIDE, OUTSIDE).flows:
        inside = flow.initiated == "inside"
        mine = [near[row] for row in flow.inside_rows]
        pairs = [(near[a], far[b]) for a, b in flow.pairs]
        if not inside:
            mine = [far[row] for row in flow.outside_rows]
            pairs = [(there, here) for here, there in pairs]
        # Where a helper shifted a stream, a segment may have several counterparts: the
        # last in this order, with the same IP id, is kept.
        pairs.sort(key=lambda pair: int(ids[pair[0]] == ids[pair[1]]))
        if not mine or not _is_playable(flow.original):
            continue
        mine.sort(key=lambda row: int(capture.ts[row]))
        replies = [uniflow_of(capture, row) != flow.original for row in mine]
        translated = flow.translated or flow.original
        yield Found(
            flow.original, translated, np.array(mine), np.array(replies), dict(pairs)
        )


def _is_playable(key: Tuple5) -> bool:
    """Return whether NAT maps such a tuple: of ICMP, only that of an echo."""
    return key.proto in PROTOCOLS and (key.proto != ICMP or bool(key.sport))


def _rows_of(capture: Capture, point: str) -> np.ndarray:
    names = [known.name for known in capture.interfaces]
    return np.flatnonzero(capture.point == names.index(point))


def _refuse(source: Source, rows: npt.NDArray[np.intp], *, fill: bool) -> None:
    """Refuse packets that cannot be played as they were.

    Raises:
        ReplayError: says which packets, and what to do.

    """
    capture, lengths = source.capture, source.lengths[rows]
    status, captured = capture.status[rows], capture.caplen[rows].astype(np.int64)
    fragments = (status & Status.FRAGMENT) != 0
    for why, wrong in (
        (
            "IPv6 is not played, --flows ipv4 chooses the rest",
            capture.ip_version[rows] != ipv4.VERSION,
        ),
        ("damaged", (status & Status.MALFORMED) != 0),
        (
            "without a length of its own, an offload was to fill it in",
            lengths < ipv4.HEADER,
        ),
        (
            f"a fragment of more than {MTU} octets, which no link here takes",
            fragments & (lengths > MTU),
        ),
        (
            "cut by the capture's snaplen, --fill puts zeros for what is missing",
            (captured - capture.ip_offset[rows] < lengths) & (not fill),
        ),
    ):
        found = capture.about.numbers(rows[wrong]).tolist()
        if found:
            numbers = ", ".join(map(str, found[:_MOST_NAMED]))
            more = f", ... ({len(found)} in all)" if len(found) > _MOST_NAMED else ""
            raise ReplayError(f"packet {numbers}{more}: {why}")
