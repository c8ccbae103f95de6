"""The same packets in every file that Wireshark's tools make of them."""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests import crafted, files
from tests.unit.capture.conftest import FILES, START
from tests.unit.capture.oracle import agree, dissected

from pytest_netlab.capture import Capture, read
from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PACKETS = [
    (START + number * 1_001_001, data, len(data))
    for number, data in enumerate(crafted.frames().values())
]
PCAP = files.pcap(PACKETS, magic=files.NS)
STEPS = {"pcap": 1000, "nsecpcap": 1, "modpcap": 1000, "pcapng": 1}
# Red Hat's, SuSE's and Nokia's packet headers are longer than the file's magic number
# says: which one it is can only be guessed from the packets.
GUESSED = ("nokiapcap", "rh6_1pcap", "suse6_3pcap")
ENCAPSULATIONS = {
    "rawip": (crafted.RAW, ""),
    "rawip4": (crafted.RAW, "4"),
    "rawip6": (crafted.RAW, "6"),
    "linux-sll": (crafted.SLL, ""),
    "linux-sll2": (crafted.SLL2, ""),
    "null": (crafted.NULL, ""),
    "loop": (crafted.LOOP, ""),
}


@pytest.fixture
def mergecap() -> str:
    """Return the path of mergecap, or skip."""
    return _installed("mergecap")


@pytest.fixture
def text2pcap() -> str:
    """Return the path of text2pcap, or skip."""
    return _installed("text2pcap")


def _installed(name: str) -> str:
    """Return the path of one of Wireshark's tools, or skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def _tool(*argv: str | Path) -> None:
    """Run one of Wireshark's tools."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _same(tshark: str, *paths: Path) -> list[Capture]:
    """Return each file's capture, after comparing them with what tshark finds.

    pcapng files one behind the other are a pcapng file: one run of tshark does for all.
    """
    joined = paths[0].with_name("joined")
    joined.write_bytes(b"".join(path.read_bytes() for path in paths))
    captures = [read(path) for path in paths]
    agree([packet for one in captures for packet in one], dissected(tshark, joined))
    return captures


def _written(path: Path, data: bytes) -> Path:
    """Return the path of a file with these bytes."""
    path.write_bytes(data)
    return path


def _bytes(capture: Capture) -> list[bytes]:
    """Return the packets as they were captured."""
    return [packet.bytes for packet in capture]


@pytest.mark.parametrize("kind", STEPS)
def test_formats_of_editcap(
    editcap: str, tshark: str, tmp_path: Path, kind: str
) -> None:
    """Every variant holds the same packets, at the times that it can express."""
    source, made = _written(tmp_path / "source", PCAP), tmp_path / "made"
    _tool(editcap, "-F", kind, source, made)
    (capture,) = _same(tshark, made)

    assert _bytes(capture) == [data for _, data, _ in PACKETS]
    step = STEPS[kind]
    assert capture.ts.tolist() == [ts // step * step for ts, _, _ in PACKETS]


@pytest.mark.parametrize("kind", GUESSED)
def test_formats_that_are_guessed(editcap: str, tmp_path: Path, kind: str) -> None:
    """What the magic number does not tell apart is read right or told to be damaged."""
    source, made = _written(tmp_path / "source", PCAP), tmp_path / "made"
    _tool(editcap, "-F", kind, source, made)
    try:
        capture = read(made)
    except CaptureError:
        return

    assert _bytes(capture) == [data for _, data, _ in PACKETS]


@pytest.mark.parametrize("magic", [files.US, files.NS, files.MODIFIED], ids=hex)
def test_pcap_of_the_other_byte_order(tshark: str, tmp_path: Path, magic: int) -> None:
    """A big-endian machine's file holds the same packets."""
    data = files.pcap(PACKETS, magic=magic)
    (capture,) = _same(tshark, _written(tmp_path / "big", files.swapped(data)))

    assert _bytes(capture) == [data for _, data, _ in PACKETS]
    assert capture.ts.tolist() == read(io.BytesIO(data)).ts.tolist()


def test_pcapng_of_the_other_byte_order(tshark: str, tmp_path: Path) -> None:
    """Each generated file, with every integer turned around."""
    made = [
        _written(tmp_path / path.name, files.swapped(path.read_bytes()))
        for path in FILES
    ]
    captures = _same(tshark, *made)

    assert [_bytes(one) for one in captures] == [_bytes(read(path)) for path in FILES]


def test_turning_around_is_right() -> None:
    """A little-endian file turned around is its big-endian twin, byte for byte."""
    little = [path for path in FILES if path.name.startswith("le-")]
    twins = [path.with_name(path.name.replace("le-", "be-", 1)) for path in little]
    same = [
        files.swapped(one.read_bytes()) == other.read_bytes()
        for one, other in zip(little, twins, strict=True)
    ]

    # Four hold custom blocks, whose integers only their owner knows.
    assert same.count(True) == len(little) - 4


def _clocks(order: str, clocks: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a file of one packet per interface: resolution, offset, ticks."""
    make = files.Blocks(order)
    data = crafted.frames()["udp"]
    made = make.section()
    for resolution, offset, _ in clocks:
        made += make.interface(1, resolution, offset)
    for number, (_, _, ticks) in enumerate(clocks):
        made += make.enhanced(number, ticks, data)
    return made


@pytest.mark.parametrize("order", "<>")
def test_clocks(tshark: str, tmp_path: Path, order: str) -> None:
    """Powers of ten and of two, with an offset or without."""
    units = {resolution: 10**resolution for resolution in range(10)}
    units |= {0x80 | power: 2**power for power in (0, 1, 8, 10, 20, 30)}
    clocks = [
        (resolution, offset, (1_700_000_000 - offset) * unit + unit * 7 // 9)
        for resolution, unit in units.items()
        for offset in (0, 3600, -3600, 1_600_000_000)
    ]
    _same(tshark, _written(tmp_path / "clocks", _clocks(order, clocks)))


def test_blocks_of_every_kind(tshark: str, tmp_path: Path) -> None:
    """Enhanced, old and simple packets, in sections of both orders."""
    made = b""
    for order in "<>":
        make = files.Blocks(order)
        made += make.section() + make.interface(1, snaplen=60) + make.interface(101)
        for name, datagram in list(crafted.DATAGRAMS.items())[:20]:
            frame = crafted.frames()[name]
            flags = make.option(2, make.pack("I", len(frame) % 3))
            made += make.enhanced(1, START // 1000, datagram, flags)
            made += make.old(1, START // 1000, datagram)
            made += make.simple(frame[:60], len(frame))
    (capture,) = _same(tshark, _written(tmp_path / "blocks", made))

    assert len(capture) == 2 * 20 * 3


@pytest.mark.parametrize("size", [20, 44, 60])
def test_snaplen(editcap: str, tshark: str, tmp_path: Path, size: int) -> None:
    """What is cut is cut, and its length on the wire is known."""
    source, made = _written(tmp_path / "source", PCAP), tmp_path / "made"
    _tool(editcap, "-s", str(size), source, made)
    (capture,) = _same(tshark, made)

    assert _bytes(capture) == [data[:size] for _, data, _ in PACKETS]
    assert capture.wirelen.tolist() == [len(data) for _, data, _ in PACKETS]


@pytest.mark.parametrize("way", [(), ("-a",), ("-I", "none"), ("-F", "nsecpcap")])
def test_mergecap(
    mergecap: str, tshark: str, tmp_path: Path, way: tuple[str, ...]
) -> None:
    """Several files become several interfaces, or one."""
    sources = [
        _written(tmp_path / f"{number}", files.pcap(PACKETS[number::3]))
        for number in range(3)
    ]
    _tool(mergecap, *way, "-w", tmp_path / "made", *sources)
    (capture,) = _same(tshark, tmp_path / "made")

    assert sorted(_bytes(capture)) == sorted(data for _, data, _ in PACKETS)
    assert len(capture.interfaces) == (3 if "none" in way else 1)


def test_mergecap_of_different_links(
    mergecap: str, tshark: str, tmp_path: Path
) -> None:
    """Each packet is decoded by the link type of its own interface."""
    sources = []
    for linktype in crafted.LINKTYPES:
        made = [(START, data, len(data)) for data in crafted.frames(linktype).values()]
        data = files.pcap(made[:40], linktype=linktype)
        sources.append(_written(tmp_path / f"{linktype}", data))
    _tool(mergecap, "-w", tmp_path / "made", *sources)
    (capture,) = _same(tshark, tmp_path / "made")

    assert len(capture.interfaces) == len(crafted.LINKTYPES)


@pytest.mark.parametrize("encapsulation", ENCAPSULATIONS)
def test_encapsulations(
    editcap: str, tshark: str, tmp_path: Path, encapsulation: str
) -> None:
    """Link types as editcap numbers them, in both formats."""
    linktype, version = ENCAPSULATIONS[encapsulation]
    made = [
        crafted.linked(datagram, linktype)
        for datagram in crafted.DATAGRAMS.values()
        if not version or f"{datagram[0] >> 4}" == version
    ]
    packets = [(START, data, len(data)) for data in made]
    source = _written(tmp_path / "source", files.pcap(packets))
    for kind in ("pcap", "pcapng"):
        _tool(editcap, "-T", encapsulation, "-F", kind, source, tmp_path / kind)
        (capture,) = _same(tshark, tmp_path / kind)
        assert _bytes(capture) == made


@pytest.mark.parametrize("kind", ["pcap", "pcapng", "nsecpcap"])
def test_text2pcap(text2pcap: str, tshark: str, tmp_path: Path, kind: str) -> None:
    """Packets that somebody typed in."""
    frames = [data for _, data, _ in PACKETS if len(data) < 200]
    dump = "\n".join(f"I 1700000000.5\n000000 {data.hex(' ')}\n" for data in frames)
    source = _written(tmp_path / "source", dump.encode())
    _tool(text2pcap, "-D", "-t", "%s.%f", "-F", kind, source, tmp_path / "made")
    (capture,) = _same(tshark, tmp_path / "made")

    assert _bytes(capture) == frames
    assert set(capture.ts.tolist()) == {START + 500_000_000}


def _zstd(data: bytes) -> bytes:
    """Return the data packed with zstd."""
    packed: bytes = pytest.importorskip("zstandard").compress(data)
    return packed


@pytest.mark.parametrize("packed", [gzip.compress, lzma.compress, _zstd])
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_compressed(
    packed: Callable[[bytes], bytes], kind: str, tshark: str, tmp_path: Path
) -> None:
    """A file that is packed holds what tshark finds in it unpacked."""
    plain = PCAP if kind == "pcap" else FILES[2].read_bytes()
    theirs = dissected(tshark, _written(tmp_path / "plain", plain))

    agree(read(_written(tmp_path / "packed", packed(plain))), theirs)
