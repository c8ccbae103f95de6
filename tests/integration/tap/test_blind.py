"""A capture that cannot prove its sight is an error."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import BlindCaptureError
from pytest_netlab.lab.tap.ring import BLOCK_BYTES, Ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.tap.conftest import Wire

    from pytest_netlab.lab.tap.live import LiveCapture


def test_down_before(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """An interface that is down cannot be captured on."""
    wire.near.run("ip", "link", "set", "near0", "down")

    with pytest.raises(BlindCaptureError, match=r"uplink: near0 in .*down"):
        start(wire.point, deadline=0.3)


@pytest.mark.parametrize("command", ["set near0 down", "del near0"])
def test_down_meanwhile(
    wire: Wire, start: Callable[..., LiveCapture], command: str
) -> None:
    """An interface that goes down or away blinds the capture."""
    live = start(wire.point, deadline=0.3)
    wire.near.run("ip", "link", *command.split())

    with pytest.raises(BlindCaptureError, match=r"uplink: near0 in .*down"):
        live.stop()


def test_down_and_up(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """That it is back when the capture ends does not help."""
    live = start(wire.point)
    wire.near.run("ip", "link", "set", "near0", "down")
    wire.near.run("ip", "link", "set", "near0", "up")

    with pytest.raises(BlindCaptureError, match="down or went away"):
        live.stop()


def test_wrong_interface(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """An interface that the neighbour's frames do not reach is the wrong one."""
    wire.spare()

    with pytest.raises(BlindCaptureError, match=r"open canary .*far0.* spare0"):
        start(replace(wire.point, interface="spare0"), deadline=0.3)


def test_missing_in_a_flood(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """Traffic that never pauses does not put off the error for a missing canary."""
    wire.spare()

    with wire.flood() as flood:
        with pytest.raises(BlindCaptureError, match="open canary"):
            start(replace(wire.point, canary_interface="spare1"), deadline=0.3)
        assert flood.poll() is None


def test_missing_without_a_pause(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """The deadline holds even if each look at the rings finds news."""

    class Restless(threading.Event):
        def clear(self) -> None:
            """Stay set."""

    live = start(wire.point, deadline=0.2)
    live._running.progress = Restless()
    live._running.progress.set()
    wire.far.run("ip", "link", "set", "far0", "down")
    caught: list[BlindCaptureError] = []

    def stop() -> None:
        try:
            live.stop()
        except BlindCaptureError as error:
            caught.append(error)

    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    stopping.join(5)

    assert "far0" in str(caught)


def test_one_of_two(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """One blind point makes the whole capture blind, and is the one named."""
    wire.spare()
    second = replace(wire.point, name="second", interface="spare0")

    with pytest.raises(BlindCaptureError, match="point second") as caught:
        start(wire.point, second, deadline=0.3)
    assert "point uplink" not in str(caught.value)


def test_closing_canary_missing(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """A neighbour that cannot send any more is named."""
    live = start(wire.point, deadline=0.3)
    wire.far.run("ip", "link", "set", "far0", "down")

    with pytest.raises(BlindCaptureError, match=r"far0 in .*Network is down"):
        live.stop()


def test_drops(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """A ring too small for the burst makes the capture an error that says so."""
    live = start(wire.point, ring_bytes=BLOCK_BYTES)
    wire.blast(20_000, 1000)

    with pytest.raises(BlindCaptureError, match=r"dropped [1-9]\d* of \d+ frames"):
        live.stop()


def test_thread_died(
    wire: Wire,
    start: Callable[..., LiveCapture],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A capture whose thread has died ends at once, with the reason."""
    live = start(wire.point, deadline=30)

    def broken(_: Ring) -> None:
        raise RuntimeError("no ring")

    monkeypatch.setattr(Ring, "drain", broken)

    with pytest.raises(BlindCaptureError, match=r"thread .* died.*no ring"):
        live.stop()
