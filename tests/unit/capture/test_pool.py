"""Memory that nobody looks at any more is used again, and only that."""

from __future__ import annotations

import gc
import io
import queue
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pytest_netlab.capture import Capture, open_capture, stream, write
from pytest_netlab.capture.pool import Pool

Hold = Callable[[Any], Any]


def test_what_is_held_is_left_alone() -> None:
    """By a name, by a part of it, by a memoryview."""
    pool = Pool()
    item = pool.take(10)
    holds: list[Hold] = [
        lambda a: a,
        lambda a: a[2:4],
        lambda a: a.data,
        lambda a: memoryview(a.data)[3:5],
        lambda a: a[2:6].view(np.uint16).reshape(2, 1).T,
        lambda a: np.frombuffer(a.data, dtype=np.uint8),
        lambda a: (item for item in a),
    ]
    for hold in holds:
        held = hold(item)
        del item
        item = pool.take(10)

        assert not np.shares_memory(np.asarray(held), item)


def test_what_nobody_holds_is_lent_again() -> None:
    """The same memory, if it is large enough and not far too large."""
    pool = Pool()
    address = pool.take(10).ctypes.data

    assert pool.take(8).ctypes.data == address
    assert len(pool.take(11)) == 11
    assert len(pool.take(3)) == 3


def test_ends_without_the_collector() -> None:
    """Memory and pool are freed at once: nothing of them is a cycle."""
    gc.disable()
    try:
        pool = Pool()
        item = pool.take(10)
        seen = weakref.ref(pool), weakref.ref(item.base)
        del pool, item
        assert [one() for one in seen] == [None, None]
    finally:
        gc.enable()


def test_given_back_by_another_thread() -> None:
    """A reader that takes, and others that let go, do not get in each other's way."""
    pool, lent = Pool(), queue.SimpleQueue[Any]()

    def let_go() -> int:
        """Look at what was lent, one after the other, until there is no more."""
        wrong = 0
        while (one := lent.get()) is not None:
            number, item = one
            wrong += int((item != number).sum())
            del one, item
        return wrong

    with ThreadPoolExecutor(2) as readers:
        found = [readers.submit(let_go) for _ in range(2)]
        for number in range(3000):
            item = pool.take(100 + number % 50)
            item[:] = number % 251
            lent.put((number % 251, item))
            del item
        lent.put(None)
        lent.put(None)
        assert [one.result(60) for one in found] == [0, 0]


@pytest.mark.parametrize("kept", ["chunk", "column", "bytes"])
def test_a_chunk_that_is_kept_stays_as_it_is(
    capture: Capture, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it is kept, and however many chunks come after it."""
    monkeypatch.setattr(stream, "_STEP", 2000)
    file = io.BytesIO()
    write(file, Capture.concat([capture] * 20))
    file.seek(0)
    takes: dict[str, Hold] = {
        "chunk": lambda chunk: chunk,
        "column": lambda chunk: chunk.ts,
        "bytes": lambda chunk: chunk[0],
    }
    take = takes[kept]
    with open_capture(file) as chunks:
        seen = [(take(c), c.ts.tolist(), c[0].bytes) for c in chunks]

    assert len(seen) > 5
    for held, times, first in seen:
        if kept == "column":
            assert held.tolist() == times
        elif kept == "bytes":
            assert held.bytes == first
        else:
            assert (held.ts.tolist(), held[0].bytes) == (times, first)
