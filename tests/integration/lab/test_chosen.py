"""Labs with a host or an engine of one's choice: sysctls, daemon.json, firewall."""

from __future__ import annotations

import json
import shutil
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.errors import LabError
from pytest_netlab.lab import facts
from pytest_netlab.lab.backends import kernel, private
from pytest_netlab.lab.engine.daemon import CONFIG
from pytest_netlab.lab.lifetime import scripts
from pytest_netlab.mutate.live import Body
from pytest_netlab.spec import LabOptions
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
FORWARD = "net.ipv4.ip_forward"
BACKENDS = pytest.mark.parametrize("backend", [kernel, private], ids=["kernel", "own"])


@contextmanager
def started(backend: Any, **chosen: Any) -> Iterator[DockerLab]:
    """Give a lab."""
    options = LabOptions(**chosen)
    if reason := backend.unavailable(options):
        pytest.skip(reason)
    with closing(backend.start(options)) as lab:
        yield lab


def policy(lab: DockerLab) -> str:
    """Return what the host does with forwarded packets that no rule takes."""
    listed = lab.nodes["host"].run("iptables", "-S", "FORWARD").stdout
    return listed.splitlines()[0].rpartition(" ")[2]


@BACKENDS
@pytest.mark.parametrize(("before", "found"), [("0", "DROP"), ("1", "ACCEPT")])
def test_forwarding_before_the_engine(backend: Any, before: str, found: str) -> None:
    """An engine that finds forwarding on leaves FORWARD open; a fact says it."""
    with started(backend, sysctls={FORWARD: before}) as lab:
        assert policy(lab) == found
        assert lab.facts["forwarded_before"] == before
        assert lab.facts["ip_forward"] == "1"


@BACKENDS
def test_machine_that_forwards(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a lab's host forwards does not depend on the machine's own setting."""
    for name in ("KERNEL", "PRIVATE"):
        script = getattr(scripts, name) + "echo 1 >/proc/sys/net/ipv4/ip_forward\n"
        monkeypatch.setattr(scripts, name, script)
    with started(backend) as lab:
        assert policy(lab) == "DROP"


@BACKENDS
def test_sysctls_and_loopback(backend: Any) -> None:
    """Links that come later take over a default, and the loopback is up."""
    with started(backend, sysctls={"net.ipv4.conf.default.rp_filter": "2"}) as lab:
        names = [f"net.ipv4.conf.{link}.rp_filter" for link in ("docker0", "ens160")]
        assert set(facts.settings(lab.nodes["host"].netns, names).values()) == {"2"}
        done = lab.nodes["host"].run("ping", "-c1", "-W1", "127.0.0.1")
        assert "1 received" in done.stdout


@pytest.mark.parametrize(
    ("sysctls", "words"),
    [
        ({"net.ipv4.conf.docker0.rp_filter": "1"}, "net.ipv4.conf.default"),
        ({"net.no.such.key": "1"}, "has no sysctl net.no.such.key"),
        ({FORWARD: "maybe"}, "cannot be 'maybe': Invalid argument"),
    ],
)
def test_sysctl_that_a_host_refuses(sysctls: dict[str, str], words: str) -> None:
    """What the kernel does not take is an error that names it."""
    with pytest.raises(LabError, match=words), started(kernel, sysctls=sysctls):
        pass


def test_daemon_json() -> None:
    """The engine has the user's keys beside the lab's."""
    chosen = {"userland-proxy": False, "bip": "10.77.0.1/16", "labels": ["a=b"]}
    with started(private, daemon=chosen) as lab:
        root = f"/proc/{lab._components.namespaces.pid}/root"
        written = json.loads(Path(root + CONFIG).read_text())

        assert lab.facts["docker_proxy"] == "off"
        assert lab.nodes["c1"].address == "10.77.0.2"
        assert lab.docker.info()["Labels"] == ["a=b"]
        assert written["exec-opts"] == ["native.cgroupdriver=cgroupfs"]
        assert Body("published-web", Store(GOLDEN)).run(lab).outcome == "pass"


def test_legacy_iptables() -> None:
    """The engine writes with it, and so do the host's own commands."""
    with started(private, firewall="legacy") as lab:
        run = lab.nodes["host"].run
        assert run("nft", "list", "ruleset").stdout == ""
        assert "-A FORWARD -j DOCKER-USER" in run("iptables-legacy-save").stdout
        assert (
            run("iptables-save").stdout.splitlines()[1:3]
            == (run("iptables-legacy-save").stdout.splitlines()[1:3])
        )
        assert lab.facts["backend"] == "legacy"
        assert lab.facts["firewall"] == "iptables"
        assert Body("published-web", Store(GOLDEN)).run(lab).outcome == "pass"


def test_engine_that_is_too_old_for_native_rules() -> None:
    """It says which version is needed, and what the engine said."""
    words = r"from 29 on .*(?s:.)*firewall-backend"
    with pytest.raises(LabError, match=words), started(private, firewall="native"):
        pytest.skip("this engine writes rules of nftables")


# As engine 29 does: it knows the key, and refuses a host that does not forward.
NATIVE_ENGINE = f"""#!/bin/sh
grep -q '"firewall-backend": "nftables"' {CONFIG} || exit 1
grep -q 1 /proc/sys/net/ipv4/ip_forward || {{ echo IPv4 forwarding is off; exit 1; }}
sed -i 's/"firewall-backend": "nftables"/"iptables": false/' {CONFIG}
exec REAL "$@"
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a static release with an engine that takes nftables for its rules."""
    for name in ("dockerd", "containerd", "runc"):
        real = shutil.which(name)
        if real is None:
            pytest.skip(f"needs {name}")
        if name == "dockerd":
            script = tmp_path / name
            script.write_text(NATIVE_ENGINE.replace("REAL", real))
            script.chmod(0o755)
        else:
            (tmp_path / name).symlink_to(real)
    return tmp_path


@pytest.mark.parametrize(
    "chosen",
    [{"firewall": "native"}, {"daemon": {"firewall-backend": "nftables"}}],
    ids=["firewall", "key"],
)
def test_engine_that_needs_forwarding(release: Path, chosen: dict[str, Any]) -> None:
    """An engine that writes nftables itself finds a host that forwards."""
    with started(private, root=release, **chosen) as lab:
        assert lab.facts["forwarded_before"] == "1"


def test_forwarding_taken_from_it(release: Path) -> None:
    """A host that a user forbids to forward is refused, in that engine's words."""
    chosen = {"firewall": "native", "sysctls": {FORWARD: "0"}}
    with (
        pytest.raises(LabError, match="IPv4 forwarding is off"),
        started(private, root=release, **chosen),
    ):
        pass
