"""The counters that kernels of a lab's namespaces keep by themselves, read by /proc."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabError
from pytest_netlab.host import meters
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.host.meters import Meters

_PROC = Path("/proc/thread-self/net")  # /proc/net is that of the process


class Counters:
    """The counters of a host and its nodes around a capture; a millisecond a reading.

    A namespace that is gone has no counters: nothing here raises.
    """

    def __init__(
        self, host: str, links: Mapping[str, str], nodes: Mapping[str, str]
    ) -> None:
        """Read nothing yet.

        Args:
            host: path of the host's network namespace.
            links: name of a link of the host -> whom it leads to.
            nodes: name of another node -> path of its network namespace.

        """
        self._host, self._links, self._nodes = host, links, nodes
        self._before: Mapping[str, int] = {}
        self._closed: Mapping[str, int] = {}
        self._meters = meters.Meters()

    def begin(self) -> None:
        """Read them at the beginning of a capture."""
        self._closed, self._meters = {}, meters.Meters()
        self._before = {meters.CLOCK: time_ns(), **self._read()}

    def close(self) -> None:
        """Read them just before its closing canaries."""
        self._closed = {**self._read(), meters.CLOCK: time_ns()}

    def end(self) -> None:
        """Read them at its end.

        What a node sends after the closing canaries is not captured: it does not count.
        """
        sent = {n: v for n, v in self._closed.items() if meters.is_of_sender(n)}
        after = {**self._read(), **sent}
        self._meters = meters.between(self._before, after, self._links)

    def counted(self) -> Meters:
        """Return what was counted during the last capture; nothing until its end."""
        return self._meters

    def _read(self) -> dict[str, int]:
        """Return the host's counters and the nodes'; those of links first."""
        found = meters.counts(_files(self._host, meters.FILES))
        for name, netns in self._nodes.items():
            found |= meters.counts(_files(netns, meters.OF_NODES), name)
        return found


def _files(netns: str, names: Iterable[str]) -> dict[str, str]:
    """Return the text of files below /proc/net, without those that do not exist."""
    found = {}
    with suppress(LabError), inside(netns):
        for name in names:
            with suppress(OSError):
                found[name] = (_PROC / name).read_text(encoding="ascii")
    return found
