"""Packets have the numbers that Wireshark gives them, whatever else a file records."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.capture import blocks, open_capture, read, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.cli.conftest import Command

DATA = Path(__file__).parents[2] / "data" / "nat"
JOURNAL = b"MESSAGE=docker0: link up\n__REALTIME_TIMESTAMP=1\n"
# Type and body of each block; the first six Wireshark numbers, the others it does not.
NUMBERED = (
    (0xBAD, pack("<I", 32473) + b"ours"),
    (0x40000BAD, pack("<I", 32473) + b"ours"),
    (9, JOURNAL),
    (0x204, bytes(40)),
    (0x216, bytes(40)),
    (0x221, bytes(40)),
)
SILENT = ((0x208, bytes(40)), (0x1234, bytes(20)), (0x80000001, bytes(8)))
# Row of the packet -> what stands before it; of eight packets in bad.pcapng.
PLACES = {0: NUMBERED[:1], 2: NUMBERED[1:3], 3: SILENT, 5: NUMBERED[3:], 8: SILENT[:1]}
RIGHT = (2, 3, 6, 7, 8, 12, 13)


def block(kind: int, body: bytes) -> bytes:
    """Return a pcapng block, little endian."""
    body += bytes(-len(body) % 4)
    size = pack("<I", len(body) + 12)
    return pack("<I", kind) + size + body + size


def amid(data: bytes, places: Mapping[int, tuple[tuple[int, bytes], ...]]) -> bytes:
    """Return a pcapng file with blocks before the packets of these rows."""
    made, at, row = bytearray(), 0, 0
    while at < len(data):
        kind, size = unpack_from("<II", data, at)
        if kind == blocks.PACKET:
            made += b"".join(block(*one) for one in places.get(row, ()))
            row += 1
        made += data[at : at + size]
        at += size
    return bytes(made)


@pytest.fixture
def odd(command: Command) -> Path:
    """Return `odd.pcapng`: bad.pcapng with other records between its packets."""
    path = command.folder / "odd.pcapng"
    path.write_bytes(amid((command.folder / "bad.pcapng").read_bytes(), PLACES))
    return path


def test_as_tshark_numbers_them(odd: Path) -> None:
    """The numbers are tshark's, and each chunk knows those of its own packets."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    argv = [tshark, "-r", str(odd), "-T", "fields", "-e", "frame.number", "-e", "ip.id"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    rows = (line.split("\t") for line in done.stdout.splitlines())
    theirs = [int(number) for number, ip_id in rows if ip_id]

    assert theirs == list(RIGHT)
    whole = read(odd)
    assert whole.about.numbers(range(len(whole))).tolist() == theirs
    assert [whole.about.number(row) for row in range(len(whole))] == theirs


def test_chunk_by_chunk(command: Command) -> None:
    """Numbers go on from chunk to chunk; blocks may stand at their borders."""
    data = (command.folder / "bad.pcapng").read_bytes()
    first = data.index(pack("<I", blocks.PACKET))
    size = unpack_from("<I", data, first + 4)[0]
    packets, custom = 700, block(*NUMBERED[0])
    frame = data[first : first + size]
    one = (custom + frame) * packets + custom
    (command.folder / "long.pcapng").write_bytes(data[:first] + one)

    with open_capture("long.pcapng") as chunks:
        sizes = [len(chunk) for chunk in chunks]
        numbers = chunks.about.numbers(range(sum(sizes))).tolist()
    assert len(sizes) > 1
    assert numbers == list(range(2, 2 * packets + 1, 2))
    shown = list(csv.DictReader(_out(command, "show", "--csv", "long.pcapng")))
    assert [int(row["packet"]) for row in shown] == numbers


def _out(command: Command, *arguments: str) -> list[str]:
    return command(*arguments).stdout.splitlines()


@pytest.mark.usefixtures("odd")
def test_show(command: Command) -> None:
    """`show` counts as Wireshark does, also of one point."""
    every = [json.loads(line) for line in _out(command, "show", "--json", "odd.pcapng")]
    argv = ("show", "--json", "--point", "uplink", "odd.pcapng")
    one = [json.loads(line)["packet"] for line in _out(command, *argv)]

    assert tuple(packet["packet"] for packet in every) == RIGHT
    assert one == [RIGHT[row] for row in (1, 2, 5)]


@pytest.mark.usefixtures("odd")
def test_nat(command: Command) -> None:
    """Violations and pairs have the numbers of their file."""
    found: Any = json.loads(command("nat", "--json", "odd.pcapng").stdout)
    wrong = found["violations"][0]

    assert (wrong["inside_packet"], wrong["outside_packet"]) == (8, 12)
    text = command("nat", "odd.pcapng").stdout
    assert "packet 8" in text
    assert "packet 12" in text
    pairs = csv.DictReader(_out(command, "nat", "--pairs", "--csv", "odd.pcapng"))
    assert [(p["inside_packet"], p["outside_packet"]) for p in pairs] == [
        ("2", "3"),
        ("7", "6"),
        ("8", "12"),
    ]


def test_losses(command: Command) -> None:
    """A lost packet has the number of its file, in text and JSON."""
    near, far = (DATA / f"lost-in-flow.{side}.pcap" for side in ("in", "out"))
    write("near.pcapng", read(near))
    path = command.folder / "near.pcapng"
    path.write_bytes(amid(path.read_bytes(), PLACES))

    found: Any = json.loads(command("nat", "--json", "near.pcapng", str(far)).stdout)
    assert [one["packets"] for one in found["lost"]] == [[12]]
    lines = _out(command, "nat", "near.pcapng", str(far))
    assert any("inside  lost" in line and " 12 " in line for line in lines)


@pytest.mark.usefixtures("odd")
def test_diff(command: Command) -> None:
    """`diff` names packets of the observed file; --write-diff has the right ones."""
    argv = ("diff", "--json", "good.pcapng", "odd.pcapng", "--write-diff", "why.pcapng")
    found: Any = json.loads(command(*argv).stdout)
    same: Any = json.loads(command(*argv[:3], "bad.pcapng").stdout)

    assert {one["packet"] for one in same} - {None} == {5, 6, 7}
    assert {one["packet"] for one in found} - {None} == {8, 12, 13}
    why = read("why.pcapng")
    assert [why.note(row) != "" for row in range(len(why))].count(True) == 3
