"""Who listens on a socket."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from tests.silent_engine import SilentEngine

from pytest_netlab.lab.engine import listener

if TYPE_CHECKING:
    from pathlib import Path


def test_full_queue_is_no_engine(tmp_path: Path) -> None:
    """One whose queue is full is not waited for, however long it accepts nobody."""
    path = str(tmp_path / "docker.sock")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as one:
        server.bind(path)
        server.listen(0)
        one.connect(path)

        assert not listener.listens(path)


def test_listener_is_known(tmp_path: Path) -> None:
    """Who listens at a socket is told by its pid; at a missing one, nobody."""
    with SilentEngine(tmp_path / "docker.sock"):
        assert listener.pid_of(f"unix://{tmp_path}/docker.sock") == os.getpid()
    assert listener.pid_of(f"unix://{tmp_path}/nobody.sock") is None
