"""One run of a scenario on a lab: its captures, their verdict, what is left to tell.

What the plugin, commands and reports need of it; a scenario's author sees `session`.
Knows no pytest and no text.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_netlab.capture import read
from pytest_netlab.captured import Trace
from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
)
from pytest_netlab.host import connections, ruleset, sysctls
from pytest_netlab.host.snapshot import Snapshot
from pytest_netlab.judge import HostState, ScenarioFailedError, Verdict, judge, survey
from pytest_netlab.masking import Mask
from pytest_netlab.recorder import Recorder
from pytest_netlab.spec import POINTS
from pytest_netlab.store import CAPTURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.evidence import Stored
    from pytest_netlab.lab.protocol import Lab, Tap
    from pytest_netlab.recorder import Update
    from pytest_netlab.replay import Result
    from pytest_netlab.spec import Scenario
    from pytest_netlab.store import PendingStore, Store


class ScenarioRun:
    """A scenario that runs on a lab, and what it has come to so far.

    Attributes:
        lab: where it runs.
        scenario: what is run.
        mask: hides what is secret of the host's rules, and of the evidence.
        trace: what the last capture saw, if that was whole.
        verdict: the last that was asked for.
        recorded: the golden's folder, if the run has changed it.
        bundle: the evidence of the run that is judged again, if one is.

    """

    def __init__(
        self,
        lab: Lab,
        scenario: Scenario,
        store: Store,
        *,
        update: Update = "none",
        mask: Mask | None = None,
        bundle: Path | None = None,
    ) -> None:
        """Bring the lab to the state every scenario starts from.

        Args:
            lab: one that has started.
            scenario: what is run.
            store: its goldens.
            update: which goldens are recorded, as `Recorder` has it.
            mask: what is secret; None for what this process' environment says.
            bundle: the evidence that the lab was read from.

        """
        self.lab, self.scenario, self.bundle = lab, scenario, bundle
        self.mask = mask if mask is not None else Mask()
        self.trace: Trace | None = None
        self.verdict: Verdict | None = None
        self.recorded: Path | None = None
        self._unjudged: Trace | None = None
        self._judged: Trace | None = None
        self._seen = Snapshot()
        self._recorder = Recorder(
            store=store, scenario=scenario, update=update, facts=lambda: lab.facts
        )
        lab.demand_engine()
        lab.reset()

    @contextmanager
    def capture(self, *points: str) -> Iterator[Trace]:
        """Capture on these points while the block runs; see `session`."""
        unknown = set(points) - set(POINTS)
        if unknown:
            known = ", ".join(POINTS)
            raise LabError(f"no capture point {unknown.pop()!r}; there are {known}")
        trace = Trace()
        self.trace = self._unjudged = None
        self._seen = Snapshot()
        tap = self.lab.tap([POINTS[name] for name in points or tuple(POINTS)])
        failed: CommandError | None = None
        try:
            yield trace
        except CommandError as error:
            failed = error
        except Exception:
            self._finish(trace, tap)
            raise
        except BaseException:
            tap.close()
            raise
        self._finish(trace, tap)
        if failed is not None:
            if not self._recorder.records:
                self._blame(trace, failed)
            raise failed

    def _finish(self, trace: Trace, tap: Tap) -> None:
        """Keep what was captured; an engine that died meanwhile leaves no verdict."""
        try:
            trace._capture = tap.stop()  # noqa: SLF001 - the one place that fills it
        except BlindCaptureError:
            self.lab.demand_engine()  # its death says why
            raise
        self.trace = trace
        self.lab.demand_engine()
        self._unjudged = trace

    def _blame(self, trace: Trace, failed: CommandError) -> None:
        """Raise the verdict on why a command failed; nothing where there is none."""
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
        plans = plan_flows(read(path), flows=flows)
        return replay(nodes, plans, (client, server), pace=pace)

    def replay_golden(self) -> None:
        """Play the golden's packets in place of the scenario's body, and judge them.

        Raises:
            ReplayError: the golden cannot be played.
            ScenarioFailedError: the wire differs from it.
            CommandError: it does not, and yet a packet did not come out as it went in.

        """
        from pytest_netlab.replay import ends_of  # noqa: PLC0415 - seldom used

        golden = self._recorder.golden()
        client, server = ends_of(golden.canonical.facts)
        stored = golden.folder / CAPTURE
        with self.capture() as trace:
            result = self.replay(stored, client=client, server=server)
        self.check(trace)
        # Duplicates made beyond the host fail nothing, as in a verdict.
        if any(finding.what != "duplicated" for finding in result.findings):
            raise CommandError(f"replay of {stored}: {result}")

    def judge_stored(self, stored: Stored) -> None:
        """Assert of a stored run what `check` asserts of a live one.

        Raises:
            CommandError: the packets are right, and the run failed all the same.

        """
        self.trace = Trace(stored.capture)
        self.check(self.trace)
        if stored.failure:
            text = "the packets are as the golden has them; the run failed by: "
            raise CommandError(f"{text}{stored.failure}")

    def check(self, trace: Trace) -> None:
        """Assert that a trace is the golden's, or record it as that; see `session`."""
        self._unjudged = None
        self.lab.demand_engine()
        if self._recorder.records:
            self.verdict = self._record(trace)
            return
        self.verdict = self.judge(trace)
        if self.verdict.outcome == "fail":
            self._unjudged = trace
            raise ScenarioFailedError(self.verdict)

    def _record(self, trace: Trace) -> Verdict:
        provenance = self._provenance(self._look())
        self.recorded = self._recorder.record(trace.capture, provenance)
        return Verdict(
            scenario=self.scenario.id,
            outcome="pass" if self.recorded is None else "recorded",
            observed=trace.canonical,
        )

    def judge(self, trace: Trace) -> Verdict:
        """Return the verdict on a trace by the golden.

        Raises:
            GoldenError: the golden is missing or damaged.

        """
        self._judged, canonical, waive = trace, trace.canonical, self.scenario.waive
        golden = self._recorder.golden()
        verdict = judge(golden, canonical, waive=waive)
        if verdict.outcome == "pass":
            return verdict
        host = self._host()  # only now is it worth its quarter of a second
        others = self._recorder.others(golden)
        return judge(golden, canonical, waive=waive, host=host, others=others)

    def survey(self, trace: Trace) -> Verdict:
        """Judge a trace that has no golden: by what no scenario may show."""
        return survey(self.scenario.id, trace.canonical, waive=self.scenario.waive)

    def conclude(self, error: BaseException | None) -> Verdict | None:
        """Return the verdict of a test that has ended, by an error or not.

        What it failed before is judged now: packets may say why. Not what a lab that
        broke, or lacks something, left of it: that is half a trace.
        """
        if error is None:
            return self.verdict
        broke = isinstance(error, LabError) and not isinstance(error, CommandError)
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
        """Keep what was judged last as a pending golden; None where nothing was.

        Raises:
            GoldenError: there is no place for it.
            OSError: the disk does not take it.

        """
        if self._judged is None:
            return None
        capture = self._judged.capture
        provenance = self._provenance(self._seen if self._seen.files else self._look())
        return self._recorder.propose(
            pending, capture, provenance, test=test, verdict=verdict
        )

    def state(self) -> Mapping[str, str]:
        """Return the host's state, file name -> text: as it was when it was judged.

        Raises:
            LabError: it was not read then, and cannot be any more.

        """
        return self._seen.files or self.lab.snapshot().files

    def _host(self) -> HostState:
        """Return what is known of the host now."""
        seen = self._look()
        return HostState(
            provenance=self._provenance(seen),
            conntrack_entries=connections.named(seen.entries, self.lab.symbols),
            replies=seen.replies,
            full=sysctls.crowd(seen.sysctls),
        )

    def _provenance(self, seen: Snapshot) -> dict[str, str]:
        """Return what a golden records of the host: facts, and its rules in symbols."""
        rules = ruleset(seen.files, self.lab.symbols)
        rules = self.mask.text(rules)  # of their comments
        return {"ruleset": rules, **self.lab.facts}

    def _look(self) -> Snapshot:
        """Return the host as it is now; nothing where it does not show itself."""
        try:
            self._seen = self.lab.snapshot()  # evidence shows what a verdict is made of
        except LabError:  # the verdict does not need it
            self._seen = Snapshot()
        return self._seen
