"""`pytest-netlab show`: every packet, in three formats, up to the damage."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING

import pytest
from tests.traffic import INSIDE, two_points
from tests.unit.cli.conftest import BAD, MANY

from pytest_netlab.capture import Interface, open_capture, read, write
from pytest_netlab.capture.model import Capture
from pytest_netlab.capture.values import About
from pytest_netlab.report.packets import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Command


def test_one_line_a_packet(command: Command) -> None:
    """The lines are those of `Packet.text`, in order, and nothing else."""
    result = command("show", "bad.pcapng")

    texts = [packet.text for packet in read("bad.pcapng")]
    assert (result.stdout.splitlines(), result.stderr) == (texts, "")
    assert result.exit_code == 0


def test_json(command: Command) -> None:
    """An object a line, numbered as Wireshark does."""
    result = command("show", "--json", "bad.pcapng")
    rows = [json.loads(line) for line in result.stdout.splitlines()]

    assert [tuple(row) for row in rows] == [FIELDS] * len(BAD)
    assert [row["packet"] for row in rows] == list(range(1, len(BAD) + 1))
    assert [row["interface"] for row in rows] == [point for point, _ in BAD]


def test_csv(command: Command) -> None:
    """The same values under a header line."""
    result = command("show", "--csv", "bad.pcapng")
    rows = list(csv.DictReader(result.stdout.splitlines()))

    assert tuple(rows[0]) == FIELDS
    assert [row["packet"] for row in rows] == [str(n + 1) for n in range(len(BAD))]


def test_csv_of_nothing_has_a_header(command: Command) -> None:
    """A table without rows still has columns."""
    write("empty.pcapng", two_points([]))

    assert command("show", "--csv", "empty.pcapng").stdout == f"{','.join(FIELDS)}\n"


@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_pieces_are_seamless(
    command: Command, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """However many packets are turned into text at once, all are, and numbered."""
    monkeypatch.setattr("pytest_netlab.cli.show.PIECE", piece)

    lines = command("show", "--json", "bad.pcapng").stdout.splitlines()

    numbers = [json.loads(line)["packet"] for line in lines]
    assert numbers == list(range(1, len(BAD) + 1))


def test_chunks_are_seamless(command: Command, long: Path) -> None:
    """A capture of several chunks is numbered from its beginning to its end."""
    with open_capture(long) as chunks:
        assert sum(1 for _ in chunks) > 1

    lines = command("show", "--json", str(long)).stdout.splitlines()

    numbers = [json.loads(line)["packet"] for line in lines]
    assert numbers == list(range(1, MANY + 1))


@pytest.mark.parametrize("count", [255, 256, 257, 3000, MANY, MANY + 1])
def test_count_over_chunks(command: Command, long: Path, count: int) -> None:
    """A number of packets is that number, wherever chunks end."""
    lines = command("show", "-n", str(count), str(long)).stdout.splitlines()

    assert len(lines) == min(count, MANY)


def test_standard_input(command: Command, whole: bytes) -> None:
    """`-` is a capture from a pipe, compressed or not."""
    shown = command("show", "bad.pcapng").stdout

    assert command("show", "-", given=whole).stdout == shown
    assert command("show", "-", given=gzip.compress(whole)).stdout == shown


def test_folder(command: Command) -> None:
    """A golden or evidence folder stands for the capture in it."""
    folder = command.folder / "evidence"
    folder.mkdir()
    (folder / "capture.pcapng").write_bytes((folder / "../good.pcapng").read_bytes())

    assert command("show", "evidence").stdout == command("show", "good.pcapng").stdout


@pytest.mark.parametrize("form", ["", "--json", "--csv"])
def test_damage_comes_after_what_precedes_it(
    command: Command, cut: int, form: str
) -> None:
    """Every packet before the damage is printed, then where it is; exit code 2."""
    options = [form] if form else []
    result = command("show", "cut.pcapng", *options)

    assert result.exit_code == 2
    header = 1 if form == "--csv" else 0
    assert len(result.stdout.splitlines()) == header + len(BAD) - 1
    assert f"cut.pcapng: the file ends inside a block (at byte {cut})" in result.stderr
    assert f"the {len(BAD) - 1} packets before the damage are printed" in result.stderr
    assert result.stderr.count("\n") == 1


def test_damage_at_the_beginning(command: Command) -> None:
    """Where no packet precedes the damage the message says what is wanted."""
    (command.folder / "text.txt").write_text("no capture")

    text = command.refused("show", "text.txt")

    assert text == (
        "text.txt: not a pcap or pcapng file (at byte 0); give a capture of tcpdump, "
        "dumpcap or Wireshark"
    )


def test_point(command: Command) -> None:
    """Only the packets of one interface; they keep their numbers."""
    lines = command("show", "--json", "--point", INSIDE, "bad.pcapng").stdout
    rows = [json.loads(line) for line in lines.splitlines()]

    wanted = [n for n, (point, _) in enumerate(BAD, 1) if point == INSIDE]
    assert [row["packet"] for row in rows] == wanted
    assert {row["interface"] for row in rows} == {INSIDE}


def test_unknown_point(command: Command) -> None:
    """A point that is not there is refused, and those that are, are named."""
    assert command.refused("show", "--point", "eth0", "bad.pcapng") == (
        "no interface 'eth0'; there is docker0 (4 packets), uplink (3 packets)"
    )


@pytest.mark.usefixtures("cut")
def test_count(command: Command) -> None:
    """No more packets than asked for; what follows is not read, damaged or not."""
    result = command("show", "-n", "3", "cut.pcapng")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        packet.text for packet in list(read("bad.pcapng"))[:3]
    ]


def test_count_of_a_point(command: Command) -> None:
    """What is not shown does not count."""
    result = command("show", "-n", "2", "--point", "uplink", "bad.pcapng")

    assert [line.split()[1] for line in result.stdout.splitlines()] == ["uplink"] * 2


@pytest.mark.parametrize("name", ["missing.pcap", "."])
def test_nothing_to_read(command: Command, name: str) -> None:
    """Neither a file nor a folder with one: the message says what would do."""
    text = command.refused("show", name)

    assert text.startswith(name)
    assert text.endswith(
        "; name a capture file, or a folder with capture.pcapng, or - for standard "
        "input"
    )


def test_no_terminal_commands(command: Command) -> None:
    """An interface named with escape sequences or line feeds cannot use them."""
    capture = two_points(BAD)
    about = About(interfaces=(Interface(name="\x1b[2J\n"), Interface(name="b")))
    rows = len(capture)
    named = Capture(capture.column, rows, capture._octets, about)
    write("evil.pcapng", named)

    lines = command("show", "evil.pcapng").stdout.splitlines()

    assert len(lines) == len(BAD)
    assert " \\x1b[2J\\n In IP " in lines[0]
    assert command("show", "--json", "evil.pcapng").stdout.isascii()


def test_help_teaches(command: Command) -> None:
    """--help has a line to copy."""
    assert "\n  pytest-netlab show " in command("show", "--help").stdout


def test_unreadable(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operating system refuses is one sentence with the file's name."""

    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pytest_netlab.cli.sources.open_capture", refuse)

    assert command.refused("show", "bad.pcapng") == "bad.pcapng: Permission denied"
