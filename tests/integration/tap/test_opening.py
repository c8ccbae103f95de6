"""What cannot be opened is a broken lab, and nothing stays behind."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.errors import BlindCaptureError, LabError
from pytest_netlab.lab.net.netns import inside
from pytest_netlab.lab.tap.live import LiveCapture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.tap.conftest import Wire


HERE = Path("/proc/thread-self/ns/net")


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def mapped() -> bool:
    """Tell whether this process has a ring mapped."""
    return "socket:" in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interface", "nosuch0"),
        ("canary_interface", "nosuch0"),
        ("netns", "/proc/self/nosuch"),
        ("canary_netns", "/proc/self/nosuch"),
    ],
)
def test_unknown(
    wire: Wire, start: Callable[..., LiveCapture], field: str, value: str
) -> None:
    """An interface or namespace that does not exist is named."""
    changes: dict[str, Any] = {field: value}
    before = descriptors()

    with pytest.raises(LabError, match=value):
        start(replace(wire.point, **changes))
    assert descriptors() == before


def test_not_ethernet(wire: Wire, start: Callable[..., LiveCapture]) -> None:
    """An interface without Ethernet headers is refused."""
    wire.near.run("ip", "tuntap", "add", "tun0", "mode", "tun")

    with pytest.raises(LabError, match=r"tun0 .*not Ethernet"):
        start(replace(wire.point, interface="tun0"))


def test_names_differ(wire: Wire) -> None:
    """Points of one name are refused: the canary of one would prove the other."""
    with pytest.raises(LabError, match="uplink"):
        LiveCapture([wire.point, replace(wire.point, interface="spare0")])


def test_not_running(wire: Wire) -> None:
    """A capture that was not started, or is over, cannot be stopped."""
    with pytest.raises(LabError, match="not running"):
        LiveCapture([wire.point]).stop()


def test_nothing_left(wire: Wire) -> None:
    """After stop or close there is no thread, no file and no mapping more."""
    before = descriptors(), threading.active_count()

    for end in (LiveCapture.stop, LiveCapture.close):
        live = LiveCapture([wire.point]).start()
        assert threading.active_count() > before[1]
        assert mapped()
        end(live)
        live.close()

    assert (descriptors(), threading.active_count()) == before
    assert not mapped()


def test_nothing_left_when_blind(wire: Wire) -> None:
    """A capture that could not start has freed all that it had opened."""
    wire.spare()
    before = descriptors(), threading.active_count()
    blind = replace(wire.point, name="blind", canary_interface="spare1")
    live = LiveCapture([wire.point, blind], deadline=0.1)

    with pytest.raises(BlindCaptureError):
        live.start()
    assert (descriptors(), threading.active_count()) == before


def test_here_again(wire: Wire) -> None:
    """The thread that opened a capture is where it was, also after an error."""
    home = HERE.readlink()

    with pytest.raises(LabError):
        LiveCapture([replace(wire.point, interface="nosuch0")]).start()

    assert HERE.readlink() == home


def test_only_this_thread(wire: Wire) -> None:
    """Other threads stay where they are; one that is started inside is inside."""
    seen: list[Path] = []
    entered = threading.Event()

    def look(after: threading.Event) -> None:
        after.wait(10)
        seen.append(HERE.readlink())

    before = threading.Thread(target=look, args=(entered,))
    before.start()
    with inside(wire.near.path):
        entered.set()
        before.join()
        within = threading.Thread(target=look, args=(entered,))
        within.start()
        within.join()

    assert seen == [HERE.readlink(), Path(wire.near.path).readlink()]


def test_back_after_error(wire: Wire) -> None:
    """The thread is back after an exception, which passes."""
    home = HERE.readlink()

    with pytest.raises(KeyError), inside(wire.near.path):
        raise KeyError

    assert HERE.readlink() == home


def test_nested_in_a_thread(wire: Wire) -> None:
    """A thread that was in a namespace comes back to that one, not to the process's."""
    seen: list[Path] = []

    def nest() -> None:
        with inside(wire.far.path):
            with inside(wire.near.path):
                seen.append(HERE.readlink())
            seen.append(HERE.readlink())

    thread = threading.Thread(target=nest)
    thread.start()
    thread.join()

    assert seen == [Path(side.path).readlink() for side in (wire.near, wire.far)]
