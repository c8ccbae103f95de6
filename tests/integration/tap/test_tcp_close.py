"""Connections that are closing when the capture ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.wire import canary

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.tap.conftest import Wire

    from pytest_netlab.capture import Capture
    from pytest_netlab.lab.tap.live import LiveCapture

FIN = 1


def kinds(capture: Capture, name: str = "uplink") -> list[str | None]:
    """Return, packet for packet of a point, the kind of canary it is, if it is one."""
    packets = (canary.parse(packet.bytes) for packet in capture.at(name))
    return [found and found.kind for found in packets]


def test_slow_close(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """The last ACK of a server that closes late is in, before the last canary."""
    live = start(wire.point, await_tcp_close=5)
    with wire.conversation() as (client, server):
        client.close()
        late = threading.Timer(0.3, server.close)
        late.start()
        capture = live.stop()
        late.join()

    fins = np.flatnonzero(capture.tcp_flags & FIN)
    assert capture.sport[fins].tolist()[-1] == 80
    assert (capture.proto[fins[-1] + 1], kinds(capture)[-1]) == (6, "close")
    assert kinds(capture).count("close") == 2


def test_endless(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """A connection that stays open costs the time given, and is no error."""
    with wire.conversation() as (client, _):
        live = start(wire.point, await_tcp_close=0.4)
        client.send(b"began before: not waited for")
        quick = timed(live.stop)

    live = start(wire.point, await_tcp_close=0.4)
    with wire.conversation():
        slow = timed(live.stop)

    assert quick < 0.4 <= slow < 2


def timed(call: Callable[[], object]) -> float:
    """Return the seconds a call takes."""
    begin = time.monotonic()
    call()
    return time.monotonic() - begin
