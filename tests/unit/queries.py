"""Queries of containers, and how a host sends them on: with their port, or not."""

from __future__ import annotations

from dataclasses import replace

from tests.traffic import (
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    INSIDE,
    NAMES,
    OUTSIDE,
    OWN,
    Packet,
    routed,
    two_points,
)

from pytest_netlab.capture import Capture
from pytest_netlab.flows import UDP, Tuple5

KEPT, MOVED = 5000, 6000
RULE = "nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE"
RANDOM = f"{RULE} --random-fully"


def captured(*ports: int | None) -> Capture:
    """Return queries of c1 and c2, from the same port; the host sends from these.

    None: a query leaves as it came.
    """
    seen: list[tuple[str, Packet | bytes]] = []
    for client, port in zip((C1, C2), ports, strict=False):
        seen += _query(client, port)
    capture = two_points(seen)
    inside, outside = capture.interfaces
    interfaces = [replace(inside, addresses=OWN), outside]
    return Capture.from_frames(capture.frames(), interfaces, NAMES)


def _query(client: str, port: int | None) -> list[tuple[str, Packet]]:
    met = Tuple5(UDP, client, KEPT, HOST01, 53)
    sent = met if port is None else met._replace(src=HOST, sport=port)
    ask = Packet(key=met, data=client.encode(), ip_id=1, direction=IN)
    answer = Packet(
        key=sent.reply, data=client.encode(), ip_id=2, reply=True, direction=IN
    )
    return [
        (INSIDE, ask),
        (OUTSIDE, routed(ask, sent)),
        (OUTSIDE, answer),
        (INSIDE, routed(answer, met.reply)),
    ]
