"""Evidence: what the host's namespace, its neighbours and its engine look like now.

A tool that is missing or fails leaves its own words as the text; nothing here raises.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import NetlabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_netlab.lab.node import NamespaceNode

WORKERS = 4
SECONDS = 5

VERSIONS_SCRIPT = """uname -a
for program in dockerd containerd runc iptables nft conntrack ip ethtool; do
  case $program in ip) flag=-V;; *) flag=--version;; esac
  echo "$program: $("$program" "$flag" 2>&1 | head -n 1)"
done"""
HOST_COMMANDS = {
    "iptables.txt": ("iptables-save", "-c"),
    "iptables-legacy.txt": ("iptables-legacy-save", "-c"),
    "iptables-nft.txt": ("iptables-nft-save", "-c"),
    "ip6tables.txt": ("ip6tables-save", "-c"),
    "ip6tables-legacy.txt": ("ip6tables-legacy-save", "-c"),
    "ip6tables-nft.txt": ("ip6tables-nft-save", "-c"),
    "nftables.txt": ("nft", "-a", "list", "ruleset"),
    "nftables.json": ("nft", "-j", "list", "ruleset"),
    "conntrack.txt": ("conntrack", "-L", "-o", "extended"),
    "ip-rule.txt": ("ip", "rule"),
    "ip-neigh.txt": ("ip", "neigh"),
    "bridge-link.txt": ("bridge", "-d", "link"),
    "bridge-fdb.txt": ("bridge", "fdb"),
    "versions.txt": ("sh", "-c", VERSIONS_SCRIPT),
}
SYSCTLS = (
    *("net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter"),
    *("net.ipv4.conf.all.route_localnet", "net.ipv4.conf.all.forwarding"),
    *("net.ipv4.ip_local_port_range", "net.ipv6.conf.all.forwarding"),
    *("net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_count"),
    *("net.netfilter.nf_conntrack_tcp_loose", "net.bridge.bridge-nf-call-iptables"),
    *("net.bridge.bridge-nf-call-ip6tables", "net.bridge.bridge-nf-call-arptables"),
)
# What the addresses, links and routes of every node are, in one command each.
NODE_SCRIPT = "ip -d link; echo; ip addr; echo; ip route; echo; ip -6 route"


def collect(jobs: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Run all jobs, some at a time; return what each says."""
    with ThreadPoolExecutor(WORKERS) as pool:
        texts = pool.map(_guarded, jobs.values())
        return dict(zip(jobs, texts, strict=True))


def host_jobs(host: NamespaceNode, interfaces: Iterable[str]) -> dict[str, Any]:
    """Return the jobs that look at the host's rules, connections, links and sysctls."""
    jobs = {name: partial(_say, host, *argv) for name, argv in HOST_COMMANDS.items()}
    jobs["sysctl.txt"] = partial(_say, host, "sysctl", "--ignore", *SYSCTLS)
    for interface in interfaces:
        argv = ("ethtool", "-k", interface)
        jobs[f"offload-{interface}.txt"] = partial(_say, host, *argv)
    return jobs


def node_jobs(nodes: Iterable[NamespaceNode]) -> dict[str, Any]:
    """Return the jobs that look at the links, addresses and routes of each node."""
    script = ("sh", "-c", NODE_SCRIPT)
    return {f"ip-{node.name}.txt": partial(_say, node, *script) for node in nodes}


def engine_jobs(
    client: Any, containers: Mapping[str, Any], *, shared: bool
) -> dict[str, Any]:
    """Return the jobs that ask the engine.

    Of one that is `shared` only the lab's containers are described, else all.
    """

    def inspect() -> Any:
        ids = [item.id for item in containers.values()]
        every = [] if shared else client.api.containers(all=True)
        ids += [item["Id"] for item in reversed(every) if item["Id"] not in ids]
        return [client.api.inspect_container(one) for one in ids]

    def logs() -> str:
        return str(containers["web"].logs().decode(errors="replace"))

    if client is None:
        return {"web.log": logs}
    return {
        "docker-version.json": lambda: _pretty(client.version()),
        "docker-info.json": lambda: _pretty(client.info()),
        "docker-inspect.json": lambda: _pretty(inspect()),
        "docker-network.json": lambda: _pretty(client.api.inspect_network("bridge")),
        "web.log": logs,
    }


def _say(node: NamespaceNode, *argv: str) -> str:
    done = node.run(*argv, check=False, timeout=SECONDS)
    return done.stdout + done.stderr


def _guarded(job: Callable[[], str]) -> str:
    try:
        return job()
    except NetlabError as error:
        return f"{error}\n"
    except Exception as error:  # noqa: BLE001 - evidence of a broken lab is what we want
        return f"{type(error).__name__}: {error}\n"


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
