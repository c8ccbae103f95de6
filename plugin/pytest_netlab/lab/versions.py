"""One line on what is under test, before a lab exists. Only runs programs."""

from __future__ import annotations

import platform
import subprocess
from contextlib import closing

from pytest_netlab.core import core
from pytest_netlab.errors import LabError
from pytest_netlab.lab import running


def header(engine: str) -> str:
    """Return engine, iptables backend, kernel and core as pytest's header line."""
    version = {"private": _dockerd, "host": _running}.get(engine, _none)()
    parts = [
        f"engine {engine} ({version})",
        _first_line("iptables", "--version"),
        f"kernel {platform.release()}",
        f"core: {core()}",
    ]
    return f"netlab: {', '.join(parts)}"


def _dockerd() -> str:
    return _first_line("dockerd", "--version")


def _running() -> str:
    """Return what the engine says that is there; the client's version is another."""
    try:
        with closing(running.connect(timeout=5)) as client:
            return f"Docker version {client.version()['Version']}"
    except (LabError, OSError) as error:
        return str(error)


def _none() -> str:
    return "a NAT in memory"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return f"no {command[0]}"
    return done.stdout.strip().partition("\n")[0].partition(",")[0]
