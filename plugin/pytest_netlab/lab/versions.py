"""Lines on what is under test, before a lab exists: versions. Starts no engine."""

from __future__ import annotations

import platform
from contextlib import closing
from pathlib import Path

from pytest_netlab.core import core
from pytest_netlab.errors import LabError
from pytest_netlab.lab import firewall
from pytest_netlab.lab.backends import FAKE, KERNEL, PRIVATE
from pytest_netlab.lab.engine import host_engine
from pytest_netlab.lab.rootfs.roots import Userland, userland

ROUTES = Path("/proc/net/route")
DESTINATION, MASK, ANY = 1, 7, "00000000"  # columns of that table, and 0.0.0.0 in them

# What there is in place of an engine.
WITHOUT = {
    KERNEL: "the rules that Docker documents, without Docker",
    FAKE: "a NAT in memory",
}


def header(engine: str, root: Path | None = None, chosen: str = "") -> str:
    """Return engine, firewall, kernel and core, for pytest's header.

    Args:
        engine: the backend's name.
        root: the folder that a private engine is taken from.
        chosen: the firewall that was asked for.

    """
    land = userland(root)
    version = WITHOUT.get(engine) or _version(engine, land)
    parts = [
        f"engine {engine} ({version})",
        land.first_line(firewall.writer(chosen)),
        f"kernel {platform.release()}",
        f"core: {core()}",
    ]
    return ", ".join(parts)


def uplink_note(engine: str, routes: Path = ROUTES) -> str:
    """Return a note for a machine without a default route; "" for any other."""
    if engine == FAKE:
        return ""
    try:
        table = [line.split() for line in routes.read_text().splitlines()[1:]]
    except OSError:
        return ""
    if any(row[DESTINATION] == row[MASK] == ANY for row in table):
        return ""
    return (
        "this machine has no default route: the scenarios pass without one, as their "
        "uplink and the neighbours on it are the lab's own"
    )


def _version(engine: str, land: Userland) -> str:
    return land.first_line("dockerd") if engine == PRIVATE else _running()


def _running() -> str:
    """Return the version that the running engine reports; the client's may differ."""
    try:
        with closing(host_engine.connect(timeout=5)) as client:
            return f"Docker version {client.version()['Version']}"
    except (LabError, OSError) as error:
        return str(error)
