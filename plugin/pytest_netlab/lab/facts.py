"""Versions and settings of a lab's host and engine, as short texts."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.host import sysctls
from pytest_netlab.host.facts import LinkState, Reach
from pytest_netlab.host.sysctls import FACTS
from pytest_netlab.lab.net import routes
from pytest_netlab.lab.net.links import listed, netlink, offloads
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.lab.net.node import NamespaceNode

UNKNOWN = "unknown"
_PER_LINK = "/proc/sys/net/ipv4/conf"
_DOTS = str.maketrans("./", "/.")  # as sysctl(8) names a link with a dot
_IPTABLES = re.compile(r"v(?P<version>\S+)(?: \((?P<backend>\w+)\))?")


def engine_facts(client: Any) -> dict[str, str]:
    """Return the versions and drivers that the engine reports."""
    version, info = client.version(), client.info()
    parts = {part["Name"]: part["Version"] for part in version.get("Components", ())}
    return {
        "engine": version["Version"],
        "firewall": firewall_of(info),
        "api": version["ApiVersion"],
        "containerd": parts.get("containerd", UNKNOWN),
        "runc": parts.get("runc", UNKNOWN),
        "kernel": version["KernelVersion"],
        "storage": info.get("Driver", UNKNOWN),
        "cgroup": f"v{info.get('CgroupVersion', '1')}",
    }


def firewall_of(info: Mapping[str, Any]) -> str:
    """Return what the engine writes its rules with: `iptables` or `nftables`.

    Engines before 28 do not report it: they only had one.
    """
    return str((info.get("FirewallBackend") or {}).get("Driver") or "iptables")


def host_facts(host: NamespaceNode, uplink: str) -> dict[str, str]:
    """Return sysctls, iptables and offloads of the host's namespace."""
    values = settings(host.netns, FACTS.values())
    found = {fact: values.get(name, "absent") for fact, name in FACTS.items()}
    return found | iptables_facts(host) | {"offload": offloads(host.netns, uplink)}


def reached(netns: str, links: Mapping[str, str], ends: Mapping[str, str]) -> str:
    """Return the link by which the host's routes reach each node, a line each.

    Args:
        netns: path of the host's network namespace.
        links: name of a link -> its name in the text.
        ends: name of a node -> its address.

    """
    chosen = routes.chosen(netns, ends.values())
    devices = (route.device if route else "" for route in chosen)
    found = (
        Reach(name, links.get(device, device))
        for name, device in zip(ends, devices, strict=True)
    )
    return "\n".join(one.text for one in found)


def link_states(netns: str, links: Mapping[str, str]) -> str:
    """Return the MTU of each link, and whether it is up."""
    with netlink(netns) as ip:
        known = {link.name: link for link in listed(ip)}
    found = ((name, known[link]) for link, name in links.items() if link in known)
    states = (LinkState(name, link.mtu, link.state) for name, link in found)
    return "\n".join(one.text for one in states)


def iptables_facts(host: NamespaceNode) -> dict[str, str]:
    """Return the version of iptables, and whether it writes nf_tables or legacy."""
    match = _IPTABLES.search(host.run("iptables", "--version", check=False).stdout)
    if match is None:
        return {"iptables": UNKNOWN, "backend": UNKNOWN}
    return {"iptables": match["version"], "backend": match["backend"] or "legacy"}


def docker_proxy(procfs: str, address: str) -> str:
    """Return whether docker-proxy serves a published address: `on` or `off`.

    No interface reports it, so look for the process.
    """
    wanted = address.encode()
    for path in Path(f"{procfs}/proc").glob("[0-9]*/cmdline"):
        try:
            argv = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if argv[0].endswith(b"docker-proxy") and wanted in argv:
            return "on"
    return "off"


def known_settings(netns: str) -> dict[str, str]:
    """Return the sysctls of a host that evidence has, those of each link too."""
    with inside(netns):
        links = sorted(path.name for path in Path(_PER_LINK).glob("*"))
    return settings(netns, (*sysctls.KNOWN, *sysctls.of_links(links)))


def settings(netns: str, names: Iterable[str]) -> dict[str, str]:
    """Return sysctls of a network namespace, without those that do not exist."""
    found = {}
    with inside(netns):
        for name in names:
            path = Path("/proc/sys", name.translate(_DOTS))
            with suppress(FileNotFoundError, PermissionError):
                found[name] = path.read_text(encoding="ascii").strip()
    return found
