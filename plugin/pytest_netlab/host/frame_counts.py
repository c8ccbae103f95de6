"""How many frames a link carried, and how many of them a capture shows.

A capture point sees docker0 and the uplink. What is dropped on a container's link, in
the bridge or before IP never gets there, or no farther than there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.host.meters import CLOCK, DOCKER0, UPLINK
from pytest_netlab.wire import Direction, address_text, is_mac, mac_bytes
from pytest_netlab.wire.assigned import ARP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.host.meters import Meters

    Rows = npt.NDArray[np.bool_]

_OWN_LINK = "eth0"
_OWN = ("host", "bridge")
_GROUP = np.uint64(1 << 40)  # IEEE 802.3, 3.2.3: the frame is for many
_REQUEST, _REPLY = 1, 2  # RFC 826


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCount:
    """The frames of one node: what its link carried, and what a capture point shows.

    The numbers are of one capture, from one reading of the counters to the next: frames
    have times.

    Attributes:
        node: its name.
        link: the link of the host that leads to it; "" beyond the host.
        mac: its Ethernet address.
        point: the capture point that should show its frames.
        came: frames that its link brought.
        shown: those of `came` that the point shows.
        astray: frames that it sent and the uplink did not bring: the network's loss.
        sent: frames for it that the point shows.
        carried: frames that its link took to it.
        unanswered: whom it asked for by ARP, and nobody answered.

    """

    node: str
    link: str = ""
    mac: str = ""
    point: str = DOCKER0
    came: int = 0
    shown: int = 0
    astray: int = 0
    sent: int = 0
    carried: int = 0
    unanswered: tuple[str, ...] = ()

    @property
    def unseen(self) -> int:
        """Return how many frames came from the node and were lost before the point."""
        return max(self.came - self.shown, 0)

    @property
    def lost(self) -> int:
        """Return how many frames for the node were lost after the point."""
        return max(self.sent - self.carried, 0)


def frame_counts(capture: Capture, meters: Meters) -> dict[str, FrameCount]:
    """Return node -> its frames, of all whose Ethernet address the capture names."""
    if not meters:
        return {}
    points = {one.name: number for number, one in enumerate(capture.interfaces)}
    found = (
        _frame_count(capture, meters, node, mac, points)
        for mac, node in capture.names.items()
        if is_mac(mac)
    )
    return {one.node: one for one in found if one is not None}


def _frame_count(
    capture: Capture, meters: Meters, node: str, mac: str, points: Mapping[str, int]
) -> FrameCount | None:
    """Return the frames of a node; None for the host, and where nobody looked."""
    link = meters.link(node)
    point = DOCKER0 if link else UPLINK
    if point not in points or node in _OWN:
        return None
    begun, closed = (side.get(CLOCK, 0) for side in (meters.before, meters.after))
    here = (capture.point == points[point]) & (capture.ts >= begun)
    inward = (capture.direction == Direction.INBOUND) & (capture.ts <= closed)
    address = np.uint64(int.from_bytes(mac_bytes(mac), "big"))
    own, group = capture.eth_src == address, (capture.eth_dst & _GROUP) > 0
    meant = (capture.eth_dst == address) | (group & ~own)
    # What a link brings the host is what its other end sent.
    name = f"link {link}" if link else f"{node} link {_OWN_LINK}"
    brings, takes = ("rx", "tx") if link else ("tx", "rx")
    left = meters.grown(f"{name} {brings}_packets")
    shown = int((here & own & inward).sum())
    came = left
    if not link and (uplink := meters.link(UPLINK)):
        others = int((here & ~own & inward).sum())
        brought = meters.grown(f"link {uplink} rx_packets") - others
        came = min(left, max(brought, shown))
    return FrameCount(
        node=node,
        link=link,
        mac=mac,
        point=point,
        came=came,
        shown=shown,
        astray=left - came,
        sent=int((here & meant).sum()),
        carried=meters.grown(f"{name} {takes}_packets"),
        unanswered=tuple(_unanswered(capture, here, address)),
    )


def _unanswered(capture: Capture, here: Rows, address: np.uint64) -> Iterator[str]:
    """Yield whom a station asked for by ARP without any answer, by name."""
    arp, own = here & (capture.ethertype == ARP), capture.eth_src == address
    asked = capture.dst[arp & own & (capture.arp_op == _REQUEST)]
    answered = capture.src[arp & (capture.arp_op == _REPLY)]
    silent = {bytes(one) for one in asked} - {bytes(one) for one in answered}
    for one in sorted(silent):
        text = address_text(one)
        yield capture.names.get(text, text)
