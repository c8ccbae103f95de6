"""Whatever a small file stands for, a command takes no more memory than it may."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.fuzz import bombs, peak

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 10  # in KiB
LIMIT = 64  # MiB
# What the interpreter takes, what may be asked for beyond the limit, and a chunk.
MOST = LIMIT + 160
NOT_SAID = "nobody"  # neither an interface nor a conversation: all is read, none played


class Ended(NamedTuple):
    """How a command ended, what it said, and its peak in MiB."""

    code: int
    said: str
    peak: int


def ended(folder: Path, *arguments: object) -> Ended:
    """Run a command to its end."""
    target = folder / "peak"
    argv = [sys.executable, peak.__file__, str(target), *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stderr, int(target.read_text()) // MIB)


def too_much(folder: Path, name: str, *command: str) -> Ended:
    """Run a command on a bomb, and on its copy where it takes two."""
    path = folder / name
    bombs.write(path)
    files = [path]
    if command[0] in ("nat", "diff"):
        files.append(folder / f"other-{name}")
        files[1].write_bytes(path.read_bytes())
    verb, *rest = command
    return ended(folder, verb, *files, f"--memory={LIMIT}M", *rest)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("zero.pcap.xz", ("diff",)),
        ("zero.pcapng.gz", ("replay", "--flows", NOT_SAID)),
        ("zero.pcapng.zst", ("nat", "--write-diff=why.pcapng")),
        ("tiny.pcap.gz", ("diff",)),
        ("large.pcap.gz", ("diff",)),
        ("names.pcapng.xz", ("show", "--point", NOT_SAID)),
        ("comment.pcapng.xz", ("nat",)),
        ("comments.pcapng.gz", ("replay", "--flows", NOT_SAID)),
        ("giant.pcap.xz", ("show", "--point", NOT_SAID)),
        ("flows.pcap.gz", ("nat",)),
        ("ports.pcap.gz", ("nat",)),
        ("fragments.pcap.gz", ("diff",)),
        ("segments.pcap.gz", ("nat",)),
        ("equal.pcap.gz", ("nat",)),
        ("nested.pcap.gz", ("replay", "--flows", NOT_SAID)),
    ],
)
def test_too_much(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    """One sentence says what was read, the limit and what to do; exit code 2."""
    found = too_much(tmp_path, name, *command)

    assert found.code == 2, found
    assert found.said.startswith(f"Error: {tmp_path}/"), found
    assert found.said.count("\n") == 1, found
    assert f"{name} (" in found.said
    assert "read) take" in found.said
    assert f"more than {LIMIT} MiB of memory: allow more (--memory 128M" in found.said
    assert found.peak < MOST


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("zero.pcap.xz", ("show", "--point", NOT_SAID)),
        ("zero.pcap.xz", ("nat",)),
        ("chained.pcap.gz", ("nat",)),
        ("interfaces.pcapng.gz", ("diff",)),
    ],
)
def test_what_passes_by(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    """What nobody keeps may be of any size: the file is read to its end."""
    found = too_much(tmp_path, name, *command)

    assert found.code == 2, found
    assert "memory" not in found.said
    assert found.peak < MOST
