"""Play conversations from both ends through whatever is between them.

In lockstep within a conversation: each packet is awaited at the other end before the
one behind it is sent. Conversations run side by side.
"""

from __future__ import annotations

import select
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Literal

from pytest_netlab.errors import ReplayError
from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.replay import arrived
from pytest_netlab.replay.rewrite import is_later_fragment, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.replay.arrived import Identity, Seen
    from pytest_netlab.replay.ends import End
    from pytest_netlab.replay.script import Part, Step

    Progress = Callable[[int], None]

SIDE_BY_SIDE = 64  # conversations
PATIENCE = 1.0  # seconds for a packet to come out
PORTS = 65535
AFTERWARDS = 0.02  # seconds in which nothing more may come
LONGEST_PAUSE = 1.0  # seconds without a word of progress
REMEMBERED = 1 << 16  # packets that have come out, to know a duplicate by
_TOLD = 3  # findings

What = Literal["lost", "altered", "mapping", "duplicated", "stray", "not played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Whom the client talks to: an address, and a port unless it is the capture's."""

    target: str
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One packet that did not come out as it went in.

    `flow` is the conversation as the client has it, `packet` its number in the capture
    that was played, from 1.
    """

    flow: str
    packet: int
    what: What
    detail: str = ""

    def __str__(self) -> str:
        """Render as one line."""
        told = f": {self.detail}" if self.detail else ""
        return f"packet {self.packet} of {self.flow} {self.what}{told}"


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A conversation while it is played: `met` as the client has it, `sent` as learned.

    `renamed` says that another conversation had its source port or id already.
    """

    part: Part
    met: Tuple5
    renamed: bool = False
    sent: Tuple5 | None = None
    at: int = 0
    delivered: int = 0
    flying: dict[Identity, bytes] = field(default_factory=dict)
    due: float = 0.0
    made: Step | None = None
    made_at: int = -1
    cut: int = 0

    @property
    def step(self) -> Step:
        """Return the packet that is on its way, or next."""
        if self.made is None or self.made_at != self.at:
            self.made, self.made_at = self.part.steps[self.at], self.at
        return self.made

    @property
    def over(self) -> bool:
        """Tell whether nothing is left to play."""
        return self.at >= len(self.part.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of it, conversation by conversation."""

    runs: Sequence[Run]
    findings: Sequence[Finding]
    seconds: float

    def __str__(self) -> str:
        """Say how many came out, and what was wrong with the first of the others."""
        told = f"{self.delivered} of {self.packets} packets came out"
        return "; ".join([told, *map(str, self.findings[:_TOLD])])

    @property
    def packets(self) -> int:
        """Return how many packets there were to play."""
        return sum(len(run.part.steps) for run in self.runs)

    @property
    def cut(self) -> int:
        """Return how many were larger than a link takes, and were played in pieces."""
        return sum(run.cut for run in self.runs)

    @property
    def delivered(self) -> int:
        """Return how many came out at the other end."""
        return sum(run.delivered for run in self.runs)


class Player:
    """Two ends, and conversations between them."""

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
        self._ends = {False: client, True: server}  # by who sends: the client first
        self._route, self._pace = route, pace
        self._poll = select.poll()
        for end in self._ends.values():
            self._poll.register(end.fileno(), select.POLLIN)
        self._awaited: dict[tuple[bool, Identity], deque[Run]] = defaultdict(deque)
        self._known: dict[tuple[bool, Tuple5], Run] = {}
        self._delivered: dict[tuple[bool, Tuple5, Identity], int] = {}
        self._hops: dict[bool, int] = {}
        self._findings: list[Finding] = []
        self._active: list[Run] = []
        self._start = 0.0
        self._first = self._out = 0

    def play(
        self, parts: Sequence[Part], progress: Progress = lambda _: None
    ) -> Played:
        """Play all conversations; return what came of each packet.

        `progress` is called again and again with how many have come out.
        """
        runs = list(self._runs(parts))
        waiting = deque(runs)
        self._first = min((part.steps[0].ts for part in parts), default=0)
        self._start = time.monotonic()
        while waiting or self._active:
            room = SIDE_BY_SIDE - len(self._active)
            self._active += [waiting.popleft() for _ in range(min(room, len(waiting)))]
            self._send_what_is_due()
            self._hear(self._pause())
            self._expire()
            self._active = [run for run in self._active if not run.over]
            progress(self._out)
        seconds = time.monotonic() - self._start
        end = time.monotonic() + AFTERWARDS  # what is doubled comes late
        while (left := end - time.monotonic()) > 0:
            self._hear(left)
        return Played(runs=runs, findings=self._findings, seconds=seconds)

    def _runs(self, parts: Sequence[Part]) -> Iterator[Run]:
        """Yield each conversation with a tuple that no other has at the client."""
        client, free = self._ends[False].source, _Free()
        for part in parts:
            key = part.key
            icmp = key.proto == ICMP
            dport = key.dport if icmp or not self._route.port else self._route.port
            met = Tuple5(key.proto, client, key.sport, self._route.target, dport)
            own = free.take(met)
            run = Run(part=part, met=own, renamed=own != met)
            self._known[False, own.reply] = run
            yield run

    def _send_what_is_due(self) -> None:
        now = time.monotonic()
        for run in self._active:
            if not run.flying and not run.over and self._when(run) <= now:
                self._send(run)

    def _when(self, run: Run) -> float:
        if not self._pace:
            return 0.0
        return self._start + (run.step.ts - self._first) / 1e9 / self._pace

    def _send(self, run: Run) -> None:
        """Send a conversation's next packet, and await it at the other end."""
        step = run.step
        if step.reply and run.sent is None:
            self._give_up(run, "nothing of its request came out: there is no tuple")
            return
        key, quoted = _ends_of(run, step)
        run.cut += step.cut
        run.due = time.monotonic() + PATIENCE
        for piece in (step.datagram, *step.rest):
            wire = rewritten(piece, key, quoted=quoted, partial=step.partial)
            identity = arrived.identity_of(wire)
            run.flying[identity] = wire
            self._awaited[not step.reply, identity].append(run)
        for wire in run.flying.values():
            self._ends[step.reply].send(wire)

    def _pause(self) -> float:
        """Return how long nothing is due."""
        now = time.monotonic()
        due = [run.due if run.flying else self._when(run) for run in self._active]
        return min(max(0.0, min(due, default=now) - now), LONGEST_PAUSE)

    def _hear(self, seconds: float) -> None:
        """Take what has come at either end, or will within some seconds."""
        ready = {fd for fd, _ in self._poll.poll(ceil(seconds * 1000))}
        for at_server, end in self._ends.items():
            if end.fileno() in ready:
                for datagram in end.received():
                    self._take(datagram, at_server=at_server)

    def _take(self, datagram: bytes, *, at_server: bool) -> None:
        """Find out whose packet this is, and whether it is as it was sent."""
        seen = arrived.seen(datagram)
        if seen.key.dst != self._ends[at_server].source:
            return
        key, identity = seen.way, seen.identity
        run = self._awaiting(key, identity, at_server=at_server)
        if run is not None:
            self._arrive(run, datagram, seen, at_server=at_server)
            return
        known = self._known.get((at_server, key))
        if known is None:
            self._stray(key)
        elif (at_server, key, identity) in self._delivered:
            number = self._delivered[at_server, key, identity]
            self._find(known, number, "duplicated")
        elif known.flying and known.step.reply != at_server:
            self._unawait(known, next(iter(known.flying)), at_server=at_server)
            self._arrive(known, datagram, seen, at_server=at_server)
        else:
            place = max(min(known.at, len(known.part.steps)) - 1, 0)
            last = known.part.steps[place]
            self._find(known, last.number, "stray", "it came, and nobody had sent it")

    def _awaiting(
        self, key: Tuple5, identity: Identity, *, at_server: bool
    ) -> Run | None:
        """Return whose awaited packet this is: first of who has this tuple already.

        Else of who has none yet: then a tuple that is another's is a finding.
        """
        runs = self._awaited.get((at_server, identity))
        if not runs:
            return None
        known = self._known.get((at_server, key))
        new = next((run for run in runs if run.sent is None), runs[0])
        found = known if known is not None and known in runs else new
        runs.remove(found)
        if not runs:
            del self._awaited[at_server, identity]
        return found

    def _arrive(
        self, run: Run, datagram: bytes, seen: Seen, *, at_server: bool
    ) -> None:
        """Note that a conversation's packet came out, and what is wrong with it."""
        step, ttl = run.step, arrived.ttl_of(datagram)
        wire = run.flying.pop(seen.identity, None) or run.flying.popitem()[1]
        self._learn(run, seen, datagram, at_server=at_server)
        wanted = rewritten(
            wire, seen.key, ttl=ttl, quoted=seen.quoted, partial=step.partial
        )
        if wanted != datagram:
            told = ", ".join(arrived.differing(wanted, datagram))
            self._find(run, step.number, "altered", told)
        hops = arrived.ttl_of(wire) - ttl
        if self._hops.setdefault(at_server, hops) != hops:
            told = f"ttl {hops} lower, {self._hops[at_server]} of the first packet"
            self._find(run, step.number, "altered", told)
        self._delivered[at_server, seen.way, seen.identity] = step.number
        if len(self._delivered) > REMEMBERED:
            del self._delivered[next(iter(self._delivered))]
        if not run.flying:
            run.delivered += 1
            self._out += 1
            run.at += 1

    def _learn(self, run: Run, seen: Seen, datagram: bytes, *, at_server: bool) -> None:
        """Learn what the server sees, once; all else must follow from it.

        Of a later fragment, and around what an error quotes, the addresses must.
        """
        key = seen.way
        if at_server and run.sent is None and not is_later_fragment(datagram):
            other = self._known.setdefault((True, key), run)
            run.sent = key
            if other is not run:
                self._find(run, run.step.number, "mapping", f"{key} is another's too")
            return
        wanted = run.sent if at_server else run.met.reply
        if wanted is None:
            return
        ends = (seen.key.src, seen.key.dst) == (wanted.src, wanted.dst)
        if not ends or (key != wanted and not is_later_fragment(datagram)):
            told = key if ends else seen.key
            self._find(run, run.step.number, "mapping", f"{told}, not {wanted}")

    def _expire(self) -> None:
        now = time.monotonic()
        for run in self._active:
            if run.flying and run.due <= now:
                step = run.step
                for identity in run.flying:
                    self._unawait(run, identity, at_server=not step.reply)
                self._find(run, step.number, "lost")
                run.flying.clear()
                run.at += 1

    def _unawait(self, run: Run, identity: Identity, *, at_server: bool) -> None:
        runs = self._awaited.get((at_server, identity))
        if runs and run in runs:
            runs.remove(run)
            if not runs:
                del self._awaited[at_server, identity]

    def _give_up(self, run: Run, why: str) -> None:
        self._find(run, run.step.number, "not played", why)
        run.at = len(run.part.steps)

    def _stray(self, key: Tuple5) -> None:
        self._findings.append(Finding(flow=str(key), packet=0, what="stray"))

    def _find(self, run: Run, number: int, what: What, detail: str = "") -> None:
        found = Finding(flow=str(run.met), packet=number, what=what, detail=detail)
        self._findings.append(found)


def _ends_of(run: Run, step: Step) -> tuple[Tuple5, Tuple5 | None]:
    """Return the tuple to send a packet with, and the one that an error quotes."""
    way = run.sent.reply if step.reply and run.sent is not None else run.met
    if not step.error:
        return way, None
    return Tuple5(ICMP, way.src, 0, way.dst, 0), way.reply


class _Free:
    """Tuples that no conversation has yet: one client has a source port once."""

    def __init__(self) -> None:
        self._taken: set[Tuple5] = set()
        self._next: dict[Tuple5, int] = {}

    def take(self, key: Tuple5) -> Tuple5:
        """Return this tuple, or one with the next source port or id that is free.

        Raises:
            ReplayError: there is none left.

        """
        if key not in self._taken:
            self._taken.add(key)
            return key
        icmp = key.proto == ICMP
        alike = key._replace(sport=0, dport=0 if icmp else key.dport)
        first = self._next.setdefault(alike, key.sport + 1)
        for sport in range(first, first + PORTS):
            number = (sport - 1) % PORTS + 1
            own = key._replace(sport=number, dport=number if icmp else key.dport)
            if own not in self._taken:
                self._taken.add(own)
                self._next[alike] = number + 1
                return own
        raise ReplayError(
            f"more than {PORTS} conversations of one kind with {key.dst}: one client "
            "has no more source ports; choose some with --flows"
        )
