"""Which frames of a node were captured, of those that its link carried."""

from __future__ import annotations

import pytest

from pytest_netlab.capture import Capture
from pytest_netlab.capture.values import Frame, Interface
from pytest_netlab.host.frame_counts import FrameCount, frame_counts
from pytest_netlab.host.meters import CLOCK, Meters
from pytest_netlab.wire import Direction, canary, mac_bytes

C1, WEB, BRIDGE, HOST01 = (f"02:00:00:00:00:{n:02}" for n in range(1, 5))
NAMES = {C1: "c1", WEB: "web", BRIDGE: "bridge", HOST01: "host01"}
NAMES |= {"172.17.0.1": "bridge", "172.17.0.2": "c1"}
LINKS = {"veth1": "c1", "veth2": "web", "docker0": "docker0", "ens160": "uplink"}
POINTS = tuple(Interface(name=name) for name in ("docker0", "uplink"))
BEGUN, CLOSED = 100, 200
IN, OUT = int(Direction.INBOUND), int(Direction.OUTBOUND)
IP = b"\x08\x00" + b"\x45" + bytes(40)


def frame(src: str, dst: str, rest: bytes = IP, *, way: int = IN, at: int = 0) -> Frame:
    """Return a frame, as docker0 or the uplink sees it between both readings."""
    data = mac_bytes(dst) + mac_bytes(src) + rest
    return Frame(at, BEGUN + 1, data, len(data), way)


def beacon(src: str, kind: canary.CanaryKind, ts: int) -> Frame:
    """Return a canary for docker0."""
    data = canary.build(canary.Canary("n-1", POINTS[0].name, kind), mac_bytes(src))
    return Frame(0, ts, data, len(data), IN)


def arp(operation: int, sender: bytes, target: bytes) -> bytes:
    """Return what follows the addresses of an ARP frame."""
    ends = bytes(6) + sender + bytes(6) + target
    return b"\x08\x06\x00\x01\x08\x00\x06\x04" + bytes([0, operation]) + ends


def counted(**counts: int) -> Meters:
    """Return counters of links that grew: `veth1_rx`."""
    return between({f"link {n[:-3]} {n[-2:]}_packets": v for n, v in counts.items()})


def between(after: dict[str, int]) -> Meters:
    """Return counters that grew between two readings."""
    before = dict.fromkeys(after, 0)
    return Meters({CLOCK: BEGUN, **before}, {CLOCK: CLOSED, **after}, LINKS)


def seen(meters: Meters, *frames: Frame) -> dict[str, FrameCount]:
    """Return the frame_counts of a capture that opened and closed."""
    opened, closed = beacon(C1, "open", BEGUN - 1), beacon(C1, "close", CLOSED + 1)
    whole = (opened, *frames, closed)
    return frame_counts(Capture.from_frames(whole, POINTS, NAMES), meters)


def test_dropped_before() -> None:
    """What a link brought, and docker0 did not show, was lost in between."""
    found = seen(counted(veth1_rx=4), frame(C1, BRIDGE))

    assert (found["c1"].came, found["c1"].shown, found["c1"].unseen) == (4, 1, 3)
    assert found["c1"].link == "veth1"
    assert found["web"].unseen == 0


def test_dropped_after() -> None:
    """What docker0 shows, and a link did not carry, was lost after it."""
    sent = [frame(BRIDGE, WEB, way=OUT)] * 3
    found = seen(counted(veth2_tx=2, veth1_tx=0), *sent)

    assert (found["web"].sent, found["web"].carried, found["web"].lost) == (4, 2, 2)
    assert found["c1"].lost == 0  # a canary of its own does not come back to it


def test_all_there() -> None:
    """A canary that opened a capture came before the counters were read."""
    found = seen(counted(veth1_rx=1, veth2_tx=1), frame(C1, BRIDGE))

    assert not any(one.unseen or one.lost for one in found.values())


def test_late() -> None:
    """What came after the last reading is not counted among what is shown."""
    late = frame(C1, BRIDGE)._replace(ts=CLOSED + 1)
    found = seen(counted(veth1_rx=1), late)

    assert (found["c1"].shown, found["c1"].unseen) == (0, 1)


def test_beyond() -> None:
    """A neighbour's frames are counted at its own end, and seen on the uplink."""
    sent = {"host01 link eth0 tx_packets": 3, "link ens160 rx_packets": 3}
    meters = between(sent)

    found = seen(meters, frame(HOST01, BRIDGE, at=1))["host01"]

    assert (found.point, found.link, found.unseen) == ("uplink", "", 2)


@pytest.mark.parametrize(
    ("brought", "astray", "unseen"), [(0, 2, 0), (2, 2, 0), (4, 0, 2), (9, 0, 2)]
)
def test_lost_beyond(brought: int, astray: int, unseen: int) -> None:
    """What the uplink did not bring was lost in the network, and not in the host."""
    sent = {"host01 link eth0 tx_packets": 3, "link ens160 rx_packets": brought}
    shown = [frame(one, BRIDGE, at=1) for one in (HOST01, WEB)]

    found = seen(between(sent), *shown)["host01"]

    assert (found.astray, found.unseen) == (astray, unseen)


@pytest.mark.parametrize(
    ("answers", "unanswered"),
    [(True, ()), (False, ("bridge",))],
    ids=["told", "not"],
)
def test_arp(unanswered: tuple[str, ...], *, answers: bool) -> None:
    """Whom a node asked for, and who did not answer."""
    here, there = bytes([172, 17, 0, 2]), bytes([172, 17, 0, 1])
    asked = frame(C1, "ff:ff:ff:ff:ff:ff", arp(1, here, there))
    told = frame(BRIDGE, C1, arp(2, there, here), way=OUT)

    found = seen(counted(veth1_rx=2), asked, *([told] if answers else []))

    assert found["c1"].unanswered == unanswered


def test_nobody_counted() -> None:
    """Without counters, or without the point, nothing is known."""
    one = Capture.from_frames([frame(C1, BRIDGE)], POINTS, NAMES)
    uplink = Capture.from_frames([frame(C1, BRIDGE)], POINTS[1:], NAMES)

    assert frame_counts(one, Meters()) == {}
    assert "c1" not in frame_counts(uplink, counted(veth1_rx=1))
    assert "bridge" not in frame_counts(one, counted(veth1_rx=1))
