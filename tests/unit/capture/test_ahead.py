"""Who waits for another thread's items gets them, or what ended that thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from queue import Empty
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture import ahead
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


TIMEOUT = 60.0  # seconds


class Made:
    """An iterator that knows who made its items, and how many."""

    def __init__(self, count: int) -> None:
        """Make this many at most."""
        self.made, self._count = 0, count
        self.threads: set[threading.Thread] = set()
        self.enough = threading.Semaphore(0)

    def __iter__(self) -> Iterator[int]:
        """Return itself."""
        return self

    def __next__(self) -> int:
        """Return the next number from 1 on."""
        self.threads.add(threading.current_thread())
        if self.made == self._count:
            raise StopIteration
        self.made += 1
        self.enough.release()
        return self.made

    def wait(self, count: int) -> None:
        """Return when so many more were made."""
        for _ in range(count):
            assert self.enough.acquire(timeout=TIMEOUT)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_the_same_items(count: int, depth: int) -> None:
    """All items come, in order, and the end is an end to whoever asks again."""
    items = Ahead(Made(count), depth)

    assert list(items) == list(range(1, count + 1))
    assert list(items) == []
    items.close()


def test_another_thread_makes_them() -> None:
    """Items are made before anybody asks, by one thread that is not ours."""
    made = Made(3)
    items = Ahead(made)
    made.wait(2)
    items.close()

    assert len(made.threads) == 1
    assert threading.current_thread() not in made.threads


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_only_so_far_ahead(depth: int) -> None:
    """No more than `depth` items are made that nobody has asked for."""
    made = Made(200)
    items = Ahead(made, depth)
    for asked in range(100):
        made.wait(depth if not asked else 1)

        assert made.made - asked == depth
        next(items)
    items.close()


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_closed_half_way(taken: int) -> None:
    """Once closed, its thread is gone and the other iterator left alone."""
    made = Made(1000)
    items = Ahead(made)
    for _ in range(taken):
        next(items)
    made.wait(taken + 1)
    items.close()

    assert not any(thread.is_alive() for thread in made.threads)
    assert made.made <= taken + 2
    items.close()


def test_an_item_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the other thread lives its item is waited for."""
    monkeypatch.setattr(ahead, "_PATIENCE", 0.001)
    go_on = threading.Event()

    def late() -> Iterator[int]:
        assert go_on.wait(TIMEOUT)
        yield 1

    items = Ahead(late())
    queue, empty = items._made, 0

    class Patient:
        put = queue.put

        def get(self, timeout: float) -> object:
            nonlocal empty
            try:
                return queue.get(timeout=timeout)
            except Empty:
                empty += 1
                if empty == 3:
                    go_on.set()
                raise

    monkeypatch.setattr(items, "_made", Patient())

    assert next(items) == 1
    items.close()


def _one_and_no_more(error: BaseException) -> Iterator[int]:
    yield 1
    raise error


@pytest.mark.parametrize("kind", [MemoryError, ValueError, KeyboardInterrupt])
def test_what_another_thread_raised(kind: type[BaseException]) -> None:
    """Comes in its place, and again to whoever asks again."""
    items = Ahead(_one_and_no_more(kind("two")))

    assert next(items) == 1
    for _ in range(2):
        with pytest.raises(kind, match="two"):
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
