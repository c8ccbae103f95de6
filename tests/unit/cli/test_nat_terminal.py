"""`pytest-netlab nat` on a terminal: its tables fit, and nothing in them is broken."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest
from tests.traffic import C1, HOST, HOST01, IN, Packet, capture, routed

from pytest_netlab.capture import write
from pytest_netlab.flows import UDP, Tuple5

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

KEY, SENT = Tuple5(UDP, C1, 4000, HOST01, 53), Tuple5(UDP, HOST, 4000, HOST01, 53)


def shown(columns: int, *arguments: str) -> list[str]:
    """Return the lines that the command prints on a terminal of that width."""
    argv = [sys.executable, "-m", "pytest_netlab", "nat", *arguments]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    text = b""
    with subprocess.Popen(
        argv, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment
    ):
        os.close(theirs)
        while piece := _read(ours):
            text += piece
    os.close(ours)
    return click.unstyle(text.decode().replace("\r\n", "\n")).splitlines()


def _read(end: int) -> bytes:
    """Read from a terminal; nothing more comes once nobody has its other end."""
    try:
        return os.read(end, 1 << 16)
    except OSError:
        return b""


@pytest.fixture
def lossy(command: Command) -> tuple[str, str]:
    """Return two captures of a flow that lost packets in both directions."""
    del command  # its folder is the current one
    asked = [
        Packet(key=KEY, data=b"ask %d" % number, ip_id=number + 1, direction=IN)
        for number in range(6)
    ]
    told = [
        replace(one, key=SENT.reply, data=b"told %d" % number, ip_id=number + 90)
        for number, one in enumerate(asked)
    ]
    answers = [routed(one, KEY.reply) for one in told]
    queries = [routed(one, SENT) for one in asked]
    inside = [packet for pair in zip(asked, answers, strict=True) for packet in pair]
    outside = [packet for pair in zip(queries, told, strict=True) for packet in pair]
    write("here.pcapng", capture([*inside[:5], *inside[6:]]))
    write("there.pcapng", capture([*outside[:2], *outside[3:6], *outside[7:]]))
    return "here.pcapng", "there.pcapng"


def test_80_columns(lossy: tuple[str, str]) -> None:
    """Both directions' losses are below each other, and no address is broken."""
    lines = shown(80, *lossy)

    assert max(map(len, lines)) <= 80
    assert lines[1].endswith("2 original")
    assert lines[2].endswith("1 reply")
    assert {f"{C1}:4000", f"{HOST}:4000"} < set(lines[1].split())


def test_a_wide_terminal(lossy: tuple[str, str]) -> None:
    """A flow is one line where there is room."""
    lines = shown(200, *lossy)

    assert f"{C1}:4000 -> {HOST01}:53  {HOST}:4000 -> {HOST01}:53" in lines[1]
    assert "2 original, 1 reply" in lines[1]
