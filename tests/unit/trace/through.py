"""Packets that a host forwards or keeps, with the traversals that a trace has of them.

Knows which packet is which; pairs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.traffic import IN, INSIDE, OUTSIDE, UNKNOWN, Packet, routed, two_points

from pytest_netlab.flows import TCP, Tuple5, role_of
from pytest_netlab.trace.traversal import Traversal
from pytest_netlab.trace.values import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_netlab.capture import Capture


def through(
    packets: Sequence[Packet], asked: Tuple5, stuck: Collection[int] = ()
) -> tuple[Capture, list[Traversal]]:
    """Return the capture of these packets, and their traversals in order.

    Each reaches the host unless its way says otherwise, and crosses it unless it is one
    of the `stuck`. `asked` is the key of requests.
    """
    sightings: list[tuple[str, Packet | bytes]] = []
    rows = []
    for number, one in enumerate(packets):
        came = replace(one, direction=IN) if one.direction == UNKNOWN else one
        seen = [(OUTSIDE, came), (INSIDE, routed(one))][: 1 if number in stuck else 2]
        rows.append(tuple(range(len(sightings), len(sightings) + len(seen))))
        sightings += seen
    capture = two_points(sightings)
    found = [
        Traversal(
            at,
            (Step.FORWARDED,) * (len(at) - 1),
            reply=one.key == asked.reply,
            role=role_of(capture, at[0]) if one.key.proto == TCP else None,
        )
        for at, one in zip(rows, packets, strict=True)
    ]
    return capture, found
