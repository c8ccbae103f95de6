import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_netlab.lab import owner


def test_own_token_is_alive() -> None:
    """This process is not dead."""
    assert not owner.is_dead(owner.mint())


def test_every_lab_has_its_own() -> None:
    """Two labs of one process are told apart."""
    assert owner.mint() != owner.mint()


def test_ended_process_is_dead() -> None:
    """A token outlives its process, and then says so."""
    code = "from pytest_netlab.lab import owner; print(owner.mint())"
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)

    assert owner.is_dead(printed.stdout.strip())


def test_reused_pid_is_another_process() -> None:
    """A pid that lives but began at another time is not the owner."""
    pid, start, pidns, serial = owner.mint().split("-")

    assert owner.is_dead(f"{pid}-{int(start) - 1}-{pidns}-{serial}")


@pytest.mark.parametrize("text", ["", "1-2", "x-1-2-3", "1-2-3-4-", "../1-2-3-4"])
def test_other_text_is_nobodys(text: str) -> None:
    """What is no token is never dead."""
    assert not owner.is_dead(text)


def test_unseen_process_may_live() -> None:
    """A process of another pid namespace cannot be seen, so it may live."""
    inode = Path("/proc/self/ns/pid").stat().st_ino

    assert not owner.is_dead(f"4194303-1-{inode + 1}-1")
    assert owner.is_dead(f"4194303-1-{inode}-1")


def test_token_is_found_in_names() -> None:
    """Names and aliases carry the token; other names carry none."""
    token = owner.mint()

    assert owner.find(f"{owner.PREFIX}{token}-c1") == token
    assert owner.find(f"eth{os.getpid()}") is None
