"""The two sides of a NAT: two captures, or two interfaces of one capture."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.capture import Capture
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.sources import opened
from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    import numpy.typing as npt

    from pytest_netlab.capture import Budget, Chunks
    from pytest_netlab.capture.values import About
    from pytest_netlab.cli.progress import Watch


class SideChunks:
    """The packets of one interface of a capture, chunk by chunk."""

    def __init__(
        self, option: str, chunks: Chunks, watched: Iterator[Capture], name: str | None
    ) -> None:
        """Take the chunks, and option and name of the interface; None for the only."""
        self._option, self._name = option, name
        self._chunks, self._watched = chunks, watched
        self._rows: list[npt.NDArray[np.int64]] = []

    def __iter__(self) -> Iterator[Capture]:
        """Yield the packets of the interface, a chunk at a time."""
        before = 0
        for chunk in self._watched:
            if self._name is None:
                yield chunk
                continue
            wanted = [known.name == self._name for known in chunk.interfaces]
            rows = np.flatnonzero(np.array(wanted)[chunk.point])
            self._rows.append(rows + before)
            before += len(chunk)
            yield chunk.select(rows)
        self._check()

    @property
    def about(self) -> About:
        """Return what the file says of its interfaces, as far as it was read."""
        return self._chunks.about

    def whole(self) -> Capture:
        """Return all packets of the interface as one capture."""
        parts = list(self)
        return Capture.joined(parts, self._chunks.about)

    def rows(self, rows: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the rows that packets have in the file, as Wireshark counts them."""
        wanted = np.asarray(rows, dtype=np.int64)
        if self._name is not None:
            every = np.concatenate([np.empty(0, dtype=np.int64), *self._rows])
            self._rows = [every]
            wanted = every[wanted]
        return self.about.numbers(wanted) - 1

    def _check(self) -> None:
        """Raise if the file lacks the interface, or has several and none is named."""
        known = dict.fromkeys(found.name for found in self._chunks.about.interfaces)
        names = ", ".join(map(repr, known)) or "none at all"
        if self._name is None and len(known) > 1:
            text = f"has several interfaces ({names}): name one with {self._option}"
        elif self._name is not None and self._name not in known:
            text = (
                f"has no interface {self._name!r}, only {names}: give a capture of "
                f"each side, or name the interface with {self._option}"
            )
        else:
            return
        raise Trouble(f"the capture of the {self._option[2:]} {text} NAME")


class _Shared:
    """Hand the chunks of one file to two readers, each in a thread of its own.

    Chunks that one reader has not taken yet are kept: `itertools.tee` with a lock.
    """

    def __init__(self, chunks: Iterator[Capture]) -> None:
        """Read nothing yet."""
        self._chunks = chunks
        self._waiting: tuple[deque[Capture], deque[Capture]] = deque(), deque()
        self._damage: CaptureError | None = None
        self._lock = Lock()

    def chunks(self, reader: int) -> Iterator[Capture]:
        """Yield all chunks to the first or the second reader."""
        own = self._waiting[reader]
        while True:
            with self._lock:
                if not own and not self._take():
                    return
                chunk = own.popleft()
            yield chunk

    def _take(self) -> bool:
        """Read the next chunk for both readers; both get the error if it is damaged."""
        if self._damage is not None:
            raise self._damage
        try:
            chunk = next(self._chunks, None)
        except CaptureError as error:
            self._damage = error
            raise
        if chunk is None:
            return False
        for waiting in self._waiting:
            waiting.append(chunk)
        return True


def sides(
    stack: ExitStack,
    watch: Watch,
    files: tuple[str, str | None],
    points: tuple[str | None, str | None],
    budget: Budget,
) -> tuple[SideChunks, SideChunks]:
    """Return inside and outside, from two files or from one with both points."""
    options = "--inside", "--outside"
    first, second = files
    chunks = stack.enter_context(opened(first, budget))
    watched = watch.chunks(chunks, first)
    if second is None:
        from pytest_netlab.spec import DOCKER0, UPLINK  # noqa: PLC0415 - milliseconds

        names = points[0] or DOCKER0.name, points[1] or UPLINK.name
        shared = _Shared(watched)
        return (
            SideChunks(options[0], chunks, shared.chunks(0), names[0]),
            SideChunks(options[1], chunks, shared.chunks(1), names[1]),
        )
    others = stack.enter_context(opened(second, budget))
    far = watch.chunks(others, second)
    return (
        SideChunks(options[0], chunks, watched, points[0]),
        SideChunks(options[1], others, far, points[1]),
    )
