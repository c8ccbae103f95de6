"""What may be between a link header and IP: tags, sessions, labels, bridged frames.

A step leads over one of them. It is one number: the offset of what follows times 65536,
plus the ethertype that announces that, 0 if it is not decoded; -1 if it is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import ethernet, mpls, pppoe
from pytest_netlab.wire.assigned import (
    BRIDGED,
    IPV4,
    IPV6,
    MPLS,
    MPLS_MULTICAST,
    PPPOE,
)
from pytest_netlab.wire.encapsulation import Encapsulation

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

TYPES: Final = 0x10000
_MAX_LAYERS = 8

_PPPOE, _MPLS = int(Encapsulation.PPPOE), int(Encapsulation.MPLS)

# Compiled, this is a C integer; this makes it visible to Python.
globals().update(TYPES=TYPES)


def step(kind: int, frame: bytes, at: int, limit: int) -> int:
    """Return what is behind a header of this ethertype; 0 where none is known."""
    if kind == PPPOE:
        return pppoe.inner(frame, at, limit)
    if kind in (MPLS, MPLS_MULTICAST):
        return mpls.inner(frame, at, limit)
    if kind == BRIDGED:
        return ethernet.inner(frame, at, limit)
    return ethernet.inner_tags(kind, frame, at, limit) if ethernet.is_tag(kind) else 0


def flag(kind: int) -> int:
    """Return the `Encapsulation` of a header of this ethertype."""
    if kind == PPPOE:
        return _PPPOE
    return _MPLS if kind in (MPLS, MPLS_MULTICAST) else 0


def decode(kind: int, frame: bytes, at: int, row: int, out: Columns) -> int:
    """Return where the IP packet is behind the header of this type, as `find` does.

    `out.end` becomes the end of a session's frame.
    """
    found = find(kind, frame, at, out.limit, out)
    if found > 0:
        out.encapsulation[row] |= out.removed
        if kind == PPPOE:
            pppoe.end(frame, at, row, out)
    return found


def find(kind: int, frame: bytes, at: int, limit: int, out: Columns) -> int:
    """Return the step to the IP packet behind the header of this type.

    It is 0 if there is no such packet, or -1 if a header is cut. `out.removed` becomes
    the `Encapsulation` of what is in front; the row is left alone, since it is of
    something else until the packet proves to be one.
    """
    out.removed = 0
    for _ in range(_MAX_LAYERS):
        if is_ip(kind):
            return at * TYPES + kind
        following = step(kind, frame, at, limit)
        if following <= 0:
            return following
        out.removed |= flag(kind)
        kind, at = following % TYPES, following // TYPES
    return 0


def is_ip(kind: int) -> bool:
    """Return whether the ethertype announces an IP packet."""
    return kind in (IPV4, IPV6)
