"""Files in chunks: wherever a buffer ends, the packets are the same."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.capture.conftest import FILES

from pytest_netlab.capture import Capture, open_capture, read, stream, write
from pytest_netlab.errors import CaptureError
from pytest_netlab.wire import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

STEPS = [(40, 8), (200, 64), (1000, 1 << 16)]


def same(one: Capture, other: Capture) -> bool:
    """Tell whether two captures have equal columns, bytes and comments."""
    columns = all(
        np.array_equal(one.column(c.name), other.column(c.name)) for c in COLUMNS
    )
    return columns and list(one.frames()) == list(other.frames())


@pytest.fixture(params=STEPS, ids=lambda step: f"buffer of {step[0]}")
def _small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a few bytes at a time, with little room in front of them."""
    step, headroom = request.param
    monkeypatch.setattr(stream, "_STEP", step)
    monkeypatch.setattr(stream, "_HEADROOM", headroom)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_buffers_end_anywhere(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record may lie across any border, and be larger than a buffer."""
    small = read(path)
    monkeypatch.undo()

    assert same(small, read(path))


@pytest.mark.usefixtures("_small")
def test_damage_is_where_it_is(written: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offset of damage does not depend on buffers, nor do the packets before it."""
    cut = written[:-130]
    with pytest.raises(CaptureError) as small:
        read(io.BytesIO(cut))
    monkeypatch.undo()
    with pytest.raises(CaptureError) as large:
        read(io.BytesIO(cut))

    assert str(small.value) == str(large.value)
    assert isinstance(small.value.partial, Capture)
    assert isinstance(large.value.partial, Capture)
    assert same(small.value.partial, large.value.partial)
    assert len(small.value.partial) > 0


def test_chunks_come_before_the_damage(written: bytes) -> None:
    """Who iterates sees every packet, then the error."""
    seen: list[int] = []
    chunks = open_capture(io.BytesIO(written[:-130]))
    with chunks, pytest.raises(CaptureError):
        seen.extend(map(len, chunks))

    assert sum(seen) > 0


def test_a_thread_reads_large_files(
    tmp_path: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the same, and is gone when the file is closed, even half-way."""
    path = tmp_path / "large.pcapng"
    write(path, Capture.concat([capture] * 30))
    expected = read(path)
    before = threading.active_count()
    monkeypatch.setattr(stream, "_LARGE", 1)
    monkeypatch.setattr(stream, "_STEP", 500)

    assert same(read(path), expected)
    with open_capture(path) as chunks:
        next(chunks)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_who_iterates_to_the_end_need_not_close(
    tmp_path: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is closed and its thread gone; a warning would be an error here."""
    monkeypatch.setattr(stream, "_LARGE", 1)
    path = tmp_path / "some.pcapng"
    write(path, capture)
    before = threading.active_count()

    assert sum(len(chunk) for chunk in open_capture(path)) == len(capture)
    assert threading.active_count() == before


def test_columns_that_nobody_wants_stay_empty(written: bytes) -> None:
    """Hashes and checksums cost the most; the rest is the same without them."""
    bare = read(io.BytesIO(written), payload_hash=False, checksums=False)
    full = read(io.BytesIO(written))
    left_out = {"payload_hash", "options_hash", "ip_checksum", "l4_checksum"}

    for column in COLUMNS:
        ours = bare.column(column.name)
        assert (
            not ours.any()
            if column.name in left_out
            else (np.array_equal(ours, full.column(column.name)))
        )
    assert full.payload_hash.any()
