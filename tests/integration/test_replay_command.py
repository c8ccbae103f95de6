"""The command: what it plays, how it judges, what it says of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.traffic import Packet, capture

from pytest_netlab.capture import Capture, Frame, Interface, read, write
from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("engine")
ROOT = Path(__file__).resolve().parents[2]
GOLDEN, DATA = ROOT / "golden", ROOT / "tests" / "data" / "replay"
PROGRAM = "from pytest_netlab.cli import main; main()"
KERNEL = ("--engine", "kernel")
WEB = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 80)
SYN_ACK = tcp.SYN | tcp.ACK
TALK = [
    Packet(key=WEB, flags=tcp.SYN, seq=1, ip_id=1),
    Packet(key=WEB.reply, flags=SYN_ACK, seq=9, ack=2, ip_id=2),
    Packet(key=WEB, data=bytes(range(50)), seq=2, ack=10, ip_id=3),
    Packet(key=WEB.reply, data=b"y", seq=10, ack=52, ip_id=4),
]
SIX = Packet(key=Tuple5(UDP, "2001:db8::1", 1, "2001:db8::2", 53))


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    argv = [sys.executable, "-c", PROGRAM, "replay", *map(str, arguments)]
    return subprocess.run(argv, check=False, capture_output=True, text=True)


def of_link(linktype: int, head: bytes = b"", snaplen: int = 1 << 16) -> Capture:
    """Return the talk as another kind of link has it; each packet before the last."""
    frames = [head + packet.datagram for packet in TALK]
    return Capture.from_frames(
        [
            Frame(0, 1000 - number, frame[:snaplen], len(frame))
            for number, frame in enumerate(frames)
        ],
        [Interface(name="made", linktype=linktype)],
    )


@pytest.mark.parametrize(
    ("made", "options", "words"),
    [
        (of_link(101), (), "4 of 4 packets"),
        (of_link(113, bytes(14) + b"\x08\x00"), (), "4 of 4 packets"),
        (of_link(101, snaplen=60), ("--fill",), "4 of 4 packets"),
        (of_link(101), ("--speed", "original"), "4 of 4 packets"),
        (capture([*TALK, SIX]), ("--flows", "ipv4"), "4 of 4 packets"),
        (
            capture([Packet(key=WEB._replace(proto=UDP), data=b"x", df=False)]),
            ("--client", "host01", "--server", "web:80"),
            "=>  udp 172.16.211.1.4000 > 172.17.0.5.80   1 of 1",
        ),
        (
            capture([*TALK[:2], Packet(key=WEB, data=bytes(9000), seq=2, ack=10)]),
            (),
            "1 packets were larger than 1500 octets",
        ),
    ],
    ids=[
        "raw",
        "cooked",
        "filled",
        "time goes back",
        "IPv6 beside",
        "UDP inbound",
        "super-frame",
    ],
)
def test_odd_captures(
    tmp_path: Path, made: Capture, options: tuple[str, ...], words: str
) -> None:
    """What can be played is played, whatever link it is from."""
    write(tmp_path / "odd.pcapng", made)

    done = command(tmp_path / "odd.pcapng", *KERNEL, *options)

    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


ASK = Packet(key=Tuple5(UDP, "10.1.1.1", 5000, "8.8.8.8", 69), data=b"RRQ", ip_id=1)
DATA_KEY = Tuple5(UDP, "8.8.8.8", 3333, "10.1.1.1", 5000)


def begun(key: Tuple5, first: Packet = ASK) -> list[Packet]:
    """Return a conversation that the server begins after another one: four packets."""
    keys = (key, key.reply, key)
    return [
        first,
        *(Packet(key=one, data=b"%d" % n, ip_id=n) for n, one in enumerate(keys, 2)),
    ]


@pytest.mark.parametrize(
    "packets",
    [
        begun(DATA_KEY),
        begun(DATA_KEY._replace(dport=5004)),
        begun(DATA_KEY, TALK[0]),
        begun(DATA_KEY._replace(sport=69, dport=6000)),
    ],
    ids=["TFTP", "callback", "after TCP", "from the service"],
)
def test_server_begins(tmp_path: Path, packets: list[Packet]) -> None:
    """The server sends what it sent: no NAT lets that in, a bridge does."""
    write(tmp_path / "begun.pcapng", capture(packets))
    key = packets[1].key

    beyond = command(tmp_path / "begun.pcapng", *KERNEL)
    bridged = command(tmp_path / "begun.pcapng", *KERNEL, "--server", "c2", "--json")

    assert beyond.returncode == 1
    told = f"udp 172.16.211.1.{key.sport} > 172.16.211.128.{key.dport}  =>  nothing"
    assert f"{told}   0 of 3\n  its first packet is the server's" in beyond.stdout
    assert bridged.returncode == 0, bridged.stdout
    flow = json.loads(bridged.stdout)["flows"][1]
    assert flow["server_initiated"]
    assert (flow["met"]["src"], flow["met"]["dst"]) == ("172.17.0.3", "172.17.0.2")


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (TALK[::2], "2 of 2\n  the capture has one side of it only"),
        (TALK[1::2], "not played: nothing of its request came out"),
    ],
    ids=["initiator", "responder"],
)
def test_one_sided(tmp_path: Path, kept: list[Packet], words: str) -> None:
    """What connection tracking makes of half a conversation is told with its reason."""
    write(tmp_path / "half.pcapng", capture(kept))

    done = command(tmp_path / "half.pcapng", *KERNEL)

    assert done.returncode == 1
    assert words in done.stdout


def bad(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield files that cannot be played, and what is to be said of each."""
    whole = folder / "whole.pcapng"
    write(whole, capture(TALK))
    for name, data, words in (
        ("empty", b"", "an empty file is no capture"),
        ("text", b"no capture, as you can read here", "not a pcap or pcapng file"),
        ("truncated", whole.read_bytes()[:-30], "the file ends inside a block"),
    ):
        (folder / name).write_bytes(data)
        yield folder / name, words
    yield folder / "missing", "no such file"
    for name, made, words in (
        ("wifi", of_link(105), "link type 105 is not decoded"),
        ("six", capture([SIX]), "packet 1: IPv6 is not played"),
        ("cut", of_link(101, snaplen=60), "packet 3: cut by the capture's snaplen"),
    ):
        write(folder / name, made)
        yield folder / name, words


def test_bad_input(tmp_path: Path) -> None:
    """What cannot be played is refused in one sentence, before a lab is started."""
    for path, words in bad(tmp_path):
        done = command(path)

        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_golden_is_judged_by(tmp_path: Path) -> None:
    """A golden's folder names its ends and gives the verdict; evidence is kept."""
    done = command(GOLDEN / "published-web", "--evidence", tmp_path / "kept")

    assert (done.returncode, done.stderr) == (0, "")
    assert "tcp 172.16.211.1." in done.stdout
    assert "evidence   " in done.stdout
    record = json.loads((tmp_path / "kept" / "verdict.json").read_text())
    assert (record["scenario"], record["outcome"]) == ("published-web", "pass")
    assert record["test"].startswith("pytest-netlab replay ")
    assert len(read(tmp_path / "kept" / "capture.pcapng")) >= 24


@pytest.mark.parametrize("kept", [(), ("--keep-env",)], ids=["masked", "kept"])
def test_evidence_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: tuple[str, ...]
) -> None:
    """Of a secret of the environment evidence has ***, unless it is to be kept."""
    monkeypatch.setenv("CI_API_TOKEN", "zq9-xyzzy-4711")
    folder = tmp_path / "of-zq9-xyzzy-4711"

    done = command(GOLDEN / "ping-beyond", *KERNEL, "--evidence", folder, *kept)

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads((folder / "verdict.json").read_text())["test"]
    assert ("of-***" in told, "xyzzy" in told) == (not kept, bool(kept))


def test_other_ends_than_the_golden() -> None:
    """Played between other nodes, a golden's packets are judged without it."""
    done = command(GOLDEN / "ping-beyond", *KERNEL, "--client", "c2")

    assert (done.returncode, "2 of 2" in done.stdout) == (0, True)
    assert "other nodes or flows than the golden's" in done.stderr


def test_bad_checksum(tmp_path: Path) -> None:
    """A checksum that was bad before is not judged; what comes of it is told."""
    frame = bytearray(TALK[2].frame)
    frame[50:52] = b"\x12\x34"
    write(tmp_path / "bad.pcapng", capture([*TALK[:2], bytes(frame)]))

    done = command(tmp_path / "bad.pcapng", *KERNEL)

    assert done.returncode == 1
    assert "a checksum of it was bad before" in done.stdout
    assert "corrupted checksum" not in done.stdout
    assert "packet 3 of tcp" in done.stdout


def test_without_a_golden(tmp_path: Path) -> None:
    """What no host may do is found: this one leaks, as moby#44015 has it."""
    helped = DATA / "ftp-active-helper.pcapng"
    done = command(helped, *KERNEL, "--json", "--evidence", tmp_path / "kept")

    assert done.returncode == 1
    found = json.loads(done.stdout)
    fields = {one["field"] for one in found["differences"]}
    assert "container-address-on-uplink" in fields
    assert {one["what"] for one in found["findings"]} >= {"lost", "stray", "mapping"}
    assert (tmp_path / "kept" / "host").is_dir()


def test_command_chooses() -> None:
    """Of several conversations those are played that were asked for; else it says."""
    path = str(DATA / "ftp-passive.pcapng")
    chosen = command(path, *KERNEL, "--flows", "21")
    none = command(path, *KERNEL, "--flows", "udp")

    assert (chosen.returncode, chosen.stdout.count("=>")) == (0, 1)
    assert none.returncode == 2
    assert "no conversation has 'udp'; there are tcp 172.17.0.2." in none.stderr


def test_command() -> None:
    """The command tells the mapping, packet by packet, as JSON too."""
    path = GOLDEN / "published-web" / "capture.pcapng"
    done = command(path, "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["findings"] == []
    assert found["flows"][0]["sent"]["src"] == "172.16.211.128"
