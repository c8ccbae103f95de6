"""Faults on engines that lack what they break: not tested, and said; others go on."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.mutate import Outcome
from pytest_netlab.mutate.live import FAULTS, Body, LiveJudge, named
from pytest_netlab.mutate.live.inject import sysctl
from pytest_netlab.mutate.live.rules import edited, run
from pytest_netlab.report.mutants import summary
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.lab.net.node import NamespaceNode
    from pytest_netlab.mutate import Mutant
    from pytest_netlab.mutate.live import Fault
    from pytest_netlab.mutate.live.fault import Inject

ROOT = Path(__file__).resolve().parents[2]
NFT = ROOT / "tests" / "data" / "docker-29.nft"  # what that engine writes with nftables
WITHOUT = "iptables-save | sed '/{}/d' | iptables-restore"
KIND = "isolation-first"


@contextmanager
def kept(host: NamespaceNode) -> Iterator[None]:
    """Give the host its rules back afterwards."""
    before = host.run("iptables-save").stdout
    try:
        yield
    finally:
        host.run("nft", "flush", "ruleset")
        host.run("sh", "-c", f"iptables-restore <<'E'\n{before}E")


def judged(lab: DockerLab, *faults: Fault) -> list[Mutant]:
    """Return how a ping beyond the host is judged under each fault."""
    bodies = [Body("ping-beyond", Store(ROOT / "golden"))]
    return list(LiveJudge(lab, bodies, faults))


@pytest.mark.parametrize(
    ("missing", "fault"),
    [
        ("DOCKER-ISOLATION-STAGE", KIND),
        ("DOCKER-USER", "user-drop"),
        ("docker0 -j MASQUERADE$", "masquerade-deleted"),
    ],
)
def test_chain_that_an_engine_lacks(lab: DockerLab, missing: str, fault: str) -> None:
    """A fault without its chain or rule is not tested, and the next one is."""
    host = lab.nodes["host"]
    with kept(host):
        host.run("sh", "-c", WITHOUT.format(missing))
        if fault == "masquerade-deleted":  # another rule does what it did
            chain = "-t nat -A POSTROUTING -s 172.17.0.0/16 -o {}"
            snat = f"{chain.format(lab.uplink)} -j SNAT --to {host.address}"
            host.run("iptables", *snat.split())

        lost, caught = judged(lab, *named([fault, "foreign-drop"]))

    assert (lost.outcome, lost.tested) == (Outcome.EQUIVALENT, False)
    assert lost.why.startswith("not tested: ")
    assert (caught.outcome, caught.tested) == (Outcome.CAUGHT, True)
    assert "1 of the equivalent not tested" in summary([lost, caught])


@pytest.mark.parametrize(
    ("inject", "words"),
    [
        (edited(run("-I FORWARD -j NO-SUCH-CHAIN")), "NO-SUCH-CHAIN"),
        (sysctl("net.no.such.key", "0", "1"), "net/no/such/key"),
    ],
    ids=["chain", "sysctl"],
)
def test_command_that_a_host_refuses(
    lab: DockerLab, inject: Inject, words: str
) -> None:
    """Whatever a host cannot be broken by is not tested; its own words say why."""
    fault = FAULTS[0]
    refused = type(fault)(name="f", about="broken", inject=inject)

    lost, caught = judged(lab, refused, *named(["foreign-drop"]))

    assert not lost.tested
    assert words in lost.why
    assert caught.outcome is Outcome.CAUGHT


def test_engine_with_rules_of_nftables(lab: DockerLab) -> None:
    """What is in chains of iptables that nothing goes by is no survivor."""
    host = lab.nodes["host"]
    chosen = named(["postrouting-flushed", "return-before-masquerade", "foreign-drop"])
    with kept(host):
        host.run("nft", "flush", "ruleset")
        host.run("nft", "-f", str(NFT))

        mutants = judged(lab, *chosen)

    assert [(one.tested, one.outcome) for one in mutants] == [
        (False, Outcome.EQUIVALENT),
        (False, Outcome.EQUIVALENT),
        (True, Outcome.CAUGHT),
    ]
