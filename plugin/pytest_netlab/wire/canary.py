"""The canary: a frame that proves that a capture point captures. Knows no sockets.

Canaries stay in a capture as the proof for later readers; layers that look for traffic
skip them (`is_canary`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pytest_netlab.wire import ethernet
from pytest_netlab.wire.assigned import QINQ, VLAN

ETHERTYPE = (
    0x88B5  # IEEE Std 802 local experimental 1: no stack and no filter acts on it
)
PREFIX = b"pytest-netlab canary "
BROADCAST = b"\xff" * 6  # crosses a bridge whatever its forwarding table knows

CanaryKind = Literal["open", "close"]

_TYPE = ETHERTYPE.to_bytes(2, "big")
_TAGS = (VLAN.to_bytes(2, "big"), QINQ.to_bytes(2, "big"))
_FIELDS = 3


class Canary(NamedTuple):
    """The content of a canary.

    Attributes:
        nonce: which run sent it.
        point: the capture point it is for.
        kind: "open" before the traffic, "close" after it.

    """

    nonce: str
    point: str
    kind: str


def build(canary: Canary, source: bytes) -> bytes:
    """Return the frame for a canary, sent from this hardware address."""
    return BROADCAST + source + _TYPE + PREFIX + " ".join(canary).encode()


def parse(frame: bytes) -> Canary | None:
    """Return the canary in a frame; None for any other frame."""
    kind, end = frame[ethernet.TYPE : ethernet.HEADER], ethernet.HEADER
    while kind in _TAGS:
        end += ethernet.TAG
        kind = frame[end - 2 : end]
    if kind != _TYPE or not frame.startswith(PREFIX, end):
        return None
    text = frame[end + len(PREFIX) :].rstrip(b"\0")  # a short frame may be padded
    fields = text.decode("utf-8", "replace").split(" ")
    return Canary(*fields) if len(fields) == _FIELDS else None


def is_canary(frame: bytes) -> bool:
    """Return whether an Ethernet frame is a canary, of any run."""
    return parse(frame) is not None
