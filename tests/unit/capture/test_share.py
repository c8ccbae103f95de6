"""What this process may still take, as the files of the kernel have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture.share import free

if TYPE_CHECKING:
    from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20
NO_LIMIT = "9223372036854771712"  # of version 1
MACHINE = 1000 * MIB


class Kernel:
    """A /proc and a /sys/fs/cgroup in a folder."""

    def __init__(self, folder: Path) -> None:
        """Have a machine with 1000 MiB available and no control group."""
        self.proc, self.groups = folder / "proc", folder / "cgroup"
        self.write(self.proc / "self" / "cgroup", "")
        self.write(self.proc / "self" / "mountinfo", "")
        meminfo = f"MemTotal: 9999999 kB\nMemAvailable:   {MACHINE // KIB} kB\n"
        self.write(self.proc / "meminfo", meminfo)

    def write(self, path: Path, text: str) -> None:
        """Write a file and what folders it needs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def belong(self, line: str, mount: str) -> None:
        """Put this process into a group of a mounted hierarchy."""
        for name, text in (("cgroup", line), ("mountinfo", mount)):
            path = self.proc / "self" / name
            path.write_text(path.read_text() + text + "\n")

    def v1(self, path: str, root: str = "/") -> None:
        """Put this process into a group of version 1."""
        at = self.groups / "memory"
        self.belong(
            f"4:memory,hugetlb:{path}",
            f"35 31 0:32 {root} {at} rw - cgroup cgroup rw,memory,hugetlb",
        )
        self.belong(
            "8:pids:/x", f"36 31 0:33 / {self.groups} rw - cgroup cgroup rw,pids"
        )

    def v2(self, path: str, root: str = "/") -> None:
        """Put this process into a group of version 2."""
        at = self.groups / "unified"
        self.belong(f"0::{path}", f"41 31 0:38 {root} {at} rw - cgroup2 cgroup2 rw")

    def limit_v1(self, path: str, limit: str, usage: int = 0, cache: int = 0) -> None:
        """Limit a group of version 1."""
        folder = self.groups / "memory" / path
        self.write(folder / "memory.limit_in_bytes", f"{limit}\n")
        self.write(folder / "memory.usage_in_bytes", f"{usage}\n")
        stat = f"inactive_file 1\ntotal_inactive_file {cache}\n"
        self.write(folder / "memory.stat", stat)

    def limit_v2(self, path: str, limit: str, usage: int = 0, cache: int = 0) -> None:
        """Limit a group of version 2."""
        folder = self.groups / "unified" / path
        self.write(folder / "memory.max", f"{limit}\n")
        self.write(folder / "memory.current", f"{usage}\n")
        self.write(folder / "memory.stat", f"anon 5\ninactive_file {cache}\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """Return a machine without control groups."""
    return Kernel(tmp_path)


def test_no_group(kernel: Kernel) -> None:
    """What the machine has available."""
    assert free(kernel.proc) == MACHINE


def test_version_1(kernel: Kernel) -> None:
    """What its limit leaves, file cache not counted."""
    kernel.v1("/user/a")
    kernel.limit_v1("user/a", f"{300 * MIB}", usage=200 * MIB, cache=50 * MIB)

    assert free(kernel.proc) == 150 * MIB


def test_version_2(kernel: Kernel) -> None:
    """The same of the other files."""
    kernel.v2("/user/a")
    kernel.limit_v2("user/a", f"{300 * MIB}", usage=200 * MIB, cache=50 * MIB)

    assert free(kernel.proc) == 150 * MIB


def test_no_limit(kernel: Kernel) -> None:
    """Groups without one: the machine's."""
    kernel.v1("/a")
    kernel.v2("/a")
    kernel.limit_v1("a", NO_LIMIT, usage=7)
    kernel.limit_v2("a", "max", usage=7)

    assert free(kernel.proc) == MACHINE


def test_the_groups_above(kernel: Kernel) -> None:
    """The least that any of them leaves."""
    kernel.v2("/user/a/b")
    kernel.limit_v2("user/a/b", f"{400 * MIB}")
    kernel.limit_v2("user/a", "max")
    kernel.limit_v2("user", f"{200 * MIB}", usage=199 * MIB)

    assert free(kernel.proc) == MIB


def test_a_group_that_has_more_than_it_may(kernel: Kernel) -> None:
    """A limit that was lowered leaves nothing, not less."""
    kernel.v2("/a")
    kernel.limit_v2("a", f"{MIB}", usage=2 * MIB)

    assert free(kernel.proc) == 0


@pytest.mark.parametrize("path", ["/docker/1", "/", "/../.."])
def test_in_a_container(kernel: Kernel, path: str) -> None:
    """The mount begins at the container's group, whatever the path is called."""
    kernel.v1(path, root="/docker/1")
    kernel.limit_v1("", f"{100 * MIB}")

    assert free(kernel.proc) == 100 * MIB


def test_nothing_to_read(tmp_path: Path) -> None:
    """Without /proc there is no limit to be known."""
    assert free(tmp_path) > 1 << 60
