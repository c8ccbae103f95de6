"""`--memory`: which sizes there are, and that all a command does is held to it."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_netlab.capture import Budget
from pytest_netlab.cli.memory import limited
from pytest_netlab.errors import MemoryLimitError

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

MIB = 1 << 20
DATA = resource.RLIMIT_DATA


@pytest.mark.parametrize("size", ["64M", "1G", "1.5G", "200000k", "1GiB", "67108864"])
def test_sizes(command: Command, size: str) -> None:
    """Are numbers with a binary unit."""
    result = command("show", "-n1", f"--memory={size}", "good.pcapng")

    assert result.exit_code == (2 if "." in size else 0), result.output
    assert ("write 512M or 2G" in result.output) == ("." in size)


@pytest.mark.parametrize("size", ["0", "63M", "-1G", "much", "", "1E", "9" * 50])
def test_no_sizes(command: Command, size: str) -> None:
    """What is none, or too little to read any file."""
    result = command("show", f"--memory={size}", "good.pcapng")

    assert result.exit_code == 2
    assert "64M or more" in result.output or "write 512M or 2G" in result.output


def refused_by(budget: Budget) -> None:
    """Ask for more than the budget has left."""
    with limited(budget):
        assert resource.getrlimit(DATA)[0] < 1 << 40
        np.empty(256 * MIB, dtype=np.uint8)


def test_what_is_made_of_packets() -> None:
    """Is refused by the kernel, in the words of the budget; no limit stays."""
    before = resource.getrlimit(DATA)
    budget = Budget(64 * MIB)
    budget.note("a.pcap", 7, 2048)
    with pytest.raises(MemoryLimitError, match=r"^a.pcap \(7 packets in 2 KiB read\)"):
        refused_by(budget)

    assert resource.getrlimit(DATA) == before


def test_the_kernel_says_so_itself() -> None:
    """A system call that fails for want of memory is the same; others are not."""
    with pytest.raises(MemoryLimitError), limited(Budget(64 * MIB)):
        raise OSError(12, "Cannot allocate memory")
    with pytest.raises(PermissionError), limited(Budget(64 * MIB)):
        raise PermissionError(13, "Permission denied")


def test_a_limit_that_is_there_already() -> None:
    """Is not raised."""
    before = resource.getrlimit(DATA)
    try:
        resource.setrlimit(DATA, (1 << 40, before[1]))
        with limited(Budget(1 << 50)):
            assert resource.getrlimit(DATA)[0] == 1 << 40
    finally:
        resource.setrlimit(DATA, before)
