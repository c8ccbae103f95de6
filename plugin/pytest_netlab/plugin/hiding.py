"""Mask secrets of scenarios in what pytest shows: reports, JUnit, warnings."""

from __future__ import annotations

from linecache import getline
from typing import Any

import pytest

from pytest_netlab.masking import Mask

FIXTURES = {"netlab", "netlab_lab"}
OURS = "netlab_"  # prefix of properties that name folders
FIXED = ("path", "style")  # unmasked in a traceback: its file and rendering


class Hiding:
    """Masks what a run shows, from its first scenario on; `mask` has the secrets.

    Runs without scenarios are not changed. After the first, all that follows is
    masked: a lab is closed, and its log captured, in the last test's teardown. Reports
    of an xdist worker are masked before they are sent.
    """

    def __init__(self, config: pytest.Config) -> None:
        """Start with the secrets of this process's environment."""
        self.mask = Mask(hides=not config.getoption("--netlab-keep-env"))
        self._active = "netlab" in (config.getoption("-m") or "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Notice the first scenario."""
        self._active |= uses_lab(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Mask what other plugins have put in a report; in those of subtests too."""
        self.hide(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Mask why a file cannot be collected."""
        self.hide(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Mask a warning, and the line of source that pytest shows with it."""
        shown = warning_message
        if self._active and isinstance(shown.message, Warning):
            shown.message.args = self._masked(shown.message.args)
            shown.line = self._masked(getline(shown.filename, shown.lineno))

    def hide(self, report: Any) -> None:
        """Mask a report; may be called again."""
        if not self._active or not self.mask.hides:
            return
        for name in ("longrepr", "sections", "wasxfail"):
            if hasattr(report, name):
                setattr(report, name, self._masked(getattr(report, name)))
        if hasattr(report, "user_properties"):
            report.user_properties = [
                (name, value if str(name).startswith(OURS) else self._masked(value))
                for name, value in report.user_properties
            ]

    def _masked(self, shown: Any) -> Any:
        """Return what pytest shows, masked; its representations are masked in place."""
        if isinstance(shown, str):
            return self.mask.text(shown)
        if isinstance(shown, list | tuple):
            parts = map(self._masked, shown)
            return tuple(parts) if isinstance(shown, tuple) else list(parts)
        if hasattr(shown, "toterminal"):
            for name, part in list(vars(shown).items()):
                if name not in FIXED:
                    setattr(shown, name, self._masked(part))
        return shown


KEY = pytest.StashKey[Hiding]()


def uses_lab(item: pytest.Item) -> bool:
    """Return whether a test is a scenario, or gets the lab from a fixture."""
    named = getattr(item, "fixturenames", ())
    marked = item.get_closest_marker("netlab") is not None
    return marked or not FIXTURES.isdisjoint(named)


def register(config: pytest.Config) -> None:
    """Mask the secrets of this run's scenarios."""
    config.stash[KEY] = Hiding(config)
    config.pluginmanager.register(config.stash[KEY], "netlab_hiding")


def hide(config: pytest.Config, report: Any) -> None:
    """Mask a report of a run."""
    config.stash[KEY].hide(report)


def mask(config: pytest.Config) -> Mask:
    """Return the mask with the secrets of a run."""
    return config.stash[KEY].mask
