"""Play conversations from both ends through whatever is between them.

In lockstep within a conversation: each packet is awaited at the other end before the
one behind it is sent. Conversations run side by side. Compiled.
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
from pytest_netlab.replay.free import Free
from pytest_netlab.replay.ftp import FTP, Helped
from pytest_netlab.replay.packed import pack, turned, unpack
from pytest_netlab.replay.played import Finding, Played
from pytest_netlab.replay.rewrite import KEPT, rewritten
from pytest_netlab.replay.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.replay.arrived import Identity, Seen
    from pytest_netlab.replay.ends import End
    from pytest_netlab.replay.played import Route, What
    from pytest_netlab.replay.tape import Part

    Progress = Callable[[int], None]

SIDE_BY_SIDE = 64  # conversations
PATIENCE = 1.0  # seconds for a packet to come out
AFTERWARDS = 0.02  # seconds in which nothing more may come
LONGEST_PAUSE = 1.0  # seconds without a word of progress
REMEMBERED = 1 << 16  # packets that have come out, at least: to know a duplicate by

_ADDRESSES = slice(0, 8)  # of a packed tuple
_DESTINATION = slice(16, 20)  # of a datagram
_BUT_ID = 0xFFFFFF  # of the first part of an identity


class Player:
    """Two ends, and conversations between them.

    What there is for each end is in pairs: 0 is the client's side, 1 the server's.
    """

    def __init__(
        self, client: End, server: End, route: Route, *, pace: float = 0.0
    ) -> None:
        """Prepare.

        Args:
            client: where initiators are.
            server: where responders are.
            route: whom the client talks to.
            pace: how many times as fast as captured; 0 does not wait.

        """
        self._ends = (client, server)
        self._sources = [inet_aton(end.source) for end in self._ends]
        self._route, self._pace = route, pace
        self._poll = select.poll()
        for end in self._ends:
            self._poll.register(end.fileno(), select.POLLIN)
        self._awaited: tuple[dict[Identity, list[Run]], ...] = {}, {}
        self._known: tuple[dict[bytes, Run], ...] = {}, {}
        # Hashes of the packets that have come out, and their numbers; those before.
        self._delivered: dict[int, int] = {}
        self._earlier: dict[int, int] = {}
        self._findings: list[Finding] = []
        self._active: list[Run] = []
        self._start = self._now = 0.0
        self._first = self._out = 0

    def play(
        self, parts: Sequence[Part], progress: Progress = lambda _: None
    ) -> Played:
        """Play all conversations; return what came of each packet.

        `progress` is called again and again with how many have come out.
        """
        runs = list(self._runs(parts))
        waiting = deque(runs)
        self._first = min([part.steps[0].ts for part in parts], default=0)
        self._start = self._now = time.monotonic()
        while waiting or self._active:
            while waiting and len(self._active) < SIDE_BY_SIDE:
                run = waiting.popleft()
                self._known[int(run.part.turned)][run.back] = run
                run.begin()
                self._active.append(run)
            self._send_what_is_due()
            self._hear(self._pause())
            self._expire()
            progress(self._out)
        seconds = self._now - self._start
        end = self._now + AFTERWARDS  # what is doubled comes late
        while self._now < end:
            self._hear(end - self._now)
        return Played(runs=runs, findings=self._findings, seconds=seconds)

    def _runs(self, parts: Sequence[Part]) -> Iterator[Run]:
        """Yield each conversation with a tuple that no other has at its initiator."""
        free, route = Free(), self._route
        for part in parts:
            key, source = part.key, self._ends[int(part.turned)].source
            target = route.back if part.turned else route.target
            given = key.proto != ICMP and not part.is_related
            dport = route.port if given and route.port else key.dport
            met = Tuple5(key.proto, source, key.sport, target, dport)
            own = free.take(met)
            yield Run(part, pack(own), own != met)

    def _send_what_is_due(self) -> None:
        for run in self._active:
            if not (run.flying or self._when(run) > self._now or self._waits(run)):
                self._send(run)

    def _waits(self, run: Run) -> bool:
        """Tell whether it would begin before what lets it in has been said."""
        if run.at or not run.part.is_related:
            return False
        first = run.step.number
        for other in self._active:
            going = other.at < other.count and not other.part.is_related
            if going and other.step.number < first:
                return True
        return False

    def _when(self, run: Run) -> float:
        if not self._pace:
            return 0.0
        return self._start + (run.step.ts - self._first) / 1e9 / self._pace

    def _send(self, run: Run) -> None:
        """Send a conversation's next packet, and await it at the other end."""
        step, way = run.step, run.way
        if step.reply:
            if run.answer is None:
                why = "nothing of its request came out: there is no tuple"
                self._find(run, step.number, "not played", why)
                run.give_up()
                return
            way = run.answer
        quoted = turned(way) if step.error else None
        run.cut += step.cut
        run.due = self._now + PATIENCE
        awaited, end = self._awaited[run.side], self._ends[1 - run.side]
        for piece in (step.datagram, *step.rest):
            wire = rewritten(piece, way, KEPT, quoted)
            identity = arrived.identity_of(wire)
            if identity not in run.flying:
                awaited.setdefault(identity, []).append(run)
            run.flying[identity] = wire
        for wire in run.flying.values():
            end.send(wire)

    def _pause(self) -> float:
        """Return how long nothing is due."""
        first = self._now + LONGEST_PAUSE
        for run in self._active:
            if run.flying:
                first = min(first, run.due)
            elif run.at >= run.count:
                return 0.0
            elif not self._waits(run):
                first = min(first, self._when(run))
        return max(0.0, first - self._now)

    def _hear(self, seconds: float) -> None:
        """Take what has come at either end, or will within some seconds."""
        ready = [fd for fd, _ in self._poll.poll(ceil(seconds * 1000))]
        self._now = time.monotonic()
        for side, end in enumerate(self._ends):
            if end.fileno() in ready:
                for datagram in end.received():
                    self._take(datagram, side)

    def _take(self, datagram: bytes, side: int) -> None:
        """Find out whose packet this is, and whether it is as it was sent."""
        if datagram[_DESTINATION] != self._sources[side]:
            return
        seen = arrived.seen(datagram)
        run = self._awaiting(seen, side)
        if run is not None:
            self._arrive(run, datagram, seen, seen.identity)
            return
        known = self._known[side].get(seen.way) or self._alike(seen, side)
        came = hash((seen.way, seen.identity))
        number = self._delivered.get(came) or self._earlier.get(came)
        if known is None:
            what: What = "stray" if number is None else "duplicated"
            flow = str(unpack(seen.way))
            self._findings.append(Finding(flow=flow, packet=number or 0, what=what))
        elif number is not None:
            self._find(known, number, "duplicated")
        elif known.flying and known.side == side:
            meant = _meant(known, seen.identity)
            self._unawait(known, meant, side)
            self._arrive(known, datagram, seen, meant)
        else:
            place = max(known.at - 1, 0)
            number = known.part.steps[place].number
            told = arrived.described(datagram) or "it"
            self._find(known, number, "stray", f"{told} came, and nobody had sent it")

    def _awaiting(self, seen: Seen, side: int) -> Run | None:
        """Return whose awaited packet this is: first of who has this tuple already.

        Else of who has none yet: then a tuple that is another's is a finding.
        """
        awaited = self._awaited[side]
        runs = awaited.get(seen.identity)
        if runs is None:
            return None
        if len(runs) == 1:
            del awaited[seen.identity]
            return runs[0]
        known = self._known[side].get(seen.way)
        new = next(iter([run for run in runs if run.out is None]), runs[0])
        found = known if known is not None and known in runs else new
        runs.remove(found)
        return found

    def _alike(self, seen: Seen, side: int) -> Run | None:
        """Return who has no tuple there yet, and has sent this before it was altered.

        Its IP id is another, or all else that is kept.
        """
        head, kept = seen.identity
        for run in self._active:
            if run.out is None and run.flying and run.side == side:
                for other, its in run.flying:
                    if other == head or (its == kept and (other ^ head) & _BUT_ID == 0):
                        return run
        return None

    def _arrive(
        self, run: Run, datagram: bytes, seen: Seen, identity: Identity
    ) -> None:
        """Note that a conversation's packet came out, and what is wrong with it."""
        step, ttl, wire = run.step, arrived.ttl_of(datagram), run.flying.pop(identity)
        self._learn(run, seen, datagram)
        wanted = rewritten(wire, seen.key, ttl, seen.quoted)
        if run.helped is not None:
            wanted = run.helped.shifted(wanted, run.heard_by)
        if wanted != datagram and not _helped(run, wire, wanted, datagram):
            told = ", ".join(arrived.differing(wanted, datagram))
            self._find(run, step.number, "altered", told)
        hops = arrived.ttl_of(wire) - ttl
        if self._route.hops not in (None, hops):
            told = f"ttl {hops} lower, not {self._route.hops}"
            self._find(run, step.number, "altered", told)
        self._remember(seen, step.number)
        if not run.flying:
            run.delivered += 1
            self._out += 1
            run.advance()

    def _remember(self, seen: Seen, number: int) -> None:
        """Note what has come out; forget the oldest half when there is too much."""
        self._delivered[hash((seen.way, seen.identity))] = number
        if len(self._delivered) >= REMEMBERED:
            self._earlier, self._delivered = self._delivered, {}

    def _learn(self, run: Run, seen: Seen, datagram: bytes) -> None:
        """Learn what the responder sees, once; all else must follow from it.

        Of a later fragment, and around what an error quotes, the addresses must.
        """
        way = seen.way
        if run.heard_by and run.out is None and not is_later_fragment(datagram):
            other = self._known[run.side].get(way, run)
            self._known[run.side][way] = run
            run.learn(way)
            told = self._misled(run, way)
            if other.way != run.way:
                told = f"{unpack(way)} is another's too"
            if told:
                self._find(run, run.step.number, "mapping", told)
            return
        wanted = run.out if run.heard_by else run.back
        if wanted is None or (way == wanted and seen.quoted is None):
            return
        ends = seen.key[_ADDRESSES] == wanted[_ADDRESSES]
        if not ends or (way != wanted and not is_later_fragment(datagram)):
            told = f"{unpack(way if ends else seen.key)}, not {unpack(wanted)}"
            self._find(run, run.step.number, "mapping", told)

    def _misled(self, run: Run, way: bytes) -> str:
        """Say where a conversation was to come out, of which the ends are others'."""
        got, route, by_server = unpack(way), self._route, run.part.turned
        src = route.target if by_server else route.back
        lands = None if run.part.is_related else route.lands
        wanted = got._replace(src=src, dst=self._ends[1 - int(by_server)].source)
        if got.proto != ICMP:
            wanted = wanted._replace(dport=lands or run.met.dport)
        return f"{got}, not {wanted}" if got != wanted else ""

    def _expire(self) -> None:
        """Give up what has not come in time; let go who has nothing left to play."""
        going = []
        for run in self._active:
            if run.flying and run.due <= self._now:
                for identity in run.flying:
                    self._unawait(run, identity, run.side)
                self._find(run, run.step.number, "lost")
                run.flying.clear()
                run.advance()
            if run.at < run.count:
                going.append(run)
        self._active = going

    def _unawait(self, run: Run, identity: Identity, side: int) -> None:
        runs = self._awaited[side].get(identity)
        if runs is not None and run in runs:
            runs.remove(run)
            if not runs:
                del self._awaited[side][identity]

    def _find(self, run: Run, number: int, what: What, detail: str = "") -> None:
        found = Finding(flow=str(run.met), packet=number, what=what, detail=detail)
        self._findings.append(found)


def _meant(run: Run, identity: Identity) -> Identity:
    """Return which of a conversation's packets this was, before it was altered."""
    alike = [flying for flying in run.flying if flying[0] == identity[0]]
    return alike[0] if alike else next(iter(run.flying))


def _helped(run: Run, wire: bytes, wanted: bytes, got: bytes) -> bool:
    """Tell whether a helper made this difference; note what it put into the payload."""
    if run.part.key.dport != FTP:
        return False
    helped = run.helped or Helped()
    told = helped.explain(wire, wanted, got, run.heard_by)
    if told is None:
        return False
    run.helped = helped
    run.translated.append(f"packet {run.step.number} of {run.met}: {told}")
    return True
