"""Captures take as much memory as they may, and say so if that is too little."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests import files
from tests.traffic import C1, HOST01, Packet
from tests.traffic import capture as seen

from pytest_netlab import learn, open_capture
from pytest_netlab.capture import Budget, write
from pytest_netlab.capture.budget import option_text, size_text
from pytest_netlab.errors import MemoryLimitError
from pytest_netlab.flows import UDP, Tuple5

if TYPE_CHECKING:
    from pathlib import Path

MIB, GIB = 1 << 20, 1 << 30
EMPTY = files.pcap([]) + bytes(16) * 400_000  # 100 MB of columns
MAKE = files.Blocks("<")
ERROR = "pytest_netlab.errors.MemoryLimitError: "
HEAD = """
from pytest_netlab import CaptureError, learn, read
from pytest_netlab.capture import Budget
from pytest_netlab.capture.budget import resident
"""


def test_as_much_as_it_may() -> None:
    """Growth is counted, not what was there before."""
    budget = Budget(64 * MIB)
    budget.check()
    kept = np.ones(128 * MIB, dtype=np.uint8)

    with pytest.raises(MemoryLimitError, match="more than 64 MiB of memory"):
        budget.check()
    del kept
    Budget(64 * MIB).check()


def test_what_is_about_to_be_taken() -> None:
    """Counts as if it were there."""
    budget = Budget(64 * MIB)
    budget.check(32 * MIB)

    with pytest.raises(MemoryLimitError):
        budget.check(65 * MIB)


def test_three_quarters_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says how much, and growth is not worth a look."""
    monkeypatch.setattr("pytest_netlab.capture.budget.free", lambda: 100 * MIB)

    assert Budget().limit == pytest.approx(75 * MIB, abs=MIB)
    Budget().check(70 * MIB)
    with pytest.raises(MemoryLimitError):
        Budget().check(80 * MIB)


def refused(code: str, folder: Path) -> str:
    """Return what a MemoryLimitError says that the code ends with.

    In a process of its own: what others have freed may be used again, and would be no
    growth.
    """
    (folder / "code.py").write_text(HEAD + code)
    command = [sys.executable, "code.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder
    )
    said = done.stderr.splitlines()[-1]
    assert said.startswith(ERROR), done.stderr
    return said.removeprefix(ERROR)


def test_a_file_that_takes_too_much(tmp_path: Path) -> None:
    """The error has what was read, in words and as a capture."""
    (tmp_path / "empty.pcap").write_bytes(EMPTY)
    said = refused(
        """
try:
    read("empty.pcap", memory=64 << 20)
except CaptureError as error:
    assert 0 < len(error.partial) < 400_000
    assert str(error).startswith(f"empty.pcap ({len(error.partial):,} packets in ")
    assert error.source == "empty.pcap"
    assert error.offset > 0
    raise
""",
        tmp_path,
    )

    assert said.endswith(
        " MiB read) takes more than 64 MiB of memory: allow more (--memory 128M, or "
        "memory= in Python), or cut the capture with editcap"
    )


def test_chunks_that_nobody_keeps() -> None:
    """Take no more for a large file than for a small one."""
    with open_capture(io.BytesIO(EMPTY), memory=64 * MIB) as chunks:
        assert sum(map(len, chunks)) == 400_000


def test_chunks_that_are_kept() -> None:
    """What whoever reads makes of them counts as well."""
    kept: list[object] = []
    with open_capture(io.BytesIO(EMPTY), memory=256 * MIB) as chunks:
        for _ in chunks:
            kept.append(np.ones(64 * MIB, dtype=np.uint8))
            with suppress(MemoryLimitError):
                next(chunks)
                continue
            break

    assert 2 <= len(kept) <= 4


def test_a_budget_that_is_shared(tmp_path: Path) -> None:
    """Several files take no more together, and the error names them."""
    (tmp_path / "empty.pcap").write_bytes(EMPTY)
    (tmp_path / "more.pcap").write_bytes(EMPTY)
    said = refused(
        """
budget = Budget(150 << 20)
kept = read("empty.pcap", memory=budget)
read("more.pcap", memory=budget)
""",
        tmp_path,
    )

    assert said.startswith("empty.pcap (400,000 packets in 6.1 MiB read) and more.pcap")


def test_a_block_that_takes_too_much(tmp_path: Path) -> None:
    """It is refused before it is taken apart: it would be there three times."""
    record = b"\1\0\6\0\x0a\0\0\1a\0\0\0"
    data = MAKE.section() + MAKE.block(files.NAMES, record * (5 * MIB))
    (tmp_path / "names.pcapng").write_bytes(data)
    said = refused(
        """
before = resident()
try:
    read("names.pcapng", memory=200 << 20)
finally:
    assert resident() - before < 200 << 20
""",
        tmp_path,
    )

    assert said.startswith("names.pcapng (0 packets in 6")


def test_learning_that_takes_too_much(tmp_path: Path) -> None:
    """Of captures in memory: the error says how much of either side was read."""
    packet = Packet(key=Tuple5(UDP, C1, 1, HOST01, 2))
    write(tmp_path / "one.pcapng", seen([packet]))
    said = refused(
        """
rows = read("one.pcapng").select([0] * 600_000)
rows.blocks()
learn(rows, rows, memory=8 << 20)
""",
        tmp_path,
    )

    assert said.startswith("the inside (600,000 packets read) and the outside (")


def test_learning_within_its_budget() -> None:
    """Finds what it finds without one."""
    side = seen([Packet(key=Tuple5(UDP, C1, 1, HOST01, 2))])

    assert learn(side, side, memory=GIB).flows == learn(side, side).flows


@pytest.mark.parametrize(
    ("size", "text", "option"),
    [
        (0, "0 bytes", "0M"),
        (1023, "1023 bytes", "1M"),
        (1536, "1.5 KiB", "1M"),
        (64 * MIB, "64 MiB", "64M"),
        (GIB, "1 GiB", "1G"),
        (3 * GIB // 2, "1.5 GiB", "2G"),
        (1 << 62, "4194304 TiB", "4294967296G"),
    ],
)
def test_sizes(size: int, text: str, option: str) -> None:
    """Are for people, and the option for a command line: rounded up."""
    assert size_text(size) == text
    assert option_text(size) == option
