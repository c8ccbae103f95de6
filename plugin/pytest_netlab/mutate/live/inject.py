"""How a live lab is broken: commands on nodes, each with one that undoes it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING

from pytest_netlab.spec import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

_TABLE = "inet netlab_mutate"


def commands(*there: tuple[str, str]) -> Inject:
    """Return a fault's `inject`: commands on the host; see `on`."""
    return on(*(("host", command, back) for command, back in there))


def on(*there: tuple[str, str, str]) -> Inject:
    """Return a fault's `inject`: commands on nodes, each with one that undoes it.

    Braces stand for what `addresses` says: {host02} for an address of that node.
    """

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        words = addresses(lab)
        with ExitStack() as undo:
            for name, command, back in there:
                node = lab.nodes[name]
                node.run(*command.format(**words).split())
                if back:
                    undo.callback(node.run, *back.format(**words).split())
            yield

    return inject


def rule(table: str, chain: str, match: str) -> tuple[str, str, str]:
    """Return what `on` takes: a rule of iptables, first in a chain of the host."""
    first, last = (f"iptables -t {table} {verb} {chain} {match}" for verb in _VERBS)
    return "host", first, last


_VERBS = ("-I", "-D")


def setting(node: str, name: str, value: str, back: str) -> tuple[str, str, str]:
    """Return what `on` takes: a sysctl of a node, set and set back."""
    first, last = (f"sysctl -qw {name}={one}" for one in (value, back))
    return node, first, last


def sysctl(name: str, value: str, back: str) -> Inject:
    """Return an `inject` that sets a sysctl of the host, and sets it back."""
    return on(setting("host", name, value, back))


def nft(
    *rules: str, hook: str = "forward", priority: int = 10, kind: str = "filter"
) -> Inject:
    """Return an `inject` that adds a foreign nft table with these rules to the host."""
    chain = f"{{{{ type {kind} hook {hook} priority {priority} ; }}}}"
    return commands(
        (f"nft add table {_TABLE}", f"nft delete table {_TABLE}"),
        (f"nft add chain {_TABLE} foreign {chain}", ""),
        *((f"nft add rule {_TABLE} foreign {rule}", "") for rule in rules),
    )


def added(table: str, chain: str, match: str) -> Inject:
    """Return an `inject`: a rule, first in a chain that Docker does not use."""
    return on(rule(table, chain, match))


def addresses(lab: DockerLab) -> dict[str, str]:
    """Return node -> address, mac-node -> Ethernet address, bridge -> its address.

    `uplink` is the name of the host's interface, `veth-web` that of its end of web's
    link, `lan` the uplink's network, `spare` an address in it that nobody has.
    """
    found = {name: node.address for name, node in lab.nodes.items()}
    found |= {f"mac-{name}": text for text, name in lab.stations.items()}
    found |= {f"veth-{name}": lab.veth(name) for name in CONTAINERS}
    named = {name: text for text, name in lab.symbols.items() if ":" not in text}
    lan = ip_network(f"{found['host']}/24", strict=False)
    return found | {
        "bridge": named["bridge"],
        "gateway": named["gateway"],
        "uplink": lab.uplink,
        "lan": str(lan),
        "spare": str(lan[77]),
    }


def places(lab: DockerLab) -> list[dict[str, str]]:
    """Return what braces stand for, as addresses and as the names in their place."""
    found = addresses(lab)
    symbols = {name: name for name in (*lab.nodes, "bridge", "gateway", "uplink")}
    return [found, {**found, **symbols, "lan": "net"}]
