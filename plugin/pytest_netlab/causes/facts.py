"""What a rule may examine: a flow in symbols, its differences, and the host's."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, Protocol

from pytest_netlab.flows import Tuple5
from pytest_netlab.host import Chain, Rule, Sent
from pytest_netlab.host.firewall.conditions import BEYOND, meets
from pytest_netlab.host.firewall.rules import Hook
from pytest_netlab.trace import End
from pytest_netlab.trace.build import OWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.host import Fact, HostChange
    from pytest_netlab.trace import FlowFact

# The names of causes, as docs/verdicts.md lists them. They are part of the formats that
# others read. The cause of a forbidden behaviour has that behaviour's name.
Name = Literal[
    "leaked",
    "proxied",
    "path changed",
    "not forwarded",
    "let through",
    "no helper",
    "table full",
    "rejected",
    "reply not forwarded",
    "not answered",
    "wrong target",
    "wrong port",
    "wrong source",
    "reply not undone",
    "stale conntrack",
    "hairpin without masquerade",
    "remapped although free",
    "remapped out of its class",
    "MTU black hole",
    "corrupted checksum",
    "header changed",
    "sender differs",
    "wrong neighbour",
    "wrong responder",
    "masqueraded",
    "address taken",
    "intercepted",
    "copied",
    "misrouted",
    "delivered twice",
    "blind",
    "no traffic",
    "unseen",
    "redirected",
    "unexpected flow",
    "flow differs",
]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one expected flow differs.

    Attributes:
        name: stable; reports and JSON contain it.
        flow: name of the flow.
        text: the cause in a sentence, for people.
        remedy: a command that mends it on this host; "" where none is known.
        explains: names of other flows that need no cause of their own.

    """

    name: str
    flow: str
    text: str
    remedy: str = ""
    explains: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def plain(self) -> dict[str, str]:
        """Return the cause as verdict.json has it."""
        names = ("name", "flow", "text", "remedy")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Clue:
    """What is cited, in words; false where there is nothing to cite.

    Attributes:
        text: a clause.
        remedy: a command that mends it on this host; "" where none is known.

    """

    text: str = ""
    remedy: str = ""

    def __bool__(self) -> bool:
        """Return whether there is anything to cite."""
        return bool(self.text)

    def __str__(self) -> str:
        """Return the clause."""
        return self.text


def named(name: Name, flow: str, text: str, remedy: str = "") -> Cause:
    """Return a cause, by one of the known names."""
    return Cause(name, flow, text, remedy)


class Evidence(Protocol):
    """One difference of a flow: a field of a packet, or a violation."""

    @property
    def flow(self) -> str:
        """Return the flow's name."""

    @property
    def direction(self) -> str:
        """Return original or reply."""

    @property
    def field(self) -> str:
        """Return what differs."""

    @property
    def point(self) -> str:
        """Return where it was seen."""

    @property
    def want(self) -> str:
        """Return what the golden has, as text."""

    @property
    def got(self) -> str:
        """Return what was seen, as text."""

    @property
    def expected(self) -> object:
        """Return what the golden has, as a value of the trace; None for nothing."""

    @property
    def found(self) -> object:
        """Return what was seen, as such a value."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """An expected flow, what was observed of it, and all that may explain why.

    Attributes:
        want: the golden's flow.
        got: the observed flow.
        evidence: the differences of this flow.
        flows: all observed flows.
        host: how the host differs from the golden's.

    """

    want: FlowFact
    got: FlowFact
    evidence: Sequence[Evidence]
    flows: Sequence[FlowFact]
    host: HostChange

    def between(self, initiator: End | None, responder: End | None) -> list[FlowFact]:
        """Return the observed flows of the same protocol between two ends."""
        protocol = self.want.proto, self.want.echo, initiator, responder
        return [
            one
            for one in self.flows
            if (one.proto, one.echo, one.initiator, one.responder) == protocol
        ]

    def cause(self, name: Name, text: str, why: Clue | None = None) -> Cause:
        """Return a cause of this flow: what is seen, and why, where that is known."""
        if not why:
            return named(name, self.want.name, text)
        return named(name, self.want.name, f"{text}; {why}", why.remedy)

    def concerns(self, fact: Fact) -> bool:
        """Return whether a rule may apply to a packet of this flow; of others, True."""
        if isinstance(fact, Chain):
            return fact.family not in _OTHER[self.version]
        if not isinstance(fact, Rule):
            return True
        if fact.hooks and fact.hooks <= _OWN_PACKETS and not self.is_own:
            return False
        return any(meets(fact, sent) is not False for sent in self.packets)

    def is_met(self, fact: Fact) -> bool:
        """Return whether a packet of this flow certainly meets all of a rule."""
        if not isinstance(fact, Rule):
            return False
        return any(meets(fact, sent) is True for sent in self.packets)

    @property
    def is_own(self) -> bool:
        """Return whether the host itself sends the flow's first packet."""
        return self.want.initiator.node in OWN

    @property
    def version(self) -> int:
        """Return the flow's version of IP."""
        key = self.got.key or self.want.key
        return ip_address(key.src).version if key else _USUAL

    @cached_property
    def packets(self) -> tuple[Sent, ...]:
        """Return its packets as rules may meet them, by names of their ends.

        Where nothing was sent on, nobody knows what was made of its ends.
        """
        want, got = self.want, self.got
        ends = {
            (source or _UNKNOWN, destination or _UNKNOWN)
            for fact in (want, got)
            for source in (fact.initiator, fact.sender)
            for destination in (fact.responder, fact.target)
        }
        there = [Tuple5(want.proto, *_sent(*pair)) for pair in ends]
        both = (way for key in there for way in (key, key.reply))
        return tuple(
            Sent(key, self._link(key.dst), self._link(key.src), self.version)
            for key in both
        )

    def _link(self, node: str) -> str:
        """Return the link that leads to a node; "" where that is not known."""
        if node == "bridge":
            return DOCKER0
        device = self.host.devices.get(node, "")
        return BEYOND if device and device != DOCKER0 else device


DOCKER0 = "docker0"
# Destinations of what a host itself sends are translated by rules of their own.
_OWN_PACKETS = {Hook("nat", "output")}
_USUAL = 4
_UNKNOWN = End("")
_OTHER = {4: ("ip6",), 6: ("ip",)}


def _sent(source: End, destination: End) -> tuple[str, int, str, int]:
    """Return both ends, with a port of 0 where it is not known."""
    port = destination.port if isinstance(destination.port, int) else 0
    return f"{source.node}", 0, f"{destination.node}", port
