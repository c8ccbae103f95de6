"""Compare the facts that `observations` keeps of the two sides of a packet.

In the hot loop after pairing. Bits say what differs; `flagged` describes it.
"""

from __future__ import annotations

from typing import Final

from pytest_netlab.nat.pairing import observations
from pytest_netlab.wire import Checksum, Direction, ipv4

# What may be wrong with a packet; `mapping_table` has what may be with its mapping.
TOS: Final = 2
FLAGS: Final = 4
OPTIONS: Final = 8
IP_CHECKSUM: Final = 16
L4_CHECKSUM: Final = 32
EMBEDDED: Final = 64
URGENT: Final = 1024

_BYTE, _WORD, _THREE, _TWO = 255, 65535, 7, 3
_KEPT_FLAGS = ipv4.DF | ipv4.RESERVED
_ZERO, _BAD = int(Checksum.ZERO), int(Checksum.BAD)
_INBOUND = int(Direction.INBOUND)

# Cython makes C integers of these; this keeps them visible to Python.
globals().update(TOS=TOS, FLAGS=FLAGS, OPTIONS=OPTIONS, EMBEDDED=EMBEDDED)
globals().update(IP_CHECKSUM=IP_CHECKSUM, L4_CHECKSUM=L4_CHECKSUM, URGENT=URGENT)


def compare(near: int, far: int) -> int:
    """Return the bits of what a router changed of a packet that it may not change.

    RFC 2474 (tos), RFC 768 (no UDP checksum), RFC 5508 (errors). `steps` has the ttl.
    """
    bits = 0
    if (near ^ far) >> observations.TOS & _BYTE:
        bits |= TOS
    if (near ^ far) >> observations.FLAGS & _KEPT_FLAGS:
        bits |= FLAGS
    if (near ^ far) >> observations.URGENT & _WORD:
        bits |= URGENT
    if _is_bad(near, far, observations.IP_CHECKSUM):
        bits |= IP_CHECKSUM
    if _is_bad(near, far, observations.L4_CHECKSUM):
        bits |= L4_CHECKSUM
    if (near | far) >> observations.WRONGLY_EMBEDDED & 1:
        bits |= EMBEDDED
    return bits


def left_inside(near: int, far: int) -> int:
    """Return whether a packet travelled outwards: by direction if known, else by ttl.

    A router lowers the ttl, but a rule that sets it must not reverse the flow.
    """
    uniflow = near >> observations.DIRECTION & _TWO
    if uniflow:
        return 1 if uniflow == _INBOUND else 0
    return 1 if (near & _BYTE) > (far & _BYTE) else 0


def _is_bad(near: int, far: int, shift: int) -> bool:
    """Return whether a checksum is wrong, or absent on one side only."""
    here, there = near >> shift & _THREE, far >> shift & _THREE
    if _BAD in (here, there):
        return True
    return here != there and _ZERO in (here, there)
