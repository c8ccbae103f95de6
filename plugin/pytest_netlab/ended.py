"""How a scenario's test ended: its verdict or error, and what it proposes.

Judges what the test itself did not judge. Makes no text and writes no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.errors import CommandError, NetlabError
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.store import MissingGoldenError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.judge import Verdict
    from pytest_netlab.run import ScenarioRun
    from pytest_netlab.store import PendingStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a test ended.

    Attributes:
        test: its node id.
        run: the scenario's run; None where there was no lab.
        error: what the test raised, if anything.
        verdict: the verdict on its packets; None where they could not be judged.
        proposed: the folder of the proposed golden; None where none is proposed.
        refused: the error that prevented a proposal; None where nothing did.

    """

    test: str
    run: ScenarioRun | None = None
    error: BaseException | None = None
    verdict: Verdict | None = None
    proposed: Path | None = None
    refused: Exception | None = None

    @property
    def concerns(self) -> bool:
        """Return whether there is anything to report beyond pytest's own report."""
        reported = self.verdict is not None or isinstance(self.error, NetlabError)
        return reported or (self.error is not None and self.run is not None)

    @property
    def is_broken(self) -> bool:
        """Return whether an error of ours prevented a verdict."""
        return isinstance(self.error, NetlabError) and self.verdict is None

    @property
    def lacks_golden(self) -> bool:
        """Return whether there is no golden yet, which is why it broke."""
        return isinstance(self.error, MissingGoldenError)

    @property
    def is_error(self) -> bool:
        """Return whether lab or capture broke; a failed command is a failure."""
        return self.is_broken and not isinstance(self.error, CommandError)

    @property
    def is_unexplained(self) -> bool:
        """Return whether the test failed by an assertion of its own."""
        own = self.error is not None and not self.is_broken
        return own and not isinstance(self.error, ScenarioFailedError)

    @property
    def is_reportable(self) -> bool:
        """Return whether its report begins with our text: why it broke or differs."""
        return self.is_broken or (self.outcome == "fail" and self.verdict is not None)

    @property
    def outcome(self) -> str:
        """Return pass, fail, recorded or error."""
        if self.verdict is not None:
            return self.verdict.outcome
        return "error" if self.is_error else "fail"


def ended(
    run: ScenarioRun | None,
    error: BaseException | None,
    *,
    test: str,
    pending: PendingStore | None = None,
) -> Ended:
    """Judge what a test left unjudged; propose a trace that differs as a golden.

    Args:
        run: the scenario's run; None where there was no lab.
        error: what the test raised, if anything.
        test: its node id.
        pending: where to store a proposed golden; None proposes none.

    """
    verdict = _verdict(run, error)
    proposed, refused = None, None
    if run is not None and pending is not None:
        try:
            proposed = _proposed(run, error, verdict, test, pending)
        except Exception as failed:  # noqa: BLE001 - nothing here may hide the verdict
            refused = failed
    return Ended(
        test=test,
        run=run,
        error=error,
        verdict=verdict,
        proposed=proposed,
        refused=refused,
    )


def _verdict(run: ScenarioRun | None, error: BaseException | None) -> Verdict | None:
    if isinstance(error, ScenarioFailedError):
        return error.verdict
    return run.conclude(error) if run is not None else None


def _proposed(
    run: ScenarioRun,
    error: BaseException | None,
    verdict: Verdict | None,
    test: str,
    pending: PendingStore,
) -> Path | None:
    """Propose a trace that is new or differs; discard the proposal of a passed test."""
    is_new = isinstance(error, MissingGoldenError)
    if verdict is not None and verdict.outcome == "fail":
        is_new = (
            verdict.expected is not None
        )  # else it was refused as a golden just now
    if is_new:
        return run.propose(pending, test, verdict)
    if verdict is not None:
        pending.discard(run.scenario.label)
    return None
