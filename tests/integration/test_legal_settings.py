"""Settings that any host or container may have: green, or the cause names them.

Each is tried on a real engine with the three seed scenarios. The goldens were recorded
with the kernel's defaults.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.backends import private
from pytest_netlab.mutate.live import Body
from pytest_netlab.spec import LabOptions
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

GOLDEN = Path(__file__).parents[2] / "golden"
ALL = PING_HOST, PING_BEYOND, WEB = ("ping-host", "ping-beyond", "published-web")
ENDS, HOST = ("c1", "web", "host01", "host02"), ("host",)
CAUSE = "sender differs"


class Setting(NamedTuple):
    """A sysctl of some nodes, and which scenarios say that it differs."""

    nodes: tuple[str, ...]
    name: str
    value: str
    named: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return what to call it."""
        return f"{'host' if self.nodes == HOST else 'ends'} {self.name}={self.value}"


def ends(name: str, value: str, *named: str) -> Setting:
    """Return a setting of containers and neighbours."""
    return Setting(ENDS, f"net.ipv4.{name}", value, named)


def host(name: str, value: str, *named: str) -> Setting:
    """Return a setting of the host under test."""
    return Setting(HOST, f"net.{name}", value, named)


SYSCTLS = (
    ends("ip_default_ttl", "128", *ALL),
    ends("ip_default_ttl", "255", *ALL),
    ends("ip_no_pmtu_disc", "1", *ALL),
    ends("tcp_timestamps", "0", WEB),
    ends("tcp_sack", "0", WEB),
    ends("tcp_window_scaling", "0", WEB),
    ends("tcp_timestamps", "2"),
    ends("tcp_dsack", "0"),
    ends("tcp_ecn", "0"),
    ends("tcp_ecn", "1"),
    ends("tcp_ecn", "2"),
    ends("tcp_ecn_fallback", "0"),
    ends("ip_local_port_range", "1024 65535"),
    ends("ip_local_port_range", "60000 60999"),
    ends("tcp_rmem", "4096 8192 16384"),
    ends("tcp_wmem", "4096 4096 8192"),
    ends("tcp_adv_win_scale", "2"),
    ends("tcp_fastopen", "3"),
    ends("tcp_mtu_probing", "2"),
    ends("tcp_min_snd_mss", "536"),
    ends("tcp_no_metrics_save", "1"),
    ends("tcp_slow_start_after_idle", "0"),
    ends("tcp_congestion_control", "reno"),
    ends("tcp_syncookies", "0"),
    ends("tcp_syncookies", "2"),
    ends("tcp_autocorking", "0"),
    ends("tcp_recovery", "0"),
    ends("tcp_early_retrans", "0"),
    ends("tcp_frto", "0"),
    ends("tcp_comp_sack_nr", "0"),
    ends("tcp_reflect_tos", "1"),
    ends("tcp_tw_reuse", "1"),
    ends("tcp_fin_timeout", "5"),
    ends("icmp_ratelimit", "0"),
    host("ipv4.ip_default_ttl", "128", PING_HOST),
    host("ipv4.conf.all.rp_filter", "1"),
    host("ipv4.conf.all.rp_filter", "2"),
    host("ipv4.conf.all.log_martians", "1"),
    host("ipv4.conf.all.accept_local", "1"),
    host("ipv4.conf.all.accept_redirects", "0"),
    host("ipv4.conf.all.send_redirects", "0"),
    host("ipv4.conf.all.route_localnet", "1"),
    host("ipv4.conf.all.arp_ignore", "1"),
    host("ipv4.conf.all.arp_announce", "2"),
    host("ipv4.conf.all.proxy_arp", "1"),
    host("ipv4.ip_early_demux", "0"),
    host("ipv4.tcp_early_demux", "0"),
    host("ipv4.ip_forward_use_pmtu", "1"),
    host("ipv4.ip_forward_update_priority", "0"),
    host("ipv4.ip_no_pmtu_disc", "1"),
    host("ipv4.fwmark_reflect", "1"),
    host("ipv4.tcp_timestamps", "0"),
    host("ipv6.conf.all.disable_ipv6", "1"),
    host("bridge.bridge-nf-call-iptables", "0"),
    host("bridge.bridge-nf-call-iptables", "1"),
    host("bridge.bridge-nf-call-ip6tables", "1"),
    host("bridge.bridge-nf-call-arptables", "1"),
    host("netfilter.nf_conntrack_tcp_loose", "0"),
    host("netfilter.nf_conntrack_tcp_be_liberal", "1"),
    host("netfilter.nf_conntrack_tcp_max_retrans", "1"),
    host("netfilter.nf_conntrack_tcp_timeout_established", "60"),
    host("netfilter.nf_conntrack_udp_timeout", "5"),
    host("netfilter.nf_conntrack_icmp_timeout", "2"),
    host("netfilter.nf_conntrack_acct", "1"),
    host("netfilter.nf_conntrack_timestamp", "1"),
    host("netfilter.nf_conntrack_checksum", "0"),
)
# Commands on the host, each with one that undoes it. Names in braces are interfaces.
COMMANDS = {
    "uplink txqueuelen": ("ip link set {uplink} txqueuelen 5", "txqueuelen 1000"),
    "uplink allmulticast": ("ip link set {uplink} allmulticast on", "allmulticast off"),
    "uplink promiscuous": ("ip link set {uplink} promisc on", "promisc off"),
    "docker0 promiscuous": ("ip link set docker0 promisc on", "promisc off"),
    "docker0 no snooping": (
        "ip link set docker0 type bridge mcast_snooping 0",
        "type bridge mcast_snooping 1",
    ),
    "docker0 ageing": (
        "ip link set docker0 type bridge ageing_time 0",
        "type bridge ageing_time 30000",
    ),
    "docker0 hairpin": (
        "ip link set {port} type bridge_slave hairpin on",
        "type bridge_slave hairpin off",
    ),
}


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a private lab with a real engine."""
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    with closing(private.start(LabOptions())) as started:
        yield started


@pytest.fixture(scope="module")
def bodies() -> dict[str, Body]:
    """Return the scenarios that are run."""
    return {name: Body(name, Store(GOLDEN)) for name in ALL}


@contextmanager
def changed(lab: DockerLab, setting: Setting) -> Iterator[None]:
    """Change a sysctl of nodes while the block runs; skip what this kernel lacks."""
    with ExitStack() as undo:
        for node in [lab.nodes[name] for name in setting.nodes]:
            was = node.run("sysctl", "-n", setting.name, check=False)
            if was.returncode:
                pytest.skip(was.stderr.strip())
            undo.callback(node.run, "sysctl", "-qw", f"{setting.name}={was.stdout}")
            node.run("sysctl", "-qw", f"{setting.name}={setting.value}")
        yield


@pytest.mark.parametrize("setting", SYSCTLS, ids=lambda one: one.id)
def test_sysctl(lab: DockerLab, bodies: dict[str, Body], setting: Setting) -> None:
    """A scenario is green, or its cause names the setting, and nothing else."""
    with changed(lab, setting):
        seen = {name: body.run(lab) for name, body in bodies.items()}

    wanted = {name: CAUSE if name in setting.named else "" for name in ALL}
    assert {name: one.cause for name, one in seen.items()} == wanted
    for name in setting.named:
        error = seen[name].error
        assert isinstance(error, ScenarioFailedError)
        causes = [one.cause.text for one in error.verdict.differences if one.cause]
        assert all(f"{setting.name} is {setting.value} at" in text for text in causes)


@pytest.mark.parametrize("name", COMMANDS)
def test_link(lab: DockerLab, bodies: dict[str, Body], name: str) -> None:
    """What a link is set to changes no packet."""
    command, back = COMMANDS[name]
    do = command.format(uplink=lab.uplink, port=lab.veth("web")).split()
    node = lab.nodes["host"]
    node.run(*do)
    try:
        seen = {name: body.run(lab) for name, body in bodies.items()}
    finally:
        node.run(*do[:4], *back.split())

    assert {name: one.cause for name, one in seen.items()} == dict.fromkeys(ALL, "")


@pytest.mark.parametrize("mtu", ["1400", "9000"])
def test_mtu(lab: DockerLab, bodies: dict[str, Body], mtu: str) -> None:
    """With another MTU on every link every scenario is green: the MSS follows."""
    with ExitStack() as undo:
        for name, link in _links(lab):
            node = lab.nodes[name]
            undo.callback(node.run, "ip", "link", "set", link, "mtu", "1500")
            node.run("ip", "link", "set", link, "mtu", mtu)
        seen = {name: body.run(lab) for name, body in bodies.items()}

    assert {name: one.cause for name, one in seen.items()} == dict.fromkeys(ALL, "")


def _links(lab: DockerLab) -> Iterator[tuple[str, str]]:
    """Yield node and interface of every link of the lab."""
    for name in ("c1", "web"):
        yield name, "eth0"
        yield "host", lab.veth(name)
    yield "host", "docker0"
    yield "host", lab.uplink
    for name in ("host01", "host02"):
        yield name, "eth0"
