"""Which golden a scenario has on a host, when it is recorded, and what is proposed.

Knows folders of goldens; judges nothing, and asks a host for its facts only.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_netlab.diff import compare
from pytest_netlab.errors import GoldenError
from pytest_netlab.host import HostChange, difference
from pytest_netlab.judge import HostState, survey
from pytest_netlab.store import Proposal
from pytest_netlab.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.diff import Difference
    from pytest_netlab.judge import Verdict
    from pytest_netlab.spec import Scenario
    from pytest_netlab.store import Golden, Pending, PendingStore, Store
    from pytest_netlab.trace import CanonicalTrace

Update = Literal["none", "new", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Which tests of a session have recorded, so that none undoes what another did.

    Attributes:
        test: the node id of the test that runs now.
        by: folder of a golden -> the test that recorded it; shared by all tests.

    """

    test: str = ""
    by: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """The golden of one scenario on one host.

    Attributes:
        store: the folder of goldens.
        scenario: whose golden.
        facts: returns the host's facts. Slow, so called only where they decide between
            variants.
        update: which goldens are recorded instead of compared with: none, only missing
            ones (`new`), or all.
        claims: what the session has recorded so far: those are compared with.

    """

    store: Store
    scenario: Scenario
    facts: Callable[[], Mapping[str, str]]
    update: Update = "none"
    claims: Claims = field(default_factory=Claims)

    @property
    def records(self) -> bool:
        """Return whether this run records the golden instead of comparing with it."""
        if self.recorded_by is not None:
            return False
        if self.update == "new":
            return not self.store.has(self.scenario.id, self._deciding())
        return self.update == "all"

    @property
    def recorded_by(self) -> str | None:
        """Return the test that recorded the golden in this session; None for none."""
        return self.claims.by.get(self.store.folder(self.scenario.id))

    def demand_one(self, cause: str) -> None:
        """Demand that packets that differ are not those of two tests with one golden.

        Raises:
            GoldenError: they are; names both tests, and what to do.

        """
        first, test = self.recorded_by, self.claims.test
        if first is None:
            return
        both = f"{first} and {test}" if first != test else f"two captures of {test}"
        raise GoldenError(
            f"{both} have one golden, {self.scenario.id}, and their packets differ "
            f"({cause}): the first recorded it; give each its own id, as in "
            '@pytest.mark.netlab("an-id") or pytest.param(..., '
            'marks=pytest.mark.netlab("an-id"))'
        )

    def golden(self) -> Golden:
        """Read the golden that is for this host.

        Raises:
            GoldenError: it is missing or damaged, or there is not exactly one.

        """
        return self.store.load(self.scenario.id, self._deciding())

    def others(self, golden: Golden) -> Iterator[Golden]:
        """Yield the other variants that may be for this host.

        Stop without an error at one that is damaged.
        """
        with suppress(GoldenError):
            yield from self.store.others(golden, self._deciding())

    def record(self, capture: Capture, provenance: Mapping[str, str]) -> Path | None:
        """Record a capture as the golden; return its folder, None if nothing changed.

        Raises:
            GoldenError: the existing golden is damaged, or only for other hosts.
            OSError: it cannot be written.

        """
        about = self._about(provenance)
        folder, changed = self.store.save(self.scenario.id, capture, about)
        self.claims.by[self.store.folder(self.scenario.id)] = self.claims.test
        return folder if changed else None

    def survey(self, observed: CanonicalTrace) -> Verdict:
        """Judge a trace by what its golden could not forgive, if it became one.

        Raises:
            GoldenError: the existing golden is damaged, or only for other hosts.

        """
        scenario = self.scenario
        policy = self.store.policy(scenario.id, self._deciding())
        return survey(scenario.id, observed, waive=scenario.waive, policy=policy)

    def propose(
        self,
        pending: PendingStore,
        capture: Capture,
        provenance: Mapping[str, str],
        *,
        test: str,
        verdict: Verdict | None,
        refused: str = "",
    ) -> Path:
        """Store a capture as a pending golden; return its folder.

        Args:
            pending: where proposals are kept.
            capture: what was judged.
            provenance: of the host.
            test: the test's node id.
            verdict: the verdict on the capture; None where there is no golden yet.
            refused: why it cannot be accepted; "" where it can.

        Raises:
            GoldenError: no folder is right for it, or something else is in it.
            OSError: it cannot be written.

        """
        differs = "no golden yet"
        if verdict is not None:
            differs = f"{verdict.cause}, {len(verdict.differences)} differences"
        proposal = Proposal(
            scenario=self.scenario.id,
            golden=self.store.place(self.scenario.id, self._deciding()),
            about=self._about(provenance),
            test=test,
            differs=differs,
            refused=one_line(refused),
        )
        return pending.write(self.scenario.label, capture, proposal)

    def _deciding(self) -> Mapping[str, str]:
        """Return the facts that decide between variants."""
        return self.facts() if self.store.depends_on_host(self.scenario.id) else {}

    def _about(self, provenance: Mapping[str, str]) -> dict[str, object]:
        description = self.scenario.description
        return {"description": description, "provenance": provenance}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A pending golden, compared with the golden as it is now.

    Attributes:
        pending: what was proposed, and for what.
        recorded: the golden; None while there is none.
        differences: where the proposal's trace differs from the golden's.
        host: how their hosts differ.

    """

    pending: Pending
    recorded: Golden | None
    differences: tuple[Difference, ...] = ()
    host: HostChange = field(default_factory=HostChange)


def review(pending: Pending) -> Review:
    """Compare a pending golden with today's golden and policy.

    Forbidden behaviour is not judged again: the run that proposed it reported it.

    Raises:
        GoldenError: that golden is damaged.

    """
    proposed, recorded = pending.proposed, pending.recorded()
    if recorded is None:
        return Review(pending=pending, recorded=None)
    host = difference(recorded.provenance, proposed.provenance)
    seen = HostState(provenance=proposed.provenance)
    trace = seen.seen_from(proposed.canonical)
    found = compare(recorded.canonical, trace, recorded.policy, host)
    return Review(
        pending=pending, recorded=recorded, differences=tuple(found), host=host
    )
