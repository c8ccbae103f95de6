"""A file or stream -> `Capture`. Knows which formats there are, not what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.capture import pcap, pcapng
from pytest_netlab.capture.build import Builder
from pytest_netlab.capture.model import Capture, Frame, Interface
from pytest_netlab.capture.pcapng import Count, Name
from pytest_netlab.capture.stream import opened
from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture.pcapng import Record
    from pytest_netlab.capture.stream import Source, Stream


def read(source: Source) -> Capture:
    """Read a capture: pcap or pcapng, plain or compressed with gzip, xz or zstd.

    Args:
        source: a path, or an open binary file, which may be a pipe.

    Raises:
        CaptureError: the file is damaged or no capture; `partial` is the `Capture` of
            every packet before the damage.
        OSError: the file cannot be read.

    """
    builder = Builder()
    try:
        with opened(source) as stream:
            for record in _records(stream):
                _add(builder, record)
    except CaptureError as error:
        error.partial = Capture(*builder.parts())
        raise
    return Capture(*builder.parts())


def _records(stream: Stream) -> Iterator[Record]:
    """Yield the records of whichever format this is."""
    magic = stream.read(pcap.MAGIC_BYTES)
    if magic == pcapng.MAGIC:
        return pcapng.records(stream)
    if pcap.order(magic):
        return pcap.records(stream, magic)
    reason = "not a pcap or pcapng file" if magic else "an empty file is no capture"
    raise stream.damage(reason, 0)


def _add(builder: Builder, record: Record) -> None:
    """Add a record to what is being built."""
    if isinstance(record, Frame):
        builder.add(record)
    elif isinstance(record, Interface):
        builder.interfaces.append(record)
    elif isinstance(record, Count):
        builder.count(*record)
    elif isinstance(record, Name):
        builder.names.setdefault(record.address, record.symbol)
    else:
        builder.notes.append(record.text)
