"""The docker SDK's client, with a limit on every wait for an engine.

The SDK has none where it expects to wait: events, imports, `wait`, and what a container
says. Imports docker, which takes 0.4 s: import this when an engine is to be asked.
"""

from __future__ import annotations

import select
from contextlib import closing
from typing import TYPE_CHECKING, Any

from docker import DockerClient
from docker.api import APIClient
from docker.utils.socket import consume_socket_output, demux_adaptor, frames_iter
from requests.exceptions import ConnectionError, Timeout  # noqa: A004 - not builtins
from urllib3.exceptions import TimeoutError  # noqa: A004 - not builtins

from pytest_netlab.lab import running

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of silence, not of the whole answer: an image that is loaded tells its progress.
SECONDS = 30.0
# An engine that did not answer is asked again where a lab is undone, several times.
AGAIN_SECONDS = 10.0


class Client(DockerClient):  # type: ignore[misc] # the SDK has no types
    """A `docker.DockerClient` whose calls raise when an engine is silent for too long.

    `timeout` is for the first call, which asks for the engine's version; `limit` for
    all others, as long, if it is not given. Seconds.
    """

    def __init__(
        self, *, timeout: float, limit: float | None = None, **settings: Any
    ) -> None:
        """Ask the engine for its version."""
        self.api = _Api(timeout=timeout, limit=limit or timeout, **settings)


class _Api(APIClient):  # type: ignore[misc] # the SDK has no types
    """The calls below a client. What is overridden is where the SDK waits."""

    timeout: float

    def __init__(self, *, limit: float, **settings: Any) -> None:
        self._limit = limit
        super().__init__(**settings)

    def send(self, request: Any, **settings: Any) -> Any:
        adapter = getattr(self, "_custom_adapter", None)
        path = getattr(adapter, "socket_path", None)
        if path is not None and not running.listens(path):
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
        """Leave the limit where it is."""

    def _read_from_socket(
        self,
        response: Any,
        stream: bool,  # noqa: FBT001 - the SDK's own signature
        tty: bool = True,  # noqa: FBT001, FBT002
        demux: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        """Return what an exec or attach says, as the SDK does."""
        raw = _Impatient(self._get_raw_response_socket(response), self.timeout)
        frames = frames_iter(raw, tty)
        said = _closing(
            response, (demux_adaptor(*f) if demux else f[1] for f in frames)
        )
        return said if stream else consume_socket_output(said, demux=demux)


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
