"""The bytes of a capture file, decompressed while read. Knows no capture format.

Reads forward only and in bounded steps: pipes work, and a false length costs nothing.
"""

from __future__ import annotations

import lzma
import os
import zlib
from contextlib import contextmanager
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np

from pytest_netlab.capture.ahead import Ahead
from pytest_netlab.capture.budget import Budget
from pytest_netlab.capture.pool import Pool
from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Bytes of a buffer: small enough for the cache, just large enough for huge pages. Their
# first access costs a tenth of what the same memory costs in small pages.
_STEP = 1 << 22
_HEADROOM = 1 << 16  # in front of a buffer, for a record that began in the last one
_LARGE = 1 << 23  # from this size on a file is read in a thread of its own
_PIECE = 1 << 18
_MEMORY = 1 << 28  # bytes of a decompressor's window, at most

_CRUMB = 1 << 10  # zstandard cannot bound its output, so its input is kept small

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

Source = str | os.PathLike[str] | IO[bytes]


class Stream:
    """A forward-only reader over one buffer that knows its offset in the file.

    The unread bytes are those of `buffer` from `at` to `end`. `base` is the offset of
    the buffer in the (decompressed) file; before index `first` it has none of its
    bytes. A refill takes another buffer, so views of the old one stay valid.
    """

    __slots__ = (
        "_budget",
        "_buffers",
        "_failure",
        "_file",
        "at",
        "base",
        "buffer",
        "end",
        "first",
        "size",
        "source",
    )

    def __init__(
        self,
        file: _Readable,
        source: str,
        size: int = 0,
        budget: Budget | None = None,
    ) -> None:
        """Read from this file, which errors call `source`; size 0 means unknown."""
        self._file = file
        self._budget = budget or Budget()
        self._failure: CaptureError | None = None
        self.source = source
        self.size = size
        self.buffer = memoryview(b"")
        self.at = self.end = self.base = self.first = 0
        buffers = self._filled()
        self._buffers = Ahead(buffers, depth=1) if size >= _LARGE else buffers

    @property
    def offset(self) -> int:
        """Return the offset of the next unread byte in the (decompressed) file."""
        return self.base + self.at

    @property
    def position(self) -> int:
        """Return how many bytes of the file itself were read, 0 if it cannot say."""
        try:
            return self._file.tell()
        except (AttributeError, OSError, ValueError):
            return 0

    def read(self, size: int) -> bytes:
        """Return this many bytes, fewer only at the end."""
        data = self.peek(size)
        self.at += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """Return what `read` would, but do not advance."""
        self.fill(size)
        return bytes(self.buffer[self.at : min(self.at + size, self.end)])

    def damage(self, reason: str, offset: int | None = None) -> CaptureError:
        """Return the error for damage at an offset, by default the current one."""
        where = self.offset if offset is None else offset
        return CaptureError(reason, source=self.source, offset=where)

    def fill(self, size: int) -> bool:
        """Fill the buffer to this many unread bytes; return False if there are fewer.

        Memory grows with the bytes that are there, not with `size`, which may be false.
        """
        while self.end - self.at < size:
            space, end = next(self._buffers, (None, 0))
            if space is None:
                return self._ended()
            self._move_to(space, end)
        return True

    def _move_to(self, space: memoryview, end: int) -> None:
        """Switch to another buffer, and copy the unread bytes in front of its own."""
        offset, have = self.offset, self.end - self.at
        begin = _HEADROOM
        if have > begin:  # a record larger than the headroom
            self._budget.check(have + end)
            size = 1 << (have + end).bit_length()
            space, more = np.empty(size, dtype=np.uint8).data, space
            space[have : have + end - begin] = more[begin:end]
            begin, end = have, have + end - begin
        space[begin - have : begin] = self.buffer[self.at : self.end]
        self.buffer, self.at, self.end = space, begin - have, end
        self.first, self.base = self.at, offset - self.at

    def _filled(self) -> Iterator[tuple[memoryview, int]]:
        """Yield buffers with the file's bytes, and where these end in each.

        Damage in compressed data ends it; `finish` raises that after all bytes before.
        """
        pool = Pool()
        try:
            while True:
                space = pool.take(_HEADROOM + _STEP).data
                got = self._file.readinto(space[_HEADROOM:])
                if not got:
                    return
                yield _fitted(space, _HEADROOM + got), _HEADROOM + got
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            self._failure = self.damage(f"compressed data: {error}", -1)

    def _ended(self) -> bool:
        """Return False, or raise the damage if all bytes before it were read."""
        if self._failure and self.at == self.end:
            self.finish()
        return False

    def finish(self) -> None:
        """Raise the damage that ended the file too early, if there was any."""
        if self._failure:
            self._failure.offset = self.base + self.end
            raise self._failure

    def close(self) -> None:
        """End the thread that reads ahead, if there is one."""
        if isinstance(self._buffers, Ahead):
            self._buffers.close()


def _fitted(space: memoryview, end: int) -> memoryview:
    """Return the buffer, or a smaller copy if less than a quarter of it is used.

    A pipe or a decompressor fills little of a buffer at a time; a capture would keep
    the rest as well.
    """
    if 4 * end >= len(space):
        return space
    fitted = np.empty(end, dtype=np.uint8).data
    fitted[_HEADROOM:] = space[_HEADROOM:end]
    return fitted


class _Readable(Protocol):
    """What a stream reads from."""

    def readinto(self, space: memoryview, /) -> int | None:
        """Fill a part of the space; return how much, 0 at the end."""

    def tell(self) -> int:
        """Return the offset in the file."""


class IteratorFile:
    """Blocks of bytes, with the interface of a file."""

    def __init__(self, blocks: Iterator[bytes], file: Any = None) -> None:
        """Serve these blocks, which are made from this file."""
        self._blocks = blocks
        self._file = file
        self._rest = memoryview(b"")

    def readinto(self, space: memoryview) -> int:
        """Fill a part of the space; return how much, 0 at the end."""
        while not self._rest:
            piece = next(self._blocks, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(space), len(self._rest))
        space[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def tell(self) -> int:
        """Return how far the compressed file was read."""
        return int(self._file.tell())


@contextmanager
def opened(source: Source, budget: Budget | None = None) -> Iterator[Stream]:
    """Open a path, or use an open binary file, which stays open."""
    if isinstance(source, str | os.PathLike):
        with open(source, "rb", buffering=0) as file:  # noqa: PTH123 - str or path
            size = os.fstat(file.fileno()).st_size
            path = os.fspath(source)
            stream = Stream(_plain(file, path), path, size, budget)
            try:
                yield stream
            finally:
                stream.close()
    else:
        name = getattr(source, "name", None)
        name = name if isinstance(name, str) else "<stream>"
        yield Stream(_plain(source, name), name, budget=budget)


def _plain(file: Any, name: str) -> _Readable:
    """Return the file, decompressed if its first bytes say so."""
    head = b""
    while len(head) < len(_XZ) and (piece := file.read(len(_XZ) - len(head))):
        head += piece
    blocks = _raw(head, file)
    if head.startswith(_GZIP):
        return IteratorFile(_inflated(blocks, _Gzip), file)
    if head.startswith(_XZ):
        xz = lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY)  # noqa: E731
        return IteratorFile(_inflated(blocks, xz), file)
    if head.startswith(_ZSTD):
        return IteratorFile(_unzstd(blocks, name), file)
    return (
        _Headed(head, file) if hasattr(file, "readinto") else IteratorFile(blocks, file)
    )


class _Headed:
    """A file whose first bytes were already read."""

    def __init__(self, head: bytes, file: Any) -> None:
        """Serve the head, then the rest of the file."""
        self._head = head
        self._file = file

    def readinto(self, space: memoryview) -> int | None:
        """Fill a part of the space; return how much, 0 at the end."""
        size = len(self._head)
        space[:size] = self._head
        self._head = b""
        more: int | None = self._file.readinto(space[size:])
        return size + (more or 0)

    def tell(self) -> int:
        """Return the offset in the file."""
        return int(self._file.tell())


def _raw(head: bytes, file: Any) -> Iterator[bytes]:
    """Yield the first bytes, which were already read, then the rest of the file."""
    if head:
        yield head
    while piece := file.read(_PIECE):
        yield piece


class _Decompressor(Protocol):
    """What zlib (adapted) and lzma have in common."""

    @property
    def eof(self) -> bool:
        """Return whether the compressed stream is complete."""

    @property
    def needs_input(self) -> bool:
        """Return whether there is no more output without more input."""

    @property
    def unused_data(self) -> bytes:
        """Return what follows the compressed stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return no more than this many bytes of output."""


class _Gzip:
    """zlib's decompressor, with the interface of lzma's."""

    def __init__(self) -> None:
        """Expect a gzip header."""
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        """Return whether the compressed stream is complete."""
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        """Return whether there is no more output without more input."""
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """Return what follows the compressed stream."""
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return no more than this many bytes of output."""
        return self._inflate.decompress(
            self._inflate.unconsumed_tail + data, max_length
        )


def _inflated(
    blocks: Iterator[bytes], start: Callable[[], _Decompressor]
) -> Iterator[bytes]:
    """Yield the output of one or more compressed streams, a bounded piece at a time."""
    data = next(blocks, b"")
    while data.strip(b"\0"):  # zeros may pad the last one
        stream = start()
        while not stream.eof:
            if output := stream.decompress(data, _PIECE):
                yield output
            data = b""
            if stream.needs_input and not stream.eof:
                data = next(blocks, b"")
                if not data:
                    raise EOFError("ends early")
        data = stream.unused_data or next(blocks, b"")


class _Zstd:
    """zstandard's decompressor, with the interface of lzma's."""

    needs_input = True

    def __init__(self, zstandard: Any) -> None:
        """Expect a zstd frame."""
        self._error = zstandard.ZstdError
        options = zstandard.ZstdDecompressor(max_window_size=_MEMORY)
        self._frame = options.decompressobj()

    @property
    def eof(self) -> bool:
        """Return whether the compressed stream is complete."""
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        """Return what follows the compressed stream."""
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002
        """Return the output for a small input: a byte makes 32 KiB at most."""
        try:
            return bytes(self._frame.decompress(data))
        except self._error as error:
            raise zlib.error(str(error)) from None


def _unzstd(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the output of one or more zstd frames, a bounded piece at a time."""
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        raise CaptureError(
            "zstd-compressed; install `zstandard` to read it", source=name
        ) from None
    crumbs = (
        piece[at : at + _CRUMB]
        for piece in blocks
        for at in range(0, len(piece), _CRUMB)
    )
    return _inflated(crumbs, lambda: _Zstd(zstandard))
