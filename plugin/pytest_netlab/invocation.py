"""How this process was started, and so how a user calls its programs again.

Knows this process; refuses to know what its programs do.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_MODULE = "__main__.py"  # what argv[0] ends with after `python -m`
NETLAB, PACKAGE = "pytest-netlab", "pytest_netlab"
SCRIPTS = ("pytest", "py.test", NETLAB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A started program, as its user would start it, or its neighbours, again.

    Attributes:
        here: the folder that it was started in, where the next command is typed too.
        script: its own file, as in `sys.argv[0]`.
        python: the interpreter; a link to it stays one, as it names an environment.

    """

    here: Path
    script: str
    python: str

    @property
    def pytest(self) -> str:
        """Return what begins a command line of pytest, as root where it ran so."""
        if self._is_module("pytest"):
            return f"{_sudo()}{self._shown(Path(self.python))} -m pytest"
        return _sudo() + self._program("pytest", "pytest")

    @property
    def netlab(self) -> str:
        """Return what begins a command line of pytest-netlab."""
        return self._program(NETLAB, PACKAGE)

    @property
    def netlab_as_root(self) -> str:
        """Return the same for what starts a lab."""
        return _sudo() + self.netlab

    def _is_module(self, package: str) -> bool:
        return Path(self.script).parts[-2:] == (package, _MODULE)

    def _program(self, name: str, package: str) -> str:
        """Return a script of this environment; without one, the module that it runs."""
        python = Path(self.python)
        if self._is_module(package):
            return f"{self._shown(python)} -m {package}"
        script = self.here / self.script
        beside = [script.parent] if script.name in SCRIPTS else []
        for folder in (python.parent, *beside):
            if os.access(folder / name, os.X_OK):
                return self._shown(folder / name)
        return f"{self._shown(python)} -m {package}"

    def _shown(self, program: Path) -> str:
        """Return a program as any shell finds it: below `here`, on PATH, or in full."""
        here, program = _absolute(self.here), _absolute(program)
        if program.is_relative_to(here):
            near = str(program.relative_to(here))
            return shlex.quote(near if "/" in near else f"./{near}")
        found = shutil.which(program.name)
        is_found = found is not None and _absolute(Path(found)) == program
        return shlex.quote(program.name if is_found else str(program))


def current(here: Path | None = None, script: str | None = None) -> Invocation:
    """Return how this process was started.

    Args:
        here: where; None for the current folder.
        script: its file; None for that of `sys.argv`. A worker names its controller's.

    """
    return Invocation(
        here=here or Path.cwd(), script=script or sys.argv[0], python=sys.executable
    )


def _sudo() -> str:
    """Return what makes a user root again that was so by sudo; "" for others."""
    return "sudo " if "SUDO_UID" in os.environ and os.geteuid() == 0 else ""


def _absolute(path: Path) -> Path:
    """Return a path in full, with its links: one to a program names its environment."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links
