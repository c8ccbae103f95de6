"""Recognise conversations that a user-space proxy carried. Knows payloads, no NAT.

docker-proxy accepts the client's connection and opens one of its own (moby
cmd/docker-proxy): the bytes are the same, everything below them is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import WITH_PORTS, key_of
from pytest_netlab.nat.translations import Flow
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.capture import Capture


def join_proxied(
    inside: Capture, outside: Capture, unpaired: Sequence[Flow]
) -> list[Flow]:
    """Return the unpaired flows, the two halves of a proxied one joined into one."""
    heard = {
        index: said
        for index, flow in enumerate(unpaired)
        if flow.inside and (said := _first_payload(inside, flow, Direction.INBOUND))
    }
    joined: list[Flow] = []
    used: set[int] = set()
    for index, flow in enumerate(unpaired):
        said = flow.outside and _first_payload(outside, flow, Direction.OUTBOUND)
        near = (i for i in heard if heard[i] == said and i not in used)
        match = next((i for i in near if _is_another(unpaired[i], flow)), None)
        if match is not None:
            used |= {match, index}
            joined.append(_join(unpaired[match], flow))
    return joined + [flow for i, flow in enumerate(unpaired) if i not in used]


def _is_another(near: Flow, far: Flow) -> bool:
    """Return whether the inside has another client than the outside."""
    if near.inside is None or far.outside is None:
        return False
    return near.inside.src != far.outside.src


def _join(near: Flow, far: Flow) -> Flow:
    return Flow(
        kind="proxied",
        disposition="proxied",
        initiated="outside",
        inside=near.inside,
        outside=far.outside,
        answered=near.answered and far.answered,
        inside_rows=near.inside_rows,
        outside_rows=far.outside_rows,
    )


def _first_payload(
    capture: Capture, flow: Flow, excluded: Direction
) -> tuple[int, int, int] | None:
    """Return the initiator's first payload: protocol, length, hash.

    None where it travelled in the excluded direction, as no half of a proxied flow
    does: a proxy receives on the outside and sends to the container on the inside.
    """
    key = flow.inside or flow.outside
    if key is None or key.proto not in WITH_PORTS:
        return None
    for row in flow.inside_rows or flow.outside_rows:
        if capture.payload_len[row] and key_of(capture, row) == key:
            if capture.direction[row] == excluded:
                return None
            size, digest = capture.payload_len[row], capture.payload_hash[row]
            return key.proto, int(size), int(digest)
    return None
