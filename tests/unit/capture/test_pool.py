"""Memory that nobody looks at any more is used again, and only that."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pytest_netlab.capture import Capture, open_capture, stream, write
from pytest_netlab.capture.pool import Pool

Hold = Callable[[Any], Any]


def fresh() -> Pool[np.ndarray]:
    """Return a pool of arrays."""
    return Pool(lambda size: np.zeros(size, dtype=np.uint8), len)


def test_what_is_held_is_left_alone() -> None:
    """By a name, by a part of it, by a memoryview."""
    pool = fresh()
    item = pool.take(10)
    holds: list[Hold] = [lambda a: a, lambda a: a[2:4], lambda a: a.data]
    for hold in holds:
        held = hold(item)
        del item
        item = pool.take(10)

        assert not np.shares_memory(np.asarray(held), item)


def test_what_nobody_holds_is_used_again() -> None:
    """The same memory, if it is large enough and not far too large."""
    pool = fresh()
    address = pool.take(10).ctypes.data

    assert pool.take(8).ctypes.data == address
    assert len(pool.take(11)) == 11
    assert len(pool.take(3)) == 3


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
