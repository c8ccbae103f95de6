"""daemon.json of a private engine: what its lab sets, and what a user may add."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a lab keeps an engine, for which dockerd has flags; and the bridge docker0.
OWN = (
    *("data-root", "graph", "exec-root", "pidfile", "hosts", "cgroup-parent"),
    *("config-file", "containerd", "bridge"),
)
BACKEND, NFTABLES = "firewall-backend", "nftables"
_OPTIONS, _CGROUPS = "exec-opts", "native.cgroupdriver=cgroupfs"


def demand(key: str) -> None:
    """Check that a user may set a key.

    Raises:
        LabError: the lab does.

    """
    if key in OWN:
        raise LabError(
            f"{key!r} is the lab's own: it keeps its engine in one place, on docker0"
        )


def text(chosen: Mapping[str, Any], **own: Any) -> str:
    """Return a daemon.json.

    Args:
        chosen: the user's keys, which win.
        own: the lab's.

    """
    options = chosen.get(_OPTIONS, [])
    if isinstance(options, list):  # dockerd says what is wrong with anything else
        options = [_CGROUPS, *options]
    return json.dumps({**own, **chosen, _OPTIONS: options}, indent=2) + "\n"


def writes_nft(chosen: Mapping[str, Any]) -> bool:
    """Return whether the engine is to write rules of nftables itself."""
    return bool(chosen.get(BACKEND) == NFTABLES)
