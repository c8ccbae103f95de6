"""What reading promises of any file, however hostile; tests and fuzzer check the same.

Knows the promise, and what damage was done; not how files are read.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tests import files

from pytest_netlab.capture import Capture, read
from pytest_netlab.errors import CaptureError
from pytest_netlab.wire import COLUMNS, Checksum, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.capture import Frame

_LOOKED_AT = 16  # packets of a capture that are told in full


class Outcome(NamedTuple):
    """A capture, or what damage left of it; the offset is -1 where there is none."""

    capture: Capture
    offset: int
    reason: str


class Seed(NamedTuple):
    """A whole file, its records, and the packets that are in it."""

    name: str
    data: bytes
    parts: tuple[files.Part, ...]
    frames: tuple[Frame, ...]

    def __repr__(self) -> str:
        """Name the file; its bytes would fill the screen."""
        return f"<{self.name}>"

    @property
    def is_pcapng(self) -> bool:
        """Tell whether each record says twice how long it is."""
        return self.data.startswith(b"\n\r\r\n")


def seed(name: str, data: bytes) -> Seed:
    """Return what is known of an undamaged file."""
    frames = tuple(read(io.BytesIO(data)).frames())
    return Seed(name, data, tuple(files.parts(data)), frames)


def outcome(data: bytes) -> Outcome:
    """Read a file, which ends in one of the two ways that are promised."""
    try:
        found = Outcome(read(io.BytesIO(data)), -1, "")
    except CaptureError as error:
        found = _survivors(error)
    assert found.offset <= len(data), f"{found.offset} is not in {len(data)} bytes"
    check_rows(found.capture, len(data))
    return found


def _survivors(error: CaptureError) -> Outcome:
    """Return what an error kept."""
    assert isinstance(error.partial, Capture), "an error without what came before"
    assert error.offset >= 0
    assert error.reason in str(error)
    return Outcome(error.partial, error.offset, error.reason)


def check_rows(capture: Capture, size: int) -> None:
    """Fail unless every row is one: of bytes that are there, and told in full."""
    caplen = capture.caplen.astype(np.int64)
    assert int(caplen.sum()) <= size, "more bytes than the file has"
    for name in ("ip_offset", "l4_offset"):
        assert (getattr(capture, name) <= caplen).all(), f"{name} outside the packet"
    assert (capture.status <= sum(Status)).all()
    assert (capture.ip_checksum <= max(Checksum)).all()
    assert (capture.l4_checksum <= max(Checksum)).all()
    longest = np.maximum(caplen, capture.wirelen)
    for name in ("payload_offset", "payload_len"):  # of what may not be captured
        assert (getattr(capture, name) <= longest).all(), f"{name} outside the packet"
    _check_alone(capture)
    for packet in list(capture)[:_LOOKED_AT]:
        assert len(packet.bytes) == packet.row["caplen"]
        assert packet.text


def _check_alone(capture: Capture) -> None:
    """Fail unless each packet is what it is wherever its bytes are.

    A decoder that looks beyond a packet finds there what is behind it in the file.
    """
    alone = Capture.from_frames(capture.frames(), capture.interfaces)
    for column in COLUMNS:
        if column.name != "offset":
            both = capture.column(column.name), alone.column(column.name)
            assert np.array_equal(*both), f"{column.name} depends on what is around"


def check_before(whole: Seed, found: Outcome, damage: int) -> None:
    """Fail unless every packet is as it was whose record ends before the damage."""
    count = sum(p.is_packet and p.end <= damage for p in whole.parts)
    kept = [frame[:6] for frame in found.capture.frames()][:count]
    assert kept == [frame[:6] for frame in whole.frames[:count]]


def check_place(whole: Seed, data: bytes, found: Outcome, damage: range) -> None:
    """Fail unless an error names a place at or before the damage's end.

    Not where no reader can know better: a pcap record whose length lies is read as
    told, and what an interface or section says is needed by the packets behind it.
    """
    assert found.offset <= len(data)
    if found.offset < 0 or not whole.is_pcapng:
        return
    for part in whole.parts:
        if part.start < damage.stop and damage.start < part.end:
            kinds = {_kind(data, part.start), part.kind}
            if kinds & {files.SECTION, files.INTERFACE}:
                return
    assert found.offset < damage.stop, f"{found.reason} at {found.offset}"


def _kind(data: bytes, at: int) -> int:
    """Return the type of a block as either byte order has it, whichever is smaller."""
    word = data[at : at + 4]
    return min(int.from_bytes(word, "little"), int.from_bytes(word, "big"))


def lengths(whole: Seed) -> Sequence[files.Field]:
    """Return every length that a file states."""
    return [f for part in whole.parts for f in part.fields if f.is_length]
