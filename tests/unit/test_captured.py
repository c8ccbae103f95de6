"""What one capture saw is a table, rewrites in symbols, and both raw."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    Packet,
    routed,
    two_points,
)

from pytest_netlab.captured import Trace
from pytest_netlab.errors import LabError
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from pytest_netlab.lab.backends.fake import FakeLab

ASKED = Tuple5(UDP, C1, 5000, HOST01, 53)
DOCS = Path(__file__).parents[2] / "docs" / "scenarios.md"


@pytest.fixture
def run(lab: FakeLab, tmp_path: Path) -> ScenarioRun:
    """Return a run of a scenario without a golden."""
    return ScenarioRun(lab, Scenario(id="ping-beyond"), Store(tmp_path))


def test_nothing_else() -> None:
    """What a trace has is in its author's documentation, and the other way."""
    promised = set(re.findall(r"^\| `trace\.(\w+)", DOCS.read_text(), re.MULTILINE))
    offered = {name for name in vars(Trace) if not name.startswith("_")}

    assert offered == promised


def test_trace(run: ScenarioRun) -> None:
    """A trace tells its packets as a table, the rewrites in symbols, and both raw."""
    nodes = run.lab.nodes
    with run.capture() as trace:
        nodes["c1"].run("ping", "-c", "1", nodes["host01"].address)

    assert trace.table == [
        ("docker0", "c1", "host01", "echo request", 64),
        ("uplink", "host", "host01", "echo request", 63),
        ("uplink", "host01", "host", "echo reply", 64),
        ("docker0", "host01", "c1", "echo reply", 63),
    ]
    assert trace.rewrites("icmp") == [("snat", "c1", "host")]
    assert trace.rewrites("tcp") == []
    assert len(trace.translations.flows) == len(trace.canonical.flows) == 1
    assert len(trace.capture) == 8  # four canaries


def test_rewrites(run: ScenarioRun, lab: FakeLab) -> None:
    """For dnat the destination before and after is told, for a proxy the client."""
    url = f"http://{lab.nodes['host'].address}:81/"
    with run.capture() as translated:
        lab.nodes["host01"].run("curl", url)
    lab.proxy, lab.wire.nat.published = True, {}
    lab.reset()
    with run.capture() as proxied:
        lab.nodes["host01"].run("curl", url)

    assert translated.rewrites("tcp") == [("dnat", "host:81", "web:80")]
    assert proxied.rewrites("tcp") == [("proxied", "host01", "bridge")]


def test_untranslated_is_no_rewrite(run: ScenarioRun) -> None:
    """A flow that was not rewritten has no rewrite."""
    nodes = run.lab.nodes
    with run.capture() as trace:
        nodes["c1"].run("ping", nodes["host"].address)

    assert trace.rewrites("icmp") == []


def test_trace_inside_its_block(run: ScenarioRun) -> None:
    """A trace that is still being captured tells to leave the block."""
    with run.capture() as trace, pytest.raises(LabError, match="leave the with"):
        _ = trace.capture


def test_stored(run: ScenarioRun) -> None:
    """A capture that is there already is a trace as well."""
    with run.capture() as trace:
        pass

    assert Trace(trace.capture).capture is trace.capture


def test_lost() -> None:
    """A packet that one point only saw, by its number in the capture."""
    sent = [
        Packet(key=ASKED, data=b"%d" % n, ip_id=n + 1, direction=IN) for n in range(3)
    ]
    crossed = [routed(one, ASKED._replace(src=HOST)) for one in sent]
    seen = [
        one
        for here, there in zip(sent, crossed, strict=True)
        for one in ((INSIDE, here), (OUTSIDE, there))
    ]
    whole, lossy = two_points(seen), two_points([*seen[:3], *seen[4:]])

    assert Trace(whole).lost == []
    assert Trace(lossy).lost == [
        ("docker0", "udp 172.17.0.2.5000 > 172.16.211.1.53", "lost", [3])
    ]
