"""What is wrong with a frame: octets behind its datagram, and whose it says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.checks.violation import Violation
from pytest_netlab.wire import UNTAGGED, ethernet, ipv4, ipv6, octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.checks.observed import Observed

_LEAST = 60  # octets of a frame, which a device fills up (IEEE 802.3, 4A.4.2)


def trailing(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield what the host sent with octets behind the datagram.

    Of what it received, those are its sender's; the kernel takes them off.
    """
    for row in rows:
        behind = seen.stations.sent(row) and _behind(seen.capture, row)
        if behind:
            got = f"{behind} octets"
            yield Violation("trailing", "nothing behind the datagram", got, (row,))


def _behind(capture: Capture, row: int) -> int:
    """Return how many octets a frame has behind its datagram, beyond the shortest.

    The kernel leaves the length of super-frames above 64 KiB at 0.
    """
    at, frame = int(capture.ip_offset[row]), capture[row].bytes
    if capture.ip_version[row] == ipv4.VERSION:
        length = octets.u16(frame, at + ipv4.TOTAL)
    else:
        length = octets.u16(frame, at + ipv6.LENGTH)
        length += ipv6.HEADER if length else 0
    tagged = capture.vlan[row] != UNTAGGED
    size = int(capture.wirelen[row])
    is_filled = size <= _LEAST + ethernet.TAG * tagged
    return 0 if is_filled or not length else max(size - at - length, 0)


def others(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield a frame that is not from the host's interface, or not for it.

    One that a point saw because it is promiscuous is for the node with its destination.
    """
    stations = seen.stations
    for row in rows:
        if stations.judges(row) and not stations.is_for_host(row):
            field = "source MAC" if stations.sent(row) else "destination MAC"
            want, got = stations.own_name(row), stations.name_of(stations.host(row))
            yield Violation(field, f"that of {want}", got, (row,))


def neighbours(seen: Observed, rows: Sequence[int]) -> Iterator[Violation]:
    """Yield a frame of a conversation that went another way than the one before.

    Each end is reached by one neighbour, and comes by one.
    """
    stations = seen.stations
    first: dict[tuple[bool, str], int] = {}
    for row in rows:
        if stations.judges(row):
            end = stations.sent(row), stations.far_end(row)
            mac = stations.neighbour(row)
            expected = first.setdefault(end, mac)
            if mac != expected:
                names = stations.name_of(expected), stations.name_of(mac)
                yield Violation("neighbour", *names, (row,))
