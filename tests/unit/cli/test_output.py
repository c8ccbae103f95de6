"""What happens at the ends of a pipe: readers that leave, disks that are full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

PROGRAM = "from pytest_netlab.cli import main; main()"
MANY = 20_000  # packets: more text than a pipe holds


def started(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own."""
    argv = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def long(command: Command, whole: bytes) -> Path:
    """Return a capture with much to say: its first packet, many times."""
    packet = whole.index(b"\x06\0\0\0")
    size = int.from_bytes(whole[packet + 4 : packet + 8], "little")
    path = command.folder / "long.pcapng"
    path.write_bytes(whole[:packet] + whole[packet : packet + size] * MANY)
    return path


@pytest.mark.parametrize(
    "arguments", [("show",), ("show", "--json"), ("show", "--csv")]
)
def test_reader_leaves(long: Path, arguments: tuple[str, ...]) -> None:
    """`| head` ends it at once, and silently."""
    process = started(*arguments, str(long), stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()

    assert (process.wait(), complaint) == (0, b"")


def test_verdict_outlives_its_reader(command: Command) -> None:
    """Whoever does not read the differences still gets the exit code."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = started(
        "diff", "good.pcapng", "bad.pcapng", stdout=write_end, cwd=command.folder
    )
    os.close(write_end)
    _, complaint = process.communicate()

    assert (process.returncode, complaint) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk(command: Command) -> None:
    """Output that is not all there is no success."""
    with Path("/dev/full").open("wb") as full:
        process = started("show", "bad.pcapng", stdout=full, cwd=command.folder)
        _, complaint = process.communicate()

    assert process.returncode == 2
    assert complaint == b"Error: cannot write the output: No space left on device\n"


def test_unencodable_names(command: Command) -> None:
    """A locale that cannot encode a name gets it escaped, no traceback."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    data = (command.folder / "bad.pcapng").read_bytes()
    named = data.replace(b"docker0", "döckr0".encode())
    (command.folder / "named.pcapng").write_bytes(named)
    process = started(
        "show",
        "named.pcapng",
        stdout=subprocess.PIPE,
        cwd=command.folder,
        env=environment,
    )
    out, complaint = process.communicate()

    assert (process.returncode, complaint) == (0, b"")
    assert b" d\\xf6ckr0 In IP " in out


def test_interrupted(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no difference: the exit code is what shells make of SIGINT."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_netlab.cli.sources.open_capture", interrupt)

    assert command("show", "bad.pcapng").exit_code == 130


def test_live_capture_is_shown_as_it_comes(command: Command, whole: bytes) -> None:
    """What a pipe has brought is printed before more comes."""
    process = started(
        "show", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=command.folder
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(whole[:-60])
    process.stdin.flush()

    assert b" docker0 In IP c1.41000 > host01.80" in process.stdout.readline()

    process.stdin.write(whole[-60:])
    process.communicate()
    assert process.returncode == 0
