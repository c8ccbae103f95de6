import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_netlab.lab.lifetime import owner

MINT = "from pytest_netlab.lab.lifetime import owner; print(owner.mint(), flush=True)"
THREAD_ONLY = """
import ctypes, sys, threading
from pytest_netlab.lab.lifetime import owner

def last():
    print(owner.mint(), flush=True)
    sys.stdin.read()
    import os
    os._exit(0)

threading.Thread(target=last).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def stat(pid: int) -> str:
    """Return what the kernel says of a process."""
    return Path(f"/proc/{pid}/stat").read_text()


def test_own_token_is_alive() -> None:
    """This process is not dead."""
    assert not owner.is_dead(owner.mint())


def test_every_lab_has_its_own() -> None:
    """Two labs of one process are told apart."""
    assert owner.mint() != owner.mint()


def test_ended_process_is_dead() -> None:
    """A token outlives its process, and then says so."""
    code = "from pytest_netlab.lab.lifetime import owner; print(owner.mint())"
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


def test_unseen_process_may_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not every process can be seen, one of another pid namespace may live."""
    inode = Path("/proc/self/ns/pid").stat().st_ino
    monkeypatch.setattr(owner, "_INITIAL", inode + 1)

    assert not owner.is_dead(f"4194303-1-{inode + 1}-1")
    assert owner.is_dead(f"4194303-1-{inode}-1")


def test_zombie_is_dead() -> None:
    """A process whose parent has not asked how it ended is dead, and has its pid."""
    with subprocess.Popen(
        [sys.executable, "-c", MINT], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert owner.is_dead(token)


def test_process_without_its_first_thread_lives() -> None:
    """A process whose first thread has ended looks like a zombie, and runs."""
    with subprocess.Popen(
        [sys.executable, "-c", THREAD_ONLY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        token = process.stdout.readline().decode().strip()
        until(lambda: stat(process.pid).split()[2] == "Z")

        alive = not owner.is_dead(token)
        process.stdin.close()

    assert alive


def test_process_of_a_namespace_below() -> None:
    """From the first pid namespace, those below are seen: alive, then dead."""
    here = Path("/proc/self/ns/pid").stat().st_ino
    if os.geteuid() or here != owner._INITIAL:
        pytest.skip("needs root in the machine's first pid namespace")
    code = f"{MINT}; input()"
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    with subprocess.Popen(
        [*command, sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        alive = not owner.is_dead(token)
        reused = owner.is_dead(token.replace("1-", "77-", 1))
        process.communicate("\n")

    assert token.startswith("1-")
    assert alive
    assert reused
    assert owner.is_dead(token)


def test_token_is_found_in_names() -> None:
    """Names and aliases carry the token; other names carry none."""
    token = owner.mint()

    assert owner.find(f"{owner.PREFIX}{token}-c1") == token
    assert owner.find(f"eth{os.getpid()}") is None
