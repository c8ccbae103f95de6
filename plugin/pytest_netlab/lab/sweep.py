"""Remove what dead owners left behind: cgroups, links, containers, images.

Everything a lab makes carries its owner's token; what carries none, or that of a
process that lives or cannot be seen, is not touched.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.lab import owner, running
from pytest_netlab.lab.links import netlink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CGROUPS = Path("/sys/fs/cgroup")
RELEASE_SECONDS = 2
ENGINE_SECONDS = 10
REMOVERS = 4


def sweep() -> list[str]:
    """Remove all leftovers of dead owners that can be seen from here; return names."""
    found = cgroups() + links()
    if running.address().startswith("unix://"):  # another machine's owners are unseen
        with suppress(LabError), closing(running.connect(ENGINE_SECONDS)) as client:
            found += containers(client)
    return found


def cgroups() -> list[str]:
    """Remove cgroups of dead owners from every hierarchy; return their paths."""
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
    everything = {"label": owner.LABEL}
    labels = [
        *(item.labels for item in client.containers.list(all=True, filters=everything)),
        *(item.labels for item in client.images.list(filters=everything)),
    ]
    dead = {found[owner.LABEL] for found in labels if _of_dead(found[owner.LABEL])}
    return [name for token in sorted(dead) for name in remove_owned(client, token)]


def remove_owned(client: Any, token: str) -> list[str]:
    """Remove the containers of one owner, then its images; return their names."""
    from docker.errors import APIError  # noqa: PLC0415 - slow, and not always needed

    ours = {"label": f"{owner.LABEL}={token}"}
    found = client.containers.list(all=True, filters=ours, ignore_removed=True)
    names = [container.name for container in found]
    drop(found)
    for item in client.images.list(filters=ours):
        names += item.tags
        with suppress(APIError):
            client.images.remove(item.id, force=True)
    return names


def drop(found: Iterable[Any]) -> None:
    """Remove containers, running or not; one that is gone already is no error."""
    from docker.errors import APIError  # noqa: PLC0415 - slow, and not always needed

    def remove(container: Any) -> None:
        with suppress(APIError):
            container.remove(force=True, v=True)

    with ThreadPoolExecutor(REMOVERS) as pool:
        list(pool.map(remove, found))


def remove_image(client: Any, name: str) -> None:
    """Remove an image that a lab loaded; one that something else uses stays."""
    from docker.errors import APIError  # noqa: PLC0415 - slow, and not always needed

    with suppress(APIError):
        client.images.remove(name)


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
