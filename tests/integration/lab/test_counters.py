"""What kernels count during a capture is read, cheaply, and kept as evidence."""

from __future__ import annotations

from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.host import meters, snapshot
from pytest_netlab.lab.backends import kernel
from pytest_netlab.lab.net.counters import Counters
from pytest_netlab.spec import DOCKER0, UPLINK, LabOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

MOST_MS = 3.0


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a lab of namespaces."""
    if reason := kernel.unavailable(LabOptions()):
        pytest.skip(reason)
    with closing(kernel.start(LabOptions())) as started:
        yield started


def test_frames_and_drops(lab: DockerLab) -> None:
    """Frames of a node's link are counted, and why the host dropped packets."""
    host, c1 = lab.nodes["host"], lab.nodes["c1"]
    host.run("ip", "route", "del", "default")
    tap = lab.tap([DOCKER0, UPLINK])
    c1.run("ping", "-c", "1", "-W", "1", "198.18.0.1", check=False)
    tap.stop()

    found = lab.snapshot()

    counted = found.meters
    assert counted.grown(f"link {lab.veth('c1')} rx_packets") >= 1
    assert counted.link("c1") == lab.veth("c1")
    assert counted.grown("c1 Icmp OutEchos") == 1
    assert counted.reasons == {"IpExt InNoRoutes": 1}
    assert meters.parse(found.files[snapshot.KEPT["meters"].file]) == counted


def test_a_capture_of_its_own(lab: DockerLab) -> None:
    """What an earlier capture counted says nothing of a later one."""
    lab.tap([DOCKER0]).stop()
    with closing(lab.tap([DOCKER0])):
        assert not lab.snapshot().meters


def test_after_the_end(lab: DockerLab) -> None:
    """What a node sends when a capture closes is not captured: it does not count."""
    c1, link = lab.nodes["c1"], lab.veth("c1")
    counters = Counters(lab.nodes["host"].netns, {link: "c1"}, {"c1": c1.netns})
    counters.begin()
    counters.close()
    c1.run("ping", "-c", "1", lab.nodes["host01"].address)
    counters.end()

    counted = counters.counted()
    assert counted.grown(f"link {link} rx_packets") == 0
    assert counted.grown("c1 link eth0 tx_packets") == 0
    assert counted.grown(f"link {link} tx_packets") >= 1


def test_cheap(lab: DockerLab) -> None:
    """A reading takes less than three milliseconds."""
    nodes = {n: one.netns for n, one in lab.nodes.items() if n != "host"}
    counters = Counters(lab.nodes["host"].netns, {}, nodes)

    def reading() -> float:
        begun = perf_counter()
        counters.begin()
        return (perf_counter() - begun) * 1000

    assert min(reading() for _ in range(9)) < MOST_MS
