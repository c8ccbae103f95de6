"""Other tools see the same."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pytest_netlab import capture as captures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.tap.conftest import Wire

    from pytest_netlab.lab.tap.live import LiveCapture


def test_tcpdump(wire: Wire, start: Callable[..., LiveCapture], tmp_path: Path) -> None:
    """What tcpdump writes meanwhile is the same bytes, at the same times."""
    target = tmp_path / "tcpdump.pcap"
    # Without -s its ring holds eight frames of 256 KiB, and it drops others.
    argv = ["tcpdump", "-i", "near0", "-U", "--immediate-mode", "-s", "2000"]
    argv += ["--time-stamp-precision=nano", "-Z", "root", "-w", str(target)]
    with wire.near.started(*argv) as tcpdump:
        assert tcpdump.stderr is not None
        assert b"listening" in tcpdump.stderr.readline()
        live = start(wire.point)
        wire.exchange(20)
        capture = live.stop()
        end = time.monotonic() + 5
        while capture[-1].bytes not in target.read_bytes():
            assert time.monotonic() < end
            time.sleep(0.01)
    theirs = captures.read(target)

    assert [(packet.bytes, packet.row["ts"]) for packet in capture] == [
        (packet.bytes, packet.row["ts"]) for packet in theirs
    ]


@pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
def test_tshark(wire: Wire, start: Callable[..., LiveCapture], tmp_path: Path) -> None:
    """Wireshark reads the written capture, packet for packet and with its point."""
    live = start(wire.point)
    with wire.conversation() as (client, server):
        client.sendall(b"hello")
        server.recv(100)
    wire.exchange()
    capture = live.stop()
    captures.write(tmp_path / "live.pcapng", capture)

    fields = ["frame.len", "frame.interface_name", "eth.type"]
    argv = ["tshark", "-n", "-r", "live.pcapng", "-T", "fields"]
    argv += [word for field in fields for word in ("-e", field)]
    shown = subprocess.run(
        argv, cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert shown.splitlines() == [
        f"{length}\tuplink\t{kind:#06x}"
        for length, kind in zip(capture.wirelen, capture.ethertype, strict=True)
    ]
