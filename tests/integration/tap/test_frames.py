"""What a live capture holds."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_netlab.lab.tap.capture_point import CapturePoint
from pytest_netlab.wire import canary
from pytest_netlab.wire.columns import Direction, Status

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.integration.tap.conftest import Wire

    from pytest_netlab.capture import Capture
    from pytest_netlab.lab.tap.live import LiveCapture, TapPoint


def frames(capture: Capture) -> list[bytes]:
    """Return the bytes of every packet that is no canary."""
    every = [packet.bytes for packet in capture]
    return [data for data in every if not canary.is_canary(data)]


def kinds(capture: Capture, name: str = "uplink") -> list[str | None]:
    """Return, packet for packet of a point, the kind of canary it is, if it is one."""
    packets = (canary.parse(packet.bytes) for packet in capture.at(name))
    return [found and found.kind for found in packets]


def test_between_canaries(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """The first packet is the opening canary, the last one the closing canary."""
    live = start(wire.point, names=lambda: {"10.9.0.1": "near"})
    wire.exchange()
    capture = live.stop()

    found = kinds(capture)
    assert (found[0], found[-1]) == ("open", "close")
    assert found[1:-1] == [None] * len(frames(capture))
    assert dict(capture.names) == {"10.9.0.1": "near"}


def test_cut_at_canaries(
    wire: Wire, start: Callable[..., LiveCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traffic before the opening and after the closing canary is cut off."""
    send = CapturePoint.send

    def unhurried(watch: CapturePoint) -> None:
        time.sleep(0.1)
        send(watch)
        time.sleep(0.1)

    monkeypatch.setattr(CapturePoint, "send", unhurried)
    with wire.flood(gap=0.001) as flood:
        capture = start(wire.point).stop()
        assert flood.poll() is None

    found = kinds(capture)
    assert (found[0], found[-1]) == ("open", "close")
    assert len(found) > 10
    assert (capture.interfaces[0].received or 0) > len(found) + 10


def test_late_link(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """A canary that a link lost while it came up is sent again."""
    wire.far.run("ip", "link", "set", "far0", "down")
    late = threading.Timer(0.2, wire.far.run, ("ip", "link", "set", "far0", "up"))
    late.start()
    capture = start(wire.point).stop()
    late.join()

    assert kinds(capture) == ["open", "close"]


def test_direction(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """What the near end sends is outbound there, what it gets is inbound."""
    live = start(wire.point)
    wire.exchange()
    capture = live.stop()

    outward = capture.sport == 5000, capture.dport == 5000
    assert set(capture.direction[outward[0]]) == {Direction.INBOUND}
    assert set(capture.direction[outward[1]]) == {Direction.OUTBOUND}
    assert [int(side.sum()) for side in outward] == [3, 3]


def test_time(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """Times are those of this machine's clock, in ns, and never go back."""
    before = time.time_ns()
    live = start(wire.point)
    wire.exchange()
    capture = live.stop()

    assert before < capture.ts[0]
    assert capture.ts[-1] < time.time_ns()
    assert (np.diff(capture.ts) >= 0).all()
    assert (capture.ts % 1000).any()


@pytest.mark.parametrize("tpid", ["8100", "88a8"])
def test_vlan(wire: Wire, start: Callable[..., LiveCapture], tpid: str) -> None:
    """The tag that the kernel takes off is back in the bytes, as it was sent."""
    tagged = bytes(12) + bytes.fromhex(f"{tpid} a005 88b6") + b"payload" * 8

    live = start(wire.point)
    with wire.raw() as sock:
        sock.send(tagged)
    capture = live.stop()

    assert frames(capture) == [tagged]
    assert (capture.vlan[1], capture.wirelen[1]) == (5, len(tagged))


@pytest.mark.parametrize("offload", ["on", "off"])
def test_checksum_not_ready(
    wire: Wire, start: Callable[..., LiveCapture], offload: str
) -> None:
    """A checksum left to the device is marked; where offload is off, none is."""
    wire.near.run("ethtool", "-K", "near0", "tx", offload)
    wire.far.run("ethtool", "-K", "far0", "tx", offload)

    live = start(wire.point)
    wire.exchange()
    capture = live.stop()

    marks = capture.status[capture.proto == 17] & Status.CHECKSUM_NOT_READY
    assert marks.astype(bool).tolist() == [offload == "on"] * 6


def test_super_frame(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """A GSO frame far larger than the MTU is captured whole."""
    sent = os.urandom(4_000_000)

    live = start(wire.point)
    with wire.conversation() as (client, server):
        reader = threading.Thread(target=server.sendall, args=(sent,))
        reader.start()
        received = read_exactly(client, len(sent))
        reader.join()
    capture = live.stop()

    assert received == sent
    assert capture.wirelen.max() > 60_000
    assert (capture.caplen == capture.wirelen).all()
    assert capture.payload_len[capture.sport == 80].sum() >= len(sent)


def test_promiscuous(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """Only a promiscuous point makes the interface take what is not for it."""
    live = start(replace(wire.point, promiscuous=False))
    plain = wire.near.run("ip", "-d", "link", "show", "near0").stdout
    live.stop()
    live = start(wire.point)
    promiscuous = wire.near.run("ip", "-d", "link", "show", "near0").stdout
    live.stop()

    assert "promiscuity 0" in plain
    assert "promiscuity 1" in promiscuous


def test_burst(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """Fifty thousand frames at full speed are all there, in order."""
    count = 50_000

    live = start(wire.point)
    wire.blast(count, 100)
    capture = live.stop()

    numbers = [int.from_bytes(data[14:18], "big") for data in frames(capture)]
    assert numbers == list(range(count))
    received, dropped = capture.interfaces[0].received, capture.interfaces[0].dropped
    assert (received or 0) >= count + 2
    assert dropped == 0


def test_two_points(
    router: tuple[TapPoint, TapPoint], start: Callable[..., LiveCapture]
) -> None:
    """Two points are one capture in order of time, each with its own canaries."""
    capture = start(*router).stop()

    assert [place.name for place in capture.interfaces] == ["docker0", "uplink"]
    assert kinds(capture, "docker0") == kinds(capture) == ["open", "close"]
    assert (np.diff(capture.ts) >= 0).all()


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Return so many bytes of a stream."""
    with sock.makefile("rb") as stream:
        return stream.read(size)
