"""How much memory the captures of one task may take, and the error for too much.

What counts is the growth of the process, whatever caused it: rows, bytes, names, or
what is made of them.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_netlab.capture.share import free
from pytest_netlab.errors import MemoryLimitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    Memory: TypeAlias = "int | Budget | None"

_STATM = Path("/proc/self/statm")
_PAGE = resource.getpagesize()
_RESIDENT, _DATA = 1, 5  # fields of statm, in pages (proc(5))

_SHARE = 3, 4  # of the free memory, by default
_SMALL = 1 << 26  # bytes of growth up to which free memory is not read
_STRIDE = 1 << 18  # bytes of blocks other than plain packets between two checks
_ITEMS = 1 << 13  # items between two checks

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_KIBI = 1024

Item = TypeVar("Item")


class Budget:
    """A limit, in bytes, for the growth of this process from now on.

    Several captures, and what is made of them, may share one budget.
    """

    def __init__(self, memory: int | None = None) -> None:
        """Start to count; None is three quarters of the free memory.

        Free is the least of what the machine has available and of what the control
        groups of this process have left, version 1 or 2.
        """
        self._limit = memory
        self._began = resident()
        self._read: dict[str, tuple[int, int]] = {}
        self._unseen = 0

    @classmethod
    def of(cls, memory: Memory) -> Budget:
        """Return a budget as it is, or a new one for a number of bytes or None."""
        return memory if isinstance(memory, Budget) else cls(memory)

    @property
    def limit(self) -> int:
        """Return how many bytes the process may grow by."""
        if self._limit is None:
            part, whole = _SHARE
            self._limit = (free() + self._grown()) * part // whole
        return self._limit

    def _grown(self) -> int:
        return max(resident() - self._began, 0)

    def note(self, source: str, packets: int, position: int = 0) -> None:
        """Note what was read of a source: its packets, and bytes of the file."""
        self._read[source] = packets, position

    def check(self, more: int = 0) -> None:
        """Fail if the process has grown by more than it may, or would with `more`.

        Raises:
            MemoryLimitError: names what was read, and what to do.

        """
        grown = self._grown() + more
        if self._limit is None and grown <= _SMALL:
            return
        if grown > self.limit:
            raise self.error()

    def advance(self, size: int) -> None:
        """Count bytes that were read, and check once in a while."""
        self._unseen += size
        if self._unseen >= _STRIDE:
            self._unseen = 0
            self.check()

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items as they are, and check once in a while."""
        for number, item in enumerate(items):
            if not number % _ITEMS:
                self.check()
            yield item

    def error(self) -> MemoryLimitError:
        """Return the error for too much, with what was read so far."""
        known = dict(self._read)  # another thread may add a source
        reads = " and ".join(_described(name, *read) for name, read in known.items())
        verb = "takes" if len(known) == 1 else "take"
        reason = (
            f"{verb} more than {size_text(self.limit)} of memory: allow more (--memory "
            f"{option_text(2 * self.limit)}, or memory= in Python), or cut the capture "
            "with editcap"
        )
        offset = max((position for _, position in known.values()), default=0)
        sources = ", ".join(known) or "<memory>"
        return MemoryLimitError(
            reason, source=sources, offset=offset, read=reads or "the captures"
        )


def _described(source: str, packets: int, position: int) -> str:
    """Return what was read of a source in words."""
    read = f"{packets:,} packets" if packets != 1 else "1 packet"
    return f"{source} ({read}{f' in {size_text(position)}' * bool(position)} read)"


def size_text(size: int) -> str:
    """Return a number of bytes for people: `1.5 GiB`."""
    unit = max(min((size.bit_length() - 1) // 10, len(_UNITS) - 1), 0)
    number = f"{size / _KIBI**unit:.1f}".removesuffix(".0")
    return f"{number} {_UNITS[unit]}"


def option_text(size: int) -> str:
    """Return a number of bytes as options have it, rounded up: `2G`."""
    unit = 3 if size >= _KIBI**3 else 2
    return f"{-(-size // _KIBI**unit)}{'KMG'[unit - 1]}"


def resident() -> int:
    """Return how many bytes of memory this process has resident."""
    return _statm(_RESIDENT)


def data() -> int:
    """Return an upper estimate of the bytes of this process that RLIMIT_DATA counts."""
    return _statm(_DATA)


def _statm(field: int) -> int:
    """Return a number of /proc/self/statm in bytes.

    Without /proc, return the peak of the resident memory, which grows as well.
    """
    try:
        return int(_STATM.read_bytes().split()[field]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBI
