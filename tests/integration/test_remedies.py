"""A remedy that is printed mends the host when it is typed there, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.integration.test_causes import large_ping, ping, web

from pytest_netlab.report.next_steps import IN_LAB, remedies
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_netlab.judge import Verdict
    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Traffic = Callable[[Netlab], None]

QUOTED = """-m comment --comment "don't \\$(reboot); 'go'" """
FAULTS = {
    "forwarding": (ping, "sysctl -w net.ipv4.ip_forward=0"),
    "the user's chain": (ping, "iptables -I DOCKER-USER -j DROP"),
    "an end": (web, "iptables -I DOCKER-USER -s 172.16.211.1 -p tcp -j REJECT"),
    "another table": (ping, f"iptables -t mangle -I FORWARD {QUOTED} -j DROP"),
    "no masquerade": (ping, "iptables -t nat -I POSTROUTING -p icmp -j ACCEPT"),
    "another target": (
        web,
        "iptables -t nat -I PREROUTING -p tcp --dport 81 -j DNAT --to 172.17.0.4:80",
    ),
    "ttl": (ping, "iptables -t mangle -A POSTROUTING -p icmp -j TTL --ttl-inc 2"),
    "black hole": (
        large_ping,
        "iptables -t mangle -I FORWARD -m length --length 1000:65535 -j DROP",
    ),
}


def judged(lab: DockerLab, store: Store, traffic: Traffic, *, new: bool) -> Verdict:
    """Judge traffic, or record its golden first."""
    run = ScenarioRun(lab, Scenario(id="it"), store, update="all" if new else "none")
    with run.capture() as trace:
        traffic(Netlab(run))
    if new:
        run.check(trace)
    return run.judge(trace)


@pytest.mark.parametrize("fault", FAULTS)
def test_remedy(lab: DockerLab, tmp_path: Path, fault: str) -> None:
    """What mends is printed of each, and afterwards the host is as it was."""
    traffic, broken = FAULTS[fault]
    store, host = Store(tmp_path), lab.nodes["host"]
    rules = host.run("iptables-save").stdout.splitlines()
    before = [line for line in rules if line.startswith("-")]
    judged(lab, store, traffic, new=True)
    host.run("sh", "-c", broken)

    verdict = judged(lab, store, traffic, new=False)
    found = remedies(verdict, IN_LAB)

    try:
        assert len(found) == 1, [one.cause for one in verdict.differences]
        host.run("sh", "-c", found[0])
        assert judged(lab, store, traffic, new=False).outcome == "pass"
        rules = host.run("iptables-save").stdout.splitlines()
        assert [line for line in rules if line.startswith("-")] == before
    finally:
        mended = "sysctl -w net.ipv4.ip_forward=1"
        if broken.startswith("iptables"):
            mended = broken.replace(" -I ", " -D ").replace(" -A ", " -D ")
        host.run("sh", "-c", mended, check=False)
