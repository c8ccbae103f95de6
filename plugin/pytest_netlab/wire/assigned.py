"""Assigned numbers of link types, protocols and message types.

It imports nothing, so that every protocol can import it. Compiled modules copy the
numbers into C integers.
"""

from __future__ import annotations

from typing import Final

# Link types (tcpdump.org/linktypes.html); RAW has four more numbers.
NULL: Final = 0
ETHERNET: Final = 1
PPP: Final = 9
BSD_RAW: Final = 12
OPENBSD_RAW: Final = 14
PPP_HDLC: Final = 50
PPP_ETHER: Final = 51
RAW: Final = 101
C_HDLC: Final = 104
LOOP: Final = 108
SLL: Final = 113
PPP_DIRECTED: Final = 204
RAW4: Final = 228
RAW6: Final = 229
NFLOG: Final = 239
SLL2: Final = 276

# Ethertypes (IEEE 802).
IPV4: Final = 0x0800
ARP: Final = 0x0806
IPV6: Final = 0x86DD
VLAN: Final = 0x8100
QINQ: Final = 0x88A8
OLD_QINQ: Final = 0x9100
MPLS: Final = 0x8847
MPLS_MULTICAST: Final = 0x8848
PPPOE: Final = 0x8864  # a session
BRIDGED: Final = 0x6558  # a whole Ethernet frame, in tunnels
ERSPAN: Final = 0x88BE

# Protocols above IP.
ICMP: Final = 1
IPIP: Final = 4
TCP: Final = 6
UDP: Final = 17
IPV6_IN_IP: Final = 41
GRE: Final = 47
ICMP6: Final = 58

# Types of ICMP (RFC 792), and a code of UNREACHABLE (RFC 1191).
ECHO_REPLY: Final = 0
UNREACHABLE: Final = 3
SOURCE_QUENCH: Final = 4
REDIRECT: Final = 5
ECHO_REQUEST: Final = 8
TIME_EXCEEDED: Final = 11
PARAMETER_PROBLEM: Final = 12
FRAGMENTATION_NEEDED: Final = 4

# Types of ICMPv6 (RFC 4443): those below the first query are errors.
UNREACHABLE6: Final = 1
TOO_BIG6: Final = 2
TIME_EXCEEDED6: Final = 3
PARAMETER_PROBLEM6: Final = 4
FIRST_QUERY6: Final = 128
ECHO_REQUEST6: Final = 128
ECHO_REPLY6: Final = 129
# RFC 4861, 2710, 3810: neighbour discovery and multicast listeners concern one link.
FIRST_LINK6: Final = 130
LAST_LINK6: Final = 137
LISTENER_REPORT6: Final = 143
