"""A capture in memory."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.capture.conftest import DATAGRAMS, MACS, START

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.wire import COLUMNS, ethernet


def test_columns(capture: Capture) -> None:
    """One attribute per column, of one length, read-only."""
    for column in COLUMNS:
        array = getattr(capture, column.name)
        assert len(array) == len(capture) == 6
        assert array.dtype == np.dtype(column.dtype)
        assert not array.flags.writeable


def test_columns_are_annotated() -> None:
    """Users and type checkers see every column."""
    kinds = {c.name: f"npt.NDArray[np.{np.dtype(c.dtype).name}]" for c in COLUMNS}

    assert kinds == Capture.__annotations__


def test_valid(capture: Capture) -> None:
    """Of which packets a column's value means something, as its condition has it."""
    for column in COLUMNS:
        told = capture.valid(column.name)
        assert told.tolist() == column.valid.mask(capture).tolist()
        assert told is capture.valid(column.name)


def test_linktypes() -> None:
    """Each packet's is that of its interface; without packets there is none."""
    links = [Interface(name="a", linktype=101), Interface(name="b")]
    frames = [Frame(number, 0, b"", 0) for number in (1, 0, 1)]

    assert Capture.from_frames(frames, links).linktypes.tolist() == [1, 101, 1]
    assert Capture.from_frames([], []).linktypes.tolist() == []


def test_no_packets() -> None:
    """A capture that saw nothing is one."""
    capture = Capture.from_frames([], [Interface(name="docker0")])

    assert (len(capture), list(capture), len(capture.at("docker0"))) == (0, [], 0)
    assert repr(capture) == "<Capture of 0 packets on docker0>"


@pytest.mark.parametrize("rows", [[], [0], [5, 0, 0], [-1]])
def test_select_rows(capture: Capture, rows: list[int]) -> None:
    """By number, in the order asked for; bytes and comments come along."""
    selected = capture.select(rows)

    assert selected.ts.tolist() == [int(capture.ts[row]) for row in rows]
    assert [p.bytes for p in selected] == [capture[row].bytes for row in rows]
    assert [p.comment for p in selected] == [capture[row].comment for row in rows]


def test_select_a_mask(capture: Capture) -> None:
    """By a condition on columns."""
    selected = capture.select(capture.proto == 1)

    assert selected.icmp_type.tolist() == [8, 11]
    assert selected.interfaces == capture.interfaces
    assert len(capture.select(np.zeros(6, dtype=bool))) == 0


def test_select_refuses_what_is_not_there(capture: Capture) -> None:
    """A wrong row or a mask of another length is a mistake."""
    for rows in ([6], [True] * 5):
        with pytest.raises(IndexError):
            capture.select(rows)


def test_at(capture: Capture) -> None:
    """The packets of one capture point."""
    assert capture.at("uplink").ts.tolist() == [START + 1, START + 3, START + 5]


def test_at_names_the_points_there_are(capture: Capture) -> None:
    """Who mistypes a name sees the right ones."""
    with pytest.raises(KeyError, match="'docker1', only docker0, uplink"):
        capture.at("docker1")


def test_one_packet(capture: Capture) -> None:
    """By its number, also from the end."""
    assert capture[-1].index == 5
    for row in (6, -7):
        with pytest.raises(IndexError, match="of 6"):
            capture[row]


def test_frames_make_the_capture_again(capture: Capture) -> None:
    """Frames are all there is beside interfaces and names."""
    again = Capture.from_frames(capture.frames(), capture.interfaces)

    assert list(again.frames()) == list(capture.frames())


def test_concat(capture: Capture) -> None:
    """Packets in order, each on an interface of its own capture."""
    other = Capture.from_frames(
        [Frame(0, 1, b"", 0)], [Interface(name="veth")], {"10.0.0.1": "x", "::1": "y"}
    )
    both = Capture.concat([capture, other])

    assert [interface.name for interface in both.interfaces] == [
        "docker0",
        "uplink",
        "veth",
    ]
    assert both.point.tolist() == [0, 1, 0, 1, 0, 1, 2]
    assert (both.names["10.0.0.1"], both.names["::1"]) == ("host01", "y")
    assert both.comment == "a test"


def test_a_tag_the_tap_took_off_is_put_back() -> None:
    """As libpcap does; the lengths are those on the wire."""
    frame = ethernet.build(*MACS, DATAGRAMS[0])
    tagged = ethernet.build(*MACS, DATAGRAMS[0], vlan=7)
    capture = Capture.from_frames(
        [Frame(0, 0, frame, len(frame), vlan=7)], [Interface(name="x")]
    )

    assert (capture[0].bytes, capture.vlan[0]) == (tagged, 7)
    assert capture.wirelen[0] == capture.caplen[0] == len(tagged)


def test_more_packets_than_a_chunk() -> None:
    """Columns grow in chunks; no row is lost at the border."""
    frames = (Frame(0, row, b"%d" % row, 9) for row in range(9000))
    capture = Capture.from_frames(frames, [Interface(name="x", linktype=147)])

    assert capture.ts.tolist() == list(range(9000))
    assert capture[8999].bytes == b"8999"


def test_an_interface_that_is_not_there() -> None:
    """A frame cannot be decoded without its link type."""
    with pytest.raises(IndexError):
        Capture.from_frames([Frame(1, 0, b"", 0)], [Interface(name="x")])
