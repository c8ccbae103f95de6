"""A container asks for the host's port: through docker-proxy, or translated by NAT.

Engine 29 translates what another network publishes, earlier ones leave it to
docker-proxy. Without the rule by which they do, an earlier one does as 29 does.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.recorder import Update

PORT, LINK = 8083, "br-netlab"
RETURN = "nat -A DOCKER -i docker0 -j RETURN"
BRIDGE_NF = "net.bridge.bridge-nf-call-iptables"


@pytest.fixture(scope="module")
def published(lab: DockerLab) -> Iterator[DockerLab]:
    """Return a lab with another network, of which a container publishes a port."""
    web = lab.nodes["web"].docker
    options = {"com.docker.network.bridge.name": LINK}
    network = lab.docker.networks.create("another", options=options)
    other = lab.docker.containers.run(
        web.image,
        web.attrs["Config"]["Cmd"],
        network=network.name,
        ports={"80/tcp": PORT},
        detach=True,
    )
    host = lab.nodes["host"]
    host.run(
        "iptables", "-I", "DOCKER-USER", "-i", "docker0", "-o", LINK, "-j", "ACCEPT"
    )
    host.run(
        "iptables", "-I", "DOCKER-USER", "-i", LINK, "-o", "docker0", "-j", "ACCEPT"
    )
    yield lab
    other.remove(force=True)
    network.remove()


@pytest.mark.parametrize("bridge_nf", ["1", "0"])
def test_path(published: DockerLab, tmp_path: Path, bridge_nf: str) -> None:
    """Either way round the path is named, and the rule that decides it."""
    host, store = published.nodes["host"], Store(tmp_path)

    def fetched(scenario: str, update: Update) -> tuple[str, set[str]]:
        run = ScenarioRun(published, Scenario(id=scenario), store, update=update)
        with run.capture() as trace:
            url = f"http://{host.address}:{PORT}/"
            Netlab(run).c1.run("curl", "-s", "-m5", "-o/dev/null", url)
        if update == "all":
            run.check(trace)
        verdict = run.judge(trace)
        causes = {one.cause for one in verdict.differences if one.cause}
        return verdict.cause, {one.text for one in causes}

    with ExitStack() as undo:
        host.run("sysctl", "-w", f"{BRIDGE_NF}={bridge_nf}")
        undo.callback(host.run, "sysctl", "-w", f"{BRIDGE_NF}=1")
        assert fetched("proxied", "all")[0] == ""
        rule = RETURN.removeprefix("nat -A ")
        missing = f"iptables -t nat -C {rule} || iptables -t nat -I {rule}"
        undo.callback(host.run, "sh", "-c", missing)
        host.run("iptables", "-t", "nat", "-D", *rule.split())
        cause, texts = fetched("proxied", "none")
        assert cause == "path changed", texts
        assert all(f"this rule is gone: {RETURN}" in text for text in texts), texts

        assert fetched("translated", "all")[0] == ""
        host.run("iptables", "-t", "nat", "-I", *rule.split())
        cause, texts = fetched("translated", "none")
        assert cause == "path changed", texts
        assert all(f"this rule is new: {RETURN}" in text for text in texts), texts
