"""Judge a canonical trace by a golden and by what is known of the host.

Pure: the caller has captured the packets and has read the golden and the host. Knows
no lab, no disk and no pytest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pytest_netlab.diff import Policy, compare
from pytest_netlab.errors import NetlabError
from pytest_netlab.host import (
    HostChange,
    Sent,
    asks_for_random,
    device,
    difference,
    items,
    set_at_ends,
)
from pytest_netlab.host.evidence import HostEvidence
from pytest_netlab.trace import with_entries, with_random

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pytest_netlab.diff import Difference
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.host.routing.routes import Route
    from pytest_netlab.host.tracking.connections import Connection
    from pytest_netlab.store import Golden
    from pytest_netlab.trace import CanonicalTrace


class ScenarioFailedError(NetlabError, AssertionError):
    """The packets are not as expected; carries the verdict, rendered late."""

    def __init__(self, verdict: Verdict) -> None:
        """Keep the verdict."""
        super().__init__(verdict)
        self.verdict = verdict

    def __str__(self) -> str:
        """Name scenario, cause and number of differences."""
        count = len(self.verdict.differences)
        return f"{self.verdict.scenario}: {self.verdict.cause}, {count} differences"


@dataclass(frozen=True, kw_only=True)
class HostState(HostEvidence):
    """What is known of the host on which a trace was captured.

    Attributes:
        provenance: name -> version or setting; `ruleset` has the rules in symbols, a
            line each.
        replies: the reply tuples of conntrack entries that existed or ended since the
            capture was opened. While an entry lives (30 s after a ping), no other flow
            gets its tuple.
        ends: node -> the sysctls that decide how its own packets look.
        ruleset: the rules with addresses, a line each, in the order of those in
            provenance; "" has those do.
        routes: of all tables.
        start: what provenance would have had when the lab had just started; None where
            nobody looked.
        created: the original tuples of connections that began since the capture was
            opened; None where nobody listened.
        followed: the conntrack entries, by their original tuples.

    """

    provenance: Mapping[str, str] = field(default_factory=dict)
    replies: frozenset[Tuple5] = frozenset()
    ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ruleset: str = ""
    routes: tuple[Route, ...] = ()
    start: Mapping[str, str] | None = None
    created: frozenset[Tuple5] | None = None
    followed: Mapping[Tuple5, Connection] = field(default_factory=dict)

    def seen_from(self, trace: CanonicalTrace) -> CanonicalTrace:
        """Return a trace that knows what excuses another source port or id here."""
        rules = items(self.ruleset or self.provenance.get("ruleset", ""))

        def asks(key: Tuple5) -> bool:
            return asks_for_random(rules, Sent(key, device(self.routes, key.dst)))

        trace = with_entries(trace, self.replies - _own_replies(trace))
        return with_random(trace, asks)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingVariant:
    """Another variant of the golden that the trace matches: a known change.

    Attributes:
        name: the variant's.
        about: those of `description`, `requires` and `reference` that it has.

    """

    name: str
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one run of a scenario showed, compared with its golden, and on which host.

    Attributes:
        scenario: its id.
        outcome: whether the trace matches the golden, or was recorded as one.
        observed: the trace that was seen.
        expected: the golden's; None where there is none.
        differences: where they differ; none in a pass.
        host: how the host differs from the golden's; empty where it was not read.
        recorded_on: the golden's provenance.
        variant: another variant of the golden that the trace matches; None for none.

    """

    scenario: str
    outcome: Literal["pass", "fail", "recorded"]
    observed: CanonicalTrace
    expected: CanonicalTrace | None = None
    differences: tuple[Difference, ...] = ()
    host: HostChange = field(default_factory=HostChange)
    recorded_on: Mapping[str, str] = field(default_factory=dict)
    variant: MatchingVariant | None = None

    @property
    def cause(self) -> str:
        """Return the name of the first cause; "" for a pass."""
        if not self.differences:
            return ""
        causes = (d.cause.name for d in self.differences if d.cause is not None)
        return next(causes, f"{self.differences[0].field} differs")


def judge(
    golden: Golden,
    trace: CanonicalTrace,
    *,
    waive: Collection[str] = (),
    host: HostState | None = None,
    others: Iterable[Golden] = (),
) -> Verdict:
    """Compare a trace with a golden, and explain the differences by the host.

    Args:
        golden: the one that is for this host.
        trace: what was captured.
        waive: the forbidden behaviours that this scenario may show.
        host: None where it was not read: a trace that passes without it also passes
            with it; one that fails must be judged again with it.
        others: the golden's other variants; read only where the trace differs.

    """
    change = HostChange()
    if host is not None:
        change = _change(golden, host, trace)
        trace = host.seen_from(trace)
    found = compare(golden.canonical, trace, golden.policy.demanding(waive), change)
    return Verdict(
        scenario=golden.scenario,
        outcome="fail" if found else "pass",
        observed=trace,
        expected=golden.canonical,
        differences=tuple(found),
        host=change,
        recorded_on=golden.provenance,
        variant=_matching(others, trace, waive) if found else None,
    )


def survey(
    scenario: str,
    trace: CanonicalTrace,
    *,
    waive: Collection[str] = (),
    policy: Policy | None = None,
) -> Verdict:
    """Judge a trace without a golden: only by what no scenario may show.

    A golden of this trace, with this policy, would fail for the same.
    """
    found = compare(trace, trace, (policy or Policy()).demanding(waive))
    return Verdict(
        scenario=scenario,
        outcome="fail" if found else "pass",
        observed=trace,
        differences=tuple(found),
    )


def _change(golden: Golden, host: HostState, trace: CanonicalTrace) -> HostChange:
    """Return how the host differs from a golden's, what it tracks, and what acted."""
    named = host.provenance.get("ruleset", "").splitlines()
    return replace(
        difference(golden.provenance, host.provenance, host.start),
        **host.evidence(),
        older=tuple(_older(host, trace)),
        ends=set_at_ends(host.ends),
        lines=dict(zip(named, host.ruleset.splitlines(), strict=False)),
    )


def _older(host: HostState, trace: CanonicalTrace) -> Iterator[Connection]:
    """Yield the connections that flows of a trace followed, and did not begin."""
    if host.created is None:
        return
    for key in (fact.key for fact in trace.facts if fact.key is not None):
        if key in host.followed and key not in host.created:
            yield host.followed[key]


def _own_replies(trace: CanonicalTrace) -> frozenset[Tuple5]:
    """Return the reply tuples of the trace's own flows, which it judges by time."""
    return frozenset(
        one.translated.reply for one in trace.learned.flows if one.translated
    )


def _matching(
    others: Iterable[Golden],
    trace: CanonicalTrace,
    waive: Collection[str],
) -> MatchingVariant | None:
    """Return the variant that the trace matches: a known change of behaviour."""
    for other in others:
        if not compare(other.canonical, trace, other.policy.demanding(waive)):
            return MatchingVariant(name=other.folder.name, about=other.about)
    return None
