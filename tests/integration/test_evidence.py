"""Real failures leave bundles that say the same without root, Docker or a lab."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenarios = Callable[..., pytest.RunResult]

FAULTS = {
    "leaked": "host.run('iptables', '-t', 'nat', '-F', 'POSTROUTING')",
    "forwarding": "host.run('sysctl', '-w', 'net.ipv4.ip_forward=0')",
    "jump": "host.run(*'iptables -t nat -D PREROUTING -m addrtype --dst-type LOCAL "
    "-j DOCKER'.split())",
    "none": "pass",
}
NAMES = ("ping-beyond", "ping-host", "published-web")


def told(result: pytest.RunResult) -> list[str]:
    """Return the failure texts of a run: no folders, no commands to type next."""
    found: list[str] = []
    is_verdict = False
    for text in result.outlines:
        is_verdict |= " FAILED: " in text
        is_verdict &= not text.startswith(("evidence", "____", "----"))
        found += [text] * is_verdict
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_judged_again(
    scenarios: Scenarios,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    """Verdicts, causes and texts are those of the live run, without capabilities."""
    chosen = ("-k", "ping_beyond or ping_host or published_web")
    live = scenarios(*chosen, "--netlab-artifacts=live", fault=FAULTS[fault])
    setpriv = str(shutil.which("setpriv"))
    monkeypatch.setenv("PATH", "/nonexistent")
    again = pytester.run(
        *(setpriv, "--bounding-set=-all", "--inh-caps=-all", sys.executable),
        *("-m", "pytest", "--import-mode=importlib", "-m", "netlab", *chosen),
        *("--netlab-strict", "--pyargs", "pytest_netlab.scenarios"),
        *("--netlab-offline=live", "--netlab-artifacts=again"),
    )

    assert live.parseoutcomes() == again.parseoutcomes()
    assert bool(told(live)) is (fault != "none")
    assert told(live) == told(again)
    for name in NAMES:
        paths = [pytester.path / run / name for run in ("live", "again")]
        was, now = (json.loads((p / "verdict.json").read_text()) for p in paths)
        assert was == now
        assert (paths[0] / "story.txt").read_text() == (
            paths[1] / "story.txt"
        ).read_text()


def test_host_state(scenarios: Scenarios, pytester: pytest.Pytester) -> None:
    """Evidence has the events of the scenario's connections, rules, and versions."""
    scenarios("-k", "ping_beyond or published_web", "--netlab-artifacts=kept")

    host = pytester.path / "kept" / "ping-beyond" / "host"
    every = (host / "conntrack-events.txt").read_text().splitlines()
    events = [line for line in every if " icmp " in line]  # IGMP comes when it likes
    assert events[0].startswith("    [NEW] icmp src=172.17.0.2 dst=172.16.211.1 ")
    assert "dst=172.16.211.128" in events[0].split(" src=")[2]
    web = (pytester.path / "kept" / "published-web" / "host").joinpath
    texts = web("conntrack-events.txt").read_text()
    assert "[NEW] tcp src=172.16.211.1 dst=172.16.211.128 " in texts
    assert "src=172.17.0.5 dst=172.16.211.1 " in texts
    assert "[UPDATE]" in texts
    assert (
        "MASQUERADE"
        in (host / "iptables-nft.txt").read_text()
        + (host / "iptables-legacy.txt").read_text()
    )
    assert "dockerd: Docker version" in (host / "versions.txt").read_text()
