"""Why a flow was not translated as expected: small rules over what was learned.

Speaks in symbols (c1, host:81) given as plain values; knows no packet and no host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.nat.ruleset import HostChange, Published, published

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.nat.translations import Fate, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFact:
    """One flow in symbols, as the host met it and as it sent it on.

    `sender` and `target` are "" where the flow was never sent on. Ephemeral ports and
    ICMP ids are left out: they differ between any two runs.
    """

    proto: str
    initiator: str
    responder: str
    sender: str
    target: str
    kind: Kind
    fate: Fate
    answered: bool = True

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

    def clue(self, *words: str, otherwise: str) -> str:
        """Cite the first missing rule that has all these words."""
        for rule in self.host.missing:
            if all(word in rule for word in words):
                return f"this rule is gone: {rule}"
        return otherwise


def explain(
    expected: Sequence[FlowFact],
    observed: Sequence[FlowFact],
    host: HostChange | None = None,
) -> list[Cause]:
    """Return a cause for every expected flow that was not observed as such.

    `host` says how the host differs from the golden's, where that is known: then a
    cause cites the rule or setting.
    """
    seen = _Seen(observed, host or HostChange())
    causes = [_cause(want, seen) for want in expected if want not in observed]
    named = {cause.flow for cause in causes} | {want.name for want in expected}
    causes += [
        _unexpected(got)
        for got in observed
        if got.name not in named and not _is_leg(got, causes)
    ]
    return causes


def _cause(want: FlowFact, seen: _Seen) -> Cause:
    got = next((fact for fact in seen.flows if fact.name == want.name), None)
    if got is None:
        text = f"no packet of {want.name} was seen: the stimulus never reached the host"
        return Cause("no traffic", want.name, text)
    for rule in RULES:
        cause = rule(want, got, seen)
        if cause is not None:
            return cause
    return Cause("flow differs", want.name, f"expected {_tell(want)}, got {_tell(got)}")


def _republished(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    """Find the published port's DNAT rule replaced by one that leads elsewhere."""
    if want.kind != "dnat" or got.kind == "dnat":
        return None
    port = want.responder.rpartition(":")[2]
    was = Published(port, want.target)
    if was not in map(published, seen.host.missing):
        return None
    for rule in seen.host.extra:
        now = published(rule)
        if now is not None and (now.port == port or now.target == want.target):
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
    why = seen.clue("nat -A", "DOCKER", otherwise=_LOOK["proxied"])
    text = (
        f"docker-proxy carried it: {want.target} sees {client} as its client instead "
        f"of {want.sender}; {why}"
    )
    return Cause("proxied", want.name, text)


def _leaked(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    if want.kind != "snat" or got.kind != "none" or got.fate not in _BEYOND:
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


def _not_forwarded(want: FlowFact, got: FlowFact, seen: _Seen) -> Cause | None:
    if want.fate != "forwarded" or got.target:
        return None
    who = "the host itself answered" if got.answered else "nobody answered"
    why = seen.clue("filter -A", otherwise=_LOOK["not forwarded"])
    if "ip_forward" in seen.host.settings:
        was, now = seen.host.settings["ip_forward"]
        why = f"net.ipv4.ip_forward is {now} here, {was} when recorded"
    text = (
        f"packets from {want.initiator} reached the host but were never sent on to "
        f"{want.target}, {who}; {why}"
    )
    return Cause("not forwarded", want.name, text)


_BEYOND = ("forwarded", "leaked")
_LOOK = {
    "proxied": "the DNAT rule in nat/PREROUTING -> DOCKER did not match",
    "leaked": "no MASQUERADE rule in nat/POSTROUTING matched",
    "not forwarded": "look at net.ipv4.ip_forward and the filter FORWARD chain",
}
RULES = (_republished, _mistranslated, _proxied, _leaked, _not_forwarded)


def _wrong(want: str, got: str) -> str:
    """Name what differs of two targets: another node, else another port."""
    same_node = want.rpartition(":")[0] == got.rpartition(":")[0]
    return "wrong port" if same_node else "wrong target"


def _unexpected(got: FlowFact) -> Cause:
    return Cause(
        "unexpected flow", got.name, f"nothing like it is expected: {_tell(got)}"
    )


def _is_leg(got: FlowFact, causes: Sequence[Cause]) -> bool:
    """Tell whether an extra flow is the proxy's own leg, already explained."""
    return got.initiator == "bridge" and any(c.name == "proxied" for c in causes)


def _tell(fact: FlowFact) -> str:
    sent = f", sent on as {fact.sender} -> {fact.target}" if fact.target else ""
    return f"{fact.initiator} -> {fact.responder} ({fact.kind}, {fact.fate}{sent})"
