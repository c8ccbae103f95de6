"""Remove what dead owners left behind: cgroups, links, containers, images.

Everything a lab makes carries its owner's token; what carries none, or that of a
process that lives or cannot be seen, is not touched.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.lab import owner
from pytest_netlab.lab.links import netlink

if TYPE_CHECKING:
    from collections.abc import Iterator

CGROUPS = Path("/sys/fs/cgroup")
RELEASE_SECONDS = 2


def cgroups() -> list[str]:
    """Remove cgroup directories of dead owners, in every hierarchy; return their paths."""
    return [
        str(path)
        for path in _cgroup_folders(owner.PREFIX + "*")
        if _of_dead(path.name) and _remove_tree(path)
    ]


def remove_cgroup(name: str) -> None:
    """Remove an own cgroup from every hierarchy.

    A cgroup is busy for a moment after its last process is reaped.
    """
    end = time.monotonic() + RELEASE_SECONDS
    for path in _cgroup_folders(name):
        while not _remove_tree(path) and time.monotonic() < end:
            time.sleep(0.005)


def links() -> list[str]:
    """Remove links of dead owners from this namespace; return their names."""
    removed = []
    with netlink(None) as ip:
        for link in ip.get_links():
            if _of_dead(link.get("ifalias") or ""):
                with suppress(Exception):  # pyroute2's error: it is gone already
                    ip.link("del", index=link["index"])
                removed.append(str(link.get("ifname")))
    return removed


def containers(client: Any) -> list[str]:
    """Remove containers and images of dead owners; return their names."""
    from docker.errors import APIError  # noqa: PLC0415 - slow, and not always needed

    removed = []
    ours = {"label": owner.LABEL}
    for container in client.containers.list(all=True, filters=ours):
        if _of_dead(container.labels[owner.LABEL]):
            with suppress(APIError):
                container.remove(force=True, v=True)
                removed.append(container.name)
    for item in client.images.list(filters=ours):
        if _of_dead(item.labels[owner.LABEL]):
            with suppress(APIError):
                client.images.remove(item.id)
                removed.append(next(iter(item.tags), item.id))
    return removed


def _of_dead(text: str) -> bool:
    token = owner.find(text)
    return token is not None and owner.is_dead(token)


def _cgroup_folders(pattern: str) -> Iterator[Path]:
    """Yield matching directories at the top of the v2 tree or of each v1 hierarchy."""
    yield from CGROUPS.glob(pattern)
    yield from CGROUPS.glob(f"*/{pattern}")


def _remove_tree(path: Path) -> bool:
    """Remove a cgroup and those below it; False while a process is in one."""
    for folder, _, _ in os.walk(path, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue  # another sweep was faster
        except OSError:
            return False
    return True
