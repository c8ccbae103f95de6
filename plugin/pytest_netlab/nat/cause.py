"""Why a flow was not translated as expected: small rules over what was learned.

Speaks in symbols (c1, host:81) given as plain values; knows no packet and no host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def explain(expected: Sequence[FlowFact], observed: Sequence[FlowFact]) -> list[Cause]:
    """Return a cause for every expected flow that was not observed as such."""
    causes = [_cause(want, observed) for want in expected if want not in observed]
    named = {cause.flow for cause in causes} | {want.name for want in expected}
    causes += [
        _unexpected(got)
        for got in observed
        if got.name not in named and not _is_leg(got, causes)
    ]
    return causes


def _cause(want: FlowFact, observed: Sequence[FlowFact]) -> Cause:
    got = next((fact for fact in observed if fact.name == want.name), None)
    if got is None:
        text = f"no packet of {want.name} was seen: the stimulus never reached the host"
        return Cause("no traffic", want.name, text)
    for rule in RULES:
        cause = rule(want, got, observed)
        if cause is not None:
            return cause
    return Cause("flow differs", want.name, f"expected {_tell(want)}, got {_tell(got)}")


def _proxied(
    want: FlowFact, got: FlowFact, observed: Sequence[FlowFact]
) -> Cause | None:
    legs = [
        fact
        for fact in observed
        if fact.initiator == "bridge" and fact.responder == want.target
    ]
    if want.kind != "dnat" or not (got.fate == "proxied" or legs):
        return None
    client = legs[0].initiator if legs else got.sender
    text = (
        f"docker-proxy carried it: {want.target} sees {client} as its client instead "
        f"of {want.sender}; the DNAT rule in nat/PREROUTING -> DOCKER did not match"
    )
    return Cause("proxied", want.name, text)


def _leaked(want: FlowFact, got: FlowFact, _: Sequence[FlowFact]) -> Cause | None:
    if want.kind != "snat" or got.kind != "none" or got.fate not in _BEYOND:
        return None
    text = (
        f"{got.initiator} left on the uplink with its own address instead of "
        f"{want.sender}: no MASQUERADE rule in nat/POSTROUTING matched"
    )
    return Cause("leaked", want.name, text)


def _wrong_target(want: FlowFact, got: FlowFact, _: Sequence[FlowFact]) -> Cause | None:
    if want.kind != "dnat" or not got.target or got.target == want.target:
        return None
    node, port = (end.partition(":")[::2] for end in (want.target, got.target))
    name = "wrong target" if node[0] != port[0] else "wrong port"
    text = (
        f"{want.responder} was translated to {got.target} instead of {want.target}: "
        "the DNAT rule in nat/DOCKER names another destination"
    )
    return Cause(name, want.name, text)


def _not_forwarded(
    want: FlowFact, got: FlowFact, _: Sequence[FlowFact]
) -> Cause | None:
    if want.fate != "forwarded" or got.target:
        return None
    who = "and the host itself answered" if got.answered else "and nobody answered"
    text = (
        f"packets from {want.initiator} reached the host but were never sent on to "
        f"{want.target}, {who}: look at net.ipv4.ip_forward and the "
        "filter FORWARD chain"
    )
    return Cause("not forwarded", want.name, text)


_BEYOND = ("forwarded", "leaked")
RULES = (_proxied, _leaked, _wrong_target, _not_forwarded)


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
