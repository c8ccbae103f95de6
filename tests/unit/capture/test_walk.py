"""The walk over records: which packets it takes, and what it leaves to others, and why.

A buffer of one known packet is changed a field at a time.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.files import ENHANCED, SECOND, Blocks
from tests.traffic import C1, HOST01, Packet

from pytest_netlab.capture.walk import FULL, MAX_BLOCK, MAX_PACKET, MORE, STOPPED, Walk
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.wire import Columns, Direction, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

RAW = 101
DATA = Packet(key=Tuple5(UDP, C1, 9, HOST01, 53), data=b"query").datagram
MAX_TS = (1 << 63) - 1
ORDERS = pytest.mark.parametrize("order", "<>")
CLOCK = (RAW, 1000, 0)  # link type, ns a tick, ns to add


def record(
    order: str = "<", data: bytes = DATA, *, caplen: int = -1, kind: int | None = None
) -> bytes:
    """Return one pcap record, of the modified format if it has a kind of packet."""
    size = len(data) if caplen < 0 else caplen
    made = pack(order + "IIII", 7, 89, size, 1500)
    more = b"" if kind is None else pack(order + "IHBB", 3, 0x0800, kind, 0)
    return made + more + data


def walked(
    data: bytes,
    *,
    order: str = "<",
    rows: int = 8,
    clocks: Sequence[tuple[int, int, int]] | None = None,
    **fields: int,
) -> tuple[int, Walk, Columns]:
    """Walk a buffer, of pcapng if there are clocks; return why it ended."""
    walk, columns = Walk(big=order == ">"), Columns(rows)
    end = fields.pop("end", len(data))
    buffer = memoryview(data + bytes(64))
    for name, value in {"linktype": RAW, **fields}.items():
        setattr(walk, name, value)
    if clocks is None:
        return walk.pcap(buffer, end, columns), walk, columns
    walk.clocks = np.array(clocks, dtype=np.int64).reshape(-1, 3)
    walk.known = len(clocks)
    return walk.pcapng(buffer, end, columns), walk, columns


def pcapng(data: bytes, order: str = "<", **fields: int) -> tuple[int, Walk, Columns]:
    """Walk a pcapng buffer of one interface."""
    return walked(data, order=order, clocks=[CLOCK], **fields)


def cells(columns: Columns, *names: str, row: int = 0) -> tuple[int, ...]:
    """Return some columns of a row."""
    return tuple(int(columns.arrays[name][row]) for name in names)


@ORDERS
@pytest.mark.parametrize("scale", [1, 1000])
def test_pcap_record(order: str, scale: int) -> None:
    """A record's time, lengths and bytes come in the byte order of the file."""
    why, walk, columns = walked(record(order), order=order, scale=scale)

    assert (why, walk.at, walk.row) == (MORE, 16 + len(DATA), 1)
    assert cells(columns, "ts", "caplen", "wirelen", "offset") == (
        7 * SECOND + 89 * scale,
        len(DATA),
        1500,
        16,
    )
    assert cells(columns, "dport", "direction", "point") == (53, 0, 0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(0, Direction.INBOUND), (3, Direction.INBOUND), (4, Direction.OUTBOUND)],
)
def test_modified_record(kind: int, expected: int) -> None:
    """A modified header is longer and knows who sent the packet."""
    data = record(kind=kind) * 2
    why, walk, columns = walked(data, modified=True)

    assert (why, walk.at, walk.row) == (MORE, len(data), 2)
    assert cells(columns, "direction", "offset", "dport", row=0) == (expected, 24, 53)
    assert cells(columns, "direction", "dport", row=1) == (expected, 53)


def test_offsets_are_those_of_the_file() -> None:
    """What the buffer has in front, and where it is, counts."""
    data = b"front" + record() + record()
    why, walk, columns = walked(data, at=5, base=1000, row=3)

    assert (why, walk.at, walk.row) == (MORE, len(data), 5)
    assert cells(columns, "offset", row=3) == (1000 + 5 + 16,)
    assert cells(columns, "offset", row=4) == (1000 + 5 + 32 + len(DATA),)


@pytest.mark.parametrize("missing", [1, len(DATA), len(DATA) + 1, len(DATA) + 15])
def test_pcap_ends_inside_a_record(missing: int) -> None:
    """A record that is not all there waits for more, whatever is in the buffer."""
    data = record() * 2
    why, walk, _ = walked(data, end=len(data) - missing)

    assert (why, walk.at, walk.row) == (MORE, len(data) // 2, 1)


@pytest.mark.parametrize("data", [record(), b""], ids=["a record", "nothing"])
def test_nothing_to_walk(data: bytes) -> None:
    """A buffer that ends where it begins needs more."""
    for clocks in (None, [CLOCK]):
        assert walked(data, end=0, clocks=clocks)[0] == MORE


@pytest.mark.parametrize(("rows", "why"), [(1, FULL), (2, MORE), (3, MORE)])
def test_pcap_columns_are_full(rows: int, why: int) -> None:
    """Full are columns without a row for a record that is there."""
    found, walk, _ = walked(record() * 2, rows=rows)

    assert (found, walk.row) == (why, min(rows, 2))
    assert walk.at == walk.row * len(record())


@ORDERS
@pytest.mark.parametrize(
    ("caplen", "why"),
    [(0, MORE), (MAX_PACKET, MORE), (MAX_PACKET + 1, STOPPED), (0xFFFFFFFF, STOPPED)],
)
def test_pcap_length_that_lies(order: str, caplen: int, why: int) -> None:
    """A length above that of any packet is damage; below, there may be more to come."""
    found, walk, _ = walked(record(order, b"", caplen=caplen), order=order)

    assert (found, walk.at) == (why, 0 if caplen else 16)


def test_a_record_of_no_bytes() -> None:
    """A packet of which nothing was captured is a packet."""
    _, walk, columns = walked(record(data=b""))

    assert walk.row == 1
    assert cells(columns, "caplen", "status") == (0, Status.TRUNCATED)


def test_limits() -> None:
    """A block holds the largest packet, and options beside it."""
    assert MAX_PACKET == 128 << 20
    assert MAX_PACKET + 64 * 1024 == MAX_BLOCK


@ORDERS
def test_enhanced_packet(order: str) -> None:
    """A block's time, lengths and bytes come in the byte order of the section."""
    ticks = 5 << 32 | 6
    block = Blocks(order).enhanced(0, ticks, DATA)
    why, walk, columns = pcapng(block, order)

    assert (why, walk.at, walk.row) == (MORE, len(block), 1)
    assert cells(columns, "ts", "caplen", "wirelen", "offset") == (
        ticks * 1000,
        len(DATA),
        len(DATA),
        28,
    )
    assert cells(columns, "dport", "direction", "status", "point") == (53, 0, 0, 0)


@pytest.mark.parametrize("size", range(28, 34))
def test_padded_packets(size: int) -> None:
    """Padding is no part of a packet, and the next block begins behind it."""
    made = Blocks("<").enhanced(0, 1, DATA[:size])
    why, walk, columns = pcapng(made * 2)

    assert (why, walk.at, walk.row) == (MORE, 2 * len(made), 2)
    assert cells(columns, "caplen", "offset", row=1) == (size, len(made) + 28)


def test_interfaces() -> None:
    """Each has its link type and its clock; points count on from section to section."""
    clocks = [(RAW, 1, 0), (147, 1000, -5), (RAW, 10**9, 7)]
    data = b"".join(Blocks("<").enhanced(number, 3, DATA) for number in (2, 1, 0))
    _, walk, columns = walked(data, clocks=clocks, first=10)

    assert walk.row == 3
    assert columns.arrays["point"][:3].tolist() == [12, 11, 10]
    assert columns.arrays["ts"][:3].tolist() == [3 * SECOND + 7, 2995, 3]
    assert columns.arrays["ip_version"][:3].tolist() == [4, 0, 4]


@pytest.mark.parametrize(
    ("number", "why"), [(1, MORE), (2, STOPPED), (1 << 31, STOPPED)]
)
def test_interface_that_is_not_known(number: int, why: int) -> None:
    """A packet of an interface that nobody described is left alone."""
    data = Blocks("<").enhanced(number, 3, DATA)
    found, walk, _ = walked(data, clocks=[CLOCK] * 2)

    assert (found, walk.row) == (why, int(why == MORE))


@pytest.mark.parametrize("known", [0, 1])
def test_interfaces_of_an_earlier_section(known: int) -> None:
    """Of the clocks only those that this section knows count."""
    walk, columns = Walk(big=False), Columns(1)
    walk.clocks, walk.known = np.array([CLOCK] * 4, dtype=np.int64), known
    data = Blocks("<").enhanced(0, 3, DATA)

    assert walk.pcapng(memoryview(data), len(data), columns) == (
        MORE if known else STOPPED
    )


@pytest.mark.parametrize(
    ("flags", "direction", "status"),
    [
        (0, 0, 0),
        (1, Direction.INBOUND, 0),
        (2, Direction.OUTBOUND, 0),
        (3, Direction.UNKNOWN, 0),
        (1 << 9, 0, Status.CHECKSUM_NOT_READY),
        (1 << 8 | 1, Direction.INBOUND, 0),
        (0xFFFFFC04, 0, 0),
        (0xFFFFFFFE, Direction.OUTBOUND, Status.CHECKSUM_NOT_READY),
    ],
)
@ORDERS
def test_flags(order: str, flags: int, direction: int, status: int) -> None:
    """Of a packet's flags direction and checksums count, with an end or without."""
    make = Blocks(order)
    option = make.option(2, make.pack("I", flags))
    for end in (b"", bytes(4)):
        why, walk, columns = pcapng(make.enhanced(0, 3, DATA, option + end), order)

        assert (why, walk.row) == (MORE, 1)
        assert cells(columns, "direction", "status") == (direction, status)


FLAGS = Blocks("<").option(2, Blocks("<").pack("I", 1))


@pytest.mark.parametrize(
    "options",
    [
        bytes(4),
        Blocks("<").option(1, b"text"),
        Blocks("<").option(4, bytes(4)),
        Blocks("<").option(0x0102, bytes(4)),
        Blocks("<").option(2, bytes(8)),
        Blocks("<").option(2, b""),
        Blocks("<").option(2, b"abc"),
        FLAGS + Blocks("<").option(1, b"text"),
        FLAGS + Blocks("<").option(4, b""),
        FLAGS + bytes(8),
        FLAGS + FLAGS,
        Blocks("<").option(1, b"text") + FLAGS,
        pack("<HH", 2, 4),
    ],
    ids=[
        "end alone",
        "comment",
        "dropcount",
        "another that begins alike",
        "flags of 8 bytes",
        "flags of none",
        "flags of 3 bytes",
        "comment behind",
        "another behind",
        "more behind the end",
        "flags twice",
        "comment before",
        "cut flags",
    ],
)
def test_other_options(options: bytes) -> None:
    """A block with any other option than flags is left to who has words for it."""
    data = Blocks("<").enhanced(0, 3, DATA, options)
    why, walk, _ = pcapng(data)

    assert (why, walk.at, walk.row) == (STOPPED, 0, 0)


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 7, 0x0A0D0D0A, 0x06000000])
def test_other_blocks(kind: int) -> None:
    """Whatever is no enhanced packet is left alone, and what comes before is taken."""
    make = Blocks("<")
    packet = make.enhanced(0, 3, DATA)
    why, walk, _ = pcapng(packet + make.block(kind, bytes(40)) + packet)

    assert (why, walk.at, walk.row) == (STOPPED, len(packet), 1)


@pytest.mark.parametrize(("missing", "row"), [(0, 1), (1, 0), (4, 0), (60, 0)])
def test_pcapng_ends_inside_a_block(missing: int, row: int) -> None:
    """A block that is not all there waits for more."""
    data = Blocks("<").enhanced(0, 3, DATA)
    why, walk, _ = pcapng(data, end=len(data) - missing)

    assert (why, walk.row) == (MORE, row)
    assert walk.at == row * len(data)


@pytest.mark.parametrize(("rows", "why"), [(1, FULL), (2, MORE), (3, MORE)])
def test_pcapng_columns_are_full(rows: int, why: int) -> None:
    """Full are columns without a row for a block that is there, whatever its kind."""
    data = Blocks("<").enhanced(0, 3, DATA)
    found, walk, _ = pcapng(data * 2, rows=rows)

    assert (found, walk.row) == (why, min(rows, 2))
    assert walk.at == walk.row * len(data)


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (28, STOPPED),
        (30, STOPPED),
        (32, MORE),
        (33, STOPPED),
        (34, STOPPED),
        (36, MORE),
        (MAX_BLOCK, MORE),
        (MAX_BLOCK + 4, STOPPED),
    ],
)
def test_block_length_that_lies(size: int, why: int) -> None:
    """A length that no packet's block has is damage; else there may be more to come."""
    found, walk, _ = pcapng(pack("<II", ENHANCED, size))

    assert (found, walk.at, walk.row) == (why, 0, 0)


def changed(at: int, value: int) -> bytes:
    """Return a packet's block with another integer at this offset."""
    made = bytearray(Blocks("<").enhanced(0, 3, DATA))
    made[at : at + 4] = pack("<I", value)
    return bytes(made)


SIZE = len(changed(8, 0))
PADDED = len(DATA) + -len(DATA) % 4


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        (SIZE - 4, SIZE, MORE),
        (SIZE - 4, SIZE + 4, STOPPED),
        (SIZE - 4, 0, STOPPED),
        (20, PADDED, MORE),
        (20, PADDED + 1, STOPPED),
        (20, PADDED - 4, STOPPED),
        (20, 0xFFFFFFFF, STOPPED),
        (24, 0xFFFFFFFF, MORE),
        (24, 0, MORE),
    ],
    ids=[
        "its trailer",
        "another trailer",
        "no trailer",
        "to the end",
        "past the end",
        "an option of its bytes",
        "a length of 4 GiB",
        "4 GiB on the wire",
        "nothing on the wire",
    ],
)
def test_block_that_contradicts_itself(at: int, value: int, why: int) -> None:
    """Both lengths of a block agree, and its packet is inside."""
    found, walk, _ = pcapng(changed(at, value))

    assert (found, walk.row) == (why, int(why == MORE))


@pytest.mark.parametrize(
    ("clock", "ticks", "expected"),
    [
        ((RAW, 0, 0), 1, None),
        ((RAW, 1, 0), MAX_TS, MAX_TS),
        ((RAW, 1, 0), MAX_TS + 1, None),
        ((RAW, 1, 0), (1 << 64) - 1, None),
        ((RAW, 1000, 0), MAX_TS // 1000, MAX_TS // 1000 * 1000),
        ((RAW, 1000, 0), MAX_TS // 1000 + 1, None),
        ((RAW, 1, 5), MAX_TS - 5, MAX_TS),
        ((RAW, 1, 5), MAX_TS - 4, None),
        ((RAW, 1, -5), 0, -5),
        ((RAW, 1, -5), MAX_TS - 5, MAX_TS - 10),
        ((RAW, 1, -5), MAX_TS - 4, None),
        ((RAW, 1, 0), 0, 0),
    ],
)
def test_times(clock: tuple[int, int, int], ticks: int, expected: int | None) -> None:
    """A time is taken if 64 bits hold it for certain; odd clocks are left alone."""
    data = Blocks("<").enhanced(0, ticks, DATA)
    why, walk, columns = walked(data, clocks=[clock])

    if expected is None:
        assert (why, walk.at, walk.row) == (STOPPED, 0, 0)
    else:
        assert (why, *cells(columns, "ts")) == (MORE, expected)


def test_after_a_stop() -> None:
    """Who took a record goes on behind it, with the same walk."""
    make = Blocks("<")
    strange, packet = make.block(5, bytes(12)), make.enhanced(0, 3, DATA)
    data = packet + strange + packet
    why, walk, columns = pcapng(data)
    walk.at += len(strange)

    assert why == STOPPED
    assert walk.pcapng(memoryview(data), len(data), columns) == MORE
    assert (walk.at, walk.row) == (len(data), 2)
    assert cells(columns, "offset", row=1) == (len(packet) + len(strange) + 28,)
