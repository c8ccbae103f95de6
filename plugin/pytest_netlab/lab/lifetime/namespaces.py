"""Namespaces that end with this process, however it ends.

Their init, process 1 of a pid namespace, reads a pipe whose other end only this process
has. When this process ends, the pipe closes, init exits, and the kernel ends every
process, mount and namespace under it. A supervisor outside reads the same pipe, and
ends what the kernel cannot. Knows nothing of networks.
"""

from __future__ import annotations

import os
import selectors
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pytest_netlab.errors import LabError
from pytest_netlab.lab.lifetime import owner, scripts, signals, supervisor
from pytest_netlab.lab.lifetime.log import Log

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


class Namespaces:
    """The namespaces; `close` ends them, and so does the death of this process."""

    def __init__(self, token: str, setup: str, *args: str) -> None:
        """Run a shell script as init; return when it is through.

        All processes in the namespaces carry the token of their owner.

        Raises:
            LabError: the script failed, or took too long.

        """
        self._token = token
        self._children: list[subprocess.Popen[bytes]] = []
        reader, writer = os.pipe()
        self._lifeline = os.fdopen(writer, "wb")
        begun = False
        with Log() as log, os.fdopen(reader, "rb") as lifeline:
            try:
                with signals.deferred():  # a deferred signal is raised at its end
                    self._supervisor = supervisor.Supervisor(token, lifeline.fileno())
                    self._process = subprocess.Popen(
                        [*UNSHARE, "sh", "-c", _FIRST + setup + _LAST, "netlab", *args],
                        stdin=lifeline,
                        stdout=subprocess.PIPE,
                        stderr=log.fileno(),
                        env={**os.environ, owner.MARK: token},
                        cwd="/",
                        start_new_session=True,  # Ctrl-C is for pytest, which closes us
                    )
                    begun = True
                self.pid = self._await_ready(log)
            except BaseException:
                if begun:
                    self.close()
                raise

    @property
    def root(self) -> str:
        """Return the path of init's root directory, as seen from here."""
        return f"/proc/{self.pid}/root"

    @property
    def netns(self) -> str:
        """Return the path of init's network namespace."""
        return f"/proc/{self.pid}/ns/net"

    def named(self, name: str) -> str:
        """Return the path of a network namespace that the script made."""
        return f"{self.root}/run/netlab/{name}"

    def offer(self, programs: Mapping[str, str]) -> str:
        """Return a folder, for PATH, of scripts that run programs in init's root.

        Args:
            programs: name -> path there; "" if the script is to refuse.

        """
        folder = Path(self.named("programs"))
        folder.mkdir()
        for name, path in programs.items():
            text = scripts.TOOL if path else scripts.NO_TOOL
            text = text.replace("PROGRAM", path or name).replace("PID", str(self.pid))
            (folder / name).write_text(text, encoding="ascii")
            (folder / name).chmod(0o755)
        return str(folder)

    def command(self, argv: Sequence[str], netns: str) -> list[str]:
        """Return the argv of a command in a network namespace, which ends with the lab.

        Its environment must be `marked`. The command sees the machine's own files, and
        only its pids and links are the lab's. Its exit code is a shell's: 128 plus the
        number of the signal that ended it.
        """
        return [
            *(*self._enter(), "--no-fork", "--pid", f"--net={netns}", "--"),
            *("sh", "-c", scripts.REAPER, "netlab", *argv),
        ]

    def marked(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return an environment with the token, by which the process is found."""
        return {**env, owner.MARK: self._token}

    def spawn(
        self, argv: Sequence[str], log: Log, env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program in all of the namespaces; it ends with them."""
        process = subprocess.Popen(
            self.command([*self._enter(), "--mount", "--", *argv], self.netns),
            stdin=subprocess.DEVNULL,
            stdout=log.fileno(),
            stderr=subprocess.STDOUT,
            env=self.marked(env),
            start_new_session=True,
        )
        self._children.append(process)
        return process

    def close(self) -> None:
        """Close the pipe, and return when all that carries the token is gone.

        unshare returns when process 1 is reaped, and the kernel lets that be reaped
        only after every other process of the pid namespace.

        Raises:
            LabError: something stays; the text names it.

        """
        with signals.deferred():
            self._lifeline.close()
            _pipe(self._process.stdout).close()
            if not self._supervisor.wait():
                supervisor.end(self._token)
            children = (self._process, *self._children)
            left = [f"process {one.pid}" for one in children if not _ended(one)]
        found = supervisor.carriers()  # the supervisor's shell may be unable to look
        left += [name for token, name in found if token == self._token]
        if left:
            raise LabError(
                f"of a lab there is still, although killed: {', '.join(left)}. Next: "
                "look with `ps -o pid,stat,wchan,args` at what it waits for."
            )

    def _enter(self) -> tuple[str, ...]:
        return "nsenter", "--target", str(self.pid)

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


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Kill a process, if it still lives; return whether it is gone."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    return process.returncode is not None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise LabError("the lab's process 1 has no pipe")
    return pipe
