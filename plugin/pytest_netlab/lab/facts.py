"""Versions and settings of a lab's host and engine, as short texts."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.host.sysctls import FACTS
from pytest_netlab.lab.links import netlink, offloads
from pytest_netlab.lab.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.lab.node import NamespaceNode

UNKNOWN = "unknown"
# One line an address, in one process; an address without a route says so.
_WAYS = 'for end; do ip -o route get "$end" 2>/dev/null || echo none; done'
_DEVICE = re.compile(r"\bdev (\S+)")
_IPTABLES = re.compile(r"v(?P<version>\S+)(?: \((?P<backend>\w+)\))?")


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
    values = settings(host.netns, FACTS.values())
    found = {fact: values.get(name, "absent") for fact, name in FACTS.items()}
    return found | iptables_facts(host) | {"offload": offloads(host.netns, uplink)}


def ways(host: NamespaceNode, links: Mapping[str, str], ends: Mapping[str, str]) -> str:
    """Return by which link the host reaches each end: what its routes come to.

    Args:
        host: the host under test.
        links: name of a link -> what to call it.
        ends: name of a node -> its address.

    """
    said = host.run("sh", "-c", _WAYS, "-", *ends.values(), check=False).stdout
    found = (_DEVICE.search(line) for line in said.splitlines())
    ways = (f"dev {links.get(dev[1], dev[1])}" if dev else "none" for dev in found)
    return "\n".join(
        f"route {name} {way}" for name, way in zip(ends, ways, strict=False)
    )


def mtus(netns: str, links: Mapping[str, str]) -> str:
    """Return the MTU of each link, and whether it is up."""
    with netlink(netns) as ip:
        known = {link.get("ifname"): link for link in ip.get_links()}
    return "\n".join(
        f"link {name} mtu {known[link].get('mtu')} {known[link].get('state')}"
        for link, name in links.items()
        if link in known
    )


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


def settings(netns: str, names: Iterable[str]) -> dict[str, str]:
    """Return sysctls of a network namespace; those that there are not are left out."""
    found = {}
    with inside(netns):
        for name in names:
            path = Path("/proc/sys", name.replace(".", "/"))
            with suppress(FileNotFoundError):
                found[name] = path.read_text(encoding="ascii").strip()
    return found
