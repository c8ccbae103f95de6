"""What a host may not do to a packet on its way, beyond what pairing has looked at.

Cheap checks in plain Python: they see only the flows that a story tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.diff.negatives import UNPAIRED
from pytest_netlab.diff.packets import role_of
from pytest_netlab.diff.streams import Fault
from pytest_netlab.flows import TCP, is_error
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from pytest_netlab.capture import Capture

_MORE_FRAGMENTS = 1


def altered(capture: Capture, pairs: Iterable[tuple[int, int]]) -> Iterator[Fault]:
    """Yield the pairs of which one has a VLAN tag, or one is half a datagram."""
    for near, far in pairs:
        if capture.vlan[near] != capture.vlan[far]:
            tags = f"{capture.vlan[near]}", f"{capture.vlan[far]}"
            yield Fault("vlan", *tags, near)
        same_size = capture.payload_len[near] == capture.payload_len[far]
        flags = capture.ip_flags[near] ^ capture.ip_flags[far]
        if same_size and flags & _MORE_FRAGMENTS:
            yield Fault("fragment", "as many fragments at both points", "more", near)


def turned(
    capture: Capture, pairs: Sequence[tuple[int, int]], is_reply: Callable[[int], bool]
) -> Iterator[Fault]:
    """Yield the first packet that came into the host where its direction leaves it.

    All packets of one direction come from the same side; the tap knows which.
    """
    came: dict[bool, int] = {}
    for near, _ in pairs:
        way = int(capture.direction[near])
        if came.setdefault(is_reply(near), way) != way:
            names = (Direction(came[is_reply(near)]), Direction(way))
            want, got = (f"{one.name.lower()} at the inside" for one in names)
            yield Fault("crossing", want, got, near)
            return


def stuck(
    capture: Capture, alone: Sequence[int], told: Collection[int]
) -> Iterator[Fault]:
    """Yield a packet that did not cross, in a flow that does.

    Of those that no story tells, only a bare acknowledgement counts: nobody else would
    miss it. An error or a reset that the host itself sends is a refusal.
    """
    for row in alone:
        if is_error(capture, row):
            continue
        role = role_of(capture, row) if capture.proto[row] == TCP else ""
        sent = capture.direction[row] == Direction.OUTBOUND
        if role == "ack" or (row in told and not (role == "RST" and sent)):
            got = "seen at this one only"
            yield Fault(UNPAIRED, "seen at both points", got, row)
