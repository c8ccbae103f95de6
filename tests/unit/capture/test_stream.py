"""Bytes, however they are packed and however they arrive."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture import read
from pytest_netlab.capture.stream import IteratorFile, Stream, opened
from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = bytes(range(256)) * 40


def _content(packed: bytes, got: bytearray | None = None) -> bytes:
    """Return all there is in a stream, read in odd steps; got sees it come."""
    got = bytearray() if got is None else got
    with opened(io.BytesIO(packed)) as stream:
        while part := stream.read(777):
            got += part
        assert len(got) == stream.offset
    return bytes(got)


def _twice(packed: bytes) -> bytes:
    """Return two compressed streams in one file."""
    return packed + packed


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_packed_or_not(pack: Callable[[bytes], bytes]) -> None:
    """The first bytes say how a file is packed."""
    assert _content(pack(TEXT)) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_several_streams_and_padding(pack: Callable[[bytes], bytes]) -> None:
    """What `cat a.gz b.gz` makes; tapes add zeros."""
    assert _content(_twice(pack(TEXT)) + bytes(512)) == TEXT + TEXT


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_what_came_before_the_damage_is_served(
    pack: Callable[[bytes], bytes], damage: str
) -> None:
    """The error comes after the last good byte, not instead of it."""
    noise = os.urandom(600_000)
    packed = bytearray(pack(noise))
    if damage == "cut":
        del packed[-40_000:]
    else:
        packed[-2] ^= 0xFF
    got = bytearray()
    with pytest.raises(CaptureError):
        _content(bytes(packed), got)

    assert noise.startswith(bytes(got))
    assert len(got) > 250_000


def _broken() -> Iterator[bytes]:
    """Yield a little, then fail as a decompressor does."""
    yield b"abc"
    raise zlib.error("bad")


def test_not_a_byte_before_the_damage_is_lost() -> None:
    """A read across it returns what there is; the next one raises."""
    stream = Stream(IteratorFile(_broken()), "here")

    assert stream.read(10) == b"abc"
    with pytest.raises(CaptureError, match="here: compressed data: bad"):
        stream.read(1)


def test_peek_stays() -> None:
    """What is peeked at is read again, across the border of a piece."""
    stream = Stream(IteratorFile(iter((b"ab", b"cd"))), "here")

    assert (stream.peek(3), stream.offset) == (b"abc", 0)
    assert (stream.read(4), stream.offset) == (b"abcd", 4)
    assert stream.peek(1) == b""


def test_zstd_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the error says what to install."""
    monkeypatch.setitem(sys.modules, "zstandard", None)

    with pytest.raises(CaptureError, match="install `zstandard`"):
        read(io.BytesIO(b"\x28\xb5\x2f\xfd" + bytes(20)))


def test_zstd() -> None:
    """With it the content is there."""
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(TEXT)

    assert _content(packed + packed) == TEXT + TEXT
    with pytest.raises(CaptureError, match="compressed data"):
        _content(packed[:-9])


def test_a_window_from_an_enemy_is_refused() -> None:
    """An xz header may ask for 4 GiB of memory; it does not get them."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = bytearray(lzma.compress(TEXT, filters=filters))
    at = packed.index(b"\x21\x01") + 2  # filter id, size of its properties
    packed[at] = 40  # 4 GiB - 1
    packed[20:24] = zlib.crc32(packed[12:20]).to_bytes(4, "little")

    with pytest.raises(CaptureError, match="compressed data: Memory usage limit"):
        _content(bytes(packed))


def test_a_pipe(written: bytes) -> None:
    """A stream that cannot seek and delivers what it likes."""
    ours, theirs = os.pipe()

    def feed() -> None:
        with os.fdopen(theirs, "wb", buffering=0) as file:
            file.write(written[:3])
            file.write(written[3:])

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(ours, "rb") as file:
        capture = read(file)
    thread.join()

    assert len(capture) == 6


def test_a_path_is_named_in_errors(tmp_path: Path) -> None:
    """By text or by Path."""
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes")

    for source in (path, str(path)):
        with pytest.raises(CaptureError, match=r"notes\.txt: not a pcap or pcapng"):
            read(source)


def test_an_empty_file() -> None:
    """Nothing is not a capture."""
    with pytest.raises(CaptureError, match="an empty file is no capture"):
        read(io.BytesIO())


def test_a_file_stays_open(written: bytes) -> None:
    """Who opened it closes it."""
    file = io.BytesIO(written)
    read(file)

    assert not file.closed
