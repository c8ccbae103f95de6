"""What is reported of a test: a verdict, an error, or nothing to add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
    LabUnavailableError,
    NetlabError,
)
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.fake import FakeLab
from pytest_netlab.report import bundle, outcome
from pytest_netlab.runner import Netlab
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import PendingStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


NODE = "test_ping.py::test_ping"


@pytest.fixture
def lab() -> FakeLab:
    """Return a lab in memory."""
    return FakeLab(LabOptions())


@pytest.fixture
def netlab(lab: FakeLab, tmp_path: Path) -> Netlab:
    """Return a scenario whose golden is recorded, before it runs again."""
    store = Store(tmp_path / "golden")
    recording = Netlab(lab, Scenario(id="ping"), store, update="all")
    play(recording)
    return Netlab(lab, Scenario(id="ping"), store)


def play(netlab: Netlab, *, check: bool = True) -> None:
    """Run the scenario, with or without its own check."""
    with netlab.capture() as trace:
        netlab.c1.run("ping", netlab.host01.address)
    if check:
        netlab.check(trace)


def failure(netlab: Netlab) -> ScenarioFailedError:
    """Return what the scenario raises when its packets differ."""
    with pytest.raises(ScenarioFailedError) as caught:
        play(netlab)
    return caught.value


def names(found: outcome.Outcome | None) -> dict[str, object]:
    """Return what a report is told as properties."""
    assert found is not None
    return dict(found.properties)


def test_pass(netlab: Netlab) -> None:
    """A scenario that passed has its outcome as a property, and no text."""
    play(netlab)

    found = outcome.of(None, netlab, node=NODE, keep=None)

    assert found is not None
    assert (found.text, found.error) == ("", False)
    assert names(found) == {"netlab_outcome": "pass"}


def test_recorded(lab: FakeLab, tmp_path: Path) -> None:
    """A golden that was recorded is named."""
    store = Store(tmp_path)
    recording = Netlab(lab, Scenario(id="ping"), store, update="all")
    play(recording)

    assert names(outcome.of(None, recording, node=NODE, keep=None)) == {
        "netlab_outcome": "recorded",
        "netlab_recorded": str(tmp_path / "ping"),
    }


def test_fail(netlab: Netlab, lab: FakeLab, tmp_path: Path) -> None:
    """A scenario that failed is told by its verdict, with the evidence."""
    lab.wire.nat.masquerade = False
    found = outcome.of(failure(netlab), netlab, node=NODE, keep=tmp_path / "kept")

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert (found.error, found.unexplained) == (False, False)
    assert names(found) == {
        "netlab_outcome": "fail",
        "netlab_evidence": str(tmp_path / "kept" / "ping"),
    }
    assert (tmp_path / "kept" / "ping" / "verdict.json").is_file()


def test_own_assertion_about_packets_that_differ(netlab: Netlab, lab: FakeLab) -> None:
    """An assertion that failed before the check is explained by the packets."""
    lab.wire.nat.masquerade = False
    play(netlab, check=False)

    found = outcome.of(AssertionError("table"), netlab, node=NODE, keep=None)

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert (found.error, found.unexplained) == (False, True)


@pytest.mark.parametrize("check", [True, False])
def test_own_assertion_about_packets_that_match(
    netlab: Netlab,
    tmp_path: Path,
    check: bool,  # noqa: FBT001 - a switch
) -> None:
    """An assertion that the packets do not explain is pytest's to tell."""
    play(netlab, check=check)
    kept = tmp_path / "kept"

    found = outcome.of(AssertionError("page"), netlab, node=NODE, keep=kept)

    assert found is not None
    assert (found.text, found.error, found.unexplained) == ("", False, True)
    assert names(found) == {
        "netlab_outcome": "fail",
        "netlab_evidence": str(kept / "ping"),
    }


def test_own_assertion_without_golden(lab: FakeLab, tmp_path: Path) -> None:
    """Without a golden an assertion of the test's own stays what it is."""
    netlab = Netlab(lab, Scenario(id="ping"), Store(tmp_path))
    play(netlab, check=False)

    found = outcome.of(AssertionError("table"), netlab, node=NODE, keep=None)

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
    netlab: Netlab,
    tmp_path: Path,
    error: NetlabError,
    is_error: bool,  # noqa: FBT001 - a table
) -> None:
    """What prevented a verdict is told as it is, with what evidence there is."""
    found = outcome.of(error, netlab, node=NODE, keep=tmp_path / "kept")

    assert found is not None
    assert found.text == f"{error}\nevidence   {tmp_path / 'kept' / 'ping'}"
    assert found.error is is_error
    assert not found.unexplained
    assert names(found)["netlab_outcome"] == ("error" if is_error else "fail")


def test_lab_that_never_was() -> None:
    """Without a lab there is the error, and nothing to keep."""
    found = outcome.of(LabError("no dockerd"), None, node=NODE, keep=None)

    assert found is not None
    assert (found.text, found.error) == ("no dockerd", True)


@pytest.mark.parametrize("error", [None, AssertionError("x")])
def test_nothing_to_say(error: AssertionError | None) -> None:
    """A test without a lab that broke nothing of ours is not for us to report."""
    assert outcome.of(error, None, node=NODE, keep=None) is None


def test_never_captured(netlab: Netlab) -> None:
    """A test that passed without a capture has no verdict."""
    assert outcome.of(None, netlab, node=NODE, keep=None) is None


def broken_state(_: FakeLab) -> None:
    """Fail as a lab does whose host is gone."""
    raise LabError("the host is gone")


def full_disk(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError("no space")


TROUBLES = [(FakeLab, "snapshot", broken_state), (bundle, "write", full_disk)]


@pytest.mark.parametrize("trouble", TROUBLES, ids=["lab", "disk"])
def test_evidence_that_cannot_be_kept(
    netlab: Netlab,
    lab: FakeLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: tuple[object, str, Callable[..., None]],
) -> None:
    """Trouble with the evidence is told, and does not hide the verdict."""
    lab.wire.nat.masquerade = False
    error = failure(netlab)
    netlab.judged_on = {}
    monkeypatch.setattr(*trouble)

    found = outcome.of(error, netlab, node=NODE, keep=tmp_path / "kept")

    assert found is not None
    assert found.text.startswith("ping FAILED: leaked")
    assert "\nno evidence was kept: " in found.text
    assert "netlab_evidence" not in names(found)


LACKS = LabUnavailableError("c1: no program 'ping' on this machine")


@pytest.mark.parametrize("error", [LACKS, LabError("broken")], ids=["lacks", "broken"])
def test_half_trace_is_not_judged(
    netlab: Netlab, tmp_path: Path, error: LabError
) -> None:
    """Packets of a body that the lab could not serve differ, and mean nothing."""
    with pytest.raises(LabError), netlab.capture():
        raise error
    pending = PendingStore(tmp_path / "pending")

    found = outcome.of(error, netlab, node=NODE, keep=None, pending=pending)

    assert found is not None
    assert (found.text, found.error) == (str(error), True)
    assert names(found) == {"netlab_outcome": "error"}
    assert not (tmp_path / "pending").exists()
