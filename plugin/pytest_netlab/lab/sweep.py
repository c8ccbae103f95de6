"""Remove what dead owners left behind: processes, cgroups, links, containers, images.

Everything a lab makes carries its owner's token. A thing without a token, or whose
owner lives or cannot be seen, is not touched.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.engine import host_engine
from pytest_netlab.lab.lifetime import owner, supervisor
from pytest_netlab.lab.net.links import netlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # name -> token
    Found = dict[str, str]

START_SECONDS = 2  # the longest that a start waits for processes to end
ENGINE_SECONDS = 10
REMOVERS = 4


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did, as names.

    Attributes:
        removed: leftovers that are gone now.
        left: leftovers that are still there.

    """

    removed: tuple[str, ...]
    left: tuple[str, ...]

    def __add__(self, other: Swept) -> Swept:
        """Return the sum of two sweeps."""
        return Swept(self.removed + other.removed, self.left + other.left)


def sweep() -> Swept:
    """Remove all visible leftovers of dead owners, and check that they are gone."""
    found = locally(supervisor.SECONDS) + links()
    if not host_engine.address().startswith("unix://"):
        return found  # another machine's owners cannot be seen
    with ExitStack() as stack:
        try:
            client = stack.enter_context(closing(host_engine.connect(ENGINE_SECONDS)))
            with host_engine.refusals("looking for containers of dead runs"):
                return found + containers(client)
        except LabUnavailableError:
            return found
        except LabError as error:
            return found + Swept(removed=(), left=(str(error),))


def locally(seconds: float = START_SECONDS) -> Swept:
    """End the processes of dead owners, frozen or not, and remove their cgroups.

    All owners share the seconds; each gets at least one round in any case.
    """
    owner.disown_dead()
    end = time.monotonic() + seconds

    def found() -> Found:
        return _dead({name: token for token, name in supervisor.carriers()})

    def remove(token: str) -> None:
        supervisor.end(token, max(0, end - time.monotonic()))

    return _swept(found, remove)


def links() -> Swept:
    """Remove links of dead owners from this namespace."""

    def found() -> Found:
        with netlink(None) as ip:
            named = {str(link.get("ifname")): link for link in ip.get_links()}
        aliases = {name: link.get("ifalias") or "" for name, link in named.items()}
        return _dead({n: owner.find(alias) or "" for n, alias in aliases.items()})

    def remove(token: str) -> None:
        names = [name for name, other in found().items() if other == token]
        with netlink(None) as ip:
            for index in (i for name in names for i in ip.link_lookup(ifname=name)):
                with suppress(Exception):  # pyroute2's error: it is gone already
                    ip.link("del", index=index)

    return _swept(found, remove)


def containers(client: Any) -> Swept:
    """Remove containers and images of dead owners."""
    everything = {"label": owner.LABEL}

    def found() -> Found:
        made = client.containers.list(all=True, filters=everything, ignore_removed=True)
        owners = {item.name: item.labels[owner.LABEL] for item in made}
        for image in client.images.list(filters=everything):
            name = next(iter(image.tags), image.id)
            owners[name] = image.labels[owner.LABEL]
        return _dead(owners)

    return _swept(found, lambda token: remove_owned(client, token))


def _swept(found: Callable[[], Found], remove: Callable[[str], object]) -> Swept:
    """Remove what is found, owner by owner, and look again."""
    before = found()
    for token in sorted(set(before.values())):
        remove(token)
    after = found() if before else {}
    removed = tuple(name for name in before if name not in after)
    return Swept(removed=removed, left=tuple(after))


def _dead(found: Found) -> Found:
    dead = {token for token in set(found.values()) if owner.is_dead(token)}
    return {name: token for name, token in found.items() if token in dead}


def remove_owned(client: Any, token: str) -> None:
    """Remove the containers of one owner, then its images."""
    from docker.errors import APIError  # noqa: PLC0415 - slow, and not always needed

    ours = {"label": f"{owner.LABEL}={token}"}
    found = client.containers.list(all=True, filters=ours, ignore_removed=True)
    drop(found)
    for item in client.images.list(filters=ours):
        with suppress(APIError):
            client.images.remove(item.id, force=True)


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
