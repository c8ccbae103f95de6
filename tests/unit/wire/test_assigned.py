"""Assigned numbers are those that others have."""

from __future__ import annotations

import socket

import pytest
from scapy import data
from scapy.layers.inet import icmptypes
from scapy.layers.inet6 import icmp6types

from pytest_netlab.wire import assigned


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("ICMP", socket.IPPROTO_ICMP),
        ("TCP", socket.IPPROTO_TCP),
        ("UDP", socket.IPPROTO_UDP),
        ("ICMP6", socket.IPPROTO_ICMPV6),
        ("IPV4", data.ETH_P_IP),
        ("ARP", data.ETH_P_ARP),
        ("IPV6", data.ETH_P_IPV6),
    ],
)
def test_protocols(name: str, theirs: int) -> None:
    """Protocols are those of the system and of scapy."""
    assert getattr(assigned, name) == theirs


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("ECHO_REPLY", "echo-reply"),
        ("UNREACHABLE", "dest-unreach"),
        ("SOURCE_QUENCH", "source-quench"),
        ("REDIRECT", "redirect"),
        ("ECHO_REQUEST", "echo-request"),
        ("TIME_EXCEEDED", "time-exceeded"),
        ("PARAMETER_PROBLEM", "parameter-problem"),
    ],
)
def test_icmp(name: str, theirs: str) -> None:
    """Types of ICMP are those of scapy."""
    assert icmptypes[getattr(assigned, name)] == theirs


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("UNREACHABLE6", "Destination unreachable"),
        ("TOO_BIG6", "Packet too big"),
        ("TIME_EXCEEDED6", "Time exceeded"),
        ("PARAMETER_PROBLEM6", "Parameter problem"),
        ("ECHO_REQUEST6", "Echo Request"),
        ("ECHO_REPLY6", "Echo Reply"),
        ("FIRST_LINK6", "MLD Query"),
        ("LAST_LINK6", "Redirect Message"),
        ("LISTENER_REPORT6", "MLD Report Version 2"),
    ],
)
def test_icmpv6(name: str, theirs: str) -> None:
    """Types of ICMPv6 are those of scapy."""
    assert icmp6types[getattr(assigned, name)] == theirs
