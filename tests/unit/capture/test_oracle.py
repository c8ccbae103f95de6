"""What tshark says of the same files."""

from __future__ import annotations

import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.capture.conftest import FILES

from pytest_netlab.capture import Capture, Packet, read, write
from pytest_netlab.wire import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

# tshark's name of a field, and ours. Simple packets have no time: it prints none.
FIELDS = {
    "frame.len": "wirelen",
    "frame.cap_len": "caplen",
    "ip.version": "ip_version",
    "ip.ttl": "ttl",
    "ip.id": "ip_id",
    "tcp.srcport": "sport",
    "tcp.dstport": "dport",
    "tcp.seq_raw": "tcp_seq",
    "tcp.len": "payload_len",
    "udp.srcport": "sport",
    "udp.dstport": "dport",
    "icmp.type": "icmp_type",
    "arp.opcode": "arp_op",
}
TEXTS = {"ip.src": "src", "ip.dst": "dst", "ipv6.src": "src", "ipv6.dst": "dst"}


def _dissected(tshark: str, path: Path) -> list[dict[str, str]]:
    """Return the first of each field of each packet, as tshark has it.

    It shows blocks that are no packets as well; those have no encapsulation.
    """
    names = ["frame.encap_type", "frame.time_epoch", *FIELDS, *TEXTS]
    argv = [tshark, "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    for name in names:
        argv += ["-e", name]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in lines]
    return [row for row in rows if row["frame.encap_type"]]


def _agree(packet: Packet, theirs: dict[str, str]) -> None:
    """Compare every field tshark printed; of an ICMP error, not what it quotes."""
    row = packet.row
    quoted = ("tcp.", "udp.") if row["quoted_proto"] else ("none",)
    ours = {name: row[column] for name, column in {**FIELDS, **TEXTS}.items()}
    expected = {
        name: value if name in TEXTS else int(value, 0)
        for name, value in theirs.items()
        if value and name in ours and not name.startswith(quoted)
    }

    assert expected == {name: ours[name] for name in expected}
    assert Decimal(theirs["frame.time_epoch"] or 0) == Decimal(
        int(row["ts"])
    ) / Decimal(10**9)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_generated_files(tshark: str, path: Path) -> None:
    """Packets, times, lengths, addresses and ports are those that tshark finds."""
    theirs = _dissected(tshark, path)
    ours = read(path)

    assert len(theirs) == len(ours)
    for packet, fields in zip(ours, theirs, strict=True):
        _agree(packet, fields)


def test_what_we_write(tshark: str, tmp_path: Path, capture: Capture) -> None:
    """The same, of a file of ours with two interfaces."""
    path = tmp_path / "ours.pcapng"
    write(path, capture)
    theirs = _dissected(tshark, path)

    assert len(theirs) == len(capture)
    for packet, fields in zip(capture, theirs, strict=True):
        _agree(packet, fields)


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


@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "modpcap", "pcapng"])
def test_variants_from_editcap(
    editcap: str, tmp_path: Path, capture: Capture, kind: str
) -> None:
    """Every variant of the format holds the same packets."""
    path, other = tmp_path / "ours.pcapng", tmp_path / f"theirs.{kind}"
    write(path, capture)
    subprocess.run([editcap, "-F", kind, str(path), str(other)], check=True)
    again = read(other)
    step = 1 if kind in ("nsecpcap", "pcapng") else 1000
    skipped = {"ts", "point", "direction", "status", "offset"}

    assert [ts // step * step for ts in capture.ts.tolist()] == again.ts.tolist()
    for column in COLUMNS:
        if column.name not in skipped:
            ours, theirs = capture.column(column.name), again.column(column.name)
            assert np.array_equal(ours, theirs), column.name
