"""A file or stream -> `Capture`, whole or in chunks. Knows which formats there are."""

from __future__ import annotations

from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from pytest_netlab.capture import pcap, pcapng
from pytest_netlab.capture.budget import Budget
from pytest_netlab.capture.build import Known
from pytest_netlab.capture.model import Capture
from pytest_netlab.capture.pcap import PcapReader
from pytest_netlab.capture.pcapng import PcapngReader
from pytest_netlab.capture.pool import Pool, keep_freed_memory
from pytest_netlab.capture.stream import opened
from pytest_netlab.capture.values import Block, Octets
from pytest_netlab.errors import CaptureError
from pytest_netlab.wire import Columns
from pytest_netlab.wire.columns import size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture.budget import Memory
    from pytest_netlab.capture.stream import Source, Stream
    from pytest_netlab.capture.values import About

_FEWEST, _MOST = 256, 1 << 16  # rows of a chunk


class Chunks:
    """The packets of a file as captures of a few thousand packets each, in order.

    Iterate over it once, as a context manager if that may stop half-way. A chunk may be
    kept; memory is bounded by what is kept.
    """

    def __init__(
        self,
        source: Source,
        *,
        payload_hash: bool = True,
        checksums: bool = True,
        decapsulate: bool = False,
        memory: Memory = None,
    ) -> None:
        """Open the source and recognise its format.

        Args:
            source: a path, or an open binary file, which may be a pipe.
            payload_hash: fill in `payload_hash` and `options_hash`.
            checksums: fill in `ip_checksum` and `l4_checksum`.
            decapsulate: have rows of the innermost packet of a tunnel.
            memory: bytes by which the process may grow meanwhile, or a `Budget` that
                is shared; None is three quarters of the free memory.

        Raises:
            CaptureError: it is no capture, or its file header is damaged.
            OSError: the file cannot be read.

        """
        self._wanted = payload_hash, checksums, decapsulate
        self._known = Known()
        self._budget = Budget.of(memory)
        self._count = 0  # packets so far
        self._rows = _FEWEST
        self._begun = 0  # where in the buffer the current chunk begins
        keep_freed_memory()
        self._pool = Pool()
        with ExitStack() as stack:
            self._stream = stack.enter_context(opened(source, self._budget))
            self._reader = _reader(self._stream, self._known, self._budget)
            self._stack = stack.pop_all()
        self._chunks = self._read()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what was opened here."""
        self._stack.close()

    def __iter__(self) -> Iterator[Capture]:
        """Return the chunks that are left."""
        return self._chunks

    def __next__(self) -> Capture:
        """Return the next chunk."""
        return next(self._chunks)

    @property
    def about(self) -> About:
        """Return interfaces, names and comment, as far as they have been read."""
        return self._known.about

    @property
    def position(self) -> int:
        """Return how many bytes of the file were read, 0 where it is unknown."""
        return self._stream.position

    @property
    def size(self) -> int:
        """Return the size of the file, 0 where it is unknown."""
        return self._stream.size

    def _read(self) -> Iterator[Capture]:
        """Yield chunk after chunk, and close the source however that ends."""
        with self._stack:
            yield from self._decoded()

    def _decoded(self) -> Iterator[Capture]:
        """Yield chunk after chunk; damage is raised after the packets before it."""
        need = 1
        while not need or self._stream.fill(need):
            self._check()
            columns = self._columns()
            self._begun = self._stream.at
            try:
                need = self._reader.fill(columns)
            except CaptureError:
                yield from self._chunk(columns)
                raise
            yield from self._chunk(columns)
        self._check()
        self._stream.finish()
        self._reader.end()

    def _check(self) -> None:
        """Fail if the process has grown by more memory than the budget allows."""
        self._budget.note(self._stream.source, self._count, self._stream.position)
        self._budget.check()

    def _columns(self) -> Columns:
        self._reader.walk.row = 0
        hashes, checksums, decapsulate = self._wanted
        block = self._pool.take(size_of(self._rows))
        columns = Columns(
            self._rows,
            block,
            hashes=hashes,
            checksums=checksums,
            decapsulate=decapsulate,
        )
        columns.clear()
        return columns

    def _chunk(self, columns: Columns) -> Iterator[Capture]:
        """Yield the decoded rows, and fit the size of the next columns to a buffer."""
        rows, stream = self._reader.walk.row, self._stream
        self._known.others.extend(self._count + row for row in self._others())
        if not rows:
            return
        octets = Octets(
            buffers=(stream.buffer[stream.first :],),
            bases=(stream.base + stream.first,),
            comments=MappingProxyType(self._comments()),
        )
        if rows == columns.rows:  # they were full before the buffer was decoded
            read, size = stream.at - self._begun, stream.end - stream.first
            self._rows = min(max(rows * size // max(read, 1) * 9 // 8, rows + 1), _MOST)
        self._count += rows
        block = Block(columns, rows)
        yield Capture(block.array, rows, octets, self._known.about, (block,))

    def _comments(self) -> dict[int, str]:
        """Return the comments on the packets of this chunk, and forget them."""
        if isinstance(self._reader, PcapngReader) and self._reader.comments:
            comments, self._reader.comments = self._reader.comments, {}
            return comments
        return {}

    def _others(self) -> list[int]:
        """Return the rows of this chunk before which a record is no packet."""
        if isinstance(self._reader, PcapngReader) and self._reader.others:
            others, self._reader.others = self._reader.others, []
            return others
        return []


def _reader(stream: Stream, known: Known, budget: Budget) -> PcapReader | PcapngReader:
    """Return the reader for the format that the first bytes show."""
    magic = stream.peek(pcap.MAGIC_BYTES)
    if magic == pcapng.MAGIC:
        return PcapngReader(stream, known, budget)
    if pcap.order(magic):
        return PcapReader(stream, known)
    reason = "not a pcap or pcapng file" if magic else "an empty file is no capture"
    raise stream.damage(reason, 0)


def open_capture(
    source: Source,
    *,
    payload_hash: bool = True,
    checksums: bool = True,
    decapsulate: bool = False,
    memory: Memory = None,
) -> Chunks:
    """Open a capture to read it in chunks, in bounded memory: `for chunk in ...`.

    Args and errors are those of `read`. The iteration raises damage, and too much
    memory in use, after all packets before it.
    """
    return Chunks(
        source,
        payload_hash=payload_hash,
        checksums=checksums,
        decapsulate=decapsulate,
        memory=memory,
    )


def read(
    source: Source,
    *,
    payload_hash: bool = True,
    checksums: bool = True,
    decapsulate: bool = False,
    memory: Memory = None,
) -> Capture:
    """Read a capture: pcap or pcapng, plain or compressed with gzip, xz or zstd.

    Args:
        source: a path, or an open binary file, which may be a pipe.
        payload_hash: fill in `payload_hash` and `options_hash`.
        checksums: fill in `ip_checksum` and `l4_checksum`.
        decapsulate: have rows of the innermost packet of a tunnel (IP in IP, GRE,
            VXLAN, GENEVE); without, rows are of the packet that carries it.
        memory: bytes by which the process may grow meanwhile, or a `Budget` that
            several captures share; None is three quarters of what is free on the
            machine and in the control groups of this process.

    Raises:
        CaptureError: the file is damaged or no capture; `partial` is the `Capture` of
            every packet before the damage.
        MemoryLimitError: it takes more memory than allowed; `partial` is the `Capture`
            of what was read until then.
        OSError: the file cannot be read.

    """
    parts: list[Capture] = []
    try:
        chunks = open_capture(
            source,
            payload_hash=payload_hash,
            checksums=checksums,
            decapsulate=decapsulate,
            memory=memory,
        )
    except CaptureError as error:
        error.partial = Capture.from_frames([], [])
        raise
    with chunks:
        try:
            parts.extend(chunks)
        except CaptureError as error:
            error.partial = Capture.joined(parts, chunks.about)
            raise
        return Capture.joined(parts, chunks.about)
