"""Versions and settings of a lab's host and engine, as short texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.lab.links import offloads
from pytest_netlab.lab.netns import inside

if TYPE_CHECKING:
    from pytest_netlab.lab.node import NamespaceNode

UNKNOWN = "unknown"
_IPTABLES = re.compile(r"v(?P<version>\S+)(?: \((?P<backend>\w+)\))?")

SYSCTLS = {
    "ip_forward": "net/ipv4/ip_forward",
    "bridge_nf": "net/bridge/bridge-nf-call-iptables",
}


def engine_facts(client: Any) -> dict[str, str]:
    """Return what the engine says of itself."""
    version, info = client.version(), client.info()
    parts = {part["Name"]: part["Version"] for part in version.get("Components", ())}
    return {
        "engine": version["Version"],
        "api": version["ApiVersion"],
        "containerd": parts.get("containerd", UNKNOWN),
        "runc": parts.get("runc", UNKNOWN),
        "kernel": version["KernelVersion"],
        "storage": info.get("Driver", UNKNOWN),
        "cgroup": f"v{info.get('CgroupVersion', '1')}",
    }


def host_facts(host: NamespaceNode, uplink: str) -> dict[str, str]:
    """Return settings of the host's namespace, and the iptables it has."""
    found = {name: sysctl(host.netns, key) for name, key in SYSCTLS.items()}
    return found | iptables_facts(host) | {"offload": offloads(host.netns, uplink)}


def iptables_facts(host: NamespaceNode) -> dict[str, str]:
    """Return the version of iptables, and whether it writes nf_tables or legacy."""
    match = _IPTABLES.search(host.run("iptables", "--version", check=False).stdout)
    if match is None:
        return {"iptables": UNKNOWN, "backend": UNKNOWN}
    return {"iptables": match["version"], "backend": match["backend"] or "legacy"}


def docker_proxy(procfs: str, address: str) -> str:
    """Return whether docker-proxy serves a published address: `on` or `off`.

    No interface tells; a process either runs or does not.
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


def sysctl(netns: str, key: str) -> str:
    """Return a sysctl of a network namespace, `absent` where the kernel has none."""
    with inside(netns):
        try:
            return Path(f"/proc/sys/{key}").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return "absent"
