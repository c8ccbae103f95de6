"""The engine of this machine: what DOCKER_HOST names, if it answers."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "unix:///var/run/docker.sock"
SECONDS = 60


def address() -> str:
    """Return where the engine should be."""
    return os.environ.get("DOCKER_HOST") or DEFAULT


def connect(timeout: float = SECONDS) -> Any:
    """Return the docker SDK's client of the engine.

    Raises:
        LabUnavailableError: none answers there.

    """
    where = address()
    if where.startswith("unix://") and not listens(where.removeprefix("unix://")):
        raise LabUnavailableError(f"no Docker engine answers at {where}")
    from docker import from_env  # noqa: PLC0415 - 0.4 s that a run without lab saves
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        return from_env(timeout=timeout)
    except DockerException as error:
        text = f"no Docker engine answers at {where} ({error})"
        raise LabUnavailableError(text) from error


@contextmanager
def refusals(doing: str) -> Iterator[None]:
    """Turn what the SDK raises in the block into a LabError that says what was done."""
    from docker.errors import DockerException  # noqa: PLC0415 - see connect

    try:
        yield
    except (DockerException, OSError) as error:  # the SDK's transport raises OSErrors
        raise LabError(f"the engine failed while {doing}: {error}") from error


def listens(path: str) -> bool:
    """Tell whether someone listens on a unix socket.

    Asked before the SDK is, which leaves its own socket open when nobody does.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
