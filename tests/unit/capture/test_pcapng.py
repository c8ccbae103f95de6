"""The pcapng format: blocks, options, and what may be wrong with them."""

from __future__ import annotations

import io
from struct import pack

import pytest

from pytest_netlab.capture import Capture, Interface, blocks, read
from pytest_netlab.errors import CaptureError
from pytest_netlab.wire import Direction, Status


class Maker:
    """Makes blocks of one byte order."""

    def __init__(self, order: str) -> None:
        """Use this order."""
        self.order = order

    def block(self, kind: int, body: bytes) -> bytes:
        """Return a block with padding and lengths."""
        body += bytes(-len(body) % 4)
        size = self.pack("I", len(body) + 12)
        return self.pack("I", kind) + size + body + size

    def pack(self, layout: str, *values: int) -> bytes:
        """Return values in this order."""
        return pack(self.order + layout, *values)

    def option(self, code: int, value: bytes) -> bytes:
        """Return one padded option."""
        return self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)

    def section(self, options: bytes = b"", version: int = 1) -> bytes:
        """Return a section header."""
        fixed = self.pack("IHHq", blocks.MAGIC, version, 0, -1)
        return self.block(blocks.SECTION, fixed + options)

    def interface(self, options: bytes = b"", snaplen: int = 0) -> bytes:
        """Return an interface of a link type that is not decoded."""
        fixed = self.pack("HHI", 147, 0, snaplen)
        return self.block(blocks.INTERFACE, fixed + options)

    def packet(self, ticks: int, data: bytes = b"data", options: bytes = b"") -> bytes:
        """Return an enhanced packet of the first interface."""
        fixed = self.pack("IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), 60)
        data += bytes(-len(data) % 4)
        return self.block(blocks.PACKET, fixed + data + options)


@pytest.fixture(params="<>")
def make(request: pytest.FixtureRequest) -> Maker:
    """Return a maker of either order."""
    return Maker(request.param)


def _read(*parts: bytes) -> Capture:
    """Read a file of these blocks."""
    return read(io.BytesIO(b"".join(parts)))


@pytest.mark.parametrize(
    ("resolution", "ticks", "ts"),
    [
        (None, 1_700_000_000_000_001, 1_700_000_000_000_001_000),
        (9, 1_700_000_000_000_000_001, 1_700_000_000_000_000_001),
        (0, 1_700_000_000, 1_700_000_000_000_000_000),
        (12, 1_999, 1),
        (0x80 | 1, 3, 1_500_000_000),
        (0x80 | 32, 1 << 31, 500_000_000),
        (127, 1 << 62, 0),
        (0xFF, 1 << 62, 0),
        (0, (1 << 64) - 1, (1 << 63) - 1),
        (9, (1 << 64) - 1, (1 << 63) - 1),
    ],
)
def test_resolutions(make: Maker, resolution: int | None, ticks: int, ts: int) -> None:
    """Powers of ten and of two; what a column cannot hold is clamped."""
    options = b"" if resolution is None else make.option(9, bytes((resolution,)))
    capture = _read(make.section(), make.interface(options), make.packet(ticks))

    assert capture.ts.tolist() == [ts]


@pytest.mark.parametrize("offset", [-5, 0, 1_700_000_000])
def test_an_offset_is_added(make: Maker, offset: int) -> None:
    """In seconds, with a sign."""
    options = make.option(14, make.pack("q", offset))
    capture = _read(make.section(), make.interface(options), make.packet(7))

    assert capture.ts.tolist() == [offset * 10**9 + 7000]


def test_interface_options(make: Maker) -> None:
    """Name and comment; a description speaks where there is no comment."""
    named = make.option(2, b"docker0\0") + make.option(3, b"bridge")
    noted = make.option(1, b"note") + make.option(3, b"bridge")
    capture = _read(make.section(), make.interface(named, 96), make.interface(noted))

    assert capture.interfaces == (
        Interface(name="docker0", linktype=147, snaplen=96, comment="bridge"),
        Interface(name="", linktype=147, comment="note"),
    )


def test_interface_addresses(make: Maker) -> None:
    """Each with its network's length; what is none is left out."""
    four = make.option(4, bytes((172, 17, 0, 1, 255, 255, 0, 0)))
    holes = make.option(4, bytes((172, 17, 0, 1, 255, 0, 255, 0)))
    six = make.option(5, bytes.fromhex("fd000017" + "00" * 11 + "01" + "40"))
    wide = make.option(5, bytes(16) + b"\xff")
    options = four + make.option(4, b"short") + holes + six + wide
    capture = _read(make.section(), make.interface(options))

    assert capture.interfaces[0].addresses == ("172.17.0.1/16", "fd00:17::1/64")


@pytest.mark.parametrize(
    ("flags", "direction", "status"),
    [
        (0, Direction.UNKNOWN, 0),
        (1, Direction.INBOUND, 0),
        (2, Direction.OUTBOUND, 0),
        (3, Direction.UNKNOWN, 0),
        (1 << 9, Direction.UNKNOWN, Status.CHECKSUM_NOT_READY),
    ],
)
def test_packet_options(make: Maker, flags: int, direction: int, status: int) -> None:
    """Direction, checksum offload, and comments, which may be several."""
    options = make.option(1, b"one") + make.option(2, make.pack("I", flags))
    options += make.option(1, b"two") + make.option(0, b"")
    capture = _read(make.section(), make.interface(), make.packet(0, b"abc", options))

    assert capture[0].comment == "one\ntwo"
    assert capture.direction[0] == direction
    assert capture.status[0] & Status.CHECKSUM_NOT_READY == status


def test_simple_packets(make: Maker) -> None:
    """Of the first interface, cut by its snaplen, at no time."""
    packet = make.block(blocks.SIMPLE_PACKET, make.pack("I", 60) + b"12345678")
    capture = _read(make.section(), make.interface(snaplen=6), packet)

    assert (capture[0].bytes, capture.wirelen[0], capture.ts[0]) == (b"123456", 60, 0)


def test_old_packets(make: Maker) -> None:
    """The block that enhanced packets replaced, flags and all."""
    fixed = make.pack("HHIIII", 0, 0, 0, 7, 3, 60)
    options = make.option(2, make.pack("I", 2))
    packet = make.block(blocks.OLD_PACKET, fixed + b"abc\0" + options)
    capture = _read(make.section(), make.interface(), packet)

    assert (capture[0].bytes, capture.ts[0], capture.direction[0]) == (b"abc", 7000, 2)


def test_statistics_and_unknown_blocks(make: Maker) -> None:
    """Counters reach their interface; a later block knows better."""
    first = make.option(4, make.pack("Q", 10)) + make.option(5, make.pack("Q", 1))
    later = make.option(4, make.pack("Q", 12))
    last = make.option(5, make.pack("Q", 2))
    counts = [
        make.block(blocks.STATISTICS, make.pack("III", 0, 0, 0) + options)
        for options in (first, later, last)
    ]
    unknown = make.block(0x0BAD, b"whatever")
    capture = _read(make.section(), make.interface(), unknown, *counts)

    (interface,) = capture.interfaces
    assert (interface.received, interface.dropped) == (12, 2)


def test_names(make: Maker) -> None:
    """The first name of each address; records of other kinds are skipped."""
    records = make.option(1, b"\x0a\0\0\1host01\0other\0")
    records += make.option(2, bytes(15) + b"\1me\0") + make.option(4, b"x" * 9)
    records += make.option(1, b"\x0a\0\0\1later\0")
    records += make.option(3, bytes(5) + b"\1c1\0") + make.option(3, bytes(4))
    records += make.option(1, b"\x0a\0") + make.option(0, b"")
    capture = _read(make.section(), make.block(blocks.NAMES, records))

    assert dict(capture.names) == {
        "10.0.0.1": "host01",
        "::1": "me",
        "00:00:00:00:00:01": "c1",
    }


def test_sections_of_both_orders() -> None:
    """Interfaces count on; comments of sections add up."""
    parts = []
    for order, note in (("<", b"one"), (">", b"two")):
        make = Maker(order)
        parts += [make.section(make.option(1, note)), make.interface(), make.packet(1)]
    capture = _read(*parts)

    assert capture.point.tolist() == [0, 1]
    assert capture.comment == "one\ntwo"


def _damaged(make: Maker) -> dict[str, bytes]:
    """Return one bad block for each kind of damage."""
    packet = make.packet(0)
    return {
        "the two lengths of a block differ": packet[:-4] + make.pack("I", 8),
        "a block claims 33 bytes": packet[:4] + make.pack("I", 33) + packet[8:],
        "a block claims 8 bytes": packet[:4] + make.pack("I", 8) + packet[8:],
        "a block claims 4294967292 bytes": packet[:4] + make.pack("I", 0xFFFFFFFC),
        "the file ends inside a block header": packet[:6],
        "the file ends inside a block": packet[:-5],
        "a packet claims 9999 bytes": make.block(
            blocks.PACKET, make.pack("IIIII", 0, 0, 0, 9999, 60)
        ),
        "a block names interface 5 of 1": make.block(
            blocks.PACKET, make.pack("IIIII", 5, 0, 0, 0, 60)
        ),
        "an option runs past its block": make.packet(0, options=b"\xff\x7f\x7f\xff"),
        "unpack_from requires a buffer": make.block(blocks.PACKET, b"1234"),
        "a section header without byte order": b"\x0a\x0d\x0d\x0a" * 7,
        "pcapng version 2.0 is unknown": make.section(version=2),
    }


@pytest.mark.parametrize("reason", _damaged(Maker("<")))
def test_damage(make: Maker, reason: str) -> None:
    """The error names the block; the packet before it is there."""
    good = make.section() + make.interface() + make.packet(0, b"good")
    with pytest.raises(CaptureError, match=reason) as caught:
        _read(good, _damaged(make)[reason])

    assert caught.value.offset == len(good)
    assert isinstance(caught.value.partial, Capture)
    assert [packet.bytes for packet in caught.value.partial] == [b"good"]


def test_a_packet_without_an_interface(make: Maker) -> None:
    """There is no clock to read its time by."""
    simple = make.block(blocks.SIMPLE_PACKET, make.pack("I", 0))
    for packet in (make.packet(0), simple):
        with pytest.raises(CaptureError, match="names interface 0 of 0"):
            _read(make.section(), packet)
