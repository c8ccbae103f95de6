"""How a test ended: what is judged and proposed then, and what is to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.pings import failure, play, recorded

from pytest_netlab.ended import Ended, ended
from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
    NetlabError,
)
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import Scenario
from pytest_netlab.store import MissingGoldenError, PendingStore, Store

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.lab.backends.fake import FakeLab

TEST = "test_ping.py::test_ping"


@pytest.fixture
def run(lab: FakeLab, tmp_path: Path) -> ScenarioRun:
    """Return a run of a scenario whose golden is recorded."""
    return recorded(lab, tmp_path / "golden")


@pytest.fixture
def pending(tmp_path: Path) -> PendingStore:
    """Return a place for proposals."""
    return PendingStore(tmp_path / "pending")


def flags(found: Ended) -> tuple[bool, ...]:
    """Return what kind of an end it is."""
    kinds = (found.is_broken, found.is_error, found.is_unexplained, found.is_reportable)
    return (found.concerns, *kinds)


def test_pass(run: ScenarioRun) -> None:
    """A scenario that passed has its verdict."""
    play(run)

    found = ended(run, None, test=TEST)

    assert found.verdict is run.verdict is not None
    assert (found.outcome, flags(found)) == ("pass", (True, *[False] * 4))


def test_fail(run: ScenarioRun, lab: FakeLab) -> None:
    """One that failed has the verdict it raised, also where there is no run of it."""
    lab.wire.nat.masquerade = False
    error = failure(run)

    for known in (run, None):
        found = ended(known, error, test=TEST)

        assert found.verdict is error.verdict
        assert found.outcome == "fail"
        assert flags(found) == (True, False, False, False, True)


def test_own_assertion_about_packets_that_differ(
    run: ScenarioRun, lab: FakeLab
) -> None:
    """An assertion that failed before the check is explained by the packets."""
    lab.wire.nat.masquerade = False
    play(run, check=False)

    found = ended(run, AssertionError("table"), test=TEST)

    assert found.verdict is not None
    assert found.outcome == "fail"
    assert flags(found) == (True, False, False, True, True)


@pytest.mark.parametrize("check", [True, False])
def test_own_assertion_about_packets_that_match(
    run: ScenarioRun,
    check: bool,  # noqa: FBT001 - a switch
) -> None:
    """An assertion that the packets do not explain is pytest's to tell."""
    play(run, check=check)

    found = ended(run, AssertionError("page"), test=TEST)

    assert (found.verdict, found.outcome) == (None, "fail")
    assert flags(found) == (True, False, False, True, False)


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
@pytest.mark.parametrize("has_run", [True, False])
def test_broken(
    run: ScenarioRun,
    error: NetlabError,
    is_error: bool,  # noqa: FBT001 - a table
    has_run: bool,  # noqa: FBT001
) -> None:
    """What prevented a verdict is an error; a command that failed is a failure."""
    found = ended(run if has_run else None, error, test=TEST)

    assert found.outcome == ("error" if is_error else "fail")
    assert flags(found) == (True, True, is_error, False, True)


@pytest.mark.parametrize("error", [None, AssertionError("x")])
def test_nothing_to_say(error: AssertionError | None) -> None:
    """A test without a lab that broke nothing of ours is not for us to report."""
    assert not ended(None, error, test=TEST).concerns


def test_never_captured(run: ScenarioRun) -> None:
    """A test that passed without a capture has no verdict."""
    assert not ended(run, None, test=TEST).concerns


def test_proposed(run: ScenarioRun, lab: FakeLab, pending: PendingStore) -> None:
    """What differs is proposed as a golden, and forgotten when it passes again."""
    lab.wire.nat.masquerade = False
    found = ended(run, failure(run), test=TEST, pending=pending)
    assert found.proposed == pending.root / "ping"
    assert pending.names() == ["ping"]

    lab.wire.nat.masquerade = True
    play(run)
    assert ended(run, None, test=TEST, pending=pending).proposed is None
    assert pending.names() == []


def test_proposed_as_the_first(
    lab: FakeLab, tmp_path: Path, pending: PendingStore
) -> None:
    """What has no golden yet is proposed as the first."""
    run = ScenarioRun(lab, Scenario(id="ping"), Store(tmp_path / "golden"))
    with pytest.raises(MissingGoldenError) as caught:
        play(run)

    found = ended(run, caught.value, test=TEST, pending=pending)

    assert found.proposed == pending.root / "ping"
    assert pending.load("ping", tmp_path / "golden").differs == "no golden yet"


@pytest.mark.parametrize("error", [AssertionError("page"), LabError("broken")])
def test_not_proposed(
    run: ScenarioRun, error: Exception, pending: PendingStore
) -> None:
    """What no packets explain proposes nothing."""
    play(run, check=False)

    assert ended(run, error, test=TEST, pending=pending).proposed is None
    assert pending.names() == []


def test_refused(run: ScenarioRun, lab: FakeLab, pending: PendingStore) -> None:
    """Trouble with a proposal does not hide the verdict."""
    (pending.root / "ping").mkdir(parents=True)
    lab.wire.nat.masquerade = False

    found = ended(run, failure(run), test=TEST, pending=pending)

    assert found.outcome == "fail"
    assert found.proposed is None
    assert "is no pending golden and stays as it is" in str(found.refused)
