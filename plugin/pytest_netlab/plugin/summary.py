"""What a run's scenarios came to; a run that judged none of them is no success.

Knows reports only; those of xdist's workers reach the controller.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.layout import folded, styles
from pytest_netlab.plugin import shown
from pytest_netlab.plugin.repeated import SAID
from pytest_netlab.spec import TROUBLE
from pytest_netlab.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIO = "netlab_scenario"  # an attribute of reports: the test is a scenario
JUDGED = "netlab_judged"  # an attribute: there is a verdict on its packets
PACKETS, UNJUDGED, BROKEN = "packets", "unjudged", "broken"
TEXTS = {
    PACKETS: "scenarios judged from packets",
    UNJUDGED: "scenarios without a verdict on packets",
}
PLACES = ("recorded", "pending", "evidence")
WARNING = "WARNING"
NOTHING = (
    "no scenario was judged: this run says nothing of the host (exit code "
    f"{int(pytest.ExitCode.NO_TESTS_COLLECTED)})"
)


class Summary:
    """Notes how tests ended, on the controller of a run of any size."""

    def __init__(self) -> None:
        """Begin with no test."""
        self._others = False  # tests that are no scenarios
        self._scenarios: set[str] = set()
        self._outcomes: dict[str, tuple[str, str]] = {}
        self._skipped: dict[str, str] = {}
        self._broken: dict[str, str] = {}
        self._places: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a test ended."""
        if not hasattr(report, SCENARIO):
            self._others = True
            return
        name = report.nodeid
        self._scenarios.add(name)
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped[name] = _reason(report)
        elif outcome := self._outcome(report):
            self._outcomes[name] = outcome
            if outcome[0] == BROKEN:
                said = getattr(report, SAID, report.longreprtext)
                self._broken[name] = said.partition("\n")[0]
        self._places |= dict.fromkeys(_places(report))

    def _outcome(self, report: pytest.TestReport) -> tuple[str, str] | None:
        """Return what judged a test in this phase, and how; None for nothing new."""
        before = self._outcomes.get(report.nodeid)
        if report.when == "teardown" and report.passed and before != (UNJUDGED, "pass"):
            return None  # a fixture's check may follow a test that passed, and no other
        found = dict(report.user_properties).get("netlab_outcome")
        if found == "error" or (report.failed and report.when != "call"):
            return BROKEN, "error"
        if getattr(report, JUDGED, False):
            return PACKETS, str(found)
        if report.when != "call":
            return None
        return UNJUDGED, "xfail" if report.skipped else report.outcome.removesuffix(
            "ed"
        )

    @property
    def judged_nothing(self) -> bool:
        """Return whether all tests were scenarios, and all of them were skipped."""
        skipped = self._scenarios == self._skipped.keys()
        return bool(self._scenarios) and skipped and not self._others

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let a run that judged nothing not look like one that found nothing."""
        ok = session.exitstatus == pytest.ExitCode.OK
        if ok and self.judged_nothing and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print what was judged and how, what was not and why, and where files are."""
        if not self._scenarios:
            return
        terminalreporter.section("netlab", sep="-")
        for line in self._lines():
            markup = dict.fromkeys(styles(line), True)
            for piece in folded(one_line(line), shown.wide(terminalreporter.config)):
                terminalreporter.write_line(piece, **markup)

    def _lines(self) -> Iterator[str]:
        for kind, text in TEXTS.items():
            counts = Counter(how for by, how in self._outcomes.values() if by == kind)
            if counts:
                found = ", ".join(f"{count} {how}" for how, count in counts.items())
                yield f"{text}: {found}"
        yield from _reasons("error", self._broken, one=False)
        yield from _reasons("skipped", self._skipped, one=self._others)
        if self.judged_nothing:
            yield NOTHING
        yield from self._places


def _reasons(how: str, reasons: dict[str, str], *, one: bool) -> Iterator[str]:
    """Yield why scenarios were not judged, most frequent first: all, or one line."""
    known = Counter(reasons.values()).most_common()
    rest = len(known) - 1 if one else 0
    more = f" (and {rest} other reasons: -rs lists them)" if rest > 0 else ""
    for reason, count in known[:1] if one else known:
        yield f"scenarios not judged: {count} {how}: {reason}{more}"


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped."""
    found = report.longrepr
    text = found[2] if isinstance(found, tuple) else report.longreprtext
    return text.removeprefix("Skipped: ")


def _places(report: pytest.TestReport) -> Iterator[str]:
    """Yield where a test's evidence and goldens are, or why they are not there."""
    properties = dict(report.user_properties)
    for name in PLACES:
        if f"netlab_{name}" in properties:
            yield f"{name}: {properties[f'netlab_{name}']}"
    for name, value in report.user_properties:
        if name == TROUBLE:
            yield f"{WARNING}: {value}"
