"""What is not decoded is said, with its number and its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import files

from pytest_netlab.capture import open_capture, read
from pytest_netlab.nat import learn
from pytest_netlab.wire import canary

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

DATA = Path(__file__).parents[2] / "data" / "nat"
NEAR, FAR = (str(DATA / f"plain.{side}.pcap") for side in ("in", "out"))
LLDP = bytes.fromhex("0180c200000e02000000000188cc") + bytes(46)
STP = bytes.fromhex("0180c20000000200000000010026") + bytes(46)
OURS = canary.build(canary.Canary("00", "uplink", "open"), bytes(6))

Records = list[tuple[int, bytes, int]]


def records(path: str) -> Records:
    """Return the packets of a capture."""
    seen = read(path)
    return [
        (int(seen.ts[row]), seen.octets(row), int(seen.wirelen[row]))
        for row in range(len(seen))
    ]


def made(name: str, packets: Records, linktype: int = 1) -> str:
    """Write a capture; return its name."""
    data = files.pcap(packets, magic=files.NS, linktype=linktype)
    Path(name).write_bytes(data)
    return name


@pytest.fixture
def odd(command: Command) -> str:
    """Return a capture of the outside with frames that are in no flow."""
    del command  # for its folder
    packets = records(FAR)
    ts, first, size = packets[0]
    broken = first[:14] + b"\x41" + first[15:]
    others = [LLDP, LLDP, LLDP, STP, STP, OURS, broken]
    extra = [(ts, frame, len(frame)) for frame in others]
    extra += [(ts, first[:36], size), (ts, first[:20], size), (ts, first[:8], size)]
    return made("odd.pcap", [*packets, *extra])


FOUND = [
    ("LLDP (0x88cc)", 3),
    ("802.2 LLC", 2),
    ("frames cut before their addresses", 2),
    ("malformed packets", 1),
]


def test_kinds_are_counted(command: Command, odd: str) -> None:
    """Each kind has a name and a number; they do not change the exit code."""
    result = command("nat", "--json", NEAR, odd)
    found = json.loads(result.stdout)["undecoded"]

    assert result.exit_code == 0
    assert {one["side"] for one in found} == {"outside"}
    assert [(one["kind"], one["packets"]) for one in found if _early(one)] == FOUND
    text = command("nat", NEAR, odd).stdout
    assert "undecoded  outside: 3 frames of LLDP (0x88cc)" in text
    assert "undecoded  outside: 1 malformed packets" not in text
    assert "undecoded  outside: malformed packets (1)" in text


def _early(one: dict[str, object]) -> bool:
    return one["kind"] != "IP packets cut before their ports"


def test_chunks_count_the_same(odd: str) -> None:
    """Of chunks as of whole captures."""
    whole = learn(read(NEAR), read(odd)).account.undecoded
    with open_capture(NEAR) as near, open_capture(odd) as far:
        assert learn(near, far).account.undecoded == whole
    assert len(whole) >= len(FOUND)


@pytest.mark.parametrize(
    ("linktype", "name"),
    [
        (105, "IEEE 802.11 (105)"),
        (127, "IEEE 802.11 plus radiotap header (127)"),
        (147, "user-defined DLT 147"),
    ],
)
def test_a_link_that_is_not_decoded(command: Command, linktype: int, name: str) -> None:
    """Nothing can pair: no verdict, and one sentence."""
    wifi = made("wifi.pcap", records(NEAR), linktype)

    for flags in ((), ("--pairs",), ("--json",)):
        assert command.refused("nat", *flags, wifi, FAR) == (
            f"wifi.pcap: its link type is {name}, which is not decoded: capture where "
            "packets begin with an Ethernet or an IP header"
        )


def test_frames_that_may_hide_packets(command: Command) -> None:
    """Encrypted frames may be the packets that are missed; LLDP is not."""
    hidden = [(ts, f[:12] + b"\x88\xe5" + f[12:], n + 2) for ts, f, n in records(FAR)]
    made("macsec.pcap", hidden)
    made("lldp.pcap", [(ts, LLDP, len(LLDP)) for ts, _, _ in records(FAR)])

    text = command.refused("nat", NEAR, "macsec.pcap")
    assert text.startswith("macsec.pcap: its frames are MACsec (802.1AE) (0x88e5), ")
    assert command("nat", NEAR, "lldp.pcap").exit_code != 2


def test_nothing_undecoded(command: Command) -> None:
    """Of captures that are understood nothing is said."""
    assert "undecoded" not in command("nat", NEAR, FAR).stdout
    assert json.loads(command("nat", "--json", NEAR, FAR).stdout)["undecoded"] == []
