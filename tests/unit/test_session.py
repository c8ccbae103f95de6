"""A scenario's author sees what the docs promise, and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import CommandError, GoldenError, LabUnavailableError
from pytest_netlab.replay import Finding, Result
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from pytest_netlab.lab.backends.fake import FakeLab

DOCS = Path(__file__).parents[2] / "docs" / "scenarios.md"


@pytest.fixture
def run(lab: FakeLab, tmp_path: Path) -> ScenarioRun:
    """Return a run of a scenario without a golden."""
    return ScenarioRun(lab, Scenario(id="ping"), Store(tmp_path))


@pytest.fixture
def netlab(run: ScenarioRun) -> Netlab:
    """Return what its author sees of it."""
    return Netlab(run)


def test_nothing_else() -> None:
    """What a scenario can use is in its author's documentation, and the other way."""
    table = (
        DOCS.read_text().partition("## What the fixture gives")[2].partition("##")[0]
    )
    nodes = {"host", "web"}  # c1 and the others stand without `netlab.`
    promised = set(re.findall(r"`netlab\.(\w+)", table)) - nodes
    offered = {name for name in vars(Netlab) if not name.startswith("_")}

    assert offered == promised == {"capture", "check", "docker", "facts", "replay"}


def test_nodes(netlab: Netlab, lab: FakeLab) -> None:
    """The lab's nodes are attributes; what is no node is told with those that are."""
    assert netlab.c1 is lab.nodes["c1"]
    words = "no node 'c9'; the lab has host, c1, c2, c3, web"
    with pytest.raises(AttributeError, match=words):
        _ = netlab.c9


def test_host(netlab: Netlab, lab: FakeLab) -> None:
    """What a scenario may ask about the host is what the lab says."""
    assert netlab.facts == lab.facts
    with pytest.raises(LabUnavailableError):
        _ = netlab.docker


def test_capture_and_check(netlab: Netlab, run: ScenarioRun) -> None:
    """A trace is captured, and checked by the scenario's golden."""
    with netlab.capture("docker0") as trace:
        netlab.c1.run("ping", netlab.host01.address)

    assert run.trace is trace
    assert [one.name for one in trace.capture.interfaces] == ["docker0"]
    with pytest.raises(GoldenError, match="no golden for scenario 'ping'"):
        netlab.check(trace)


def test_replay(netlab: Netlab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is played is checked packet by packet, unless the author does that."""
    lost = Finding(flow="udp c1 -> host01:53", packet=1, what="lost")
    played = Result(flows=(), findings=[lost], seconds=0.0)
    monkeypatch.setattr(ScenarioRun, "replay", lambda *_, **__: played)

    with pytest.raises(CommandError, match=r"replay of x.pcap: .* packet 1 of udp"):
        netlab.replay("x.pcap", client="c1", server="host01")
    assert netlab.replay("x.pcap", client="c1", server="host01", check=False) is played
