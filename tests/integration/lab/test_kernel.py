"""A lab without Docker: its rules, and what it shows of Docker's goldens."""

from __future__ import annotations

import os
import tomllib
from contextlib import closing
from ipaddress import IPv4Interface
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import LabUnavailableError
from pytest_netlab.host import ruleset
from pytest_netlab.lab.backends import kernel
from pytest_netlab.lab.lifetime import owner
from pytest_netlab.mutate.live import Body
from pytest_netlab.spec import LabOptions, Topology
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a lab without an engine."""
    if reason := kernel.unavailable(LabOptions()):
        pytest.skip(reason)
    with closing(kernel.start(LabOptions())) as started:
        yield started


@pytest.mark.parametrize(
    "name", ["ping-host", "ping-beyond", "published-web", "direct-published"]
)
def test_goldens_hold(lab: DockerLab, name: str) -> None:
    """What was recorded with an engine is what the rules alone do."""
    seen = Body(name, Store(GOLDEN)).run(lab)

    assert seen.outcome == "pass", seen.error
    assert Body(name, Store(GOLDEN)).golden(lab) in (name, f"{name}/open")


def test_rules_are_dockers(lab: DockerLab) -> None:
    """The rules are those of the engine that the goldens were recorded on."""
    recorded = tomllib.loads((GOLDEN / "ping-host" / "golden.toml").read_text())
    docker = recorded["provenance"]["ruleset"].splitlines()

    ours = ruleset(lab.snapshot().files, lab.symbols).splitlines()

    assert set(docker) - set(ours) == set()
    assert [one for one in ours if one not in docker] == []


def test_no_engine(lab: DockerLab) -> None:
    """What needs an engine says that there is none."""
    with pytest.raises(LabUnavailableError, match="this lab has no engine"):
        _ = lab.docker
    assert lab.facts["engine"] == "20.10+rules"
    assert "web.log" in lab.snapshot().files
    assert "docker-info.json" not in lab.snapshot().files


def test_command_has_a_mark_and_a_shells_code(lab: DockerLab) -> None:
    """A command carries its owner's token; a signal's code is 128 and its number."""
    script = f"echo ${owner.MARK}; kill -KILL $$"

    done = lab.nodes["c1"].run("sh", "-c", script, check=False)

    assert f"{os.getpid()}-" in str(owner.find(done.stdout))
    assert done.returncode == 128 + 9


def test_another_plan() -> None:
    """docker0 takes a network that the uplink leaves free; the same goldens hold."""
    plan = Topology(uplink=IPv4Interface("172.17.9.9/24"))
    started = monotonic()
    with closing(kernel.start(LabOptions(topology=plan))) as lab:
        took = monotonic() - started
        seen = Body("ping-beyond", Store(GOLDEN)).run(lab)

        assert lab.nodes["c1"].address == "172.18.0.2"
        assert seen.outcome == "pass", seen.error
    assert took < 5  # an engine alone takes most of a second
    assert not Path(lab.nodes["c1"].netns).exists()
    assert not Path(lab.nodes["host"].netns).exists()
