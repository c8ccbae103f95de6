"""A machine of the lab: a network namespace in which the machine's own tools run."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import CommandError, LabError, LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.lab.lifetime.namespaces import Namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceNode:
    """A node whose commands run in its network namespace, and end with the lab.

    Attributes:
        name: its symbol.
        address: IPv4, as text.
        netns: path of its network namespace.
        namespaces: those of the lab.
        docker: the docker SDK's container; None for other nodes.
        own_tools: programs that run in the lab's root instead of the machine's: name ->
            path there; "" if it lacks that program.
        own_path: folder in which they are found, for PATH; "" for none.

    """

    name: str
    address: str
    netns: str
    namespaces: Namespaces
    docker: Any = None
    own_tools: Mapping[str, str] = field(default_factory=dict)
    own_path: str = ""

    @property
    def container(self) -> Any:
        """Return the docker SDK's container; LabError if the node is no container."""
        if self.docker is None:
            raise LabError(f"{self.name} is no container: it has no `.container`")
        return self.docker

    def run(
        self, *argv: str, check: bool = True, timeout: float = 10
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine inside the node's network namespace.

        It is one of `own_tools` if it has such a name, and so is what it starts.

        Raises:
            CommandError: it failed (with ``check``) or ran out of time; names node,
                command, exit code and what it printed.
            LabUnavailableError: there is no such program.

        """
        self._demand(argv)
        process = subprocess.Popen(
            self.namespaces.command(argv, self.netns),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=self.environment(),
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as late:
            # Bytes even in text mode: the output until the timeout.
            said = [(part or b"").decode(errors="replace") for part in _parts(late)]
            why = f"took longer than {timeout:g} s"
            raise self._failed(argv, why, *said) from None
        finally:
            _end(process)
        if check and process.returncode:
            raise self._failed(argv, f"exit code {process.returncode}", out, err)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        env = self.namespaces.marked(environment())
        if self.own_path:
            env["PATH"] = f"{self.own_path}:{env.get('PATH', os.defpath)}"
        return env

    def _demand(self, argv: tuple[str, ...]) -> None:
        if not argv:
            raise LabError(f"{self.name}: run() needs a command")
        if not self.own_tools.get(argv[0], "there"):
            raise LabUnavailableError(
                f"{self.name}: no program {argv[0]!r} in the root that the engine is "
                "from: install it there"
            )
        if argv[0] not in self.own_tools and shutil.which(argv[0]) is None:
            raise LabUnavailableError(
                f"{self.name}: no program {argv[0]!r} on this machine. Nodes run the "
                "machine's own tools, not those of an image: install it here"
            )

    def _failed(
        self, argv: tuple[str, ...], why: str, out: str, err: str
    ) -> CommandError:
        said = "\n".join(text.strip() for text in (out, err) if text.strip())
        return CommandError(
            f"{self.name}: `{shlex.join(argv)}`: {why}\n{said}".rstrip()
        )


def environment() -> dict[str, str]:
    """Return this process's environment without proxies, which would divert traffic."""
    keep = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return keep | {"LC_ALL": "C.UTF-8"}


def _parts(late: subprocess.TimeoutExpired) -> tuple[Any, Any]:
    return late.stdout, late.stderr


def _end(process: subprocess.Popen[str]) -> None:
    """End a command, and the processes that stayed in its process group.

    The command leads a session of its own, as a child of `scripts.REAPER`.
    """
    if process.poll() is None:
        for leader in (*_children(process.pid), process.pid):
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _children(pid: int) -> list[int]:
    with suppress(OSError):  # it has ended
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(word) for word in children.read_text(encoding="ascii").split()]
    return []
