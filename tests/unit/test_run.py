"""A scenario on a lab comes to a verdict; a capture is judged whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    GoldenError,
    LabError,
    LabUnavailableError,
)
from pytest_netlab.evidence import Stored
from pytest_netlab.host.snapshot import Snapshot
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.backends.fake import FakeLab, FakeTap
from pytest_netlab.lab.backends.stored import StoredLab
from pytest_netlab.masking import Mask
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import PendingStore, Store

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.captured import Trace
    from pytest_netlab.recorder import Update

SCENARIO = Scenario(id="ping-beyond", description="A ping leaves.")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a folder without goldens."""
    return Store(tmp_path)


@pytest.fixture
def run(lab: FakeLab, store: Store) -> ScenarioRun:
    """Return a run of the scenario."""
    return ScenarioRun(lab, SCENARIO, store)


@pytest.fixture
def recorded(lab: FakeLab, store: Store) -> ScenarioRun:
    """Return what recorded the scenario's golden."""
    updating = ScenarioRun(lab, SCENARIO, store, update="all")
    updating.check(ping(updating))
    return updating


def ping(run: ScenarioRun, *points: str, check: bool = True) -> Trace:
    """Play the scenario."""
    nodes = run.lab.nodes
    with run.capture(*points) as trace:
        nodes["c1"].run("ping", "-c", "1", nodes["host01"].address, check=check)
    return trace


def fail(run: ScenarioRun, error: Exception) -> None:
    """Play the scenario, and fail inside its capture."""
    nodes = run.lab.nodes
    with run.capture():
        nodes["c1"].run("ping", "-c", "1", nodes["host01"].address)
        raise error


def test_lab_is_reset_first(lab: FakeLab, store: Store) -> None:
    """Every scenario starts without a mapping of the one before."""
    ping(ScenarioRun(lab, SCENARIO, store))
    ScenarioRun(lab, SCENARIO, store)

    assert lab.wire.nat == type(lab.wire.nat)(
        subnet=lab.wire.nat.subnet,
        address=lab.wire.nat.address,
        published=lab.wire.nat.published,
    )


def test_points(run: ScenarioRun) -> None:
    """A capture is on the points it names, all of them by default."""
    one, both = ping(run, "docker0"), ping(run)

    assert [i.name for i in one.capture.interfaces] == ["docker0"]
    assert [i.name for i in both.capture.interfaces] == ["docker0", "uplink"]


def test_unknown_point(run: ScenarioRun) -> None:
    """A point that is none is told with those that are."""
    words = "no capture point 'eth0'; there are docker0, uplink"
    with pytest.raises(LabError, match=words), run.capture("docker0", "eth0"):
        pass


@pytest.mark.usefixtures("recorded")
def test_pass(run: ScenarioRun) -> None:
    """A run like the golden passes, on whatever id and port."""
    run.check(ping(run))

    assert run.verdict is not None
    assert (run.verdict.outcome, run.verdict.cause) == ("pass", "")
    assert run.verdict.observed == run.verdict.expected
    assert run.recorded is None


@pytest.mark.usefixtures("recorded")
def test_fail(run: ScenarioRun, lab: FakeLab) -> None:
    """A run that differs is a failed assertion that carries its verdict."""
    lab.wire.nat.masquerade = False
    lab.facts = {"engine": "another"}
    trace = ping(run)

    with pytest.raises(
        ScenarioFailedError, match=r"ping-beyond: leaked, \d+ diff"
    ) as e:
        run.check(trace)

    verdict = e.value.verdict
    assert isinstance(e.value, AssertionError)
    assert verdict is run.verdict
    assert (verdict.outcome, verdict.cause) == ("fail", "leaked")
    assert verdict.host.settings == {"engine": ("fake", "another")}


def test_missing_golden(run: ScenarioRun) -> None:
    """Without a golden there is no verdict."""
    with pytest.raises(GoldenError, match="no golden for scenario"):
        run.check(ping(run))

    assert run.verdict is None


def test_record(recorded: ScenarioRun, store: Store) -> None:
    """An update records what was seen, with description and provenance."""
    assert recorded.recorded == store.folder("ping-beyond")
    assert recorded.verdict is not None
    assert recorded.verdict.outcome == "recorded"
    golden = store.load("ping-beyond")
    assert golden.provenance == {"engine": "fake"}
    assert golden.canonical == recorded.verdict.observed


class CommentedLab(FakeLab):
    """A lab one of whose rules tells a secret in its comment."""

    def snapshot(self) -> Snapshot:
        """Return the rule."""
        rule = '-A FORWARD -m comment --comment "hunter2-hunter2" -j ACCEPT'
        return Snapshot(files={"iptables.txt": f"*filter\n{rule}\n"})


def test_record_without_secrets(store: Store) -> None:
    """A golden is committed: what is secret of the host's rules is not in it."""
    mask, lab = Mask({"A_TOKEN": "hunter2-hunter2"}), CommentedLab(LabOptions())
    recording = ScenarioRun(lab, SCENARIO, store, update="all", mask=mask)

    recording.check(ping(recording))

    rules = store.load("ping-beyond").provenance["ruleset"]
    assert rules == 'filter -A FORWARD -m comment --comment "***" -j ACCEPT'


@pytest.mark.usefixtures("recorded")
def test_record_again(lab: FakeLab, store: Store) -> None:
    """An update that sees the same is a pass and records nothing."""
    again = ScenarioRun(lab, SCENARIO, store, update="all")
    again.check(ping(again))

    assert again.verdict is not None
    assert again.verdict.outcome == "pass"
    assert again.recorded is None


@pytest.mark.usefixtures("recorded")
def test_command_that_fails_is_judged_first(run: ScenarioRun, lab: FakeLab) -> None:
    """A command without answer is told as what the packets show."""
    lab.wire.forwarding = False

    with pytest.raises(ScenarioFailedError, match="not forwarded"):
        ping(run)


@pytest.mark.usefixtures("recorded")
def test_command_that_fails_though_packets_are_right(run: ScenarioRun) -> None:
    """A command that fails while the packets match is the command's failure."""
    with pytest.raises(CommandError, match="wrong page"):
        fail(run, CommandError("wrong page"))

    assert run.verdict is not None
    assert run.verdict.outcome == "pass"


def test_command_that_fails_while_recording(lab: FakeLab, store: Store) -> None:
    """A run whose command fails records no golden."""
    lab.wire.forwarding = False

    with pytest.raises(CommandError, match="got no answer"):
        ping(ScenarioRun(lab, SCENARIO, store, update="all"))
    assert list(store.root.iterdir()) == []


@pytest.mark.usefixtures("recorded")
def test_exception_inside_the_block(run: ScenarioRun) -> None:
    """A scenario's own failure goes through, and its packets are kept."""
    with pytest.raises(ZeroDivisionError):
        fail(run, ZeroDivisionError())

    assert run.trace is not None
    assert len(run.trace.canonical.flows) == 1


def test_interrupt_inside_the_block(
    run: ScenarioRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C gives the capture up instead of waiting for its end."""
    closed: list[str] = []
    monkeypatch.setattr(FakeTap, "close", lambda _: closed.append("closed"))
    monkeypatch.delattr(FakeTap, "stop")

    with pytest.raises(KeyboardInterrupt), run.capture():
        raise KeyboardInterrupt

    assert closed == ["closed"]
    assert run.trace is None


@pytest.mark.parametrize("point", ["docker0", "uplink"])
@pytest.mark.usefixtures("recorded")
def test_blind(run: ScenarioRun, lab: FakeLab, point: str) -> None:
    """A capture that cannot prove that it saw is an error, even where nothing is."""
    lab.blind = {point}

    words = f"{point}: the canary was not seen"
    with pytest.raises(BlindCaptureError, match=words), run.capture():
        pass


@pytest.mark.usefixtures("recorded")
def test_blind_after_another(run: ScenarioRun, lab: FakeLab) -> None:
    """What an earlier capture saw does not stand for one that broke."""
    lab.wire.nat.masquerade = False
    ping(run)
    lab.blind = {"uplink"}

    with pytest.raises(BlindCaptureError), run.capture():
        pass

    assert run.trace is None
    assert run.conclude(AssertionError("wrong page")) is None


@pytest.mark.usefixtures("recorded")
def test_point_that_was_not_captured(run: ScenarioRun) -> None:
    """A point at which nobody looked is not a point at which nothing was."""
    with pytest.raises(ScenarioFailedError) as failed:
        run.check(ping(run, "docker0"))

    assert "point" in [d.field for d in failed.value.verdict.differences]


@pytest.mark.usefixtures("recorded")
def test_conclude_a_pass(run: ScenarioRun) -> None:
    """A test that ended well has the verdict it asked for, if it asked for one."""
    assert run.conclude(None) is None

    run.check(ping(run))

    assert run.conclude(None) is run.verdict


@pytest.mark.usefixtures("recorded")
def test_conclude_what_was_not_judged(run: ScenarioRun, lab: FakeLab) -> None:
    """Packets that nobody asked about may say why a test failed."""
    lab.wire.nat.masquerade = False
    ping(run)

    verdict = run.conclude(AssertionError("wrong page"))

    assert verdict is not None
    assert verdict.cause == "leaked"
    assert run.conclude(CommandError("no answer")) is not None


@pytest.mark.usefixtures("recorded")
def test_conclude_what_was_judged(run: ScenarioRun, lab: FakeLab) -> None:
    """A verdict that a test has caught is still why it fails; a pass is not."""
    trace = ping(run)
    run.check(trace)
    assert run.conclude(AssertionError("wrong page")) is None

    lab.wire.nat.masquerade = False
    with pytest.raises(ScenarioFailedError):
        run.check(ping(run))

    assert run.conclude(AssertionError("wrong page")) == run.verdict


@pytest.mark.parametrize("error", [LabError("broken"), LabUnavailableError("lacks")])
@pytest.mark.usefixtures("recorded")
def test_conclude_half_a_trace(run: ScenarioRun, lab: FakeLab, error: LabError) -> None:
    """What a lab that broke, or lacks something, left of a trace means nothing."""
    lab.wire.nat.masquerade = False
    ping(run)

    assert run.conclude(error) is None


@pytest.mark.usefixtures("recorded")
def test_conclude_right_packets(run: ScenarioRun) -> None:
    """Packets that are right explain no failure."""
    ping(run)

    assert run.conclude(AssertionError("wrong page")) is None


def test_conclude_without_a_golden(run: ScenarioRun) -> None:
    """Trouble with judging does not hide what the test itself says."""
    ping(run)

    assert run.conclude(AssertionError("wrong page")) is None


@pytest.mark.usefixtures("recorded")
def test_survey(run: ScenarioRun, lab: FakeLab) -> None:
    """A trace can be judged without its golden, by what no scenario may show."""
    lab.wire.nat.masquerade = False
    trace = ping(run)

    assert run.judge(trace).outcome == "fail"
    found = run.survey(trace)
    assert (found.scenario, found.expected) == ("ping-beyond", None)
    assert "leaked" not in [d.field for d in found.differences]


@pytest.mark.usefixtures("recorded")
def test_state_is_of_the_verdict(run: ScenarioRun, lab: FakeLab) -> None:
    """The host's state is the one it was judged by; another capture forgets it."""
    lab.wire.nat.masquerade = False
    run.judge(ping(run))
    then = lab.snapshot().files
    lab.wire.nat.masquerade = True

    assert run.state() == then
    ping(run)
    assert run.state() == lab.snapshot().files != then


@pytest.mark.usefixtures("recorded")
def test_propose(run: ScenarioRun, lab: FakeLab, tmp_path: Path) -> None:
    """What was judged last is proposed, and nothing before anything was."""
    pending = PendingStore(tmp_path / "pending")
    assert run.propose(pending, "test_ping", None) is None

    lab.wire.nat.masquerade = False
    verdict = run.judge(ping(run))
    folder = run.propose(pending, "test_ping", verdict)

    assert folder == tmp_path / "pending" / "ping-beyond"
    proposed = pending.load("ping-beyond", tmp_path).proposed
    assert proposed.canonical == verdict.observed
    assert proposed.provenance == {"engine": "fake"}


def stored_as(trace: Trace, failure: str = "") -> Stored:
    """Return a run that is over."""
    return Stored(capture=trace.capture, failure=failure)


@pytest.mark.usefixtures("recorded")
def test_judge_stored(run: ScenarioRun, store: Store, lab: FakeLab) -> None:
    """Stored packets are judged as live ones are, without a lab."""
    same = stored_as(ping(run))
    lab.wire.nat.masquerade = False
    other = stored_as(ping(run))

    again = ScenarioRun(
        StoredLab(same.capture.names, same.facts, same.state), SCENARIO, store
    )
    again.judge_stored(same)
    assert again.verdict is not None
    assert again.verdict.outcome == "pass"

    again = ScenarioRun(
        StoredLab(other.capture.names, other.facts, other.state), SCENARIO, store
    )
    with pytest.raises(ScenarioFailedError, match="leaked"):
        again.judge_stored(other)
    assert again.trace is not None
    assert again.trace.capture is other.capture


@pytest.mark.usefixtures("recorded")
def test_judge_stored_that_failed_by_itself(run: ScenarioRun, store: Store) -> None:
    """A stored run that failed beside its packets stays red where these are right."""
    stored = stored_as(ping(run), failure="AssertionError: wrong page")

    with pytest.raises(CommandError, match=r"failed by: AssertionError: wrong page"):
        ScenarioRun(
            StoredLab(stored.capture.names, stored.facts, stored.state), SCENARIO, store
        ).judge_stored(stored)


class MortalLab(FakeLab):
    """A lab whose engine may die: `death` is what is said of it from then on."""

    death = ""

    def demand_engine(self) -> None:
        """Demand that it has not died."""
        if self.death:
            raise LabError(self.death)

    def kill(self, error: Exception | None = None, blind: str | None = None) -> None:
        """Let it die; a command fails by it, or a point sees nothing any more."""
        self.death = "it died"
        self.blind = {blind} if blind else set()
        if error is not None:
            raise error


@pytest.fixture
def mortal() -> MortalLab:
    """Return a lab with an engine that lives."""
    return MortalLab(LabOptions())


@pytest.mark.parametrize("update", ["none", "all"])
def test_engine_that_dies_while_capturing(
    update: Update, mortal: MortalLab, store: Store
) -> None:
    """There is no verdict and no golden, and nothing is judged later; packets stay."""
    run = ScenarioRun(mortal, SCENARIO, store, update=update)

    with pytest.raises(LabError, match="it died"), run.capture():
        mortal.death = "it died"

    assert run.trace is not None
    with pytest.raises(LabError, match="it died"):
        run.check(run.trace)
    assert not store.has(SCENARIO.id, {})


def test_engine_that_dies_under_a_command(mortal: MortalLab, store: Store) -> None:
    """Its death is told, and not the command that failed by it."""
    run = ScenarioRun(mortal, SCENARIO, store)

    with pytest.raises(LabError, match="it died"), run.capture():
        mortal.kill(CommandError("ping got no answer"))


def test_engine_that_dies_before_the_verdict(mortal: MortalLab, store: Store) -> None:
    """What was captured whole is not judged after its death, and not recorded."""
    run = ScenarioRun(mortal, SCENARIO, store, update="all")
    trace = ping(run)
    mortal.death = "it died"

    with pytest.raises(LabError, match="it died"):
        run.check(trace)
    assert not store.has(SCENARIO.id, {})


def test_death_tells_why_a_capture_is_blind(mortal: MortalLab, store: Store) -> None:
    """A capture that an engine's death made blind names the death."""
    run = ScenarioRun(mortal, SCENARIO, store)

    with pytest.raises(LabError, match="it died"), run.capture():
        mortal.kill(blind="uplink")


def test_no_scenario_begins_on_a_dead_engine(mortal: MortalLab, store: Store) -> None:
    """Those that follow in the lab are told before anything else."""
    mortal.death = "it died"

    with pytest.raises(LabError, match="it died"):
        ScenarioRun(mortal, SCENARIO, store)


def test_survey_of_what_crossed_no_point(run: ScenarioRun) -> None:
    """A replay between containers shows nothing, and that is not forbidden."""
    with run.capture() as trace:
        pass

    assert run.survey(trace).outcome == "pass"
