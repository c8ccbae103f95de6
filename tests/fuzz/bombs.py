"""Small files that stand for much: what each is made of, and how it is compressed.

Knows layouts of files and packets; nothing of how they are read.
"""

from __future__ import annotations

import gzip
import lzma
from itertools import repeat
from struct import pack
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from tests import crafted, files

from pytest_netlab.wire import assigned, ethernet, ipv4, ipv6, tcp, udp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Bomb = Callable[[int], Iterable[bytes]]  # number of things -> pieces of the file

KIB, MIB = 1 << 10, 1 << 20
INNER, OUTER = "172.17.0.2", "203.0.113.9"
MAKE = files.Blocks("<")
HEAD = MAKE.section() + MAKE.interface(1)
SOURCE, IP_ID, IP_FLAGS, SEQUENCE, PORT = 26, 18, 20, 38, 34  # offsets in a frame
RECORD, ENHANCED_HEAD = 16, 28  # bytes before a packet


def _frame(body: bytes, proto: int = 17, **header: bool) -> bytes:
    datagram = ipv4.build(INNER, OUTER, proto, body, **header)  # type: ignore[arg-type]
    return ethernet.build(*crafted.MACS, datagram)


UDP = _frame(udp.build(INNER, OUTER, 4000, 5000, b"x"))
SEGMENT = _frame(tcp.build(INNER, OUTER, 4000, 80, b"x", flags=tcp.ACK), proto=6)
PIECE = _frame(bytes(8), mf=True)


def _nested() -> bytes:
    """Return a frame of datagrams in datagrams, as deep as one can be."""
    inner = udp.build(INNER, OUTER, 4000, 5000, b"x")
    datagram = ipv4.build(INNER, OUTER, 17, inner)
    while len(datagram) < KIB:
        datagram = ipv4.build(INNER, OUTER, 4, datagram)
    return ethernet.build(*crafted.MACS, datagram)


def _chained() -> bytes:
    """Return a frame of IPv6 whose header has very many behind it."""
    hops = b"\x3c\0\1\4\0\0\0\0" * 100
    datagram = ipv6.build("2001:db8::1", "2001:db8::2", 60, hops)
    return ethernet.build(*crafted.MACS, datagram, ethertype=assigned.IPV6)


def _pcap(data: bytes, size: int | None = None) -> bytes:
    """Return a packet's record."""
    return pack("<IIII", 1, 0, len(data) if size is None else size, len(data)) + data


def records(record: bytes, head: bytes | None = None) -> Bomb:
    """Return what makes a file of one record, again and again."""
    some = max(MIB // len(record), 1)

    def pieces(count: int) -> Iterator[bytes]:
        yield files.pcap([]) if head is None else head
        yield from repeat(record * some, count // some)
        yield record * (count % some)

    return pieces


def counted(record: bytes, at: int, size: int = 4, head: bytes | None = None) -> Bomb:
    """Return the same, with a big-endian number in each record that counts them."""
    some = max(MIB // len(record), 1)

    def pieces(count: int) -> Iterator[bytes]:
        yield files.pcap([]) if head is None else head
        cells = np.frombuffer(record * some, dtype=np.uint8).reshape(some, -1)
        for first in range(0, count, some):
            made = cells[: count - first].copy()
            numbers = np.arange(first, first + len(made)).astype(f">u{size}")
            made[:, at : at + size] = numbers.view(np.uint8).reshape(-1, size)
            yield made.tobytes()

    return pieces


def _names(count: int) -> Iterator[bytes]:
    """Yield a file with one block of very many names."""
    record = pack("<HHI", 1, 6, 0) + b"a\0\0\0"
    size = count * len(record)
    yield MAKE.section() + pack("<II", files.NAMES, size + 12)
    yield from counted(record, 4, head=b"")(count)
    yield pack("<I", size + 12)


def _comment(count: int) -> Iterator[bytes]:
    """Yield a file with one comment of many KiB on a packet, in many options."""
    option = pack("<HH", 1, KIB - 4) + b"c" * (KIB - 4)
    size = count * KIB
    yield HEAD + pack("<IIIIIII", 6, size + 32, 0, 0, 0, 0, 0)
    yield from repeat(option, count)
    yield pack("<I", size + 32)


def _giant(count: int) -> Iterator[bytes]:
    """Yield a file with one packet of many KiB."""
    yield files.pcap([]) + pack("<IIII", 1, 0, count * KIB, count * KIB)
    yield from repeat(bytes(KIB), count)


# Each: how many are far too many for a small budget, and what they are.
BOMBS: dict[str, tuple[int, Bomb]] = {
    "zero.pcap.xz": (3_000_000, records(_pcap(b""))),
    "zero.pcapng.gz": (3_000_000, records(MAKE.enhanced(0, 1, b""), HEAD)),
    "zero.pcapng.zst": (3_000_000, records(MAKE.enhanced(0, 1, b""), HEAD)),
    "simple.pcapng.gz": (300_000, records(MAKE.simple(b"", 0), HEAD)),
    "tiny.pcap.gz": (2_000_000, records(_pcap(UDP[:14]))),
    "large.pcap.gz": (2_000, records(_pcap(UDP + bytes(256 * KIB - len(UDP))))),
    "interfaces.pcapng.gz": (65_000, records(MAKE.interface(1), MAKE.section())),
    "sections.pcapng.gz": (65_000, records(HEAD, b"")),
    "names.pcapng.xz": (2_000_000, _names),
    "comment.pcapng.xz": (100_000, _comment),
    "comments.pcapng.gz": (
        3_000,
        records(MAKE.enhanced(0, 1, UDP, MAKE.option(1, b"c" * 60 * KIB)), HEAD),
    ),
    "giant.pcap.xz": (100_000, _giant),
    "flows.pcap.gz": (1_000_000, counted(_pcap(UDP), RECORD + SOURCE)),
    "ports.pcap.gz": (65_536, counted(_pcap(UDP), RECORD + PORT, 2)),
    "fragments.pcap.gz": (1_000_000, counted(_pcap(PIECE), RECORD + IP_ID, 2)),
    "segments.pcap.gz": (1_000_000, counted(_pcap(SEGMENT), RECORD + SEQUENCE)),
    "equal.pcap.gz": (1_000_000, records(_pcap(UDP))),
    "nested.pcap.gz": (300_000, counted(_pcap(_nested()), RECORD + IP_ID, 2)),
    "chained.pcap.gz": (300_000, records(_pcap(_chained()))),
}


def write(path: Path, factor: float = 1) -> None:
    """Write the bomb that the path names, with so many times its usual number."""
    count, bomb = BOMBS[path.name]
    with path.open("wb") as raw, _compressed(raw, path.suffix) as file:
        for piece in bomb(int(count * factor)):
            file.write(piece)


def _compressed(raw: IO[bytes], suffix: str) -> Any:
    """Return a file that compresses what is written to it."""
    if suffix == ".zst":
        import zstandard  # noqa: PLC0415 - optional

        return zstandard.ZstdCompressor(level=1).stream_writer(raw)
    if suffix == ".xz":
        return lzma.open(raw, "wb", preset=0)
    return gzip.open(raw, "wb", compresslevel=1)
