"""Addresses that come after a lab's start: of nodes, and of a scenario's containers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_netlab.judge import Verdict
    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Traffic = Callable[[Netlab], object]
    Judge = Callable[[Traffic, Callable[[], object]], Verdict]
    Own = Callable[..., str]

SERVE = "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"
TO = (
    "-d {host}/32 ! -i docker0 -p tcp -m tcp --dport 8081 "
    "-j DNAT --to-destination {to}:80"
)
SIX = {"c1": "fd00:5::2/64", "docker0": "fd00:5::1/64"}
UPLINK, PEER = "fd00:9::1", "fd00:9::2"
MASQUERADE = "ip6tables -t nat -{} POSTROUTING -s fd00:5::/64 -o {} -j MASQUERADE"


@pytest.fixture
def judged(lab: DockerLab, tmp_path: Path) -> Judge:
    """Return a function: record traffic, break something, and judge it again."""

    def judge(traffic: Traffic, fault: Callable[[], object]) -> Verdict:
        store, scenario = Store(tmp_path), Scenario(id="fault")
        for update in ("all", "none"):
            if update == "none":
                fault()
            run = ScenarioRun(lab, scenario, store, update=update)
            with run.capture() as trace:
                traffic(Netlab(run))
            if update == "all":
                run.check(trace)
                assert run.judge(trace).outcome == "pass"
        return run.judge(trace)

    return judge


@pytest.fixture
def own(lab: DockerLab) -> Iterator[Own]:
    """Return a function that starts a container that is no node: its address."""
    with ExitStack() as undo:

        def start(**options: Any) -> str:
            image = lab.nodes["web"].container.image.id
            argv = ["sh", "-c", SERVE]
            box = lab.docker.containers.run(
                image, argv, entrypoint=[], detach=True, init=False, **options
            )
            undo.callback(box.remove, force=True)
            box.reload()
            return str(box.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])

        yield start


def fetch(netlab: Netlab) -> None:
    """Let host01 ask for the page of the scenario's own container: it is refused."""
    url = f"http://{netlab.host.address}:8081/"
    netlab.host01.run("curl", "-s", "-m1", url, check=False)


@pytest.mark.parametrize("port", [None, 8082], ids=["no port", "another port"])
def test_own_container_is_retargeted(
    judged: Judge, lab: DockerLab, own: Own, port: int | None
) -> None:
    """DNAT to another container is a wrong target, though neither is a node."""
    host = lab.nodes["host"]
    there = {} if port is None else {"80/tcp": (host.address, port)}
    right = own(ports={"80/tcp": (host.address, 8081)})
    wrong = own(ports=there)

    def fault() -> None:
        for verb, to in (("-D", right), ("-A", wrong)):
            rule = TO.format(host=host.address, to=to)
            host.run("iptables", "-t", "nat", verb, "DOCKER", *rule.split())
        host.run("iptables", "-I", "DOCKER-USER", "-j", "ACCEPT")

    try:
        verdict = judged(fetch, fault)
    finally:
        host.run("iptables", "-D", "DOCKER-USER", "-j", "ACCEPT", check=False)
        rule = TO.format(host=host.address, to=wrong)
        host.run("iptables", "-t", "nat", "-D", "DOCKER", *rule.split(), check=False)

    assert verdict.cause == "wrong target"
    target = "container/none" if port is None else "container/8082"
    assert f"{target}:80 instead of container/8081:80" in str(verdict.differences)


def test_own_container_talks_to_another(
    judged: Judge, lab: DockerLab, own: Own
) -> None:
    """What two such containers say to each other is told, and missed if it is gone."""
    host = lab.nodes["host"]
    own(ports={"80/tcp": (host.address, 8081)})
    silent: list[int] = []
    box = lab.docker.containers.list(limit=1)[0]
    other = own()

    def ping(_: Netlab) -> None:
        if not silent:
            box.exec_run(["ping", "-c1", "-W1", other])

    verdict = judged(ping, lambda: silent.append(1))

    assert [one.fact.name for one in verdict.expected.flows] == [  # type: ignore[union-attr]
        "icmp echo container/8081 -> container/none"
    ]
    assert verdict.outcome == "fail"


@pytest.fixture
def six(lab: DockerLab) -> Iterator[str]:
    """Return an address beyond the host, once c1 has IPv6 that its engine knows not."""
    host, c1, peer = (lab.nodes[name] for name in ("host", "c1", "host01"))
    masquerade = [MASQUERADE.format(verb, lab.uplink).split() for verb in ("A", "D")]
    with ExitStack() as undo:
        for node, link, address in (
            (c1, "eth0", SIX["c1"]),
            (host, "docker0", SIX["docker0"]),
            (host, lab.uplink, f"{UPLINK}/64"),
            (peer, "eth0", f"{PEER}/64"),
        ):
            for name in ("disable_ipv6=0", "accept_dad=0"):
                node.run("sysctl", "-qw", f"net.ipv6.conf.{link}.{name}")
            node.run("ip", "addr", "add", address, "dev", link, "nodad")
            undo.callback(node.run, "ip", "addr", "del", address, "dev", link)
        c1.run("ip", "route", "add", "default", "via", SIX["docker0"][:-3])
        undo.callback(c1.run, "ip", "-6", "route", "del", "default")
        peer.run("ip", "route", "add", "fd00:5::/64", "via", UPLINK)
        undo.callback(peer.run, "ip", "route", "del", "fd00:5::/64")
        host.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        undo.callback(host.run, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
        host.run(*masquerade[0])
        undo.callback(host.run, *masquerade[1], check=False)
        yield PEER


def test_ipv6_leaves_as_it_is(judged: Judge, lab: DockerLab, six: str) -> None:
    """IPv6 that leaves with its container's address has leaked, while IPv4 is right."""

    def ping(netlab: Netlab) -> None:
        for address in (netlab.host01.address, six):
            netlab.c1.run("ping", "-c1", "-W1", address, check=False)

    broken = MASQUERADE.format("D", lab.uplink).split()
    verdict = judged(ping, lambda: lab.nodes["host"].run(*broken))

    assert verdict.cause == "leaked"
    assert {one.flow for one in verdict.differences} == {"icmp6 echo c1 -> host01"}


def test_ipv6_nobody_recorded(judged: Judge, lab: DockerLab, six: str) -> None:
    """A leak of IPv6 beside what the golden has is red, though it is no node's flow."""
    host = lab.nodes["host"]
    asked: list[str] = []

    def ping(netlab: Netlab) -> None:
        for address in (netlab.host01.address, *asked):
            netlab.c1.run("ping", "-c1", "-W1", address, check=False)

    def fault() -> None:
        host.run(*MASQUERADE.format("D", lab.uplink).split())
        asked.append(six)

    assert judged(ping, fault).outcome == "fail"


def test_second_address(judged: Judge, lab: DockerLab) -> None:
    """Conversations of addresses that were added during a capture are in its trace."""
    c1, peer = lab.nodes["c1"], lab.nodes["host01"]
    places = ((c1, "172.17.9.9/32"), (peer, "172.16.211.77/32"))
    lost: list[int] = []

    def ping(netlab: Netlab) -> None:
        for node, address in places:
            node.run("ip", "addr", "add", address, "dev", "eth0", check=False)
        if not lost:
            argv = ("-c1", "-W1", "-I", "172.17.9.9", "172.16.211.77")
            netlab.c1.run("ping", *argv)

    try:
        verdict = judged(ping, lambda: lost.append(1))
    finally:
        for node, address in places:
            node.run("ip", "addr", "del", address, "dev", "eth0", check=False)

    assert verdict.expected is not None
    assert [one.fact.name for one in verdict.expected.flows] == [
        "icmp echo c1 -> host01"
    ]
    assert verdict.outcome == "fail"
