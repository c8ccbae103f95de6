"""What the private lab is: the article's host, seen from its namespaces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import closing
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.backends import private
from pytest_netlab.lab.lifetime import owner, supervisor
from pytest_netlab.spec import LabOptions, Topology

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.lab.backends.docker_lab import DockerLab

# What a busy machine changes by itself while a test runs.
RESTLESS = ("random.", "ns_last_pid", "pty.nr", "conntrack_count", "tainted", "sched")


def test_addresses_are_the_articles(lab: DockerLab) -> None:
    """Every address has the article's value and its symbol."""
    expected = {
        "172.16.211.128": "host",
        "172.16.211.1": "host01",
        "172.16.211.2": "gateway",
        "172.16.211.3": "host02",
        "172.17.0.1": "bridge",
        "172.17.0.2": "c1",
        "172.17.0.3": "c2",
        "172.17.0.4": "c3",
        "172.17.0.5": "web",
    }

    assert expected == dict(lab.symbols)


def test_ping_beyond_is_routed_once(lab: DockerLab) -> None:
    """A reply from host01 arrives at c1 with ttl 63."""
    printed = lab.nodes["c1"].run("ping", "-c", "1", "172.16.211.1").stdout

    assert "ttl=63" in printed


def test_published_web_sees_its_client(lab: DockerLab) -> None:
    """The published port gives the listing, and web's log names the client."""
    page = lab.nodes["host01"].run("curl", "-sf", "http://172.16.211.128:81/").stdout

    assert "Directory listing for /" in page
    assert "172.16.211.1" in lab.nodes["web"].container.logs().decode()


def test_default_route_is_the_gateway(lab: DockerLab) -> None:
    """The host's default route leads to 172.16.211.2 over ens160."""
    routes = json.loads(lab.nodes["host"].run("ip", "-j", "route").stdout)

    (default,) = [route for route in routes if route["dst"] == "default"]
    assert (default["gateway"], default["dev"]) == ("172.16.211.2", "ens160")


def test_no_link_offloads_anything(lab: DockerLab) -> None:
    """Captures show what a wire would carry: nothing is left to a card."""
    host, c1 = lab.nodes["host"], lab.nodes["c1"]
    ends = [(host, "ens160"), (host, "docker0"), (host, lab.veth("c1")), (c1, "eth0")]
    wanted = ("tx-checksumming: off", "generic-segmentation-offload: off")

    for node, interface in ends:
        listed = node.run("ethtool", "-k", interface).stdout
        assert all(line in listed for line in wanted), interface


def test_facts_name_every_version(lab: DockerLab) -> None:
    """Facts are short texts, and none is missing."""
    assert "unknown" not in lab.facts.values()
    assert {"on", "off"} >= {lab.facts["docker_proxy"], lab.facts["offload"]}
    assert lab.facts["ip_forward"] == "1"
    assert (
        max(len(v) for k, v in lab.facts.items() if k not in ("routes", "links")) < 40
    )


def test_state_is_evidence(lab: DockerLab) -> None:
    """The evidence has rules with counters, routes, links, the engine's words."""
    state = lab.snapshot().files

    assert "-j MASQUERADE" in state["iptables.txt"]
    assert json.loads(state["nftables.json"])
    assert "default via 172.16.211.2" in state["ip-host.txt"]
    assert "172.17.0.2/16" in state["ip-c1.txt"]
    assert "net.ipv4.ip_forward = 1" in state["sysctl.txt"]
    assert len(json.loads(state["docker-inspect.json"])) == 4
    assert "API listen on" in state["dockerd.log"]


def test_state_survives_a_missing_tool(
    lab: DockerLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that this machine lacks leaves its name, and the rest is still there."""
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda n: None if n == "nft" else which(n))

    state = lab.snapshot().files

    assert "no program 'nft'" in state["nftables.txt"]
    assert "MASQUERADE" in state["iptables.txt"]


def test_reset_forgets_connections(lab: DockerLab) -> None:
    """After a reset the host tracks no connection."""
    lab.nodes["c1"].run("ping", "-c", "1", "172.16.211.1")
    before = lab.nodes["host"].run("conntrack", "-L", "-p", "icmp").stdout

    lab.reset()

    after = lab.nodes["host"].run("conntrack", "-L", "-p", "icmp").stdout
    assert "172.17.0.2" in before
    assert after == ""


def test_reset_ends_connections(lab: DockerLab) -> None:
    """After a reset no end of a connection repeats what nobody acknowledged."""
    host, web = lab.nodes["host"], lab.nodes["web"]
    rule = ("DOCKER-USER", "-i", "docker0", "-p", "tcp", "-j", "DROP")
    host.run("iptables", "-I", *rule)
    url = f"http://{host.address}:81/"
    lab.nodes["host01"].run("curl", "-s", "-m1", url, check=False)
    before = web.run("ss", "-Htan", "state", "connected").stdout
    host.run("iptables", "-D", *rule)

    lab.reset()

    after = web.run("ss", "-Htan", "state", "connected").stdout
    assert "172.16.211.1" in before
    assert after == ""


def test_reset_drops_what_waits_for_a_neighbour(lab: DockerLab) -> None:
    """After a reset nobody waits for one who did not answer; who did stays known."""
    host01, host = lab.nodes["host01"], lab.nodes["host"]
    nobody = f"{host.address.rpartition('.')[0]}.99"
    host01.run("ping", "-c1", "-W1", host.address)
    host01.run("ping", "-c1", "-W1", nobody, check=False)
    assert nobody in host01.run("ip", "neigh").stdout

    lab.reset()

    known = host01.run("ip", "neigh").stdout
    assert nobody not in known
    assert host.address in known


def test_containers_stop_at_once(lab: DockerLab) -> None:
    """Process 1 of a container handles TERM: nobody waits 10 s for the kill."""
    extra = lab.docker.containers.run(
        lab.nodes["c1"].container.image.id,
        lab.nodes["c1"].container.attrs["Config"]["Cmd"],
        detach=True,
    )

    extra.stop()
    extra.reload()
    code = extra.attrs["State"]["ExitCode"]
    extra.remove(force=True)

    assert code == 0


def test_exec_says_what_it_says(lab: DockerLab) -> None:
    """A container's command is heard whole, both streams apart, and in parts."""
    container = lab.nodes["c1"].container
    command = ["sh", "-c", "echo out; echo err >&2"]

    whole = container.exec_run(command)
    apart = container.exec_run(command, demux=True)
    parts = container.exec_run(command, stream=True)

    assert (whole.exit_code, sorted(whole.output.split())) == (0, [b"err", b"out"])
    assert apart.output == (b"out\n", b"err\n")
    assert sorted(b"".join(parts.output).split()) == [b"err", b"out"]


def test_failed_command_tells_all(lab: DockerLab) -> None:
    """A command's failure has node, command, exit code and what it printed."""
    with pytest.raises(LabError, match=r"c2: `ip route get`: exit code \d+\n.*need"):
        lab.nodes["c2"].run("ip", "route", "get")


def test_command_that_fails_may_be_asked_for(lab: DockerLab) -> None:
    """With check=False the exit code is the caller's."""
    done = lab.nodes["c2"].run("false", check=False)

    assert done.returncode == 1


def test_late_command_is_ended(
    lab: DockerLab, until: Callable[[Callable[[], bool], float], bool]
) -> None:
    """A command that takes too long is killed with all it started."""
    script = "echo begun; sleep 4321.5 & wait"

    with pytest.raises(LabError, match=r"took longer than 0.3 s\nbegun"):
        lab.nodes["c1"].run("sh", "-c", script, timeout=0.3)

    assert until(lambda: "4321.5" not in _commands(), 2)


def test_unknown_program_is_named(lab: DockerLab) -> None:
    """A program that this machine lacks is a clear error."""
    with pytest.raises(LabUnavailableError, match="c1: no program 'no-such-tool'"):
        lab.nodes["c1"].run("no-such-tool")


def test_host_is_no_container(lab: DockerLab) -> None:
    """Only containers have the SDK's object."""
    with pytest.raises(LabError, match="host is no container"):
        _ = lab.nodes["host"].container


def test_two_labs_do_not_see_each_other(lab: DockerLab) -> None:
    """Labs of one process have equal addresses and nothing else in common."""
    with closing(private.start(LabOptions())) as other:
        assert dict(lab.symbols) == dict(other.symbols)
        other.nodes["host"].run("iptables", "-P", "FORWARD", "ACCEPT")
        assert "DROP" in lab.nodes["host"].run("iptables", "-S", "FORWARD").stdout


def test_nothing_is_left(crowd: Callable[[int], Any]) -> None:
    """After close no process, mount, link, rule, sysctl or cgroup is left."""
    before = _machine()

    started = private.start(LabOptions())
    during = _machine()
    people = crowd(started.nodes["host"].namespaces.pid)
    cgroups = {path for path in _cgroups() if path not in before["cgroups"]}
    started.close()

    assert before == {**during, "cgroups": before["cgroups"]}
    assert before == _machine()
    assert cgroups
    assert people.gone()


def test_close_may_be_called_twice() -> None:
    """The second close does nothing."""
    lab = private.start(LabOptions())

    lab.close()
    lab.close()


def test_uplink_in_dockers_network_moves_docker0() -> None:
    """docker0 takes the next network, as Docker does, when the uplink is in 172.17."""
    plan = Topology(uplink=IPv4Interface("172.17.5.7/24"))
    with closing(private.start(LabOptions(topology=plan))) as other:
        assert other.nodes["c1"].address == "172.18.0.2"
        other.nodes["c1"].run("ping", "-c", "1", "172.17.5.1")


def _cgroups() -> list[str]:
    """Return the cgroups of this process's labs, in every hierarchy."""
    return sorted(map(str, supervisor.cgroups(f"{owner.PREFIX}{os.getpid()}-*")))


def _commands() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def _machine() -> dict[str, str]:
    """Return what a lab must not change in the namespaces the tests run in."""
    sysctls = _say("sysctl", "-a").splitlines()
    calm = (line for line in sysctls if not any(word in line for word in RESTLESS))
    wanted = (line for line in calm if line.startswith(("net.", "kernel.")))
    return {
        "links": _say("ip", "-j", "link"),
        "routes": _say("ip", "-j", "route", "show", "table", "all"),
        "rules": _say("nft", "list", "ruleset"),
        "sysctls": "\n".join(wanted),
        "cgroups": "\n".join(_cgroups()),
        "mounts": Path("/proc/self/mounts").read_text(encoding="utf-8"),
        "folders": "\n".join(sorted(map(str, Path("/opt").glob("*")))),
        "docker": "\n".join(sorted(map(str, Path("/etc/docker").glob("*")))),
    }


def _say(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout
