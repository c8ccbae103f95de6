"""Settings of the repository's own test run; scenarios need nothing from here."""

from __future__ import annotations

import pytest

SCENARIOS = "scenarios"


def pytest_configure(config: pytest.Config) -> None:
    """Collect the scenarios alone for `pytest -m netlab`, which selects no other test.

    Thousands of unit tests would take longer to collect than the scenarios to run.
    """
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if everything and config.option.markexpr == "netlab":
        config.args[:] = [SCENARIOS]
