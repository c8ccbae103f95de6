"""Any bytes as a packet of any link type are a row, told without exception."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import crafted
from tests.fuzz.contract import check_rows

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.wire import UNTAGGED

HOSTILE = settings(
    max_examples=600, deadline=None, suppress_health_check=list(HealthCheck)
)
LINKTYPES = st.one_of(
    st.sampled_from([*crafted.LINKTYPES, 12, 14, 228, 229]), st.integers(0, 65535)
)
CRAFTED = [
    (linktype, data[:2000])
    for linktype in crafted.LINKTYPES
    for data in crafted.frames(linktype).values()
]
TAGS = st.one_of(st.just(UNTAGGED), st.integers(0, 4095))
U32 = (1 << 32) - 1


def _decoded(linktype: int, frames: list[Frame]) -> Capture:
    """Return the rows of frames, after looking at them."""
    capture = Capture.from_frames(frames, [Interface(name="", linktype=linktype)])
    # A tag that the tap took off is put back: it counts as bytes of the frame.
    check_rows(capture, sum(len(frame.data) + 4 for frame in frames))
    assert len(capture) == len(frames)
    return capture


@HOSTILE
@given(LINKTYPES, st.binary(max_size=300), st.integers(0, U32), TAGS)
def test_any_bytes(linktype: int, data: bytes, wirelen: int, vlan: int) -> None:
    """Whatever the bytes and whatever length they claim to have had."""
    frame = Frame(0, 0, data, wirelen, vlan=vlan)
    capture = _decoded(linktype, [frame, frame])

    assert capture[0].row == {**capture[1].row, "offset": capture[0].row["offset"]}
    if vlan == UNTAGGED:
        assert capture[0].bytes == data


@HOSTILE
@given(st.sampled_from(CRAFTED), st.data())
def test_a_packet_with_damage(made: tuple[int, bytes], data: st.DataObject) -> None:
    """A real packet with bytes changed, left out, and cut off."""
    linktype, whole = made
    frame = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(frame) - 1, 0)))
        value = data.draw(st.sampled_from([0, 1, 4, 0x45, 0x60, 0x7F, 0x80, 0xFF]))
        frame[at : at + 1] = bytes((value,))
    size = data.draw(st.integers(0, len(frame)))
    for cut in (bytes(frame), bytes(frame[:size]), bytes(frame[size:])):
        _decoded(linktype, [Frame(0, 0, cut, len(whole))])


@HOSTILE
@given(st.sampled_from(CRAFTED), st.integers(0, 65535), st.integers(0, U32))
def test_under_another_link_type(
    made: tuple[int, bytes], linktype: int, wirelen: int
) -> None:
    """A real packet that is taken for one of another link."""
    for other in (linktype, *crafted.LINKTYPES):
        _decoded(other, [Frame(0, 0, made[1], wirelen)])
