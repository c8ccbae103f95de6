"""What tshark says of the same packets: of the generated files, and of ours."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests import crafted, files
from tests.unit.capture.conftest import FILES, START
from tests.unit.capture.oracle import agree, dissected

from pytest_netlab.capture import Capture, Frame, Interface, read, write
from pytest_netlab.wire import Checksum

if TYPE_CHECKING:
    from pathlib import Path

# Of these every beginning is a packet: what a snaplen leaves of them.
CUT = (
    "syn",
    "udp",
    "echo",
    "options",
    "error udp 3/3",
    "error echo cut to 28",
    "udp6",
    "tcp6",
    "echo6",
    "chain",
    "ah",
    "error6 udp 1/4",
    "arp request",
    "double vlan",
    "llc",
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_generated_files(tshark: str, path: Path) -> None:
    """Packets, times and every field are those that tshark finds."""
    agree(read(path), dissected(tshark, path))


@pytest.mark.parametrize("linktype", crafted.LINKTYPES)
def test_a_packet_of_every_kind(tshark: str, tmp_path: Path, linktype: int) -> None:
    """Whatever is in a packet and before it, and however broken it is."""
    path = tmp_path / "every.pcap"
    packets = [(START, data, len(data)) for data in crafted.frames(linktype).values()]
    path.write_bytes(files.pcap(packets, linktype=linktype))

    agree(read(path), dissected(tshark, path))


def test_every_beginning_of_a_packet(tshark: str, tmp_path: Path) -> None:
    """A header that is cut has no fields, and those before it have all of theirs."""
    path = tmp_path / "cut.pcap"
    whole = [crafted.frames()[name] for name in CUT]
    cut = [(data[:size], len(data)) for data in whole for size in range(len(data) + 1)]
    path.write_bytes(files.pcap((START, data, wirelen) for data, wirelen in cut))

    agree(read(path), dissected(tshark, path))


def test_partial_checksums() -> None:
    """What tshark calls bad and the kernel has not filled in yet is told apart."""
    made = crafted.frames()
    frames = (Frame(0, START, data, len(data)) for data in made.values())
    capture = Capture.from_frames(frames, [Interface(name="")])

    states = dict(zip(made, capture.l4_checksum.tolist(), strict=True))
    assert {name for name in states if "partial" in name} == {
        name for name, state in states.items() if state == Checksum.PARTIAL
    }


def test_what_we_write(tshark: str, tmp_path: Path, capture: Capture) -> None:
    """The same, of a file of ours with two interfaces."""
    path = tmp_path / "ours.pcapng"
    write(path, capture)

    agree(capture, dissected(tshark, path))


def test_the_rest_of_what_we_write(
    tshark: str, tmp_path: Path, capture: Capture
) -> None:
    """Interface names, directions, comments and symbols are where Wireshark looks."""
    path = tmp_path / "ours.pcapng"
    write(path, capture)
    fields = ["frame.interface_name", "frame.packet_flags_direction", "frame.comment"]
    argv = [tshark, "-r", str(path), "-N", "n", "-T", "fields"]
    for name in [*fields, "ip.dst_host"]:
        argv += ["-e", name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    first, second, *_ = (line.split("\t") for line in done.stdout.splitlines())

    assert first == ["docker0", "", "first", "host01"]
    assert second == ["uplink", "0x00000001", "", "host01"]
