"""The two sides of a NAT: two captures, or two points of one capture."""

from __future__ import annotations

import shlex
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.capture import Capture
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.points import Census, resolved, rows_of
from pytest_netlab.cli.sources import labelled, opened
from pytest_netlab.errors import CaptureError
from pytest_netlab.invocation import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack

    import numpy.typing as npt

    from pytest_netlab.capture import Budget, Chunks
    from pytest_netlab.capture.values import About
    from pytest_netlab.cli.progress import Watch

INSIDE, OUTSIDE = "--inside", "--outside"


class SideChunks:
    """The packets of one point of a capture, chunk by chunk."""

    def __init__(
        self,
        file: File,
        chunks: Chunks,
        watched: Iterator[Capture],
        point: str | None,
    ) -> None:
        """Take the chunks, and how the point is called; None for the only one."""
        self._file, self._point = file, point
        self._chunks, self._watched = chunks, watched
        self._rows: list[npt.NDArray[np.int64]] = []

    def __iter__(self) -> Iterator[Capture]:
        """Yield the packets of the point, a chunk at a time."""
        before, census = 0, Census()
        for chunk in self._watched:
            census.add(chunk)
            if self._point is None:
                yield chunk
                continue
            rows = rows_of(chunk, self._point)
            self._rows.append(rows + before)
            before += len(chunk)
            yield chunk.select(rows)
        self._file.check(census, self._chunks.about)

    @property
    def about(self) -> About:
        """Return what the file says of its interfaces, as far as it was read."""
        return self._chunks.about

    def whole(self) -> Capture:
        """Return all packets of the point as one capture."""
        parts = list(self)
        return Capture.joined(parts, self._chunks.about)

    def rows(self, rows: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the rows that packets have in the file, as Wireshark counts them."""
        wanted = np.asarray(rows, dtype=np.int64)
        if self._point is not None:
            every = np.concatenate([np.empty(0, dtype=np.int64), *self._rows])
            self._rows = [every]
            wanted = every[wanted]
        return self.about.numbers(wanted) - 1


@dataclass(frozen=True, slots=True)
class File:
    """A file as a user named it.

    Attributes:
        name: the argument.
        points: option -> how the point is called that it names; None: the only one.

    """

    name: str
    points: Mapping[str, str | None]

    def check(self, census: Census, about: About) -> None:
        """Raise if the file lacks a point, or has several and none is named."""
        absent = {
            option: point
            for option, point in self.points.items()
            if point is not None and not census.has(point, about)
        }
        if absent:
            why = census.untold(about) or self._lacks(absent, census, about)
        elif None in self.points.values() and census.is_mixed(about):
            (option,) = self.points
            listed = census.listed(about)
            why = f"it has several interfaces: {listed}; name one with {option} NAME"
        else:
            return
        raise Trouble(f"{labelled(self.name)}: {why}")

    def _lacks(
        self, absent: Mapping[str, str | None], census: Census, about: About
    ) -> str:
        """Return that points are absent, which there are, and what to type."""
        names = " and no ".join(f"{point!r}" for point in absent.values())
        there = f"no interface {names}; there is {census.listed(about)}"
        free = [
            label
            for label, count in census.labels(about).items()
            if count and label not in self.points.values()
        ]
        if len(self.points) > 1 and len(free) == len(absent):
            named = {**self.points, **dict(zip(absent, free, strict=True))}
            words = [str(word) for pair in named.items() for word in pair]
            typed = shlex.join(["nat", self.name, *words])
            other = ", or the other way round" if len(absent) > 1 else ""
            return f"{there}: `{current().netlab} {typed}`{other}"
        return f"{there}: name them with {' and '.join(absent)}"


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
    *,
    decapsulate: bool = False,
) -> tuple[SideChunks, SideChunks]:
    """Return inside and outside, from two files or from one with both points."""
    first, second = files
    chunks = stack.enter_context(opened(first, budget, decapsulate=decapsulate))
    watched = watch.chunks(chunks, first)
    if second is None:
        from pytest_netlab.spec import DOCKER0, UPLINK  # noqa: PLC0415 - milliseconds

        near, far = points[0] or DOCKER0.name, points[1] or UPLINK.name
        near, far = (resolved(first, point, budget) for point in (near, far))
        both = File(first, {INSIDE: near, OUTSIDE: far})
        shared = _Shared(watched)
        return (
            SideChunks(both, chunks, shared.chunks(0), near),
            SideChunks(both, chunks, shared.chunks(1), far),
        )
    others = stack.enter_context(opened(second, budget, decapsulate=decapsulate))
    beyond = watch.chunks(others, second)
    here, there = (
        point and resolved(name, point, budget)
        for name, point in zip((first, second), points, strict=True)
    )
    return (
        SideChunks(File(first, {INSIDE: here}), chunks, watched, here),
        SideChunks(File(second, {OUTSIDE: there}), others, beyond, there),
    )
