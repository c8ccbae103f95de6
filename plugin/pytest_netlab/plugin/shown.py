"""Escape control characters in what pytest prints of ours. Knows pytest only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.layout import folded, styles, width
from pytest_netlab.terminal import escaped, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "netlab_text"  # an attribute of reports: they are a text of ours
OURS = "netlab_"  # prefix of our properties


def spell_out(report: pytest.TestReport) -> None:
    """Escape a report: why it failed or was skipped, and our properties.

    pytest prints all of it, and writes it into the files that CI reads.
    """
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = path, line, one_line(reason)
    elif (text := report.longreprtext) != escaped(text):
        report.longrepr = failure(escaped(text))
    if hasattr(report, "wasxfail"):
        report.wasxfail = one_line(report.wasxfail)
    report.user_properties = [
        (name, one_line(str(value)) if name.startswith(OURS) else value)
        for name, value in report.user_properties
    ]


class Laid:
    """A failure of ours on a terminal: folded at its width, with colours."""

    def __init__(self, longrepr: Any, columns: int | None) -> None:
        """Take what pytest would print, and a width; None folds nothing."""
        self._text, self._columns = str(longrepr), columns
        self.reprcrash = getattr(longrepr, "reprcrash", None)  # for pytest's summary

    def __str__(self) -> str:
        """Return the text as it is."""
        return self._text

    def toterminal(self, writer: Any) -> None:
        """Write it; pytest knows whether colours are wanted."""
        for line in self._text.split("\n"):
            markup = dict.fromkeys(styles(line), True)
            for piece in folded(line, self._columns):
                writer.line(piece, **markup)


def lay_out(reporter: Any) -> None:
    """Let pytest print the failures of ours as wide as the terminal, and coloured."""
    columns = wide(reporter.config)
    for report in (each for reports in reporter.stats.values() for each in reports):
        if getattr(report, TEXT, False) and report.longrepr is not None:
            report.longrepr = Laid(report.longrepr, columns)


def wide(config: pytest.Config) -> int | None:
    """Return at which width what pytest prints is folded; None for a pipe."""
    return width(getattr(config.get_terminal_writer(), "_file", None))


def failure(text: str) -> Any:
    """Return a failure representation that is this text and nothing else."""
    try:
        pytest.fail(text, pytrace=False)
    except pytest.fail.Exception as error:
        return pytest.ExceptionInfo.from_exception(error).getrepr(style="value")


@contextmanager
def refusals() -> Iterator[None]:
    """Escape the text of a UsageError, and raise it."""
    try:
        yield
    except pytest.UsageError as error:
        raise pytest.UsageError(one_line(str(error))) from error
