import json
import subprocess
from ipaddress import IPv4Interface
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_netlab.errors import LabError
from pytest_netlab.lab import facts
from pytest_netlab.lab.backends import host, private
from pytest_netlab.lab.engine import containers
from pytest_netlab.lab.lifetime.log import Log
from pytest_netlab.lab.net.sysctls import IP_FORWARD
from pytest_netlab.spec import LabOptions, Topology


def plan(address: str) -> Topology:
    """Return an address plan."""
    return Topology(uplink=IPv4Interface(address))


@pytest.mark.parametrize(
    ("uplink", "bridge"),
    [
        ("172.16.211.128/24", "172.17.0.1/16"),
        ("172.17.3.4/24", "172.18.0.1/16"),
        ("172.16.0.5/14", "172.20.0.1/16"),
    ],
)
def test_docker0_avoids_the_uplink(uplink: str, bridge: str) -> None:
    """docker0 gets the first of Docker's networks that the uplink leaves free."""
    assert private._bridge_address(plan(uplink)) == bridge


def test_workers_have_neighbouring_networks() -> None:
    """Worker 2 begins two networks higher, and goes up from there."""
    options = LabOptions(topology=plan("198.51.100.7/25"), worker=2)

    plans = [str(item.uplink) for item in host._plans(options)]

    assert plans[:2] == ["198.51.101.7/25", "198.51.101.135/25"]
    assert len(plans) == len(set(plans)) == host.NEIGHBOURING_PLANS


def test_uplink_name_fits() -> None:
    """A link's name has at most 15 characters, whatever the pid."""
    assert host._uplink_name("4194304-1-2-1") == "nl4194304-1"
    assert len(host._uplink_name("4194304-1-2-12345678")) == 15


@pytest.mark.parametrize(
    ("printed", "version", "backend"),
    [
        ("iptables v1.8.9 (nf_tables)", "1.8.9", "nf_tables"),
        ("iptables v1.8.9 (legacy)", "1.8.9", "legacy"),
        ("iptables v1.6.1", "1.6.1", "legacy"),
    ],
)
def test_iptables_tells_its_backend(printed: str, version: str, backend: str) -> None:
    """Versions before 1.8 do not say it: they only had one."""
    match = facts._IPTABLES.search(printed)

    assert match is not None
    assert (match["version"], match["backend"] or "legacy") == (version, backend)


def test_log_is_read_while_it_is_written() -> None:
    """Reading does not move the writer, which shares the file's offset."""
    with Log() as log:
        for word in ("one", "two"):
            subprocess.run(["echo", word], stdout=log.fileno(), check=True)
            assert log.text().endswith(f"{word}\n")
        assert log.tail(1) == "two"


@pytest.mark.parametrize(
    ("table", "listens"),
    [
        ("  0: 00000000:0050 00000000:0000 0A 00000000", True),
        ("  0: 00000000000000000000000000000000:0050 0000:0000 0A 0000", True),
        ("  0: 0100007F:0050 0100007F:C000 01 00000000", False),
        ("  0: 00000000:1F90 00000000:0000 0A 00000000", False),
        ("  0: 0100007F:1F90 0100007F:0050 01 0\n  1: 0:1F90 0:0 0A 0", False),
        ("", False),
    ],
)
def test_listener_is_found(table: str, listens: bool) -> None:  # noqa: FBT001
    """Only a socket that listens on the web server's port counts."""
    assert containers.listens(table) is listens


@pytest.mark.parametrize("bip", ["172.16.211.1/24", "172.16.0.1/16"])
def test_docker0_on_the_uplink(bip: str) -> None:
    """A chosen address of docker0 that the uplink's network has is refused."""
    with pytest.raises(LabError, match="overlaps the uplink"):
        private._config(LabOptions(daemon={"bip": bip}))


@pytest.mark.parametrize("bip", ["172.16.212.1/24", "nonsense", 7, None])
def test_docker0_elsewhere(bip: object) -> None:
    """Any other one reaches dockerd, which says what is wrong with it."""
    written = private._config(LabOptions(daemon={"bip": bip}))

    assert json.loads(written)["bip"] == bip


@pytest.mark.parametrize(
    ("info", "firewall"),
    [
        ({}, "iptables"),
        ({"FirewallBackend": None}, "iptables"),
        ({"FirewallBackend": {"Driver": "iptables"}}, "iptables"),
        ({"FirewallBackend": {"Driver": "nftables", "Info": []}}, "nftables"),
    ],
)
def test_engine_tells_its_firewall(info: dict[str, object], firewall: str) -> None:
    """Engines that do not say what they write with only have iptables."""
    assert facts.firewall_of(info) == firewall


@pytest.mark.parametrize(
    ("options", "backend", "forwards"),
    [
        (LabOptions(), None, "0"),
        (LabOptions(firewall="legacy"), None, "0"),
        (LabOptions(firewall="native"), "nftables", "1"),
        (LabOptions(daemon={"firewall-backend": "nftables"}), "nftables", "1"),
        (LabOptions(firewall="native", sysctls={IP_FORWARD: "0"}), "nftables", "0"),
        (LabOptions(sysctls={IP_FORWARD: "1"}), None, "1"),
    ],
)
def test_native_rules_need_forwarding(
    options: LabOptions,
    backend: str | None,
    forwards: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine that writes nftables itself starts only on a host that forwards."""
    booted: list[dict[str, str]] = []
    monkeypatch.setattr(private, "boot", lambda _, sysctls: booted.append(sysctls))
    monkeypatch.setattr(facts, "settings", lambda *_: booted[0])
    namespaces: Any = SimpleNamespace(netns="")

    assert private._boot(namespaces, options) == forwards
    assert json.loads(private._config(options)).get("firewall-backend") == backend
