"""A scenario on a lab: its captures, and what becomes of them. Knows no pytest."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pytest_netlab.capture import read
from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
)
from pytest_netlab.host import conntrack, sysctls
from pytest_netlab.host.snapshot import Snapshot
from pytest_netlab.judge import HostState, ScenarioFailedError, Verdict, judge, survey
from pytest_netlab.masking import Mask
from pytest_netlab.nat import ruleset
from pytest_netlab.spec import POINTS
from pytest_netlab.store import CAPTURE, Proposal
from pytest_netlab.trace import canonicalize, protocol_name, what_text

Update = Literal["none", "new", "all"]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.lab.protocol import Lab, Node, Tap
    from pytest_netlab.nat import Translations
    from pytest_netlab.replay import Result
    from pytest_netlab.spec import Scenario
    from pytest_netlab.store import Golden, PendingStore, Store
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace, End, FlowFact


class Trace:
    """What one capture saw. Filled when the `with` block ends."""

    def __init__(self) -> None:
        """Start empty."""
        self._capture: Capture | None = None

    @property
    def capture(self) -> Capture:
        """Return the packets of every point as columns."""
        if self._capture is None:
            raise LabError("the trace is still being captured: leave the with block")
        return self._capture

    @cached_property
    def story(self) -> CanonicalTrace:
        """Return the canonical form."""
        return canonicalize(self.capture)

    @cached_property
    def translations(self) -> Translations:
        """Return what the host did to each flow."""
        return self.story.learned

    @property
    def table(self) -> list[tuple[str, str, str, str, int]]:
        """Return (point, source, destination, what, ttl) of every told packet.

        Without asides, and without containers that are no nodes of the lab.
        """
        return [
            (
                one.point,
                str(one.src),
                str(one.dst),
                what_text(one.what),
                one.fields.ttl or 0,
            )
            for flow in self._of_nodes
            for one in flow.compared
        ]

    def rewrites(self, proto: str) -> list[tuple[str, str, str]]:
        """Return (kind, from, to) of each rewritten flow, in symbols.

        For snat the source before and after, for dnat the destination, for a proxied
        flow the client and who stands in for it.
        """
        found = [flow.fact for flow in self._of_nodes]
        facts = [fact for fact in found if protocol_name(fact.proto) == proto]
        return [
            (fact.kind, f"{before}", f"{after or ''}")
            for fact in facts
            if fact.kind != "none"
            for before, after in [_rewritten(fact)]
        ]

    @property
    def _of_nodes(self) -> list[CanonicalFlow]:
        return [flow for flow in self.story.flows if not flow.unrelated]


def _rewritten(fact: FlowFact) -> tuple[End, End | None]:
    """Return the end that was rewritten, before and after; None for never sent on."""
    if fact.kind == "dnat":
        return fact.responder, fact.target
    return fact.initiator, fact.sender


class Netlab:
    """The lab as one scenario sees it: its nodes, captures and verdict."""

    def __init__(
        self, lab: Lab, scenario: Scenario, store: Store, *, update: Update = "none"
    ) -> None:
        """Bring the lab to the state every scenario starts from.

        `update` says which goldens are recorded instead of judged by: none, those that
        are not there yet, or all.
        """
        self._lab, self._store = lab, store
        self._update = update
        self.scenario = scenario
        self.trace: Trace | None = None
        self.unjudged: Trace | None = None
        self.judged: Trace | None = None
        self.verdict: Verdict | None = None
        self.recorded: Path | None = None
        self.stored: Path | None = None
        self.judged_on: Mapping[str, str] = {}
        self.mask = Mask()
        lab.demand_engine()
        lab.reset()

    def __getattr__(self, name: str) -> Node:
        """Return a node: host, c1, c2, c3, web, host01, host02."""
        nodes = self._lab.nodes
        if name not in nodes:
            raise AttributeError(f"no node {name!r}; the lab has {', '.join(nodes)}")
        return nodes[name]

    @property
    def docker(self) -> Any:
        """Return the docker SDK client of the engine under test."""
        return self._lab.docker

    @property
    def facts(self) -> Mapping[str, str]:
        """Return versions and settings of the host under test."""
        return self._lab.facts

    def state(self) -> Mapping[str, str]:
        """Return the host's state as evidence: file name -> text."""
        return self._lab.snapshot().files

    @contextmanager
    def capture(self, *points: str) -> Iterator[Trace]:
        """Capture on these points (default: docker0 and uplink) while the block runs.

        A command that fails inside the block is judged by its packets first: they
        tell why it failed.

        Raises:
            BlindCaptureError: the capture cannot prove that it saw everything.
            ScenarioFailedError: a command failed and the packets differ.
            LabError: there is no such point.

        """
        unknown = set(points) - set(POINTS)
        if unknown:
            known = ", ".join(POINTS)
            raise LabError(f"no capture point {unknown.pop()!r}; there are {known}")
        trace = Trace()
        self.trace = self.unjudged = None
        self.judged_on = {}
        tap = self._lab.tap([POINTS[name] for name in points or tuple(POINTS)])
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
            if not self._records():
                self._blame(trace, failed)
            raise failed

    def replay(
        self,
        path: Path | str,
        *,
        client: str,
        server: str,
        flows: str | None = None,
        pace: float = 0.0,
        check: bool = True,
    ) -> Result:
        """Play a stored capture from both ends: a client's packets and a server's.

        Args:
            path: a capture; of docker0 and the uplink, or of one interface.
            client: the node that plays who began, `c1`.
            server: the node that plays the other: `host01`; `web:80` by its published
                port from beyond, else itself; `host:81` for a hairpin.
            flows: only the conversations with this protocol, address or port.
            pace: how many times as fast as captured; 0 does not wait.
            check: demand that every packet comes out as it went in.

        Raises:
            ReplayError: the capture cannot be played, or not there.
            CommandError: a packet was lost, altered, doubled or led elsewhere; in a
                capture, its packets tell why first.

        """
        from pytest_netlab.replay import plan_flows, replay  # noqa: PLC0415 - seldom used

        nodes: Any = self._lab.nodes
        plans = plan_flows(read(path), flows=flows)
        played = replay(nodes, plans, (client, server), pace=pace)
        if check and played.findings:
            raise CommandError(f"replay of {path}: {played}")
        return played

    def rerun(self) -> None:
        """Play the golden's packets in place of the scenario's body, and judge them.

        Raises:
            ReplayError: the golden cannot be played.
            ScenarioFailedError: the wire differs from it.
            CommandError: it does not, and yet a packet did not come out as it went in.

        """
        from pytest_netlab.replay import ends_of  # noqa: PLC0415 - seldom used

        golden = self._store.load(self.scenario.id, self._deciding())
        client, server = ends_of(golden.story.facts)
        stored = golden.folder / CAPTURE
        with self.capture() as trace:
            played = self.replay(stored, client=client, server=server, check=False)
        self.check(trace)
        # What the network beyond the host doubles is its own matter, as in a verdict.
        if any(finding.what != "duplicated" for finding in played.findings):
            raise CommandError(f"replay of {stored}: {played}")

    def _blame(self, trace: Trace, failed: CommandError) -> None:
        """Raise the verdict on why a command failed; nothing where there is none."""
        try:
            self.check(trace)
        except GoldenError as error:
            raise failed from error

    def _finish(self, trace: Trace, tap: Tap) -> None:
        """Keep what was captured; an engine that died meanwhile leaves no verdict."""
        try:
            trace._capture = tap.stop()  # noqa: SLF001 - the one place that fills it
        except BlindCaptureError:
            self._lab.demand_engine()  # its death says why
            raise
        self.trace = trace
        self._lab.demand_engine()
        self.unjudged = trace

    def rejudge(self, capture: Capture, failure: str = "") -> None:
        """Assert of a stored capture what `check` asserts of a live one.

        `failure` is what the stored run failed by beside its packets.

        Raises:
            CommandError: the packets are right, and the run failed all the same.

        """
        trace = Trace()
        trace._capture = capture  # noqa: SLF001 - as _finish does
        self.trace = trace
        self.check(trace)
        if failure:
            raise CommandError(
                f"the packets are as the golden has them; the run failed by: {failure}"
            )

    def check(self, trace: Trace) -> None:
        """Assert that the trace is what the scenario's golden says.

        Raises:
            ScenarioFailedError: it differs; the verdict says where and why.
            GoldenError: the golden is missing or damaged.

        """
        self.unjudged = None
        self._lab.demand_engine()
        if self._records():
            self.verdict = self._record(trace)
            return
        self.verdict = self.judge(trace)
        if self.verdict.outcome == "fail":
            self.unjudged = trace
            raise ScenarioFailedError(self.verdict)

    def judge(self, trace: Trace) -> Verdict:
        """Compare a trace with the golden."""
        self.judged, story, waive = trace, trace.story, self.scenario.waive
        golden = self._store.load(self.scenario.id, self._deciding())
        verdict = judge(golden, story, waive=waive)
        if verdict.outcome == "pass":
            return verdict
        host = self._host()  # only now is it worth its quarter of a second
        others = self._others(golden)
        return judge(golden, story, waive=waive, host=host, others=others)

    def survey(self, trace: Trace) -> Verdict:
        """Judge a trace that has no golden: by what no scenario may show."""
        self.judged = trace
        return survey(self.scenario.id, trace.story, waive=self.scenario.waive)

    def _others(self, golden: Golden) -> Iterator[Golden]:
        """Yield the other variants, up to one that is damaged: none was asked for."""
        with suppress(GoldenError):
            yield from self._store.others(golden)

    def propose(
        self, pending: PendingStore, test: str, verdict: Verdict | None
    ) -> Path | None:
        """Keep what was judged last as a pending golden; None where nothing was.

        Raises:
            GoldenError: there is no place for it.
            OSError: the disk does not take it.

        """
        trace = self.judged
        if trace is None:
            return None
        id_ = self.scenario.id
        told = "no golden yet"
        if verdict is not None:
            told = f"{verdict.cause}, {len(verdict.differences)} differences"
        proposal = Proposal(
            scenario=id_,
            golden=self._store.place(id_, self._deciding()),
            about=self._about(),
            test=test,
            differs=told,
        )
        return pending.write(self.scenario.label, trace.capture, proposal)

    def _records(self) -> bool:
        """Tell whether the golden is to be recorded, not judged by."""
        if self._update == "new":
            return not self._store.has(self.scenario.id, self._deciding())
        return self._update == "all"

    def _deciding(self) -> Mapping[str, str]:
        """Return the facts that decide between variants; to read them takes a while."""
        depends = self._store.depends_on_host(self.scenario.id)
        return self._lab.facts if depends else {}

    def _record(self, trace: Trace) -> Verdict:
        captured = trace.capture
        folder, changed = self._store.save(self.scenario.id, captured, self._about())
        self.recorded = folder if changed else None
        outcome: Literal["recorded", "pass"] = "recorded" if changed else "pass"
        story = trace.story
        return Verdict(scenario=self.scenario.id, outcome=outcome, observed=story)

    def _about(self) -> dict[str, Any]:
        about = self.scenario.description
        return {"description": about, "provenance": self._provenance(self._seen())}

    def _host(self) -> HostState:
        """Return what is known of the host now."""
        seen = self._seen()
        return HostState(
            provenance=self._provenance(seen),
            tracked=conntrack.named(seen.entries, self._lab.symbols),
            replies=seen.replies,
            full=sysctls.crowd(seen.sysctls),
        )

    def _provenance(self, seen: Snapshot) -> dict[str, str]:
        """Return what a golden records of the host: facts, and its rules in symbols."""
        rules = ruleset(seen.files, self._lab.symbols)
        rules = self.mask.text(rules)  # of their comments
        return {"ruleset": rules, **self._lab.facts}

    def _seen(self) -> Snapshot:
        """Return the host as it is now; nothing where it does not show itself."""
        try:
            seen = self._lab.snapshot()
        except LabError:  # the verdict does not need it
            seen = Snapshot()
        self.judged_on = seen.files  # evidence shows what the verdict is made of
        return seen
