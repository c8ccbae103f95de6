"""What is reported of a test: a verdict, an error, or nothing to add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.pings import failure, play, recorded

from pytest_netlab import evidence
from pytest_netlab.ended import ended
from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
    LabUnavailableError,
    NetlabError,
)
from pytest_netlab.report import outcome
from pytest_netlab.report.next_steps import Commands, NextSteps
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import Scenario
from pytest_netlab.store import PendingStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_netlab.lab.backends.fake import FakeLab


NODE = "test_ping.py::test_ping"


@pytest.fixture
def run(lab: FakeLab, tmp_path: Path) -> ScenarioRun:
    """Return a scenario whose golden is recorded, before it runs again."""
    return recorded(lab, tmp_path / "golden")


def names(found: outcome.Outcome | None) -> dict[str, object]:
    """Return what a report is told as properties."""
    assert found is not None
    return dict(found.properties)


def test_pass(run: ScenarioRun) -> None:
    """A scenario that passed has its outcome as a property, and no text."""
    play(run)

    found = outcome.of(ended(run, None, test=NODE), keep=None)

    assert found is not None
    assert (found.text, found.error) == ("", False)
    assert names(found) == {"netlab_outcome": "pass"}


def test_recorded(lab: FakeLab, tmp_path: Path) -> None:
    """A golden that was recorded is named."""
    store = Store(tmp_path)
    recording = ScenarioRun(lab, Scenario(id="ping"), store, update="all")
    play(recording)

    assert names(outcome.of(ended(recording, None, test=NODE), keep=None)) == {
        "netlab_outcome": "recorded",
        "netlab_recorded": str(tmp_path / "ping"),
    }


def test_fail(run: ScenarioRun, lab: FakeLab, tmp_path: Path) -> None:
    """A scenario that failed is told by its verdict, with the evidence."""
    lab.wire.nat.masquerade = False
    found = outcome.of(ended(run, failure(run), test=NODE), keep=tmp_path / "kept")

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert (found.error, found.unexplained) == (False, False)
    assert names(found) == {
        "netlab_outcome": "fail",
        "netlab_evidence": str(tmp_path / "kept" / "ping"),
    }
    assert (tmp_path / "kept" / "ping" / "verdict.json").is_file()


def test_own_assertion_about_packets_that_differ(
    run: ScenarioRun, lab: FakeLab
) -> None:
    """An assertion that failed before the check is explained by the packets."""
    lab.wire.nat.masquerade = False
    play(run, check=False)

    found = outcome.of(ended(run, AssertionError("table"), test=NODE), keep=None)

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert (found.error, found.unexplained) == (False, True)


@pytest.mark.parametrize("check", [True, False])
def test_own_assertion_about_packets_that_match(
    run: ScenarioRun,
    tmp_path: Path,
    check: bool,  # noqa: FBT001 - a switch
) -> None:
    """An assertion that the packets do not explain is pytest's to tell."""
    play(run, check=check)
    kept = tmp_path / "kept"

    found = outcome.of(ended(run, AssertionError("page"), test=NODE), keep=kept)

    assert found is not None
    assert (found.text, found.error, found.unexplained) == ("", False, True)
    assert names(found) == {
        "netlab_outcome": "fail",
        "netlab_evidence": str(kept / "ping"),
    }


def test_own_assertion_without_golden(lab: FakeLab, tmp_path: Path) -> None:
    """Without a golden an assertion of the test's own stays what it is."""
    run = ScenarioRun(lab, Scenario(id="ping"), Store(tmp_path))
    play(run, check=False)

    found = outcome.of(ended(run, AssertionError("table"), test=NODE), keep=None)

    assert found is not None
    assert (found.text, found.unexplained) == ("", True)


@pytest.mark.parametrize(
    ("error", "is_error"),
    [
        (GoldenError("no golden"), True),
        (BlindCaptureError("no canary"), True),
        (LabError("broken"), True),
        (CommandError("no answer"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken(
    run: ScenarioRun,
    tmp_path: Path,
    error: NetlabError,
    is_error: bool,  # noqa: FBT001 - a table
) -> None:
    """What prevented a verdict is told as it is, with what evidence there is."""
    found = outcome.of(ended(run, error, test=NODE), keep=tmp_path / "kept")

    assert found is not None
    assert found.text == f"{error}\nevidence   {tmp_path / 'kept' / 'ping'}"
    assert found.error is is_error
    assert not found.unexplained
    assert names(found)["netlab_outcome"] == ("error" if is_error else "fail")


def test_lab_that_never_was() -> None:
    """Without a lab there is the error, and nothing to keep."""
    found = outcome.of(ended(None, LabError("no dockerd"), test=NODE), keep=None)

    assert found is not None
    assert (found.text, found.error) == ("no dockerd", True)


@pytest.mark.parametrize("error", [None, AssertionError("x")])
def test_nothing_to_say(error: AssertionError | None) -> None:
    """A test without a lab that broke nothing of ours is not for us to report."""
    assert outcome.of(ended(None, error, test=NODE), keep=None) is None


def test_never_captured(run: ScenarioRun) -> None:
    """A test that passed without a capture has no verdict."""
    assert outcome.of(ended(run, None, test=NODE), keep=None) is None


def broken_state(_: ScenarioRun) -> None:
    """Fail as a lab does whose host is gone."""
    raise LabError("the host is gone")


def full_disk(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError("no space")


TROUBLES = [(ScenarioRun, "state", broken_state), (evidence, "write", full_disk)]


@pytest.mark.parametrize("trouble", TROUBLES, ids=["lab", "disk"])
def test_evidence_that_cannot_be_kept(
    run: ScenarioRun,
    lab: FakeLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: tuple[object, str, Callable[..., None]],
) -> None:
    """Trouble with the evidence is told, and does not hide the verdict."""
    lab.wire.nat.masquerade = False
    error = failure(run)
    monkeypatch.setattr(*trouble)

    found = outcome.of(ended(run, error, test=NODE), keep=tmp_path / "kept")

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert "\nno evidence was kept: " in found.text
    assert "netlab_evidence" not in names(found)


def test_proposal_that_cannot_be_kept(
    run: ScenarioRun, lab: FakeLab, tmp_path: Path
) -> None:
    """Trouble with the proposal is told below the verdict."""
    pending = PendingStore(tmp_path / "pending")
    (pending.root / "ping").mkdir(parents=True)
    lab.wire.nat.masquerade = False

    how = ended(run, failure(run), test=NODE, pending=pending)
    found = outcome.of(how, keep=None)

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert f"\nno golden was proposed: {pending.root / 'ping'} is no" in found.text
    assert "netlab_pending" not in names(found)


def test_proposed(run: ScenarioRun, lab: FakeLab, tmp_path: Path) -> None:
    """A proposal is named, and how to review it."""
    pending = PendingStore(tmp_path / "pending")
    lab.wire.nat.masquerade = False

    how = ended(run, failure(run), test=NODE, pending=pending)
    steps = NextSteps(commands=Commands(review="netlab review", update="record it"))
    found = outcome.of(how, keep=None, steps=steps)

    assert found is not None
    assert "netlab review ping" in found.text
    assert "record it" not in found.text
    assert names(found)["netlab_pending"] == str(pending.root / "ping")


LACKS = LabUnavailableError("c1: no program 'ping' on this machine")


@pytest.mark.parametrize("error", [LACKS, LabError("broken")], ids=["lacks", "broken"])
def test_half_trace_is_not_judged(
    run: ScenarioRun, tmp_path: Path, error: LabError
) -> None:
    """Packets of a body that the lab could not serve differ, and mean nothing."""
    with pytest.raises(LabError), run.capture():
        raise error
    pending = PendingStore(tmp_path / "pending")

    how = ended(run, error, test=NODE, pending=pending)
    found = outcome.of(how, keep=None)

    assert found is not None
    assert (found.text, found.error) == (str(error), True)
    assert names(found) == {"netlab_outcome": "error"}
    assert not (tmp_path / "pending").exists()
