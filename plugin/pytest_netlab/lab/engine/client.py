"""The docker SDK's client, with a limit on every wait for an engine.

The SDK has none where it expects to wait: events, imports, `wait`, and the output of a
container. Imports docker, which takes 0.4 s: import this only when it is needed.
"""

from __future__ import annotations

import select
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker import DockerClient, auth
from docker.api import APIClient
from docker.errors import DockerException
from docker.utils import config
from docker.utils.socket import consume_socket_output, demux_adaptor, frames_iter
from requests.exceptions import ConnectionError, Timeout  # noqa: A004 - not builtins
from urllib3.exceptions import TimeoutError  # noqa: A004 - not builtins

from pytest_netlab.errors import LabError
from pytest_netlab.lab.engine.listener import listens

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of silence, not of the whole answer: an engine that loads an image reports progress.
SECONDS = 30.0
# For an engine that was silent: closing a lab calls it several times more.
AGAIN_SECONDS = 10.0
# The keys that the SDK reads in a user's config.json, and the type of each.
CONFIGURED = {
    "HttpHeaders": dict,
    "proxies": dict,
    "auths": dict,
    "credHelpers": dict,
    "credsStore": str,
    "detachKeys": str,
}
NESTED = {"HttpHeaders": str, "proxies": dict, "auths": dict, "credHelpers": str}
ALWAYS = ("HttpHeaders", "proxies")
KINDS = {dict: "a table", str: "a text"}
# Not empty: the SDK would search for a file. "auths" is empty: no credentials.
_NO_CONFIGURATION: dict[str, dict[str, str]] = {"auths": {}}


class Client(DockerClient):  # type: ignore[misc] # the SDK has no types
    """A `docker.DockerClient` whose calls raise when an engine is silent for too long.

    `timeout` limits the first call, which asks for the engine's version; `limit` all
    others, by default to the same. Seconds. A `private` engine gets none of the user's
    proxies, headers and credentials in config.json.
    """

    def __init__(
        self,
        *,
        timeout: float,
        limit: float | None = None,
        private: bool = False,
        **settings: Any,
    ) -> None:
        """Ask the engine for its version.

        Raises:
            LabError: config.json is not as the SDK reads it.

        """
        kind = _PrivateApi if private else _Api
        try:
            wrong = _waits() or (
                "" if private else _wrong(config.load_general_config())
            )
            if not wrong:
                self.api = kind(timeout=timeout, limit=limit or timeout, **settings)
        except RecursionError:  # the SDK reads it even for a private engine
            wrong = "it is nested too deeply"
        if wrong:
            raise LabError(
                f"{config.find_config_file()} is no configuration of Docker: {wrong}. "
                "Next: mend it, or name the folder of another one with DOCKER_CONFIG"
            )


class _Api(APIClient):  # type: ignore[misc] # the SDK has no types
    """The API calls of a client. Overrides the places where the SDK waits."""

    timeout: float

    def __init__(self, *, limit: float, **settings: Any) -> None:
        self._limit = limit
        super().__init__(**settings)

    def send(self, request: Any, **settings: Any) -> Any:
        adapter = getattr(self, "_custom_adapter", None)
        path = getattr(adapter, "socket_path", None)
        if path is not None and not listens(path):
            raise ConnectionError(f"nobody listens on {path}")
        try:
            answer = super().send(request, **settings)
        except Timeout:
            self.timeout = min(self.timeout, AGAIN_SECONDS)
            raise
        self.timeout = self._limit
        return answer

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        return kwargs

    def _disable_socket_timeout(self, socket: Any) -> None:
        """Keep the limit, which the SDK would remove."""

    def _read_from_socket(
        self,
        response: Any,
        stream: bool,  # noqa: FBT001 - the SDK's own signature
        tty: bool = True,  # noqa: FBT001, FBT002
        demux: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        """Return the output of an exec or attach, as the SDK does."""
        raw = _Impatient(self._get_raw_response_socket(response), self.timeout)
        frames = frames_iter(raw, tty)
        said = _closing(
            response, (demux_adaptor(*f) if demux else f[1] for f in frames)
        )
        return said if stream else consume_socket_output(said, demux=demux)


class _PrivateApi(_Api):
    """The API calls of a client that has no configuration."""

    @property
    def _general_configs(self) -> dict[str, Any]:
        return {name: dict(table) for name, table in _NO_CONFIGURATION.items()}

    @_general_configs.setter
    def _general_configs(self, read: object) -> None:
        """Drop the configuration that the SDK has read."""


def _waits() -> str:
    """Return why reading the configuration would block; "" if it does not."""
    path = config.find_config_file()
    return "it is a FIFO" if path and Path(path).is_fifo() else ""


def _wrong(found: Any) -> str:
    """Return what the SDK cannot read in a configuration; "" if it can read all.

    The SDK takes invalid JSON, or a file that it cannot open, for no configuration. It
    skips null, except in `ALWAYS`, which it reads at every call.
    """
    if not isinstance(found, dict):
        return "it must be a table"
    for key, kind in CONFIGURED.items():
        value = found.get(key, kind())
        if value is None and key not in ALWAYS:
            continue
        if not isinstance(value, kind):
            return f"{key} must be {KINDS[kind]}"
        for name, nested in value.items() if isinstance(value, dict) else ():
            if not isinstance(nested, NESTED[key]):
                return f"{key}.{name} must be {KINDS[NESTED[key]]}"
    try:
        auth.load_config(config_dict=dict(found))
    except (DockerException, ValueError, TypeError, AttributeError):
        return "its auths cannot be read"
    return ""


def _closing(response: Any, said: Iterator[Any]) -> Iterator[Any]:
    with closing(response):
        yield from said


class _Impatient:
    """A socket that raises where the SDK would wait for it without a limit.

    The SDK asks for the descriptor before each read, polls it for ever, and reads.
    """

    def __init__(self, raw: Any, seconds: float) -> None:
        self._raw, self._seconds = raw, seconds

    def fileno(self) -> int:
        fd: int = self._raw.fileno()
        poll = select.poll()
        poll.register(fd, select.POLLIN | select.POLLPRI)
        if not poll.poll(self._seconds * 1000):
            # No OSError: the SDK's streams take that for their end.
            raise TimeoutError(f"timed out: silent for {self._seconds:g} s")
        return fd

    def recv(self, size: int) -> Any:
        return (getattr(self._raw, "recv", None) or self._raw.read)(size)
