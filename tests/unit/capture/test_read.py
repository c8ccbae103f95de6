"""Files from an enemy: a `Capture` or a `CaptureError`, nothing else."""

from __future__ import annotations

import gzip
import io
from struct import pack

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.capture.conftest import FILES, frames

from pytest_netlab.capture import Capture, Interface, read, write
from pytest_netlab.errors import CaptureError

PCAPNG = io.BytesIO()
write(
    PCAPNG,
    Capture.from_frames(
        frames(), [Interface(name="a", received=1), Interface(name="b")], {"::1": "me"}
    ),
)
PCAP = pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 1) + b"".join(
    pack("<IIII", 1, 2, len(frame.data), len(frame.data)) + frame.data
    for frame in frames()
)
SEEDS = [PCAPNG.getvalue(), PCAP, *(path.read_bytes() for path in FILES[:12])]
HOSTILE = settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck)
)


def _survivors(data: bytes) -> Capture:
    """Return the capture, or what an error kept of it."""
    try:
        return read(io.BytesIO(data))
    except CaptureError as error:
        caught = error
    assert isinstance(caught.partial, Capture)
    assert caught.offset >= 0
    return caught.partial


@HOSTILE
@given(st.sampled_from(SEEDS), st.data())
def test_cut_anywhere(seed: bytes, data: st.DataObject) -> None:
    """Every packet that is wholly before the cut is there, and is as it was."""
    size = data.draw(st.integers(0, len(seed)))
    whole, some = list(read(io.BytesIO(seed)).frames()), _survivors(seed[:size])

    kept = list(some.frames())
    assert kept == whole[: len(kept)]
    missing = sum(len(frame.data) for frame in whole[len(kept) + 1 :])
    assert missing <= len(seed) - size


@HOSTILE
@given(st.sampled_from(SEEDS), st.data())
def test_flip_anywhere(seed: bytes, data: st.DataObject) -> None:
    """Whatever one byte becomes, reading ends, and with one of the two."""
    at = data.draw(st.integers(0, len(seed) - 1))
    value = data.draw(st.integers(0, 255))

    for packet in _survivors(seed[:at] + bytes((value,)) + seed[at + 1 :]):
        assert len(packet.bytes) == packet.row["caplen"]
        assert packet.text


@HOSTILE
@given(st.integers(24, len(PCAP) - 1))
def test_packets_before_a_lie_are_there(at: int) -> None:
    """A length that lies takes nothing with it that came before."""
    starts, offset = [], 24
    for frame in frames():
        starts.append(offset)
        offset += 16 + len(frame.data)
    before = [start for start in starts if start <= at][:-1]
    lie = PCAP[:at] + b"\xff" * 16 + PCAP[at + 16 :]

    kept = [frame.data for frame in _survivors(lie).frames()]
    assert kept[: len(before)] == [frame.data for frame in frames()[: len(before)]]


@HOSTILE
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Behind a magic number or not."""
    for magic in (b"", SEEDS[0][:28], PCAP[:24]):
        _survivors(magic + data)


@HOSTILE
@given(st.data())
def test_compressed_damage(data: st.DataObject) -> None:
    """The same inside gzip."""
    packed = gzip.compress(PCAP)
    at = data.draw(st.integers(2, len(packed) - 1))
    capture = _survivors(packed[:at] + b"\xa5" + packed[at + 1 :])

    assert len(capture) <= len(frames())
