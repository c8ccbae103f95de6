"""The pcap format: every variant, every damage."""

from __future__ import annotations

import io
from struct import pack

import dpkt
import pytest
from tests.unit.capture.conftest import frames

from pytest_netlab.capture import read
from pytest_netlab.errors import CaptureError
from pytest_netlab.wire import Direction

US, NS, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
PACKETS = [(1_700_000_000, 123, b"first", 5), (1_700_000_001, 0, b"2nd", 1500)]


def _file(order: str, magic: int = US, version: int = 2, network: int = 147) -> bytes:
    """Return a file with two packets."""
    made = pack(order + "IHHiIII", magic, version, 4, 0, 0, 65535, network)
    more = pack(order + "IHBB", 3, 0x0800, 4, 0) if magic == MODIFIED else b""
    for seconds, fraction, data, wirelen in PACKETS:
        head = pack(order + "IIII", seconds, fraction, len(data), wirelen)
        made += head + more + data
    return made


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "scale"), [(US, 1000), (NS, 1), (MODIFIED, 1000)])
def test_variants(order: str, magic: int, scale: int) -> None:
    """Two resolutions, two byte orders, and the modified header."""
    capture = read(io.BytesIO(_file(order, magic)))

    expected = [seconds * 10**9 + frac * scale for seconds, frac, _, _ in PACKETS]
    assert capture.ts.tolist() == expected
    assert [packet.bytes for packet in capture] == [b"first", b"2nd"]
    assert capture.wirelen.tolist() == [5, 1500]


def test_a_modified_header_has_a_direction() -> None:
    """Its packet type is the kernel's."""
    assert read(io.BytesIO(_file("<", MODIFIED))).direction.tolist() == (
        [Direction.OUTBOUND] * 2
    )


def test_the_interface() -> None:
    """It has no name; bits above the link type speak of check sequences."""
    (interface,) = read(io.BytesIO(_file("<", network=0x14000071))).interfaces

    assert (interface.name, interface.linktype, interface.snaplen) == ("", 113, 65535)


def test_what_dpkt_wrote() -> None:
    """A file from a stranger."""
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, nano=True)
    for frame in frames():
        writer.writepkt(frame.data, ts=1.5)
    capture = read(io.BytesIO(file.getvalue()))

    assert [packet.bytes for packet in capture] == [f.data for f in frames()]
    assert set(capture.ts.tolist()) == {1_500_000_000}


def test_no_packets() -> None:
    """A header alone is a capture that saw nothing."""
    assert len(read(io.BytesIO(_file("<")[:24]))) == 0


@pytest.mark.parametrize(
    ("size", "reason", "offset", "rows"),
    [
        (12, "the file ends inside the file header", 4, 0),
        (30, "the file ends inside a packet header", 24, 0),
        (42, "the file ends inside a packet", 24, 0),
        (45 + 18, "the file ends inside a packet", 45, 1),
    ],
)
def test_every_packet_before_a_cut(
    size: int, reason: str, offset: int, rows: int
) -> None:
    """The error names where, and keeps what was read."""
    with pytest.raises(CaptureError, match=reason) as caught:
        read(io.BytesIO(_file("<")[:size]))

    assert (caught.value.reason, caught.value.source) == (reason, "<stream>")
    assert isinstance(caught.value.offset, int)
    assert len(caught.value.partial) == rows  # type: ignore[arg-type]
    if rows or size > 24:
        assert caught.value.offset == offset


def test_a_length_that_lies_costs_nothing() -> None:
    """256 MiB are not allocated because four bytes say so."""
    head = _file("<")[:24] + pack("<IIII", 0, 0, 1 << 28, 1 << 28)
    with pytest.raises(CaptureError, match="a packet claims 268435456 bytes"):
        read(io.BytesIO(head + b"x"))


def test_a_version_from_the_future() -> None:
    """Another layout would be read as nonsense."""
    with pytest.raises(CaptureError, match=r"pcap version 3\.4 is unknown"):
        read(io.BytesIO(_file("<", version=3)))
