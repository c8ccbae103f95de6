"""Memory used again as soon as nobody looks at it: fresh pages cost more than decoding.

A page that the kernel has to clear costs about as much as decoding the packets that
fit into it; malloc gives large blocks back to the kernel each time they are freed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = 4  # one that is filled, one that is looked at, and some that were kept
_OURS = 3  # references to an item at rest: the list, a local name, the argument

_MOST_KEPT = 31 << 20  # just below the largest block that malloc learns from

Item = TypeVar("Item")


def keep_freed_memory() -> None:
    """Have glibc keep what is freed, for the next step that needs as much.

    It takes the size of the largest block that was given back as a measure of what is
    worth keeping (mallopt(3), M_MMAP_THRESHOLD). The block itself is never touched.
    """
    np.empty(_MOST_KEPT, dtype=np.uint8)


class Pool(Generic[Item]):
    """Makes items of a size, or hands out one that it made and nobody holds any more.

    An item is held by any reference to it, or to its `block`, if it has one.
    """

    def __init__(
        self, make: Callable[[int], Item], size_of: Callable[[Item], int]
    ) -> None:
        """Make items with `make(size)`."""
        self._make = make
        self._size_of = size_of
        self._items: list[Item] = []

    def take(self, size: int) -> Item:
        """Return an item of at least this size; what is in it is anybody's guess."""
        for item in self._items:
            if _at_rest(item) and size <= self._size_of(item) < 2 * size:
                return item
        item = self._make(size)
        self._items = [item, *self._items[: _KEPT - 1]]
        return item


def _at_rest(item: object) -> bool:
    """Tell whether nobody but the pool holds the item."""
    if sys.getrefcount(item) > _OURS + 1:
        return False
    block = getattr(item, "block", None)
    return block is None or sys.getrefcount(block) <= _OURS
