"""The engine of this machine: what DOCKER_HOST names, if it answers."""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.engine.listener import listens
from pytest_netlab.lab.engine.refused import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "unix:///var/run/docker.sock"
NEXT = "Next: look into the engine's log, restart the engine, and run again."


def address() -> str:
    """Return where the engine should be."""
    return os.environ.get("DOCKER_HOST") or DEFAULT


def connect(timeout: float | None = None) -> Any:
    """Return the docker SDK's client of the engine.

    Args:
        timeout: seconds that it may be silent; by default `client.SECONDS`.

    Raises:
        LabUnavailableError: no engine answers there.
        LabError: the user's configuration of Docker cannot be read.

    """
    where = address()
    if where.startswith("unix://") and not listens(where.removeprefix("unix://")):
        raise LabUnavailableError(f"no Docker engine answers at {where}")
    from docker.errors import DockerException  # noqa: PLC0415 - 0.4 s, see there

    from pytest_netlab.lab.engine import client  # noqa: PLC0415 - 0.4 s, see there

    try:
        return client.Client.from_env(timeout=timeout or client.SECONDS)
    except (DockerException, ValueError) as error:  # ValueError: it is no address
        text = f"no Docker engine answers at {where} ({error})"
        raise LabUnavailableError(text) from error


@contextmanager
def refusals(doing: str) -> Iterator[None]:
    """Turn what the SDK raises in the block into a LabError.

    Its text says what was done, whether the engine refused or was silent and for how
    long, and what to do.
    """
    from docker.errors import DockerException  # noqa: PLC0415 - 0.4 s without a lab
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - comes with docker

    began = monotonic()
    try:
        yield
    # The SDK's transport raises OSErrors, and urllib3's own while a stream is read.
    except (DockerException, HTTPError, OSError) as error:
        if _is_silence(error):
            waited = f"{monotonic() - began:.0f} s"
            text = f"the engine was silent for {waited} while {doing}. {NEXT}"
            raise LabError(text) from error
        text = f"the engine failed while {doing}: {explained(error)}"
        raise LabError(text) from error


def _is_silence(error: BaseException | None) -> bool:
    """Return whether an exception, or one that it wraps, is a timeout.

    `__context__` is ignored: what was handled before need not be the cause.
    """
    from requests.exceptions import Timeout  # noqa: PLC0415 - comes with docker
    from urllib3.exceptions import TimeoutError as Silence  # noqa: PLC0415

    if error is None or isinstance(error, (TimeoutError, Timeout, Silence)):
        return error is not None
    wrapped = (each for each in error.args if isinstance(each, BaseException))
    return any(_is_silence(each) for each in (error.__cause__, *wrapped))
