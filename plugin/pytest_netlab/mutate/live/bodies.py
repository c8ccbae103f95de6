"""Run the body of a bundled scenario on a lab, without pytest."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from pytest_netlab.errors import CommandError, LabError, ReplayError
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.replay import ends_of
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.lab.protocol import Lab
    from pytest_netlab.store import Store

PACKAGE = "pytest_netlab.scenarios"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one run of a scenario ended.

    Attributes:
        outcome: pass; fail, by packets or by an assertion; error, without a verdict.
        cause: the verdict's, or the class of the error; "" for a pass.
        text: the cause in a sentence; "" where there was no verdict.
        error: what was raised; None for a pass.
        run: the scenario's, with its last capture.

    """

    outcome: Literal["pass", "fail", "error"]
    cause: str = ""
    text: str = ""
    error: Exception | None = None
    run: ScenarioRun


class Body:
    """A bundled scenario whose test is the only one of its file."""

    def __init__(self, scenario: str, store: Store, *, replayed: bool = False) -> None:
        """Load it; with `replayed`, its golden's packets are played instead.

        Raises:
            LabError: there is no such bundled scenario.

        """
        self.replayed = replayed
        module = f"test_{scenario.replace('-', '_')}"
        try:
            found = getattr(import_module(f"{PACKAGE}.{module}"), module)
        except (ImportError, AttributeError) as error:
            raise LabError(f"no bundled scenario {scenario!r}: {error}") from error
        marks = [mark for mark in found.pytestmark if mark.name == "netlab"]
        waive = tuple(name for mark in marks for name in mark.kwargs.get("waive", ()))
        self._test: Callable[[Netlab], None] = found
        self._scenario, self._store = Scenario(id=scenario, waive=waive), store

    def suits(self, lab: Lab) -> bool:
        """Return whether it can run on a lab; some goldens cannot be replayed."""
        if not self.replayed:
            return True
        try:
            ends_of(self._store.load(self._scenario.id, lab.facts).canonical.facts)
        except ReplayError:
            return False
        return True

    def golden(self, lab: Lab) -> str:
        """Return the golden that is for this lab: the scenario, or scenario/variant."""
        folder = self._store.place(self._scenario.id, lab.facts)
        return str(folder.relative_to(self._store.root))

    def run(self, lab: Lab) -> Ending:
        """Run it once, and say how it ended."""
        run = ScenarioRun(lab, self._scenario, self._store)
        try:
            if self.replayed:
                run.replay_golden()
            else:
                self._test(Netlab(run))
        except ScenarioFailedError as error:
            verdict = error.verdict
            causes = (one.cause for one in verdict.differences if one.cause is not None)
            text = next((cause.text for cause in causes), "")
            return Ending(
                outcome="fail", cause=verdict.cause, text=text, error=error, run=run
            )
        except (AssertionError, CommandError) as error:
            cause = type(error).__name__
            return Ending(outcome="fail", cause=cause, error=error, run=run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict
            cause = type(error).__name__
            return Ending(outcome="error", cause=cause, error=error, run=run)
        return Ending(outcome="pass", run=run)
