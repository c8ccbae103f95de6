"""One line with the versions under test, before a lab exists. Starts no engine."""

from __future__ import annotations

import platform
from contextlib import closing
from typing import TYPE_CHECKING

from pytest_netlab.core import core
from pytest_netlab.errors import LabError
from pytest_netlab.lab.backends import HOST, PRIVATE
from pytest_netlab.lab.engine import host_engine
from pytest_netlab.lab.rootfs.roots import userland

if TYPE_CHECKING:
    from pathlib import Path


def header(engine: str, root: Path | None = None) -> str:
    """Return engine, iptables backend, kernel and core, for pytest's header."""
    land = userland(root)
    known = {PRIVATE: lambda: land.first_line("dockerd"), HOST: _running}
    version = known.get(engine, _none)()
    parts = [
        f"engine {engine} ({version})",
        land.first_line("iptables"),
        f"kernel {platform.release()}",
        f"core: {core()}",
    ]
    return ", ".join(parts)


def _running() -> str:
    """Return the version that the running engine reports; the client's may differ."""
    try:
        with closing(host_engine.connect(timeout=5)) as client:
            return f"Docker version {client.version()['Version']}"
    except (LabError, OSError) as error:
        return str(error)


def _none() -> str:
    return "a NAT in memory"
