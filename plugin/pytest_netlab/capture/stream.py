"""Bytes of a capture file, decompressed on the way. Knows no capture format.

Reads forward only and in bounded steps: a pipe works, a length that lies costs nothing.
"""

from __future__ import annotations

import lzma
import os
import zlib
from contextlib import contextmanager
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, Protocol

from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEP = 1 << 18
_MEMORY = 1 << 28  # what a decompressor may take for its window

_CRUMB = 1 << 10  # zstandard bounds no output, so its input is kept small

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

Source = str | os.PathLike[str] | IO[bytes]


class Stream:
    """A forward-only reader that knows its offset in the decompressed bytes."""

    __slots__ = ("_at", "_buffer", "_pieces", "offset", "source")

    def __init__(self, pieces: Iterator[bytes], source: str) -> None:
        """Read from these pieces; source is what errors call it."""
        self._pieces = pieces
        self._buffer = b""
        self._at = 0
        self.offset = 0
        self.source = source

    def read(self, size: int) -> bytes:
        """Return this many bytes, fewer only at the end."""
        end = self._at + size
        if end > len(self._buffer):
            self._refill(size)
            end = self._at + size
        data = self._buffer[self._at : end]
        self._at = min(end, len(self._buffer))
        self.offset += len(data)
        return data

    def peek(self, size: int) -> bytes:
        """Return what `read` would, and stay."""
        if self._at + size > len(self._buffer):
            self._refill(size)
        return self._buffer[self._at : self._at + size]

    def exactly(self, size: int, what: str) -> bytes:
        """Return this many bytes of something, or say that it is not all there."""
        data = self.read(size)
        if len(data) < size:
            raise self.damage(f"the file ends inside {what}")
        return data

    def damage(self, reason: str, offset: int | None = None) -> CaptureError:
        """Return the error for damage at an offset, here unless told otherwise."""
        where = self.offset if offset is None else offset
        return CaptureError(reason, source=self.source, offset=where)

    def _refill(self, size: int) -> None:
        """Have this many bytes in the buffer, fewer only at the end."""
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        try:
            while have < size and (piece := next(self._pieces, b"")):
                parts.append(piece)
                have += len(piece)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            # What came before the damage is served first; then the error again.
            self._pieces = _failing(self.damage(f"compressed data: {error}"))
            if have == 0:
                next(self._pieces)
        self._buffer = b"".join(parts)
        self._at = 0


def _failing(error: CaptureError) -> Iterator[bytes]:
    """Yield nothing, but raise."""
    raise error
    yield b""


@contextmanager
def opened(source: Source) -> Iterator[Stream]:
    """Open a path, or use an open binary file, which stays open."""
    if isinstance(source, str | os.PathLike):
        with open(source, "rb", buffering=0) as file:  # noqa: PTH123 - str or path
            yield Stream(_plain(file, os.fspath(source)), os.fspath(source))
    else:
        name = getattr(source, "name", None)
        name = name if isinstance(name, str) else "<stream>"
        yield Stream(_plain(source, name), name)


def _plain(file: Any, name: str) -> Iterator[bytes]:
    """Yield the file's bytes, decompressed if its first bytes say so."""
    head = b""
    while len(head) < len(_XZ) and (piece := file.read(len(_XZ) - len(head))):
        head += piece
    pieces = _raw(head, file)
    if head.startswith(_GZIP):
        return _inflated(pieces, _Gzip)
    if head.startswith(_XZ):
        return _inflated(pieces, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY))
    if head.startswith(_ZSTD):
        return _unzstd(pieces, name)
    return pieces


def _raw(head: bytes, file: Any) -> Iterator[bytes]:
    """Yield what was read already, then the rest of the file."""
    if head:
        yield head
    while piece := file.read(_STEP):
        yield piece


class _Decompressor(Protocol):
    """What zlib (adapted) and lzma have in common."""

    @property
    def eof(self) -> bool:
        """Tell whether the compressed stream is complete."""

    @property
    def needs_input(self) -> bool:
        """Tell whether there is no more output without more input."""

    @property
    def unused_data(self) -> bytes:
        """Return what follows the compressed stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return no more than this many bytes of output."""


class _Gzip:
    """zlib's decompressor, with the manners of lzma's."""

    def __init__(self) -> None:
        """Expect a gzip header."""
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        """Tell whether the compressed stream is complete."""
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        """Tell whether there is no more output without more input."""
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
    pieces: Iterator[bytes], start: Callable[[], _Decompressor]
) -> Iterator[bytes]:
    """Yield the output of one or more compressed streams, a bounded piece at a time."""
    data = next(pieces, b"")
    while data.strip(b"\0"):  # zeros may pad the last one
        stream = start()
        while not stream.eof:
            if output := stream.decompress(data, _STEP):
                yield output
            data = b""
            if stream.needs_input and not stream.eof:
                data = next(pieces, b"")
                if not data:
                    raise EOFError("ends early")
        data = stream.unused_data or next(pieces, b"")


class _Zstd:
    """zstandard's decompressor, with the manners of lzma's."""

    needs_input = True

    def __init__(self, zstandard: Any) -> None:
        """Expect a zstd frame."""
        self._error = zstandard.ZstdError
        options = zstandard.ZstdDecompressor(max_window_size=_MEMORY)
        self._frame = options.decompressobj()

    @property
    def eof(self) -> bool:
        """Tell whether the compressed stream is complete."""
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        """Return what follows the compressed stream."""
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002
        """Return the output for this little input: a byte makes 32 KiB at most."""
        try:
            return bytes(self._frame.decompress(data))
        except self._error as error:
            raise zlib.error(str(error)) from None


def _unzstd(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the output of one or more zstd frames, a bounded piece at a time."""
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        raise CaptureError(
            "zstd-compressed; install `zstandard` to read it", source=name
        ) from None
    crumbs = (
        piece[at : at + _CRUMB]
        for piece in pieces
        for at in range(0, len(piece), _CRUMB)
    )
    return _inflated(crumbs, lambda: _Zstd(zstandard))
