"""Who waits for another thread's items gets them, or what ended that thread."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture.ahead import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHOUT_MEMORY = """
import resource, threading
from pytest_netlab.capture.ahead import Ahead
from pytest_netlab.capture.budget import data
resource.setrlimit(resource.RLIMIT_DATA, (data(), resource.RLIM_INFINITY))
try:
    print(list(Ahead(iter(range(3)))))
except MemoryError:
    print("MemoryError", threading.active_count())
"""


def _one_and_no_more() -> Iterator[int]:
    yield 1
    raise MemoryError


def test_what_another_thread_raised() -> None:
    """Comes in its place, and again to whoever asks again."""
    items = Ahead(_one_and_no_more())

    assert next(items) == 1
    for _ in range(2):
        with pytest.raises(MemoryError):
            next(items)
    items.close()


def test_a_thread_that_ends_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had no memory to say so: nobody waits for it."""
    monkeypatch.setattr(Ahead, "_run", lambda _: None)
    items = Ahead(iter((1,)))

    with pytest.raises(MemoryError):
        next(items)
    items.close()


def test_no_memory_for_a_thread() -> None:
    """It is not started: what begins without memory ends before anybody hears of it."""
    command = [sys.executable, "-c", WITHOUT_MEMORY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("MemoryError 1\n", "")


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python calls a RuntimeError is a lack of memory."""

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)

    with pytest.raises(MemoryError, match="can't start"):
        Ahead(iter((1,)))
