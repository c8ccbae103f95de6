"""Reuse memory as soon as nothing refers to it: fresh pages cost more than decoding.

A page that the kernel has to clear costs about as much as decoding the packets that
fit into it; malloc gives large blocks back to the kernel each time they are freed.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT = 4  # free buffers: one to fill, one to decode, and some that were in use

_MOST_KEPT = 31 << 20  # just below the largest block that raises malloc's threshold


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for the next step that needs as much.

    The largest block freed so far sets the size up to which it keeps blocks
    (mallopt(3), M_MMAP_THRESHOLD). The block itself is never touched.
    """
    np.empty(_MOST_KEPT, dtype=np.uint8)


class Pool:
    """Lends memory, and lends it again once nothing refers to it.

    What is lent is an array over an object of its own, the lease. Every array,
    memoryview or owner of a pointer into the memory keeps the lease alive (PEP 3118: a
    buffer's exporter outlives the buffer). When the lease ends, a weak reference to it
    returns the memory. Counting references would be wrong: an interpreter may borrow
    some, as CPython 3.14 does for local names.
    """

    def __init__(self) -> None:
        """Start without memory."""
        self._free: deque[NDArray[np.uint8]] = deque(maxlen=_KEPT)

    def take(self, size: int) -> NDArray[np.uint8]:
        """Return this many bytes, uninitialised."""
        memory = self._fitting(size)
        lease = (ctypes.c_char * size).from_buffer(memory.data)
        weakref.finalize(lease, self._free.append, memory).atexit = False
        return np.frombuffer(memoryview(lease), dtype=np.uint8)

    def _fitting(self, size: int) -> NDArray[np.uint8]:
        """Return free memory that is large enough and not far too large, or fresh.

        Another thread may return memory meanwhile, so one at a time is taken out.
        """
        for _ in range(len(self._free)):
            memory = self._free.popleft()
            if size <= len(memory) < 2 * size:
                return memory
            self._free.append(memory)
        return np.empty(size, dtype=np.uint8)
