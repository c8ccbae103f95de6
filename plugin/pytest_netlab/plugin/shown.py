"""Escape control characters in what pytest prints of ours. Knows pytest only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.terminal import escaped, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

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
