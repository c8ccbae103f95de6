"""Causes in how a conversation crosses the host: through docker-proxy, or translated.

A container that asks for the host's own port is served by docker-proxy, whose packets
are the host's, or by DNAT, which sends on packets of others: their ttl is one less.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.causes import clues
from pytest_netlab.host import Rule
from pytest_netlab.host.firewall import effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.causes.facts import Case, Cause, Clue
    from pytest_netlab.host import Fact, Question
    from pytest_netlab.host.tracking.connections import Connection
    from pytest_netlab.trace import FlowFact

_OWN = ("host", "bridge")  # whose ports docker-proxy serves
_DOCKER0 = "docker0"
_BRIDGE = "bridge"  # docker0's own address: docker-proxy's, as a client
_INITIAL = (64, 128, 255)  # ttl of packets that nobody has sent on yet
_SINCE = 29  # the engine that translates what another network publishes


def changed(case: Case) -> Cause | None:
    """Find a conversation that docker-proxy carried, or carries, and NAT otherwise."""
    want = case.want
    found = _carried(case) if want.kind == "none" and not want.echo else None
    if found is None:
        return None
    translated, is_leg = _is_translated(found), want.initiator.node == _BRIDGE
    lost = case.got.disposition == "dropped" and not case.got.answered
    # docker0's tap may see packets after they were translated, or not at all.
    if lost and translated is not (is_leg or want.responder.node in _OWN):
        return None
    if not lost and _steps(case, reply=not is_leg) != {-1 if translated else 1}:
        return None
    why = _why(case, found)
    cause = case.cause("path changed", _text(found, translated=translated), why)
    parts = (one.name for one in case.flows if _is_part(one, case, found))
    return replace(cause, explains=frozenset(parts))


def _carried(case: Case) -> Connection | None:
    """Return the conntrack entry of a container's connection to the host's port.

    The flow is that connection, docker-proxy's own to the container that serves it, or
    what docker0 showed of it when it was recorded, after it was translated.
    """
    want = case.want
    asked = [one for one in case.host.conntrack_entries if _is_asked(one, case)]
    ends = f"{want.initiator}", f"{want.responder}"
    if want.responder.node in _OWN:
        found = (one for one in asked if (one.initiator, one.responder) == ends)
        return next(found, None)
    kept = (one for one in asked if not _is_translated(one))
    has_leg = any(_is_leg(one, case) for one in case.flows)
    if want.initiator.node == _BRIDGE:
        served = (one for one in asked if one.target == ends[1])
        return next(served, None) or (next(kept, None) if has_leg else None)
    own = (one for one in kept if one.initiator == ends[0])
    return next(own, None) if has_leg or want.disposition == "dropped" else None


def _is_asked(known: Connection, case: Case) -> bool:
    """Return whether a container began a connection of this capture to the host."""
    if known in case.host.older or known.original.proto != case.want.proto:
        return False
    return known.original.dst in _OWN and known.original.src not in _OWN


def _is_leg(flow: FlowFact, case: Case) -> bool:
    """Return whether a flow is docker-proxy's own to the same container."""
    return flow.initiator.node == _BRIDGE and flow.responder == case.want.responder


def _is_translated(found: Connection) -> bool:
    return found.target != found.responder


def _steps(case: Case, *, reply: bool) -> set[int]:
    """Return by how much the ttl of what the host sends differs from the golden's.

    One of both must be as whoever makes a packet sets it.
    """
    direction = "reply" if reply else "original"
    return {
        one.found - one.expected
        for one in case.evidence
        if (one.field, one.direction) == ("ttl", direction)
        and isinstance(one.expected, int)
        and isinstance(one.found, int)
        and max(one.expected, one.found) in _INITIAL
    }


def _text(found: Connection, *, translated: bool) -> str:
    what = f"{found.initiator}'s connection to {found.responder}"
    if translated:
        return (
            f"{what} went through docker-proxy when recorded, and is translated here: "
            f"connection tracking sends it on to {found.target}"
        )
    return (
        f"{what} was translated and sent on when recorded, and the host itself answers "
        "it here: docker-proxy carries it"
    )


def _why(case: Case, found: Connection) -> Clue:
    look = "look at the rules of nat/DOCKER for traffic from docker0"
    publishes = _about(found, effects.publishes)
    return clues.first(
        clues.setting(case, "docker_proxy"),
        clues.gone(case, publishes),
        clues.new(case, publishes),
        clues.new(case, _about(found, effects.translates_destination)),
        clues.reordered(case, _about(found, effects.concerns_translation)),
        case=case,
        otherwise=_release(case) or look,
    )


def _about(found: Connection, wanted: Question) -> Question:
    """Return a question that leaves out rules for other links and other ports."""
    others = (("-i", "iifname"), _DOCKER0), (("--dport",), f"{found.original.dport}")

    def asks(fact: Fact) -> bool:
        matches = fact.matches if isinstance(fact, Rule) else ()
        return wanted(fact) and not any(
            one.name in names and not one.negated and _is_other(one.tokens, value)
            for one in matches
            for names, value in others
        )

    return asks


def _is_other(tokens: Sequence[str], value: str) -> bool:
    return len(tokens) == 1 and tokens[0].strip('"') != value


def _release(case: Case) -> str:
    """Return which engine is known to do it otherwise; "" if that is no reason."""
    releases = [_major(one) for one in case.host.settings.get("engine", ())]
    if len({one >= _SINCE for one in releases}) < len(("older", "newer")):
        return ""
    return (
        f"Docker translates since {_SINCE} what another network publishes, which was "
        "docker-proxy's before"
    )


def _major(version: str) -> int:
    number = version.partition(".")[0]
    return int(number) if number.isdecimal() and len(number) < len("10000") else 0


def _is_part(flow: FlowFact, case: Case, found: Connection) -> bool:
    """Return whether a flow is part of a connection: as it was sent on, or a leg."""
    if _is_leg(flow, case):
        return True
    port = found.target.rpartition(":")[2]
    initiators = (found.initiator, found.sender, _BRIDGE)
    return f"{flow.responder.port}" == port and f"{flow.initiator}" in initiators
