"""One run of a scenario on a lab: its captures, their verdict, and what is reported.

For the plugin, commands and reports; a scenario's author sees `session`. Knows no
pytest and no text.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_netlab.capture import read
from pytest_netlab.captured import Trace
from pytest_netlab.checks.forbidden import EMPTY, unrecordable
from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
    ReplayError,
    UnjudgedError,
)
from pytest_netlab.host import counted, is_known, ruleset, sysctls
from pytest_netlab.host.frame_counts import frame_counts
from pytest_netlab.host.obstacles import obstacles
from pytest_netlab.host.routing.next_hops import next_hops
from pytest_netlab.host.snapshot import Snapshot
from pytest_netlab.host.tracking import connections
from pytest_netlab.judge import HostState, ScenarioFailedError, Verdict, judge, survey
from pytest_netlab.masking import Mask
from pytest_netlab.recorder import Claims, Recorder
from pytest_netlab.spec import POINTS
from pytest_netlab.store import CAPTURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.evidence import Stored
    from pytest_netlab.lab.protocol import Lab, Tap
    from pytest_netlab.recorder import Update
    from pytest_netlab.replay import Result
    from pytest_netlab.spec import Scenario
    from pytest_netlab.store import PendingStore, Store


class ScenarioRun:
    """A scenario's run on a lab, and its results so far.

    Attributes:
        lab: where it runs.
        scenario: what is run.
        mask: hides secrets in the host's rules and in the evidence.
        trace: what the last capture saw; None while it runs, or if it was blind.
        verdict: the last one; None where nothing was judged.
        recorded: the golden's folder; None unless the run has changed it.
        bundle: the folder of the evidence that is judged again; None in a live run.

    """

    def __init__(  # noqa: PLR0913 - keywords
        self,
        lab: Lab,
        scenario: Scenario,
        store: Store,
        *,
        update: Update = "none",
        claims: Claims | None = None,
        mask: Mask | None = None,
        bundle: Path | None = None,
    ) -> None:
        """Bring the lab to the state every scenario starts from.

        Args:
            lab: one that has started.
            scenario: what is run.
            store: its goldens.
            update: which goldens are recorded; see `Recorder`.
            claims: what this session's tests have recorded; None for nothing.
            mask: what is secret; None takes it from this process's environment.
            bundle: the evidence that the lab was read from.

        """
        self.lab, self.scenario, self.bundle = lab, scenario, bundle
        self.mask = mask if mask is not None else Mask()
        self.trace: Trace | None = None
        self.verdict: Verdict | None = None
        self.recorded: Path | None = None
        self._captures: list[Trace] = []
        self._unjudged: Trace | None = None
        self._failed: CommandError | None = None  # by which the last capture ended
        self._judged: Trace | None = None
        self._seen = Snapshot()
        self._recorder = Recorder(
            store=store,
            scenario=scenario,
            facts=lambda: lab.facts,
            update=update,
            claims=claims or Claims(),
        )
        lab.demand_engine()
        lab.reset()

    def capture(self, *points: str) -> AbstractContextManager[Trace]:
        """Capture on these points while the block runs; see `session`."""
        unknown = set(points) - set(POINTS)
        if unknown:
            known = ", ".join(POINTS)
            raise LabError(f"no capture point {unknown.pop()!r}; there are {known}")
        self._captures.append(Trace())  # also what is never entered is to be judged
        return self._capturing(self._captures[-1], points or tuple(POINTS))

    @contextmanager
    def _capturing(self, trace: Trace, points: tuple[str, ...]) -> Iterator[Trace]:
        """Fill a trace with what is seen on these points while the block runs."""
        self.trace = self._unjudged = self._failed = None
        self._seen = Snapshot()
        tap = self.lab.tap([POINTS[name] for name in points])
        try:
            yield trace
        except CommandError as error:
            self._failed = error
        except Exception:
            self._finish(trace, tap)
            raise
        except BaseException:
            tap.close()
            raise
        self._finish(trace, tap)
        if self._failed is not None:
            if not self._recorder.records:
                self._blame(trace, self._failed)
            raise self._failed

    def _finish(self, trace: Trace, tap: Tap) -> None:
        """Keep what was captured; it is not judged if the engine died meanwhile."""
        try:
            trace._capture = tap.stop()  # noqa: SLF001 - the one place that fills it
        except BlindCaptureError:
            self.lab.demand_engine()  # if it died, that is why
            raise
        self.trace = trace
        self.lab.demand_engine()
        self._unjudged = trace

    def _blame(self, trace: Trace, failed: CommandError) -> None:
        """Judge the packets of a failed command first: they may show why it failed."""
        try:
            self.check(trace)
        except GoldenError as error:
            raise failed from error

    def replay(
        self,
        path: Path | str,
        *,
        client: str,
        server: str,
        flows: str | None = None,
        pace: float = 0.0,
    ) -> Result:
        """Play a stored capture from both ends; see `session`."""
        from pytest_netlab.replay import plan_flows, replay  # noqa: PLC0415 - seldom used

        nodes: Any = self.lab.nodes
        try:
            capture = read(path)
        except OSError as error:
            text = f"cannot replay {path} ({error.strerror}). Next: look at its path"
            raise ReplayError(text) from error
        plans = plan_flows(capture, flows=flows)
        return replay(nodes, plans, (client, server), pace=pace)

    def replay_golden(self) -> None:
        """Play the golden's packets in place of the scenario's body, and judge them.

        Raises:
            ReplayError: the golden cannot be played.
            ScenarioFailedError: the packets differ from it.
            CommandError: they do not, but a packet was lost or altered on its path.

        """
        from pytest_netlab.replay import ends_of  # noqa: PLC0415 - seldom used

        golden = self._recorder.golden()
        client, server = ends_of(golden.canonical.facts)
        stored = golden.folder / CAPTURE
        with self.capture() as trace:
            result = self.replay(stored, client=client, server=server)
        self.check(trace)
        # As in a verdict, duplicates made beyond the host are no failure.
        if any(finding.what != "duplicated" for finding in result.findings):
            raise CommandError(f"replay of {stored}: {result}")

    def judge_stored(self, stored: Stored) -> None:
        """Check a stored run as `check` checks a live one.

        Raises:
            ScenarioFailedError: the packets differ from the golden.
            CommandError: they do not, but the run failed for another reason.

        """
        self.trace = Trace(stored.capture)
        self.check(self.trace)
        if stored.failure:
            text = "the packets are as the golden has them; the run failed by: "
            raise CommandError(f"{text}{stored.failure}")

    def check(self, trace: Trace) -> None:
        """Assert that a trace matches the golden, or record it; see `session`."""
        self._unjudged = None
        self.lab.demand_engine()
        read = trace.judged
        try:
            records = self._recorder.records
            self.verdict = self._record(trace) if records else self.judge(trace)
        finally:
            trace.judged = read  # a test that catches the error has judged nothing
        if self.verdict.outcome == "fail":
            self._recorder.demand_one(self.verdict.cause)
            self._unjudged = trace
            raise ScenarioFailedError(self.verdict)
        trace.judged = True

    def demand_judged(self) -> None:
        """Demand that the test has judged whatever it captured.

        Raises:
            UnjudgedError: a capture was neither checked nor read.

        """
        for number, trace in enumerate(self._captures, 1):
            if trace.judged:
                continue
            which = f"capture {number} of {len(self._captures)}"
            raise UnjudgedError(f"{self.scenario.id}: {which} {self._omitted(trace)}")

    def _omitted(self, trace: Trace) -> str:
        """Return how a test came not to judge a trace, and what to do."""
        if trace is self._judged:
            return (
                "failed its check, and the test went on: do not catch the error, or "
                "assert on what the trace holds (trace.table, trace.rewrites)"
            )
        if _packets(trace) is None:
            return "was not completed: write `with netlab.capture(...) as trace:`"
        return (
            "was not judged: call netlab.check(trace) after its `with` block, or "
            "assert on what the trace holds (trace.table, trace.rewrites)"
        )

    @property
    def packets(self) -> Capture | None:
        """Return what the last capture saw, for evidence; None where there is none."""
        return _packets(self.trace) if self.trace is not None else None

    def _record(self, trace: Trace) -> Verdict:
        """Record a trace as the golden, but not what the next run must reject."""
        self._judged = trace
        if (found := self._recorder.survey(trace.canonical)).outcome == "fail":
            return found
        provenance = self._provenance(self._look())
        self.recorded = self._recorder.record(trace.capture, provenance)
        return Verdict(
            scenario=self.scenario.id,
            outcome="pass" if self.recorded is None else "recorded",
            observed=trace.canonical,
        )

    def judge(self, trace: Trace) -> Verdict:
        """Return the verdict on a trace, compared with the golden.

        Raises:
            GoldenError: the golden is missing or damaged.

        """
        self._judged, canonical, waive = trace, trace.canonical, self.scenario.waive
        golden = self._recorder.golden()
        verdict = judge(golden, canonical, waive=waive)
        if verdict.outcome == "pass":
            return verdict
        host = self._host(trace)  # takes a quarter of a second: only now
        others = self._recorder.others(golden)
        return judge(golden, canonical, waive=waive, host=host, others=others)

    def survey(self, trace: Trace) -> Verdict:
        """Judge what was replayed without a golden: by what no scenario may show.

        The capture may be empty: packets between containers cross no point.
        """
        waive = (*self.scenario.waive, EMPTY)
        return survey(self.scenario.id, trace.canonical, waive=waive)

    def conclude(self, error: BaseException | None) -> Verdict | None:
        """Return the verdict of a test that has ended, by an error or not.

        A trace that the test failed to judge is judged now: its packets may say why it
        failed. If the lab broke or lacks something, that is half a trace: no verdict.
        """
        if error is None:
            return self.verdict
        broke = isinstance(error, LabError) and not isinstance(error, CommandError)
        broke |= isinstance(error, UnjudgedError)  # nobody asked what the golden says
        if broke or self._unjudged is None:
            return None
        try:
            verdict = self.judge(self._unjudged)
        except Exception:  # noqa: BLE001 - the test's own error is the one to show
            return None
        return verdict if verdict.outcome == "fail" else None

    def propose(
        self, pending: PendingStore, test: str, verdict: Verdict | None
    ) -> Path | None:
        """Store what was judged last as a pending golden; None where nothing was.

        Raises:
            GoldenError: no folder is right for it, or something else is in it.
            OSError: it cannot be written.

        """
        if self._judged is None:
            return None
        capture = self._judged.capture
        provenance = self._provenance(self._seen if self._seen.files else self._look())
        return self._recorder.propose(
            pending,
            capture,
            provenance,
            test=test,
            verdict=verdict,
            refused=self.unfit,
        )

    @property
    def unfit(self) -> str:
        """Return why every run would reject a golden of what was judged, or ""."""
        if self._judged is None:
            return ""
        if self._failed is not None:
            text = "a command failed in the capture, as it would in the next run"
            return f"{text}: {self._failed}".partition("\n")[0]
        found = self._recorder.survey(self._judged.canonical)
        if found.outcome == "pass":
            return ""
        return unrecordable(one.field for one in found.differences)

    def state(self) -> Mapping[str, str]:
        """Return the host's state when the run was judged, file name -> text.

        Raises:
            LabError: it was not read then, and can no longer be read.

        """
        return self._seen.files or self.lab.snapshot().files

    def _host(self, trace: Trace) -> HostState:
        """Return what is known of the host now, which made this trace."""
        seen, symbols = self._look(), self.lab.symbols
        entries = connections.named(seen.entries, symbols)
        counts = counted(seen.before, seen.files, symbols).items()
        return HostState(
            provenance=self._provenance(seen),
            conntrack_entries=tuple(entries.values()),
            replies=seen.replies,
            full=sysctls.crowd(seen.sysctls),
            ends=seen.ends,
            hops=next_hops(seen.reachable, {**symbols, **trace.capture.names}),
            ruleset=ruleset(seen.files),
            routes=seen.routes,
            start=self._rules(seen.start) if seen.start else None,
            counts={self.mask.text(k): n for k, n in counts} if seen.before else None,
            created=seen.created,
            followed=entries,
            meters=seen.meters,
            frame_counts=frame_counts(trace.capture, seen.meters),
            obstacles=obstacles(seen.files, seen.meters.ports),
            # A host that was looked at has routes, were it to itself.
            network=seen.network_change(symbols) if seen.routes else None,
        )

    def _provenance(self, seen: Snapshot) -> dict[str, str]:
        """Return what a golden records of the host: facts, and its rules in symbols."""
        return {**self._rules(seen), **self.lab.facts}

    def _rules(self, seen: Snapshot) -> dict[str, str]:
        """Return a host's rules in symbols, if they could be read."""
        if not is_known(seen.files):
            return {}
        rules = ruleset(seen.files, self.lab.symbols)
        return {"ruleset": self.mask.text(rules)}  # rules have comments

    def _look(self) -> Snapshot:
        """Read the host's state now; an empty one where it cannot be read."""
        try:
            self._seen = self.lab.snapshot()  # evidence shows what was judged by
        except LabError:  # the verdict does not need it
            self._seen = Snapshot()
        return self._seen


def _packets(trace: Trace) -> Capture | None:
    """Return what a trace was filled with, without judging it by that."""
    return trace._capture  # noqa: SLF001 - the property notes that a test reads it
