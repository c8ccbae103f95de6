"""The userland an engine runs in: the machine's, an unpacked root, a static release.

Looks at folders and runs `--version`; starts no engine.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a whole root must have: the engine, and what the lab's process 1 runs in it.
WHOLE = (
    *("dockerd", "containerd", "runc", "iptables"),
    *("sh", "mount", "umount", "unshare", "rmdir"),
)
STATIC = ("dockerd", "containerd", "runc")
# An iptables of another version shows rules differently, or not at all: evidence must
# come from the one that the engine ran, and so must the versions that it names.
OWN_TOOLS = (
    *STATIC,
    "nft",
    *(
        f"{family}{backend}{tool}"
        for family in ("iptables", "ip6tables")
        for backend in ("", "-legacy", "-nft")
        for tool in ("", "-save", "-restore")
    ),
)
SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Userland:
    """Where an engine's programs are.

    Attributes:
        lower: the root directory below the lab's writable overlay.
        path: PATH in it.
        own_tools: programs that must run inside it: name -> path there; "" if it lacks
            that program.

    """

    lower: Path
    path: str
    own_tools: Mapping[str, str] = field(default_factory=dict)

    def first_line(self, program: str) -> str:
        """Return the first line of `PROGRAM --version`, up to a comma."""
        enter = ("chroot", str(self.lower)) if self.own_tools else ()
        env = {**os.environ, "PATH": self.path}
        try:
            done = subprocess.run(
                [*enter, program, "--version"],
                env=env,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return f"no {program}"
        return done.stdout.strip().partition("\n")[0].partition(",")[0]


def userland(folder: Path | None) -> Userland:
    """Return the machine's userland, or the one in a folder.

    Raises:
        LabError: the folder is neither a root nor a release with an engine.

    """
    if folder is None:
        return Userland(lower=Path("/"), path=os.environ.get("PATH", SYSTEM_PATH))
    if not os.path.isdir(folder):  # noqa: PTH112 - a Path's raises for a long name
        raise LabError(f"{folder} is no folder")
    folder = folder.resolve()
    for release in (folder, folder / "docker"):  # the archive has all in docker/
        if (release / "dockerd").is_file():
            _demand(release, STATIC, str(release), "static release")
            path = f"{release}{os.pathsep}{os.environ.get('PATH', SYSTEM_PATH)}"
            return Userland(lower=Path("/"), path=path)
    if not _has(folder, "dockerd"):
        raise LabError(
            f"{folder} has no dockerd: it must be an unpacked root directory (with "
            "usr/sbin/dockerd or usr/bin/dockerd) or an unpacked static release"
        )
    _demand(folder, WHOLE, SYSTEM_PATH, "root")
    own_tools = {name: _place(folder, name) for name in OWN_TOOLS}
    return Userland(lower=folder, path=SYSTEM_PATH, own_tools=own_tools)


def _demand(folder: Path, programs: tuple[str, ...], path: str, kind: str) -> None:
    root = Path("/") if kind != "root" else folder
    missing = [name for name in programs if not _has(root, name, path)]
    if missing:
        raise LabError(
            f"the {kind} {folder} has a dockerd, but lacks {', '.join(missing)}: "
            "install them in it, or name another folder"
        )


def _has(root: Path, program: str, path: str = SYSTEM_PATH) -> bool:
    return bool(_place(root, program, path))


def _place(root: Path, program: str, path: str = SYSTEM_PATH) -> str:
    """Return a program's path in a root, "" for none; its links may dangle."""
    places = (f"{folder}/{program}" for folder in path.split(os.pathsep))
    return next((at for at in places if os.path.lexists(f"{root}/{at}")), "")
