"""An error of ours is one text, and printed in full for the first test that it ends.

A lab is started once, and its error ends every test: the others refer to the first.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import CommandError, NetlabError
from pytest_netlab.lab.engine import refused
from pytest_netlab.plugin import shown
from pytest_netlab.terminal import escaped, one_line

if TYPE_CHECKING:
    from pytest_netlab.masking import Mask

SAID = "netlab_said"  # an attribute of reports, which xdist's workers send too


def say(report: pytest.TestReport, error: BaseException | None, mask: Mask) -> None:
    """Report an error of ours by its text instead of a traceback through our code.

    A text that leads a report already stays. A command that failed is left alone: its
    line in the test tells more.
    """
    if not report.failed or isinstance(error, AssertionError):  # it has a verdict
        return
    if error is not None and refused.is_refusal(error):
        said = escaped(mask.text(_refusal(error, report)))
    elif isinstance(error, NetlabError) and not isinstance(error, CommandError):
        text = mask.text(str(error))
        said = escaped(text) if error.multiline else one_line(text)
    else:
        return
    if not report.longreprtext.startswith(said):
        report.longrepr = shown.failure(said)
    setattr(report, SAID, said)
    setattr(report, shown.TEXT, True)


def _refusal(error: BaseException, report: pytest.TestReport) -> str:
    """Return why the engine refused what a test asked, and the test's line."""
    name = Path(report.location[0]).name
    frames = extract_tb(error.__traceback__)
    ours = [one for one in frames if Path(one.filename).name == name]
    line = [f"\n\n{name}:{one.lineno}: {one.line}" for one in ours[-1:]]
    return f"the engine refused: {refused.explained(error)}{''.join(line)}"


class Repeated:
    """Knows which test was the first that an error ended."""

    def __init__(self) -> None:
        """Know no error."""
        self._first: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Shorten a report whose error was printed for another test."""
        said = getattr(report, SAID, None)
        if said is None:
            return
        first = self._first.setdefault(said, report.nodeid)
        if first != report.nodeid:
            text = report.longreprtext.replace(said, f"the same error as at {first}", 1)
            report.longrepr = shown.failure(text)
