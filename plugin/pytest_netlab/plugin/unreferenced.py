"""Goldens that no scenario used, reported at the end of a complete run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_netlab.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

FILTERS = {
    "keyword": "-k",
    "lf": "--lf",
    "stepwise": "--stepwise",
    "collectonly": "--collect-only",
    "deselect": "--deselect",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "maxfail": "--maxfail",
}
GOLDEN = "netlab_golden"  # an attribute of reports, and a property
DESELECTED = "netlab_deselected"
ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


class Unreferenced:
    """Collects which goldens were used, on the controller of a run with workers.

    Reports carry the golden of their test. All that workers send besides is how many
    scenarios they deselected.
    """

    def __init__(
        self, config: pytest.Config, choice: Literal["warn", "reject", "delete"]
    ) -> None:
        """Begin with nothing used."""
        self._config, self._choice = config, choice
        self._used: set[Path] = set()
        self._skipped = False
        self._deselected = 0
        self._found: list[Path] = []
        self._done: dict[Path, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the golden of a test."""
        used = getattr(report, GOLDEN, None)
        if used is not None:
            self._used.add(Path(used))
            self._skipped |= report.skipped and not hasattr(report, "wasxfail")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that a file was not collected: which goldens it uses is unknown."""
        self._skipped |= not report.passed

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note that scenarios were left out."""
        self._deselected += sum(
            item.get_closest_marker("netlab") is not None for item in items
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Note that a worker left scenarios out."""
        self._deselected += getattr(node, "workeroutput", {}).get(DESELECTED, 0)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Look for goldens that were not used; fail the run or delete them if asked."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[DESELECTED] = self._deselected
            return
        if not self._used or exitstatus not in ENDED or not self._complete(session):
            return
        self._found = self._unused()
        if self._choice == "delete":
            for folder in self._found:
                self._delete(folder)
        elif self._choice == "reject" and self._found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _delete(self, folder: Path) -> None:
        from pytest_netlab.store import Store  # noqa: PLC0415 - imports numpy

        try:
            gone = Store(folder.parent).remove(folder.name)
            self._done[folder] = "deleted" if gone else "deleted, but for your files in"
        except OSError as error:
            self._done[folder] = f"cannot be deleted ({error.strerror})"

    def _complete(self, session: pytest.Session) -> bool:
        """Return whether every scenario of the project was run."""
        option = self._config.option
        source = pytest.Config.ArgsSource
        whole = self._config.args_source in (source.TESTPATHS, source.INVOCATION_DIR)
        return not (
            any(getattr(option, name, None) for name in FILTERS)
            or option.markexpr not in ("", "netlab")
            or not whole
            or self._config.invocation_params.dir != self._config.rootpath
            or self._deselected
            or self._skipped
            or session.shouldstop
            or session.shouldfail
        )

    def _unused(self) -> list[Path]:
        from pytest_netlab.store import Store  # noqa: PLC0415 - imports numpy

        roots = {used.parent for used in self._used}
        known = {root / name for root in roots for name in Store(root).scenarios()}
        return sorted(known - self._used)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name what was found, and what to do about it."""
        if not self._found:
            return
        terminalreporter.section("netlab: goldens no scenario uses", sep="-")
        for folder in self._found:
            done = self._done.get(folder, "unreferenced")
            terminalreporter.write_line(one_line(f"{done}: {folder}"))
        if self._choice != "delete":
            terminalreporter.write_line(
                "remove them by hand, or with --netlab-unreferenced=delete"
            )
