"""A command stays within its control group, without being told how much that is."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.fuzz import bombs

from pytest_netlab.capture.share import groups
from pytest_netlab.lab.lifetime import owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20
LIMIT = 300 * MIB
ENTER = """
import os, sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
command = "from pytest_netlab.cli import main; main()"
os.execv(sys.executable, [sys.executable, "-c", command, *sys.argv[2:]])
"""


@contextmanager
def limited(limit: int) -> Iterator[Path]:
    """Make a control group of that much memory below our own, and remove it."""
    found = next(((f, v) for f, v in groups() if (f / v.limit).exists()), None)
    if found is None:
        pytest.skip("no control group of memory above this process")
    folder = found[0] / f"{owner.PREFIX}{owner.mint()}"  # no killed run left this one
    try:
        folder.mkdir()
    except FileExistsError:
        raise
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        if not (folder / found[1].limit).exists():
            pytest.skip("memory is not delegated to control groups here")
        (folder / found[1].limit).write_text(f"{limit}\n")
        yield folder
    finally:
        folder.rmdir()


def test_in_a_small_group(tmp_path: Path) -> None:
    """It ends with a sentence before the kernel ends it."""
    name = "zero.pcap.xz"
    bombs.write(tmp_path / name)
    other = tmp_path / f"other-{name}"
    other.write_bytes((tmp_path / name).read_bytes())
    with limited(LIMIT) as group:
        argv = [sys.executable, "-c", ENTER, str(group), "diff"]
        argv += [str(tmp_path / name), str(other)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 2, done
    assert "of memory: allow more" in done.stderr
