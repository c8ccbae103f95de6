"""An impaired uplink: frames are lost, doubled, broken, late; and all is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_netlab.mutate.live.impair import Impairment, impaired
from pytest_netlab.spec import POINTS

if TYPE_CHECKING:
    from pytest_netlab.lab.backends.docker_lab import DockerLab

ECHO_REPLY = 0
FIN = 1


def ping(lab: DockerLab, *options: str) -> str:
    """Return what a burst of pings from c1 to host01 printed."""
    command = ("ping", "-q", "-i", "0.01", "-c", "100", "-W", "1", *options)
    target = lab.nodes["host01"].address
    return lab.nodes["c1"].run(*command, target, check=False, timeout=20).stdout


def test_nothing_to_impair(lab: DockerLab) -> None:
    """The relay alone changes nothing, and neither does taking it away."""
    with impaired(lab) as tally:
        assert " 0% packet loss" in ping(lab)

    assert tally.carried >= 200
    assert not tally.lost
    assert " 0% packet loss" in ping(lab)


@pytest.mark.parametrize("seed", [1, 2])
def test_loss(lab: DockerLab, seed: int) -> None:
    """Some frames are lost; canaries never: the capture still proves its sight."""
    tap = lab.tap([POINTS["uplink"]])
    with impaired(lab, loss=0.2, seed=seed) as tally:
        said = ping(lab)
        capture = tap.stop()

    assert " 0% packet loss" not in said
    assert tally.lost > 10
    assert len(capture) > 100


def test_duplicates(lab: DockerLab) -> None:
    """Every frame arrives twice."""
    with impaired(lab, duplicate=1.0) as tally:
        said = ping(lab)

    assert "+" in said
    assert tally.duplicated * 2 == tally.carried


def test_corruption(lab: DockerLab) -> None:
    """A flipped bit costs the packet its checksum."""
    with impaired(lab, corrupt=0.5, seed=3) as tally:
        said = ping(lab)

    assert tally.corrupted > 50
    assert " 0% packet loss" not in said


def test_delay_and_jitter(lab: DockerLab) -> None:
    """Frames are as late as asked for, each way."""
    with impaired(lab, delay=0.02, jitter=0.005):
        said = ping(lab, "-c", "10", "-i", "0.05")

    mean = float(said.rpartition("=")[2].split("/")[1])
    assert mean > 30  # how much more is the scheduler's matter


def test_super_frames(lab: DockerLab) -> None:
    """With offloads on, frames larger than the MTU pass whole."""
    host = lab.nodes["host"]
    host.run("ethtool", "-K", "ens160", "tx", "on", "tso", "on", "gso", "on")
    try:
        with impaired(lab, delay=0.001):
            page = lab.nodes["host01"].run("curl", "-sf", f"http://{host.address}:81/")
    finally:
        host.run("ethtool", "-K", "ens160", "tx", "off", "tso", "off", "gso", "off")

    assert page.stdout


@pytest.mark.parametrize("what", [{"loss": 1.5}, {"delay": -1.0}, {"reorder": -0.1}])
def test_numbers_that_are_none(what: dict[str, float]) -> None:
    """A probability above one, or a time below nothing, is refused."""
    with pytest.raises(ValueError, match=next(iter(what))):
        Impairment(**what)  # type: ignore[arg-type]


def test_late_packets_are_captured(lab: DockerLab) -> None:
    """A connection that closes while one point's canary is on its way is whole."""
    tap = lab.tap([POINTS["docker0"], POINTS["uplink"]])
    with impaired(lab, delay=0.02):
        url = f"http://{lab.nodes['host'].address}:81/"
        lab.nodes["host01"].run("curl", "-sf", url)
        capture = tap.stop()

    fins = np.flatnonzero(capture.tcp_flags & FIN)
    for point in (0, 1):
        ours = fins[capture.point[fins] == point]
        assert set(capture.sport[ours].tolist()) & {80, 81}
        assert set(capture.dport[ours].tolist()) & {80, 81}
