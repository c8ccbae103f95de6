"""A dockerd inside a lab's namespaces, and how to reach it from outside."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.lab.engine.listener import listens
from pytest_netlab.lab.engine.liveness import Liveness, programs_below
from pytest_netlab.lab.lifetime.log import TAIL_LINES

if TYPE_CHECKING:
    from pytest_netlab.lab.lifetime.log import Log
    from pytest_netlab.lab.lifetime.namespaces import Namespaces

START_SECONDS = 30
LAST_LINES = 5  # of a log that the evidence has in full
HOME = "/run/netlab/docker"
SOCKET = "/run/netlab/docker.sock"
CONFIG = "/run/netlab/daemon.json"
# Settings of the machine's daemon.json, of DOCKER_* or of a proxy must not reach a
# private engine.
KEEP = ("PATH", "LANG", "TZ")


class Daemon:
    """A running dockerd; it ends with its namespaces."""

    def __init__(
        self,
        namespaces: Namespaces,
        log: Log,
        *,
        cgroup: str,
        config: str,
        path: str | None = None,
    ) -> None:
        """Start it with a daemon.json; `connect` waits until it answers.

        Args:
            namespaces: those it runs in.
            log: takes what it prints.
            cgroup: the parent of its containers' cgroups.
            config: the text of its daemon.json.
            path: its PATH; None for our own.

        """
        self._socket = f"{namespaces.root}{SOCKET}"
        self._log = log
        Path(f"{namespaces.root}{CONFIG}").write_text(config, encoding="utf-8")
        env = {name: os.environ[name] for name in KEEP if name in os.environ}
        if path is not None:
            env["PATH"] = path
        argv = ["dockerd", *_flags(cgroup)]
        self._process = namespaces.spawn(argv, self._log, env)

    def connect(self) -> Any:
        """Return a client as soon as the engine answers.

        Raises:
            LabError: it died, or never answered; the text has its last log lines.

        """
        end = time.monotonic() + START_SECONDS
        while True:
            if client := self._try(end - time.monotonic()):
                return client
            code = self._process.poll()
            if code is not None:
                raise self._failed(f"ended with exit code {code} while it started")
            if time.monotonic() >= end:
                raise self._failed(f"did not answer within {START_SECONDS:g} s")
            time.sleep(0.005)

    def _try(self, timeout: float) -> Any:
        """Return a client, or None where there is no answer yet.

        dockerd listens long before it is ready and answers when it is: one blocking
        request waits for that; only the socket's appearance has to be polled for.
        """
        if not listens(self._socket):
            return None
        from docker.errors import DockerException  # noqa: PLC0415 - see client

        from pytest_netlab.lab.engine import client  # noqa: PLC0415 - while dockerd starts

        address, first = f"unix://{self._socket}", max(timeout, 0.1)
        with suppress(DockerException):
            return client.Client(
                base_url=address, timeout=first, limit=client.SECONDS, private=True
            )
        return None

    def liveness(self, client: Any) -> Liveness:
        """Return the liveness check of dockerd and its containerd; call it once."""
        return Liveness(
            client,
            programs_below(self._process.pid),
            lambda: (
                "Next: run again; the whole log is in the evidence, "
                f"host/dockerd.log. {self._said(LAST_LINES)}"
            ),
        )

    def _failed(self, why: str) -> LabError:
        return LabError(
            f"dockerd {why}. {self._said()}\n"
            "Next: docs/labs.md says what a private engine needs of this machine."
        )

    def _said(self, lines: int = TAIL_LINES) -> str:
        return f"Its last words:\n{self._log.tail(lines) or '(nothing)'}"


def _flags(cgroup: str) -> tuple[str, ...]:
    return (
        *("--config-file", CONFIG),
        *("--data-root", f"{HOME}/data"),
        *("--exec-root", f"{HOME}/exec"),
        *("--pidfile", f"{HOME}.pid"),
        *("--host", f"unix://{SOCKET}"),
        *("--cgroup-parent", f"/{cgroup}"),
    )
