"""Namespaces that live exactly as long as this process lets them.

A `Holder` is process 1 of a pid namespace. It reads a pipe whose other end only this
process has; however this process ends, the pipe closes, process 1 returns, and the
kernel ends every process, mount and namespace under it. Knows nothing of networks.
"""

from __future__ import annotations

import selectors
import subprocess
from typing import IO, TYPE_CHECKING

from pytest_netlab.errors import LabError
from pytest_netlab.lab.log import Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START_SECONDS = 10
STOP_SECONDS = 10

# --propagation private: a mount made inside is never seen outside.
UNSHARE = (
    *("unshare", "--mount", "--propagation", "private"),
    *("--pid", "--net", "--fork", "--kill-child"),
)
# The pid is read before SETUP mounts the namespace's own /proc, where it would be 1.
# `read` is a builtin: the redirection is the shell's own, so `self` is the shell.
_FIRST = "set -e; read -r pid _ </proc/self/stat\n"
_LAST = '\necho "ready $pid"\nread -r _ || :\n'


class Holder:
    """The namespaces; `close` ends them, and so does the death of this process."""

    def __init__(self, setup: str, *args: str) -> None:
        """Run a shell script as process 1; return when it is through.

        Raises:
            LabError: the script failed, or took too long.

        """
        self._children: list[subprocess.Popen[bytes]] = []
        with Log() as log:
            self._process = subprocess.Popen(
                [*UNSHARE, "sh", "-c", _FIRST + setup + _LAST, "netlab", *args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log.fileno(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for pytest; it closes us in order
            )
            try:
                self.pid = self._await_ready(log)
            except BaseException:
                self.close()
                raise

    @property
    def root(self) -> str:
        """Return the path at which its root directory is seen from here."""
        return f"/proc/{self.pid}/root"

    @property
    def netns(self) -> str:
        """Return the path of its own network namespace."""
        return f"/proc/{self.pid}/ns/net"

    def named(self, name: str) -> str:
        """Return the path of a network namespace that its script made."""
        return f"{self.root}/run/netlab/{name}"

    def command(
        self, argv: Sequence[str], netns: str, *, own_files: bool = False
    ) -> list[str]:
        """Return the argv that runs a command in a network namespace, to die with us.

        The command sees the machine's own files, and only its pids and links are the
        lab's; with ``own_files`` it sees the root of process 1.
        """
        target = ("--target", str(self.pid), *(("--mount",) if own_files else ()))
        return ["nsenter", *target, "--pid", f"--net={netns}", "--", *argv]

    def spawn(
        self, argv: Sequence[str], log: Log, env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program in all of the holder's namespaces; it ends with them."""
        target = ("--target", str(self.pid))
        process = subprocess.Popen(
            ["nsenter", *target, "--pid", "--mount", "--net", "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=log.fileno(),
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
        self._children.append(process)
        return process

    def close(self) -> None:
        """Close the pipe, and return when all that was inside is gone.

        unshare returns when process 1 is reaped, and the kernel lets that be reaped
        only after every other process of the pid namespace.
        """
        for pipe in (self._process.stdin, self._process.stdout):
            _pipe(pipe).close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # --kill-child passes it on to process 1
            self._process.wait()
        for child in self._children:
            child.wait()

    def _await_ready(self, log: Log) -> int:
        output = _pipe(self._process.stdout)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            ready = selector.select(START_SECONDS)
        line = output.readline() if ready else b""
        if not line.startswith(b"ready "):
            raise LabError(
                "cannot set up the lab's namespaces: "
                f"{log.tail() or f'no answer in {START_SECONDS} s'}. A lab needs root "
                "with CAP_SYS_ADMIN; in a container, start it with --privileged."
            )
        return int(line.split()[1])


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise LabError("the lab's holder has no pipe")
    return pipe
