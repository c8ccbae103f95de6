"""One scenario, a ping, on a lab in memory: run, recorded, and failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.lab.backends.fake import FakeLab


def recorded(lab: FakeLab, goldens: Path) -> ScenarioRun:
    """Return a run of a scenario whose golden has just been recorded."""
    store = Store(goldens)
    play(ScenarioRun(lab, Scenario(id="ping"), store, update="all"))
    return ScenarioRun(lab, Scenario(id="ping"), store)


def play(run: ScenarioRun, *, check: bool = True) -> None:
    """Run the scenario, with or without its own check."""
    nodes = run.lab.nodes
    with run.capture() as trace:
        nodes["c1"].run("ping", nodes["host01"].address)
    if check:
        run.check(trace)


def failure(run: ScenarioRun) -> ScenarioFailedError:
    """Return what the scenario raises when its packets differ."""
    with pytest.raises(ScenarioFailedError) as caught:
        play(run)
    return caught.value
