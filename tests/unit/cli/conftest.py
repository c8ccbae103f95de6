"""Captures of a NAT's two sides, as files, and the command as users type it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.traffic import (
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    SYN,
    SYN_ACK,
    SYN_OPTIONS,
    Packet,
    capture,
    routed,
    two_points,
)

from pytest_netlab.capture import read, write
from pytest_netlab.cli import main
from pytest_netlab.flows import TCP, UDP, Tuple5

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

MANY = 4000  # packets: more text than a pipe holds, and several chunks
KEY = Tuple5(TCP, C1, 41000, HOST01, 80)
SENT = Tuple5(TCP, HOST, 41000, HOST01, 80)
ASKED = Packet(key=KEY, flags=SYN, options=SYN_OPTIONS, ip_id=1, direction=IN)
ANSWER = Packet(key=SENT.reply, flags=SYN_ACK, seq=9, ack=2, ip_id=77, direction=IN)
GET = Packet(key=KEY, seq=2, ip_id=2, data=b"GET", direction=IN)
LOST = Packet(key=Tuple5(UDP, C2, 5000, HOST01, 53), data=b"q", ip_id=9, direction=IN)
GOOD = (
    (INSIDE, ASKED),
    (OUTSIDE, routed(ASKED, SENT)),
    (OUTSIDE, ANSWER),
    (INSIDE, routed(ANSWER, KEY.reply)),
    (INSIDE, GET),
    (OUTSIDE, routed(GET, SENT)),
)
# The last packet's ttl is lowered once too often, and one flow is never sent on.
BAD = (*GOOD[:-1], (OUTSIDE, replace(routed(GET, SENT), ttl=62)), (INSIDE, LOST))


@dataclass(frozen=True, slots=True)
class Command:
    """Runs the command, in the folder with these files."""

    folder: Path
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *arguments: str, given: bytes = b"") -> Result:
        """Run it with these arguments and this standard input."""
        return self.runner.invoke(main, arguments, input=given)

    def refused(self, *arguments: str, given: bytes = b"") -> str:
        """Run what must not work; return its one line on stderr."""
        result = self(*arguments, given=given)

        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("Error: ").rstrip()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command, in a folder of captures.

    `good.pcapng` and `bad.pcapng` have both points, `in.pcapng` and `out.pcapng` one
    each of the bad one; `names` are left out of `plain.pcapng`.
    """
    monkeypatch.chdir(tmp_path)
    write("good.pcapng", two_points(GOOD))
    write("bad.pcapng", two_points(BAD))
    write("plain.pcapng", two_points(GOOD, names={}))
    for name, point in (("in", INSIDE), ("out", OUTSIDE)):
        seen = [packet for where, packet in BAD if where == point]
        write(f"{name}.pcapng", capture(seen))
    return Command(tmp_path)


@pytest.fixture
def whole(command: Command) -> bytes:
    """Return `bad.pcapng` as bytes."""
    return (command.folder / "bad.pcapng").read_bytes()


@pytest.fixture
def cut(command: Command, whole: bytes) -> int:
    """Make `cut.pcapng`, which ends inside its last packet; return where that is."""
    octets = int(read("bad.pcapng").offset[-1])
    (command.folder / "cut.pcapng").write_bytes(whole[: octets + 5])
    return octets - 28  # of an enhanced packet block, before the packet's own bytes


@pytest.fixture
def long(command: Command, whole: bytes) -> Path:
    """Return a capture with much to say: its first packet, many times."""
    packet = whole.index(b"\x06\0\0\0")
    size = int.from_bytes(whole[packet + 4 : packet + 8], "little")
    path = command.folder / "long.pcapng"
    path.write_bytes(whole[:packet] + whole[packet : packet + size] * MANY)
    return path
