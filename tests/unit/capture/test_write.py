"""What is written is what is read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.capture import Capture, Frame, Interface, read, write
from pytest_netlab.wire import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

U32 = st.integers(0, 0xFFFFFFFF)
FRAMES = st.builds(
    Frame,
    interface=st.integers(0, 1),
    ts=st.integers(-(1 << 62), (1 << 63) - 1),
    data=st.binary(max_size=80),
    wirelen=U32,
    direction=st.integers(0, 2),
    status=st.sampled_from([0, 16]),
    vlan=st.sampled_from([-1, 5]),
    comment=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
LINK_TYPES = st.sampled_from([0, 1, 101, 113, 147, 276])


def _again(capture: Capture) -> Capture:
    """Write a capture and read it."""
    file = io.BytesIO()
    write(file, capture)
    return read(io.BytesIO(file.getvalue()))


def _assert_equal(expected: Capture, actual: Capture) -> None:
    """Compare everything two captures have."""
    assert actual.interfaces == expected.interfaces
    assert dict(actual.names) == dict(expected.names)
    assert actual.comment == expected.comment
    for column in COLUMNS[:-1]:  # files differ in where the bytes are
        ours, theirs = expected.column(column.name), actual.column(column.name)
        assert np.array_equal(ours, theirs), column.name
    assert list(actual.frames()) == list(expected.frames())


def test_everything_survives(capture: Capture) -> None:
    """Columns, bytes, interfaces, counters, names, comments."""
    _assert_equal(capture, _again(capture))


def test_addresses_survive() -> None:
    """An interface's own addresses, of both versions."""
    own = ("172.17.0.1/16", "10.0.0.1/8", "fd00:17::1/64")
    capture = Capture.from_frames([], [Interface(name="docker0", addresses=own)])

    assert _again(capture).interfaces == capture.interfaces


@given(st.lists(FRAMES, max_size=5), LINK_TYPES, LINK_TYPES)
def test_any_capture_survives(frames: list[Frame], one: int, other: int) -> None:
    """Times before the epoch, tags a tap took off, bytes of any kind."""
    interfaces = [
        Interface(name="docker0", linktype=one, dropped=0),
        Interface(name="", linktype=other, snaplen=9, comment="über"),
    ]
    capture = Capture.from_frames(frames, interfaces)

    _assert_equal(capture, _again(capture))


def test_equal_captures_give_equal_bytes(capture: Capture, written: bytes) -> None:
    """No clock, no version, no order of a dictionary gets in."""
    names = dict(sorted(capture.names.items(), reverse=True))
    other = Capture.from_frames(
        capture.frames(), capture.interfaces, names, capture.comment
    )
    file = io.BytesIO()
    write(file, other)

    assert file.getvalue() == written


def test_comments_can_be_added(capture: Capture, tmp_path: Path) -> None:
    """Those given replace those there were; a path will do."""
    path = tmp_path / "noted.pcapng"
    write(path, capture, comments={1: "look here", 0: "new"})

    assert [packet.comment for packet in read(path)][:3] == ["new", "look here", ""]


def test_a_comment_that_is_too_long_is_cut() -> None:
    """An option holds 65535 bytes, and no half of a character."""
    frame = Frame(0, 0, b"", 0, comment="ü" * 40_000)
    capture = Capture.from_frames([frame], [Interface(name="x")])

    assert _again(capture)[0].comment == "ü" * 32_767


def test_names_of_ethernet_addresses() -> None:
    """A name-resolution block also names stations (EUI-48)."""
    names = {"172.17.0.2": "c1", "fd00::2": "c1", "02:42:ac:11:00:02": "c1"}
    capture = Capture.from_frames([], [Interface(name="x")], names)

    assert _again(capture).names == names


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1"])
def test_a_name_that_is_too_long_is_cut(address: str) -> None:
    """What a file calls an address may grow when it is decoded."""
    names = {address: "\ufffd" * 30_000}
    capture = Capture.from_frames([], [Interface(name="x")], names)

    assert _again(capture).names == {address: "\ufffd" * 21_839}


def test_times_that_are_too_far_apart() -> None:
    """A time that 64 bits do not reach from the first is as near as they come."""
    times = -(1 << 63), (1 << 63) - 1
    frames = [Frame(0, ts, b"", 0) for ts in times]
    capture = Capture.from_frames(frames, [Interface(name="x")])

    first, last = _again(capture).ts.tolist()
    assert first == times[0]
    assert 0 < times[1] - last < 10**9
