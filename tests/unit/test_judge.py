"""A trace, a golden and what is known of the host make a verdict; nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.hosts import lines
from tests.traffic import C1, C2, HOST, HOST01
from tests.unit.queries import KEPT, MOVED, RANDOM, RULE, captured

from pytest_netlab.diff import Policy
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.host.routing.routes import routes
from pytest_netlab.host.tracking.connections import Connection
from pytest_netlab.judge import (
    HostState,
    MatchingVariant,
    ScenarioFailedError,
    Verdict,
    judge,
    survey,
)
from pytest_netlab.store import Golden
from pytest_netlab.trace import CanonicalTrace, canonicalize

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAK = "container-address-on-uplink"


def exchange(*ports: int | None) -> CanonicalTrace:
    """Return the trace of such queries."""
    return canonicalize(captured(*ports))


def golden(story: CanonicalTrace, name: str = "dns", **about: str) -> Golden:
    """Return a golden that was recorded on a host that keeps ports."""
    return Golden(
        scenario="dns",
        canonical=story,
        provenance={"engine": "27", "ruleset": RULE},
        about=about,
        folder=Path(name),
    )


def told(verdict: Verdict) -> list[tuple[str, str]]:
    """Return field and cause of each difference."""
    return [(d.field, d.cause.name if d.cause else "") for d in verdict.differences]


def test_same() -> None:
    """A trace like the golden's passes, whatever the host."""
    recorded = golden(exchange(KEPT))

    verdict = judge(recorded, exchange(KEPT))

    assert (verdict.outcome, verdict.cause, verdict.differences) == ("pass", "", ())
    assert verdict.scenario == "dns"
    assert verdict.observed == verdict.expected == recorded.canonical
    assert verdict.recorded_on == recorded.provenance
    known = HostState(provenance={"engine": "28", "ruleset": RANDOM})
    assert judge(recorded, exchange(KEPT), host=known).outcome == "pass"


def test_other() -> None:
    """One that differs fails by the cause of its first difference."""
    verdict = judge(golden(exchange(KEPT)), exchange(None))

    assert (verdict.outcome, verdict.cause) == ("fail", "leaked")
    assert str(ScenarioFailedError(verdict)) == (
        f"dns: leaked, {len(verdict.differences)} differences"
    )


def test_host() -> None:
    """How the host differs from the golden's is told, and cited by the cause."""
    asked = Tuple5(UDP, "c1", KEPT, "host01", 53)
    entry = Connection(asked, asked.reply)
    known = HostState(
        provenance={"engine": "27", "kernel": "6.2", "ruleset": "nat"},
        conntrack_entries=(entry,),
        full="9 of 9",
    )

    verdict = judge(golden(exchange(KEPT)), exchange(None), host=known)

    assert verdict.host.settings == {}
    assert verdict.host.missing == lines(RULE)
    assert (verdict.host.conntrack_entries, verdict.host.full) == ((entry,), "9 of 9")
    cause = verdict.differences[0].cause
    assert cause is not None
    assert f"this rule is gone: {RULE}" in cause.text


def test_connections_that_are_older() -> None:
    """What a flow followed is older than the capture, unless it was heard to begin."""
    trace = exchange(None)
    key = trace.facts[0].key
    assert key is not None
    names = Tuple5(UDP, "c1", KEPT, "host01", 53)
    entry = Connection(names, names.reply)

    def older(
        created: frozenset[Tuple5] | None, of: Tuple5 = key
    ) -> tuple[Connection, ...]:
        known = HostState(followed={of: entry}, created=created)
        return judge(golden(exchange(KEPT)), trace, host=known).host.older

    assert older(frozenset()) == (entry,)
    assert older(frozenset({key})) == ()
    assert older(None) == ()
    assert older(frozenset(), key._replace(sport=key.sport + 1)) == ()


def test_unknown_host() -> None:
    """A host that was not read differs in nothing, and excuses nothing."""
    verdict = judge(golden(exchange(KEPT)), exchange(MOVED))

    assert told(verdict) == [("port", "remapped although free")]
    assert not any((verdict.host.missing, verdict.host.settings, verdict.host.full))


def test_host_that_asks_for_random_ports() -> None:
    """There a port that was not kept is right."""
    known = HostState(provenance={"ruleset": RANDOM})

    assert judge(golden(exchange(KEPT)), exchange(MOVED), host=known).outcome == "pass"


@pytest.mark.parametrize(
    ("match", "outcome"),
    [
        (f"-s {C1}/32 -o uplink -p udp", "pass"),
        ("-s 172.17.0.0/16 ! -o docker0", "pass"),
        (f"-s {C2}/32", "fail"),
        ("-o wg0", "fail"),
        ("-p icmp", "fail"),
        (f"-d {HOST01}/32 -p udp --dport 5353", "fail"),
    ],
)
def test_host_that_asks_for_random_ports_of_some(match: str, outcome: str) -> None:
    """A rule excuses those alone to whose source, protocol and uplink it applies."""
    known = HostState(
        provenance={"ruleset": RANDOM},
        ruleset=f"nat -A POSTROUTING {match} -j MASQUERADE --random-fully",
        routes=routes("default via 172.16.211.1 dev uplink"),
    )

    assert judge(golden(exchange(KEPT)), exchange(MOVED), host=known).outcome == outcome


def test_host_that_held_the_tuple() -> None:
    """A port may be another where a flow that ended before held it."""
    held = Tuple5(UDP, HOST, KEPT, HOST01, 53)
    known = HostState(replies=frozenset({held.reply}))

    verdict = judge(golden(exchange(KEPT)), exchange(MOVED), host=known)

    assert verdict.outcome == "pass"
    assert verdict.observed.flows[0].translation is not None
    assert verdict.observed.flows[0].translation.in_use


def test_later_flow_held_the_tuple() -> None:
    """It may not where the flow that held it came later, as the trace shows."""
    held = Tuple5(UDP, HOST, KEPT, HOST01, 53)
    known = HostState(replies=frozenset({held.reply}))
    wanted, seen = exchange(KEPT, MOVED), exchange(MOVED, KEPT)

    verdict = judge(golden(wanted), seen, host=known)

    assert verdict.cause == "remapped although free"
    assert verdict.observed.flows[0].translation is not None
    assert not verdict.observed.flows[0].translation.in_use


def test_waived() -> None:
    """What a scenario waives is not demanded of its traces."""
    leaking = exchange(None)

    assert told(judge(golden(leaking), leaking)) == [(LEAK, LEAK)]
    assert judge(golden(leaking), leaking, waive=[LEAK]).outcome == "pass"


def test_policy() -> None:
    """The golden's policy says what matters."""
    loose = Golden(
        scenario="dns", canonical=exchange(KEPT), policy=Policy({"port": "any"})
    )

    assert judge(loose, exchange(MOVED)).outcome == "pass"


def test_matching_variant() -> None:
    """A trace that another variant has is a change that is known."""
    about = {"requires": "engine >= 28", "description": "It asks for more."}
    others = [golden(exchange(MOVED), "moved"), golden(exchange(None), "new", **about)]

    verdict = judge(golden(exchange(KEPT)), exchange(None), waive=[LEAK], others=others)

    assert verdict.outcome == "fail"
    assert verdict.variant == MatchingVariant(name="new", about=about)


def test_no_variant_matches() -> None:
    """Where no variant has it, none is named."""
    others = [golden(exchange(MOVED), "moved")]

    assert judge(golden(exchange(KEPT)), exchange(None), others=others).variant is None


def test_variants_are_read_last() -> None:
    """No variant is read for a trace that passes."""

    def others() -> Iterator[Golden]:
        raise AssertionError
        yield golden(exchange(KEPT))

    assert (
        judge(golden(exchange(KEPT)), exchange(KEPT), others=others()).outcome == "pass"
    )


def test_cause_without_a_named_one() -> None:
    """Where no rule knows the cause, the first field that differs stands for it."""
    both = exchange(KEPT)
    one = replace(
        both, flows=tuple(replace(f, packets=f.packets[:2]) for f in both.flows)
    )

    verdict = judge(golden(both), one)

    assert told(verdict)[0] == ("packet", "")
    assert verdict.cause == "packet differs"


def test_cause_of_nothing() -> None:
    """A verdict without differences has no cause."""
    assert Verdict(scenario="x", outcome="pass", observed=exchange(KEPT)).cause == ""


def test_survey() -> None:
    """Without a golden a trace is judged by what none may show."""
    verdict = survey("x", exchange(None))

    assert (verdict.scenario, verdict.expected) == ("x", None)
    assert (verdict.outcome, told(verdict)) == ("fail", [(LEAK, LEAK)])
    assert survey("x", exchange(None), waive=[LEAK]).outcome == "pass"
    assert survey("x", exchange(KEPT)).outcome == "pass"
