"""Scenario, lab and golden make a verdict; a capture is judged whatever happens."""

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
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.fake import FakeLab, FakeTap
from pytest_netlab.runner import Netlab, Trace
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.runner import Update

SCENARIO = Scenario(id="ping-beyond", description="A ping leaves.")


@pytest.fixture
def lab() -> FakeLab:
    """Return a lab in memory."""
    return FakeLab(LabOptions())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a folder without goldens."""
    return Store(tmp_path)


@pytest.fixture
def netlab(lab: FakeLab, store: Store) -> Netlab:
    """Return the lab as one scenario sees it."""
    return Netlab(lab, SCENARIO, store)


@pytest.fixture
def recorded(lab: FakeLab, store: Store) -> Netlab:
    """Return what recorded the scenario's golden."""
    updating = Netlab(lab, SCENARIO, store, update="all")
    updating.check(ping(updating))
    return updating


def ping(netlab: Netlab, *points: str, check: bool = True) -> Trace:
    """Play the scenario."""
    with netlab.capture(*points) as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address, check=check)
    return trace


def test_nodes(netlab: Netlab, lab: FakeLab) -> None:
    """The lab's nodes are attributes; what is no node is told with those that are."""
    assert netlab.c1 is lab.nodes["c1"]
    words = "no node 'c9'; the lab has host, c1, c2, c3, web"
    with pytest.raises(AttributeError, match=words):
        _ = netlab.c9


def test_lab_is_reset_first(lab: FakeLab, store: Store) -> None:
    """Every scenario starts without a mapping of the one before."""
    ping(Netlab(lab, SCENARIO, store))
    Netlab(lab, SCENARIO, store)

    assert lab.wire.nat == type(lab.wire.nat)(
        subnet=lab.wire.nat.subnet,
        address=lab.wire.nat.address,
        published=lab.wire.nat.published,
    )


def test_facts_and_state(netlab: Netlab, lab: FakeLab) -> None:
    """What a scenario may ask about the host is what the lab says."""
    assert netlab.facts == lab.facts
    assert netlab.state() == lab.snapshot().files
    with pytest.raises(LabUnavailableError):
        _ = netlab.docker


def test_trace(netlab: Netlab) -> None:
    """A trace tells its packets as a table, the rewrites in symbols, and both raw."""
    trace = ping(netlab)

    assert trace.table == [
        ("docker0", "c1", "host01", "echo request", 64),
        ("uplink", "host", "host01", "echo request", 63),
        ("uplink", "host01", "host", "echo reply", 64),
        ("docker0", "host01", "c1", "echo reply", 63),
    ]
    assert trace.rewrites("icmp") == [("snat", "c1", "host")]
    assert trace.rewrites("tcp") == []
    assert len(trace.translations.flows) == len(trace.story.flows) == 1
    assert len(trace.capture) == 8  # four canaries


def test_rewrites(netlab: Netlab, lab: FakeLab) -> None:
    """For dnat the destination before and after is told, for a proxy the client."""
    url = f"http://{netlab.host.address}:81/"
    with netlab.capture() as translated:
        netlab.host01.run("curl", url)
    lab.proxy, lab.wire.nat.published = True, {}
    lab.reset()
    with netlab.capture() as proxied:
        netlab.host01.run("curl", url)

    assert translated.rewrites("tcp") == [("dnat", "host:81", "web:80")]
    assert proxied.rewrites("tcp") == [("proxied", "host01", "bridge")]


def test_untranslated_is_no_rewrite(netlab: Netlab) -> None:
    """A flow that was not rewritten has no rewrite."""
    with netlab.capture() as trace:
        netlab.c1.run("ping", netlab.host.address)

    assert trace.rewrites("icmp") == []


def test_trace_inside_its_block(netlab: Netlab) -> None:
    """A trace that is still being captured tells to leave the block."""
    with netlab.capture() as trace, pytest.raises(LabError, match="leave the with"):
        _ = trace.capture


def test_points(netlab: Netlab) -> None:
    """A capture is on the points it names, all of them by default."""
    one, both = ping(netlab, "docker0"), ping(netlab)

    assert [i.name for i in one.capture.interfaces] == ["docker0"]
    assert [i.name for i in both.capture.interfaces] == ["docker0", "uplink"]


def test_unknown_point(netlab: Netlab) -> None:
    """A point that is none is told with those that are."""
    words = "no capture point 'eth0'; there are docker0, uplink"
    with pytest.raises(LabError, match=words), netlab.capture("docker0", "eth0"):
        pass


@pytest.mark.usefixtures("recorded")
def test_pass(netlab: Netlab) -> None:
    """A run like the golden passes, on whatever id and port."""
    trace = ping(netlab)
    assert netlab.unjudged is trace

    netlab.check(trace)

    assert netlab.verdict is not None
    assert (netlab.verdict.outcome, netlab.verdict.cause) == ("pass", "")
    assert netlab.verdict.observed == netlab.verdict.expected
    assert netlab.unjudged is None
    assert netlab.recorded is None


@pytest.mark.usefixtures("recorded")
def test_fail(netlab: Netlab, lab: FakeLab) -> None:
    """A run that differs is a failed assertion that carries its verdict."""
    lab.wire.nat.masquerade = False
    lab.facts = {"engine": "another"}
    trace = ping(netlab)

    with pytest.raises(
        ScenarioFailedError, match=r"ping-beyond: leaked, \d+ diff"
    ) as e:
        netlab.check(trace)

    verdict = e.value.verdict
    assert isinstance(e.value, AssertionError)
    assert verdict is netlab.verdict
    assert (verdict.outcome, verdict.cause) == ("fail", "leaked")
    assert verdict.host.settings == {"engine": ("fake", "another")}
    assert netlab.unjudged is trace


def test_missing_golden(netlab: Netlab) -> None:
    """Without a golden there is no verdict."""
    with pytest.raises(GoldenError, match="no golden for scenario"):
        netlab.check(ping(netlab))

    assert netlab.verdict is None


def test_record(recorded: Netlab, store: Store) -> None:
    """An update records what was seen, with description and provenance."""
    assert recorded.recorded == store.folder("ping-beyond")
    assert recorded.verdict is not None
    assert recorded.verdict.outcome == "recorded"
    golden = store.load("ping-beyond")
    assert golden.provenance == {"engine": "fake", "ruleset": ""}
    assert golden.story == recorded.verdict.observed


@pytest.mark.usefixtures("recorded")
def test_record_again(lab: FakeLab, store: Store) -> None:
    """An update that sees the same is a pass and records nothing."""
    again = Netlab(lab, SCENARIO, store, update="all")
    again.check(ping(again))

    assert again.verdict is not None
    assert again.verdict.outcome == "pass"
    assert again.recorded is None


@pytest.mark.usefixtures("recorded")
def test_command_that_fails_is_judged_first(netlab: Netlab, lab: FakeLab) -> None:
    """A command without answer is told as what the packets show."""
    lab.wire.forwarding = False

    with pytest.raises(ScenarioFailedError, match="not forwarded"):
        ping(netlab)


@pytest.mark.usefixtures("recorded")
def test_command_that_fails_though_packets_are_right(netlab: Netlab) -> None:
    """A command that fails while the packets match is the command's failure."""

    def scenario() -> None:
        with netlab.capture():
            netlab.c1.run("ping", "-c", "1", netlab.host01.address)
            raise CommandError("wrong page")

    with pytest.raises(CommandError, match="wrong page"):
        scenario()
    assert netlab.verdict is not None
    assert netlab.verdict.outcome == "pass"


def test_command_that_fails_while_recording(lab: FakeLab, store: Store) -> None:
    """A run whose command fails records no golden."""
    lab.wire.forwarding = False

    with pytest.raises(CommandError, match="got no answer"):
        ping(Netlab(lab, SCENARIO, store, update="all"))
    assert list(store.root.iterdir()) == []


@pytest.mark.usefixtures("recorded")
def test_exception_inside_the_block(netlab: Netlab) -> None:
    """A scenario's own failure goes through, and its packets are kept."""

    def scenario() -> None:
        with netlab.capture():
            netlab.c1.run("ping", netlab.host01.address)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scenario()
    assert netlab.trace is netlab.unjudged
    assert netlab.trace is not None
    assert len(netlab.trace.story.flows) == 1


def test_interrupt_inside_the_block(
    netlab: Netlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C gives the capture up instead of waiting for its end."""
    closed: list[str] = []
    monkeypatch.setattr(FakeTap, "close", lambda _: closed.append("closed"))
    monkeypatch.delattr(FakeTap, "stop")

    with pytest.raises(KeyboardInterrupt), netlab.capture():
        raise KeyboardInterrupt

    assert closed == ["closed"]
    assert netlab.trace is None


@pytest.mark.parametrize("point", ["docker0", "uplink"])
@pytest.mark.usefixtures("recorded")
def test_blind(netlab: Netlab, lab: FakeLab, point: str) -> None:
    """A capture that cannot prove that it saw is an error, even where nothing is."""
    lab.blind = {point}

    words = f"{point}: the canary was not seen"
    with pytest.raises(BlindCaptureError, match=words), netlab.capture():
        pass
    assert netlab.unjudged is None


@pytest.mark.usefixtures("recorded")
def test_point_that_was_not_captured(netlab: Netlab) -> None:
    """A point at which nobody looked is not a point at which nothing was."""
    with pytest.raises(ScenarioFailedError) as failed:
        netlab.check(ping(netlab, "docker0"))

    assert "point" in [d.field for d in failed.value.verdict.differences]


@pytest.mark.usefixtures("recorded")
def test_cause_without_a_named_one(netlab: Netlab) -> None:
    """Where no rule knows the cause, the first field that differs stands for it."""
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c", "2", netlab.host01.address)

    verdict = netlab.judge(trace)

    assert verdict.cause == "packet differs"
    assert verdict.host.settings == {}


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
    netlab = Netlab(mortal, SCENARIO, store, update=update)

    with pytest.raises(LabError, match="it died"), netlab.capture():
        mortal.death = "it died"

    assert netlab.trace is not None
    assert netlab.unjudged is None
    with pytest.raises(LabError, match="it died"):
        netlab.check(netlab.trace)
    assert not store.has(SCENARIO.id, {})


def test_engine_that_dies_under_a_command(mortal: MortalLab, store: Store) -> None:
    """Its death is told, and not the command that failed by it."""
    netlab = Netlab(mortal, SCENARIO, store)

    with pytest.raises(LabError, match="it died"), netlab.capture():
        mortal.kill(CommandError("ping got no answer"))


def test_engine_that_dies_before_the_verdict(mortal: MortalLab, store: Store) -> None:
    """What was captured whole is not judged after its death, and not recorded."""
    netlab = Netlab(mortal, SCENARIO, store, update="all")
    trace = ping(netlab)
    mortal.death = "it died"

    with pytest.raises(LabError, match="it died"):
        netlab.check(trace)
    assert netlab.unjudged is None
    assert not store.has(SCENARIO.id, {})


def test_death_tells_why_a_capture_is_blind(mortal: MortalLab, store: Store) -> None:
    """A capture that an engine's death made blind names the death."""
    netlab = Netlab(mortal, SCENARIO, store)

    with pytest.raises(LabError, match="it died"), netlab.capture():
        mortal.kill(blind="uplink")


def test_no_scenario_begins_on_a_dead_engine(mortal: MortalLab, store: Store) -> None:
    """Those that follow in the lab are told before anything else."""
    mortal.death = "it died"

    with pytest.raises(LabError, match="it died"):
        Netlab(mortal, SCENARIO, store)
