"""Why a flow was not translated as expected: small rules over what was learned.

Speaks in symbols (c1, host:81) given as plain values; knows no packet and no host.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from pytest_netlab.nat.ruleset import HostChange, Published, published

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_netlab.nat.translations import Fate, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFact:
    """One flow in symbols, as the host met it and as it sent it on.

    `sender` and `target` are "" where the flow was never sent on; `returned` says that
    answers came back to the initiator; `refusal` is the reset or ICMP error that did.
    Ephemeral ports and ICMP ids are left out: they differ between any two runs.
    """

    proto: str
    initiator: str
    responder: str
    sender: str
    target: str
    kind: Kind
    fate: Fate
    answered: bool = True
    returned: bool = True
    refusal: str = ""

    @property
    def name(self) -> str:
        """Return the flow's name: proto initiator -> responder."""
        return f"{self.proto} {self.initiator} -> {self.responder}"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one expected flow differs; `name` is stable, `text` is for people."""

    name: str
    flow: str
    text: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a rule may look at beside the flow itself."""

    flows: Sequence[FlowFact]
    host: HostChange

    def named(self, name: str) -> list[FlowFact]:
        """Return the observed flows of this name."""
        return [fact for fact in self.flows if fact.name == name]

    def clue(self, *words: str, otherwise: str) -> str:
        """Cite the first missing rule that has all these words, else a new barrier."""
        for rule in self.host.missing:
            if all(word in rule for word in words):
                return f"this rule is gone: {rule}"
        for rule in self.host.extra:
            if any(barrier in rule for barrier in _BARRIERS):
                return f"this rule is new: {rule}"
        return otherwise


# What keeps a packet from its way, or from translation.
_BARRIERS = ("DROP", "REJECT", " reject", " drop", "NOTRACK", "--notrack")


def explain(
    expected: Sequence[FlowFact],
    observed: Sequence[FlowFact],
    host: HostChange | None = None,
) -> list[Cause]:
    """Return one cause for every flow that was not observed as expected.

    Flows are matched by name and order. `host` says how the host differs from the
    golden's, where that is known: then a cause cites the rule or setting.
    """
    seen = _Seen(observed, host or HostChange())
    causes: dict[str, Cause] = {}
    for name in dict.fromkeys(fact.name for fact in (*expected, *observed)):
        wanted = [fact for fact in expected if fact.name == name]
        for want, got in zip_longest(wanted, seen.named(name)):
            if want == got:
                continue
            if want is not None:
                causes.setdefault(name, _cause(want, got, seen))
            elif got is not None and not _is_leg(got, causes):
                causes.setdefault(name, _unexpected(got))
    return list(causes.values())


def _cause(want: FlowFact, got: FlowFact | None, seen: _Seen) -> Cause:
    if got is None:
        return _missing(want, len(seen.named(want.name)))
    for rule in RULES:
        cause = rule(want, got, seen)
        if cause is not None:
            return cause
    return Cause("flow differs", want.name, f"expected {_tell(want)}, got {_tell(got)}")


def _missing(want: FlowFact, others: int) -> Cause:
    text = f"no packet of {want.name} was seen: the stimulus never reached the host"
    if others:
        text = f"{want.name} was seen {others} times only: one more never reached it"
    return Cause("no traffic", want.name, text)


def _republished(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    """Find a DNAT rule that leads the port elsewhere, or another port here."""
    if want.kind != "dnat" or got.kind == "dnat":
        return None
    port = want.responder.rpartition(":")[2]
    gone = Published(port, want.target) in map(published, seen.host.missing)
    for rule in seen.host.extra:
        now = published(rule)
        if now is None:
            continue
        if now.port == port or (gone and now.target == want.target):
            text = f"{want.responder} no longer leads to {want.target}: {rule}"
            return Cause(_wrong(want.target, now.target), want.name, text)
    return None


def _proxied(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    legs = [
        fact
        for fact in seen.flows
        if fact.initiator == "bridge" and fact.responder == want.target
    ]
    if want.kind != "dnat" or not (got.fate == "proxied" or legs):
        return None
    client = legs[0].initiator if legs else got.sender
    if client == want.sender:
        return None
    why = seen.clue("nat -A", "DOCKER", otherwise=_LOOK["proxied"])
    text = (
        f"docker-proxy carried it: {want.target} sees {client} as its client instead "
        f"of {want.sender}; {why}"
    )
    return Cause("proxied", want.name, text)


def _leaked(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    # Without a twin, the container's half and the leaked half are two flows.
    halves = (fact.fate for fact in seen.named(want.name))
    escaped = got.fate == "forwarded" or "leaked" in halves
    if want.kind != "snat" or got.kind != "none" or not escaped:
        return None
    why = seen.clue("nat -A POSTROUTING", "MASQUERADE", otherwise=_LOOK["leaked"])
    text = (
        f"{got.initiator} left on the uplink with its own address instead of "
        f"{want.sender}; {why}"
    )
    return Cause("leaked", want.name, text)


def _mistranslated(want: FlowFact, got: FlowFact, _: _Seen) -> Cause | None:
    if want.kind != "dnat" or not got.target or got.target == want.target:
        return None
    text = (
        f"{want.responder} was translated to {got.target} instead of {want.target}: "
        "the DNAT rule in nat/DOCKER names another destination"
    )
    return Cause(_wrong(want.target, got.target), want.name, text)


def _missourced(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    if want.kind != "snat" or got.kind != "snat" or got.sender == want.sender:
        return None
    rules = (rule for rule in seen.host.extra if "SNAT" in rule or "MASQ" in rule)
    why = next((f"this rule is new: {rule}" for rule in rules), "look at POSTROUTING")
    text = f"{want.initiator} left as {got.sender} instead of {want.sender}; {why}"
    return Cause("wrong source", want.name, text)


def _rejected(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    if want.refusal or not got.refusal:
        return None
    look = "look at the filter table"
    why = seen.clue("filter -A", otherwise=look)
    if why == look and got.refusal.startswith("RST") and not got.target:
        return None  # nobody refused it: the host has no such port
    text = f"{want.initiator} was refused by {got.refusal}; {why}"
    return Cause("rejected", want.name, text)


def _not_returned(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    """Find a flow that was sent on as it should, of which nothing came back."""
    if not want.returned or got.returned or got.target != want.target:
        return None
    why = seen.clue("filter -A", otherwise="look at the filter FORWARD chain")
    text = f"{want.target}'s replies reached the host but not {want.initiator}; {why}"
    if not got.answered:
        text = f"{want.target} never answered what was sent on to it"
        return Cause("not answered", want.name, text)
    return Cause("reply not forwarded", want.name, text)


def _not_forwarded(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    if want.fate != "forwarded" or got.target:
        return None
    who = "the host itself answered" if got.answered else "nobody answered"
    kept = got.answered and want.kind == "dnat"
    why = _untranslated(want, seen) if kept else _unforwarded(seen)
    text = (
        f"packets from {want.initiator} reached the host but were never sent on to "
        f"{want.target}, {who}; {why}"
    )
    return Cause("not forwarded", want.name, text)


def _untranslated(want: FlowFact, seen: _Seen) -> str:
    look = f"no DNAT rule in nat/DOCKER matched {want.responder}"
    return seen.clue("nat -A", "DOCKER", otherwise=look)


def _unforwarded(seen: _Seen) -> str:
    if "ip_forward" in seen.host.settings:
        was, now = seen.host.settings["ip_forward"]
        return f"net.ipv4.ip_forward is {now} here, {was} when recorded"
    look = "look at net.ipv4.ip_forward and the filter FORWARD chain"
    return seen.clue("filter -A", otherwise=look)


_LOOK = {
    "proxied": "the DNAT rule in nat/PREROUTING -> DOCKER did not match",
    "leaked": "no MASQUERADE rule in nat/POSTROUTING matched",
}
RULES = (
    _republished,
    _mistranslated,
    _proxied,
    _leaked,
    _missourced,
    _rejected,
    _not_forwarded,
    _not_returned,
)


def _wrong(want: str, got: str) -> str:
    """Name what differs of two targets: another node, else another port."""
    same_node = want.rpartition(":")[0] == got.rpartition(":")[0]
    return "wrong port" if same_node else "wrong target"


def _unexpected(got: FlowFact) -> Cause:
    return Cause(
        "unexpected flow", got.name, f"nothing like it is expected: {_tell(got)}"
    )


def _is_leg(got: FlowFact, causes: Mapping[str, Cause]) -> bool:
    """Tell whether an extra flow is the proxy's own leg, already explained."""
    explained = any(cause.name == "proxied" for cause in causes.values())
    return got.initiator == "bridge" and explained


def _tell(fact: FlowFact) -> str:
    sent = f", sent on as {fact.sender} -> {fact.target}" if fact.target else ""
    answer = "answered" if fact.answered else "unanswered"
    ends = f"{fact.initiator} -> {fact.responder}"
    return f"{ends} ({fact.kind}, {fact.fate}, {answer}{sent})"
