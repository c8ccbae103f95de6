"""How much memory this process may still take: of the machine, and of its cgroups.

Knows /proc and the files of control groups, version 1 and 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
_KIB = 1024
_MOUNT_ROOT, _MOUNT_POINT = 3, 4  # fields of a line of mountinfo (proc(5))
_NO_LIMIT = 1 << 62  # version 1 writes a number near 2**63, version 2 "max"


class Version(NamedTuple):
    """A control group's files, and the key in memory.stat of what can be freed."""

    kind: str
    limit: str
    usage: str
    cache: str


V1 = Version(
    "cgroup", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
)
V2 = Version("cgroup2", "memory.max", "memory.current", "inactive_file")


def free(proc: Path = PROC) -> int:
    """Return how many bytes this process can take until memory runs out.

    The least of what the machine has available and of what each control group above
    this process has left; file cache that the kernel would drop counts as free.
    """
    left = (_left(folder, version) for folder, version in groups(proc))
    return min([_machine(proc), *left])


def _machine(proc: Path) -> int:
    """Return what is available without swapping, in bytes (proc(5), MemAvailable)."""
    for line in _lines(proc / "meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * _KIB
    return _NO_LIMIT


def groups(proc: Path = PROC) -> Iterator[tuple[Path, Version]]:
    """Yield the folders of this process' control groups, each before those above it."""
    mounts = list(_mounts(proc))
    for line in _lines(proc / "self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = V1 if controllers else V2
        for kind, root, point in mounts:
            if kind == version.kind:
                yield from ((one, version) for one in _upwards(point, root, path))


def _mounts(proc: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield type, root and mount point of the hierarchies that may count memory."""
    for line in _lines(proc / "self/mountinfo"):
        fields, _, rest = line.partition(" - ")
        kind, _, options = (*rest.split(" ", 2), "", "")[:3]
        knows = kind == V2.kind or "memory" in options.split(",")
        if kind in (V1.kind, V2.kind) and knows:
            named = fields.split()
            yield kind, named[_MOUNT_ROOT], Path(named[_MOUNT_POINT])


def _upwards(point: Path, root: str, path: str) -> Iterator[Path]:
    """Yield the folder of a group and of every group above it, as far as mounted.

    In a container the mount may begin at a group further down than the path does.
    """
    inside = path.removeprefix(root.rstrip("/")).strip("/")
    folder = point / inside if ".." not in inside.split("/") else point
    yield from (one for one in (folder, *folder.parents) if one.is_relative_to(point))


def _left(folder: Path, version: Version) -> int:
    """Return how many bytes a group has left; very many where it has no limit."""
    limit = _number(_lines(folder / version.limit))
    usage = _number(_lines(folder / version.usage))
    if limit is None or usage is None or limit >= _NO_LIMIT:
        return _NO_LIMIT
    stat = dict(line.split() for line in _lines(folder / "memory.stat"))
    return max(limit - usage + int(stat.get(version.cache, 0)), 0)


def _number(lines: list[str]) -> int | None:
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _lines(path: Path) -> list[str]:
    """Return the lines of a file of the kernel, none where it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
