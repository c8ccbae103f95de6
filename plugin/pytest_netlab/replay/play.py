"""Play conversations from both ends through whatever is between them.

A conversation is played in lockstep: each packet is awaited at the other end before the
next one is sent. Conversations run side by side. Compiled.
"""

from __future__ import annotations

import select
import time
from collections import deque
from math import ceil
from socket import inet_aton
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.replay import arrived
from pytest_netlab.replay.datagram import is_later_fragment
from pytest_netlab.replay.flow_state import FlowState
from pytest_netlab.replay.ftp import FTP, Alg
from pytest_netlab.replay.port_allocator import PortAllocator
from pytest_netlab.replay.result import Finding, Result
from pytest_netlab.replay.rewrite import KEPT, rewritten
from pytest_netlab.replay.tuple_codec import pack, reversed_tuple, unpack
from pytest_netlab.wire import ipv4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.replay.arrived import Arrival, Identity
    from pytest_netlab.replay.ends import RawEnd
    from pytest_netlab.replay.result import Addressing, FindingKind
    from pytest_netlab.replay.source import FlowPlan

    Progress = Callable[[int], None]

SIDE_BY_SIDE = 64  # conversations
PATIENCE = 1.0  # seconds for a packet to arrive
AFTERWARDS = 0.02  # seconds at the end in which nothing more may arrive
LONGEST_PAUSE = 1.0  # seconds between two reports of progress
REMEMBERED = 1 << 16  # packets that have arrived, at least: to recognise duplicates

_ADDRESSES = slice(0, 8)  # of a packed tuple
_DESTINATION = slice(ipv4.DST, ipv4.HEADER)  # of a datagram
_BUT_ID = 0xFFFFFF  # all but the IP id, of the first part of an identity


class Player:
    """Play conversations between two ends.

    In each pair of attributes, 0 is the client's end and 1 the server's.
    """

    def __init__(
        self, client: RawEnd, server: RawEnd, route: Addressing, *, pace: float = 0.0
    ) -> None:
        """Prepare both ends.

        Args:
            client: the client's end.
            server: the server's end.
            route: by which addresses they know each other.
            pace: how many times as fast as captured; 0 does not wait.

        """
        self._ends = (client, server)
        self._sources = [inet_aton(end.source) for end in self._ends]
        self._route, self._pace = route, pace
        self._poll = select.poll()
        for end in self._ends:
            self._poll.register(end.fileno(), select.POLLIN)
        self._awaited: tuple[dict[Identity, list[FlowState]], ...] = {}, {}
        self._known: tuple[dict[bytes, FlowState], ...] = {}, {}
        # Hash of a packet that has arrived -> its number; the same of older ones.
        self._delivered: dict[int, int] = {}
        self._earlier: dict[int, int] = {}
        self._findings: list[Finding] = []
        self._active: list[FlowState] = []
        self._start = self._now = 0.0
        self._first = self._out = 0

    def play(
        self, plans: Sequence[FlowPlan], progress: Progress = lambda _: None
    ) -> Result:
        """Play all conversations; return what became of each packet.

        `progress` is called again and again with how many have arrived.
        """
        flows = list(self._flows(plans))
        waiting = deque(flows)
        self._first = min([plan.packets[0].ts for plan in plans], default=0)
        self._start = self._now = time.monotonic()
        while waiting or self._active:
            while waiting and len(self._active) < SIDE_BY_SIDE:
                flow = waiting.popleft()
                self._known[int(flow.plan.server_initiated)][flow.original_reply] = flow
                flow.begin()
                self._active.append(flow)
            self._send_what_is_due()
            self._hear(self._pause())
            self._expire()
            progress(self._out)
        seconds = self._now - self._start
        end = self._now + AFTERWARDS  # duplicates arrive late
        while self._now < end:
            self._hear(end - self._now)
        return Result(flows=flows, findings=self._findings, seconds=seconds)

    def _flows(self, plans: Sequence[FlowPlan]) -> Iterator[FlowState]:
        """Yield each conversation with a tuple that its initiator has only once."""
        allocator, route = PortAllocator(), self._route
        for plan in plans:
            key, source = plan.key, self._ends[int(plan.server_initiated)].source
            target = route.back if plan.server_initiated else route.target
            given = key.proto != ICMP and not plan.is_related
            dport = route.port if given and route.port else key.dport
            original = Tuple5(key.proto, source, key.sport, target, dport)
            own = allocator.take(original)
            yield FlowState(plan, pack(own), own != original)

    def _send_what_is_due(self) -> None:
        for flow in self._active:
            if not (flow.flying or self._when(flow) > self._now or self._waits(flow)):
                self._send(flow)

    def _waits(self, flow: FlowState) -> bool:
        """Return whether it waits for earlier packets, which may open a path for it."""
        if flow.at or not flow.plan.is_related:
            return False
        first = flow.packet.number
        for other in self._active:
            going = other.at < other.count and not other.plan.is_related
            if going and other.packet.number < first:
                return True
        return False

    def _when(self, flow: FlowState) -> float:
        if not self._pace:
            return 0.0
        return self._start + (flow.packet.ts - self._first) / 1e9 / self._pace

    def _send(self, flow: FlowState) -> None:
        """Send a conversation's next packet, and await it at the other end."""
        packet, tuple_bytes = flow.packet, flow.original
        if packet.reply:
            if flow.translated_reply is None:
                why = "nothing of its request came out: there is no tuple"
                self._find(flow, packet.number, "not played", why)
                flow.give_up()
                return
            tuple_bytes = flow.translated_reply
        embedded = reversed_tuple(tuple_bytes) if packet.error else None
        flow.segmented += packet.segmented
        flow.due = self._now + PATIENCE
        awaited, end = self._awaited[flow.side], self._ends[1 - flow.side]
        for piece in (packet.datagram, *packet.rest):
            wire = rewritten(piece, tuple_bytes, KEPT, embedded)
            identity = arrived.identity_of(wire)
            if identity not in flow.flying:
                awaited.setdefault(identity, []).append(flow)
            flow.flying[identity] = wire
        for wire in flow.flying.values():
            end.send(wire)

    def _pause(self) -> float:
        """Return how long nothing is due."""
        first = self._now + LONGEST_PAUSE
        for flow in self._active:
            if flow.flying:
                first = min(first, flow.due)
            elif flow.at >= flow.count:
                return 0.0
            elif not self._waits(flow):
                first = min(first, self._when(flow))
        return max(0.0, first - self._now)

    def _hear(self, seconds: float) -> None:
        """Wait for packets for at most some seconds, and take those at either end."""
        ready = [fd for fd, _ in self._poll.poll(ceil(seconds * 1000))]
        self._now = time.monotonic()
        for side, end in enumerate(self._ends):
            if end.fileno() in ready:
                for datagram in end.received():
                    self._take(datagram, side)

    def _take(self, datagram: bytes, side: int) -> None:
        """Find the conversation of a packet, and check it, or report the packet."""
        if datagram[_DESTINATION] != self._sources[side]:
            return
        seen = arrived.seen(datagram)
        flow = self._awaiting(seen, side)
        if flow is not None:
            self._arrive(flow, datagram, seen, seen.identity)
            return
        known = self._known[side].get(seen.flow_tuple) or self._alike(seen, side)
        came = hash((seen.flow_tuple, seen.identity))
        number = self._delivered.get(came) or self._earlier.get(came)
        if known is None:
            what: FindingKind = "stray" if number is None else "duplicated"
            name = str(unpack(seen.flow_tuple))
            self._findings.append(Finding(flow=name, packet=number or 0, what=what))
        elif number is not None:
            self._find(known, number, "duplicated")
        elif known.flying and known.side == side:
            meant = _meant(known, seen.identity)
            self._unawait(known, meant, side)
            self._arrive(known, datagram, seen, meant)
        else:
            place = max(known.at - 1, 0)
            number = known.plan.packets[place].number
            text = arrived.described(datagram) or "it"
            self._find(known, number, "stray", f"{text} came, and nobody had sent it")

    def _awaiting(self, seen: Arrival, side: int) -> FlowState | None:
        """Return the conversation that awaits this packet, if any does.

        One with this tuple is preferred, then one without a translated tuple yet, for
        which `_learn` reports a tuple that another conversation has.
        """
        awaited = self._awaited[side]
        flows = awaited.get(seen.identity)
        if flows is None:
            return None
        if len(flows) == 1:
            del awaited[seen.identity]
            return flows[0]
        known = self._known[side].get(seen.flow_tuple)
        new = next(iter([flow for flow in flows if flow.translated is None]), flows[0])
        found = known if known is not None and known in flows else new
        flows.remove(found)
        return found

    def _alike(self, seen: Arrival, side: int) -> FlowState | None:
        """Return a conversation with no translated tuple yet, if this is its, altered.

        Either the IP id differs, or the kept part of the transport.
        """
        head, kept = seen.identity
        for flow in self._active:
            if flow.translated is None and flow.flying and flow.side == side:
                for other, its in flow.flying:
                    if other == head or (its == kept and (other ^ head) & _BUT_ID == 0):
                        return flow
        return None

    def _arrive(
        self, flow: FlowState, datagram: bytes, seen: Arrival, identity: Identity
    ) -> None:
        """Note that a conversation's packet arrived, and report what was altered."""
        packet, ttl, wire = (
            flow.packet,
            arrived.ttl_of(datagram),
            flow.flying.pop(identity),
        )
        self._learn(flow, seen, datagram)
        wanted = rewritten(wire, seen.key, ttl, seen.embedded)
        if flow.alg is not None:
            wanted = flow.alg.shifted(wanted, flow.heard_by)
        if wanted != datagram and not _is_by_alg(flow, wire, wanted, datagram):
            text = ", ".join(arrived.differing(wanted, datagram))
            self._find(flow, packet.number, "altered", text)
        hops = arrived.ttl_of(wire) - ttl
        if self._route.hops not in (None, hops):
            text = f"ttl {hops} lower, not {self._route.hops}"
            self._find(flow, packet.number, "altered", text)
        self._remember(seen, packet.number)
        if not flow.flying:
            flow.delivered += 1
            self._out += 1
            flow.advance()

    def _remember(self, seen: Arrival, number: int) -> None:
        """Remember what has arrived; forget the oldest half when there is too much."""
        self._delivered[hash((seen.flow_tuple, seen.identity))] = number
        if len(self._delivered) >= REMEMBERED:
            self._earlier, self._delivered = self._delivered, {}

    def _learn(self, flow: FlowState, seen: Arrival, datagram: bytes) -> None:
        """Learn the tuple that the responder sees, once; later ones must fit it.

        Of a later fragment, and of an ICMP error's own header, the addresses must fit.
        """
        tuple_bytes = seen.flow_tuple
        if (
            flow.heard_by
            and flow.translated is None
            and not is_later_fragment(datagram)
        ):
            other = self._known[flow.side].get(tuple_bytes, flow)
            self._known[flow.side][tuple_bytes] = flow
            flow.learn(tuple_bytes)
            text = self._misled(flow, tuple_bytes)
            if other.original != flow.original:
                text = f"{unpack(tuple_bytes)} is another's too"
            if text:
                self._find(flow, flow.packet.number, "mapping", text)
            return
        wanted = flow.translated if flow.heard_by else flow.original_reply
        if wanted is None or (tuple_bytes == wanted and seen.embedded is None):
            return
        ends = seen.key[_ADDRESSES] == wanted[_ADDRESSES]
        if not ends or (tuple_bytes != wanted and not is_later_fragment(datagram)):
            text = f"{unpack(tuple_bytes if ends else seen.key)}, not {unpack(wanted)}"
            self._find(flow, flow.packet.number, "mapping", text)

    def _misled(self, flow: FlowState, tuple_bytes: bytes) -> str:
        """Return what is wrong with the translated tuple of a flow; "" for nothing."""
        got, route, by_server = (
            unpack(tuple_bytes),
            self._route,
            flow.plan.server_initiated,
        )
        src = route.target if by_server else route.back
        lands = None if flow.plan.is_related else route.lands
        wanted = got._replace(src=src, dst=self._ends[1 - int(by_server)].source)
        if got.proto != ICMP:
            wanted = wanted._replace(dport=lands or flow.original_tuple.dport)
        return f"{got}, not {wanted}" if got != wanted else ""

    def _expire(self) -> None:
        """Report overdue packets as lost, and drop finished flows."""
        going = []
        for flow in self._active:
            if flow.flying and flow.due <= self._now:
                for identity in flow.flying:
                    self._unawait(flow, identity, flow.side)
                self._find(flow, flow.packet.number, "lost")
                flow.flying.clear()
                flow.advance()
            if flow.at < flow.count:
                going.append(flow)
        self._active = going

    def _unawait(self, flow: FlowState, identity: Identity, side: int) -> None:
        flows = self._awaited[side].get(identity)
        if flows is not None and flow in flows:
            flows.remove(flow)
            if not flows:
                del self._awaited[side][identity]

    def _find(
        self, flow: FlowState, number: int, what: FindingKind, detail: str = ""
    ) -> None:
        found = Finding(
            flow=str(flow.original_tuple), packet=number, what=what, detail=detail
        )
        self._findings.append(found)


def _meant(flow: FlowState, identity: Identity) -> Identity:
    """Return the identity that this datagram in flight had before it was altered."""
    alike = [flying for flying in flow.flying if flying[0] == identity[0]]
    return alike[0] if alike else next(iter(flow.flying))


def _is_by_alg(flow: FlowState, wire: bytes, wanted: bytes, got: bytes) -> bool:
    """Return whether a conntrack helper made this difference; note what it wrote."""
    if flow.plan.key.dport != FTP:
        return False
    alg = flow.alg or Alg()
    text = alg.explain(wire, wanted, got, flow.heard_by)
    if text is None:
        return False
    flow.alg = alg
    flow.alg_rewrites.append(
        f"packet {flow.packet.number} of {flow.original_tuple}: {text}"
    )
    return True
