"""Which headers are around the IP packet that a row is of. Knows how none is decoded.

It imports nothing of ours, so that every protocol can import it.
"""

from __future__ import annotations

from enum import IntFlag


class Encapsulation(IntFlag):
    """Headers that were removed to get to the row's IP packet; 0: none."""

    PPPOE = 1  # a PPPoE session (RFC 2516)
    MPLS = 2  # a stack of labels (RFC 3032)
    IPIP = 4  # IPv4 or IPv6 directly in either (RFC 2003, 2473, 4213)
    GRE = 8  # RFC 2784, 2890
    VXLAN = 16  # RFC 7348
    GENEVE = 32  # RFC 8926
    # Not removed, since what it carries is encrypted: the row is the UDP datagram.
    WIREGUARD = 64


# Those that have an IP header of their own, and are removed only when asked.
TUNNELS = int(
    Encapsulation.IPIP | Encapsulation.GRE | Encapsulation.VXLAN | Encapsulation.GENEVE
)
