"""Evidence: the present state of the host's namespace, the nodes and the engine.

If a tool is missing or fails, its error message is the text; nothing here raises.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_netlab.errors import NetlabError
from pytest_netlab.host import sysctls
from pytest_netlab.host.firewall.counters import FILES
from pytest_netlab.host.routing.next_hops import Reachable
from pytest_netlab.host.routing.xfrm import POLICIES, STATES
from pytest_netlab.host.snapshot import BEFORE, KEPT, START, Snapshot
from pytest_netlab.lab import facts
from pytest_netlab.lab.net import addresses, conntrack, routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_netlab.lab.net.node import NamespaceNode

    T = TypeVar("T")

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
    "tc.txt": ("tc", "-s", "qdisc"),
    POLICIES: ("ip", "xfrm", "policy"),
    STATES: ("ip", "xfrm", "state"),
    "bridge-link.txt": ("bridge", "-d", "link"),
    "bridge-fdb.txt": ("bridge", "fdb"),
    "versions.txt": ("sh", "-c", VERSIONS_SCRIPT),
}
# What comes from the kernel: a part of the snapshot -> the function that reads it.
ASKED: Mapping[str, Callable[[str], Any]] = {
    "entries": conntrack.entries,
    "sysctls": facts.known_settings,
    "routes": routes.listed,
    "policy_rules": partial(routes.rules, family=AF_INET),
    "policy_rules6": partial(routes.rules, family=AF_INET6),
    "neighbours": routes.neighbours,
    "addresses": addresses.listed,
    "links": routes.known_links,
}
# What is known of a lab's start: no connections, they come with its traffic.
AT_START = tuple(name for name in ASKED if name != "entries")
_FILE = "== file "
# Prints the links, addresses and routes of a node, in one command.
NODE_SCRIPT = "ip -d link; echo; ip addr; echo; ip route; echo; ip -6 route"


def at_start(host: NamespaceNode) -> Snapshot:
    """Return the state of a host whose lab has just started: rules and routes."""
    asked = {name: partial(ASKED[name], host.netns) for name in AT_START}
    with ThreadPoolExecutor(WORKERS) as pool:
        rules = pool.submit(counters, host)
        known = pool.map(_known, asked.values(), [KEPT[n].render for n in asked])
        found = dict(zip(asked, known, strict=True))
    texts = {KEPT[name].file: text for name, (text, _) in found.items()}
    values = {name: value for name, (_, value) in found.items() if value is not None}
    return Snapshot(files={**rules.result(), **texts}, **values)


def counters(host: NamespaceNode) -> dict[str, str]:
    """Return the host's rules with their counters, file name -> text; one command.

    Nothing where it does not end: then nobody knows which rule acted.
    """
    commands = (
        f"echo '{_FILE}{name}'; {' '.join(HOST_COMMANDS[name])} 2>/dev/null"
        for name in FILES
    )
    printed = _guarded(partial(_say, host, "sh", "-c", "; ".join(commands)))
    parts = (part.partition("\n") for part in printed.split(_FILE)[1:])
    return {name: text for name, _, text in parts}


def collect(
    netns: str,
    nodes: Iterable[NamespaceNode],
    jobs: Mapping[str, Callable[[], str]],
    known: Mapping[str, Callable[[], Any]],
) -> Snapshot:
    """Return the present state of the host.

    Args:
        netns: path of the host's network namespace.
        nodes: the host and the other nodes.
        jobs: file name -> function that returns its text; `WORKERS` run at a time.
        known: what the lab itself knows of the last capture: `events`, as
            `Events.heard` returns them, and `meters`, as `Counters.counted` does.

    """
    asked: dict[str, Callable[[], Any]]
    asked = {name: partial(ask, netns) for name, ask in ASKED.items()}
    asked |= {**known, "ends": partial(_ends, nodes)}
    asked["reachable"] = partial(_reachable, nodes)
    with ThreadPoolExecutor(WORKERS) as pool:
        values = pool.map(_known, asked.values(), [KEPT[n].render for n in asked])
        texts = dict(zip(jobs, pool.map(_guarded, jobs.values()), strict=True))
    found = dict(zip(asked, values, strict=True))
    texts |= {KEPT[name].file: text for name, (text, _) in found.items()}
    parts = {name: value for name, (_, value) in found.items() if value is not None}
    parts["events"] = tuple(filter(None, parts.get("events", ())))
    return Snapshot(files=texts, **parts)


def with_earlier(
    now: Snapshot, start: Snapshot | None, before: Mapping[str, str]
) -> Snapshot:
    """Return a snapshot that also has what the host was earlier, in its files too.

    Args:
        now: the host's present state.
        start: its state when its lab had just started; None where nobody looked.
        before: its rules just before the capture, file name -> text.

    """
    files = dict(now.files)
    for prefix, earlier in ((START, start.files if start else {}), (BEFORE, before)):
        files |= {f"{prefix}{name}": text for name, text in earlier.items()}
    return replace(now, files=files, start=start, before=before)


def host_jobs(host: NamespaceNode, interfaces: Iterable[str]) -> dict[str, Any]:
    """Return the jobs that look at the host's rules and links."""
    jobs = {name: partial(_say, host, *argv) for name, argv in HOST_COMMANDS.items()}
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

    Of a `shared` engine only the lab's containers are inspected, otherwise all.
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


def _ends(nodes: Iterable[NamespaceNode]) -> dict[str, dict[str, str]]:
    return {node.name: facts.settings(node.netns, sysctls.ENDS) for node in nodes}


def _reachable(nodes: Iterable[NamespaceNode]) -> dict[str, Reachable]:
    return {
        node.name: Reachable(
            routes.listed(node.netns),
            routes.rules(node.netns, AF_INET),
            routes.neighbours(node.netns),
        )
        for node in nodes
    }


def _say(node: NamespaceNode, *argv: str) -> str:
    done = node.run(*argv, check=False, timeout=SECONDS)
    return done.stdout + done.stderr


def _guarded(job: Callable[[], str]) -> str:
    return _known(job, str)[0]


def _known(job: Callable[[], T], render: Callable[[T], str]) -> tuple[str, T | None]:
    """Return a job's result as text and as value; for an error its text and None."""
    try:
        found = job()
    except NetlabError as error:
        return f"{error}\n", None
    except Exception as error:  # noqa: BLE001 - evidence of a broken lab is what we want
        return f"{type(error).__name__}: {error}\n", None
    return render(found), found


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
