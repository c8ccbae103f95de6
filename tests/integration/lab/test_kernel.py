"""A lab without Docker: its rules, and what it shows of Docker's goldens."""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import closing, contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import LabUnavailableError
from pytest_netlab.host import ruleset
from pytest_netlab.lab import firewall
from pytest_netlab.lab.backends import kernel
from pytest_netlab.lab.lifetime import owner
from pytest_netlab.mutate.live import Body
from pytest_netlab.spec import LabOptions, Topology
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "golden"
NFT = ROOT / "tests" / "data" / "docker-29.nft"  # what that engine writes with nftables
COUNTED = re.compile(r"counter packets \d+ bytes \d+")
SCENARIOS = ("ping-host", "ping-beyond", "published-web", "direct-published")


@contextmanager
def started(options: LabOptions) -> Iterator[DockerLab]:
    """Give a lab without an engine."""
    if reason := kernel.unavailable(options):
        pytest.skip(reason)
    with closing(kernel.start(options)) as lab:
        yield lab


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a lab with the rules of the machine's iptables."""
    with started(LabOptions()) as lab:
        yield lab


@pytest.fixture(scope="module", params=firewall.CHOICES)
def chosen(request: pytest.FixtureRequest) -> Iterator[tuple[str, DockerLab]]:
    """Return a firewall, and a lab whose rules it has written."""
    with started(LabOptions(firewall=request.param)) as lab:
        yield request.param, lab


def in_order(ruleset: str) -> list[str]:
    """Return the lines of a ruleset without counters, and without empty ones.

    Only newer versions of nft have a name for that priority of an output chain.
    """
    text = COUNTED.sub("counter", ruleset).replace("priority dstnat", "priority -100")
    lines = text.splitlines()
    return [line.strip() for line in lines if line.strip()]


@pytest.mark.parametrize("name", SCENARIOS)
def test_goldens_hold(lab: DockerLab, name: str) -> None:
    """What was recorded with an engine is what the rules alone do."""
    seen = Body(name, Store(GOLDEN)).run(lab)

    assert seen.outcome == "pass", seen.error
    assert Body(name, Store(GOLDEN)).golden(lab) in (name, f"{name}/open")


@pytest.mark.parametrize("name", SCENARIOS)
def test_goldens_hold_with_each_firewall(
    chosen: tuple[str, DockerLab], name: str
) -> None:
    """The rules do the same whatever has written them; those of 29 close a port."""
    written_by, lab = chosen
    variant = "closed" if written_by == firewall.NATIVE else "open"

    seen = Body(name, Store(GOLDEN)).run(lab)

    assert seen.outcome == "pass", seen.error
    assert Body(name, Store(GOLDEN)).golden(lab) in (name, f"{name}/{variant}")


def test_firewall_is_the_one_chosen(chosen: tuple[str, DockerLab]) -> None:
    """Facts name it, and the host's own tools are those that wrote the rules."""
    written_by, lab = chosen
    saved = lab.nodes["host"].run("iptables-save").stdout

    native = written_by == firewall.NATIVE
    assert lab.facts["firewall"] == ("nftables" if native else "iptables")
    assert native or lab.facts["backend"].startswith(written_by.partition("t")[0])
    assert ("-A FORWARD -j DOCKER-USER" in saved) != native


def test_native_rules_are_dockers() -> None:
    """They are those of engine 29 with its nftables backend, in its order."""
    recorded = NFT.read_text()
    with started(LabOptions(firewall=firewall.NATIVE)) as lab:
        ours = lab.nodes["host"].run("nft", "list", "ruleset").stdout
        engine = lab.facts["engine"]

    assert in_order(ours) == in_order(recorded)
    assert engine == "29.7+rules"


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
