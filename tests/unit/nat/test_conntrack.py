"""Entries of connection tracking as flows in symbols."""

from __future__ import annotations

import pytest

from pytest_netlab.flows import ICMP, TCP, Tuple5
from pytest_netlab.nat import Connection, answers, full, held, tracked

NAMES = {"172.16.211.1": "host01", "172.16.211.128": "host", "172.17.0.5": "web"}
LISTED = """\
ipv4     2 tcp      6 117 TIME_WAIT src=172.16.211.1 dst=172.16.211.128 sport=4 \
dport=81 src=172.17.0.5 dst=172.16.211.1 sport=80 dport=4 [ASSURED] mark=0 use=1
icmp     1 29 src=172.17.0.5 dst=172.16.211.1 type=8 code=0 id=7 src=172.16.211.1 \
dst=172.16.211.128 type=0 code=0 id=7 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.
"""


def test_tracked() -> None:
    """An entry is named as a flow is, and says what translation made of it."""
    assert tracked(LISTED, NAMES) == (
        Connection("tcp", "host01", "host:81", "host01", "web:80"),
        Connection("icmp echo", "web", "host01", "host", "host01"),
    )


def test_held() -> None:
    """What replies are sent to, of entries and of events, is held by somebody."""
    event = "[DESTROY] udp src=172.17.0.2 dst=8.8.8.8 sport=5 dport=53 "
    event += "src=8.8.8.8 dst=172.16.211.128 sport=53 dport=5\n"

    assert held(LISTED + event) == {
        "tcp 172.17.0.5 172.16.211.1 80 4",
        "icmp 172.16.211.1 172.16.211.128 7",
        "udp 8.8.8.8 172.16.211.128 53 5",
    }


def test_answers() -> None:
    """A flow names the tuple of its replies in the same words."""
    ping = Tuple5(ICMP, "172.16.211.128", 7, "172.16.211.1", 7)
    web = Tuple5(TCP, "172.16.211.1", 4, "172.17.0.5", 80)

    assert {answers(ping), answers(web)} == held(LISTED)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("262144", "262144 of 262144 connections"),
        ("262000", "262000 of 262144 connections"),
        ("200000", ""),
        pytest.param("9" * 5000, "", id="digits"),  # Python converts 4300 of them
    ],
)
def test_full(count: str, expected: str) -> None:
    """A table is full where it holds all it can, but for what has just ended."""
    lines = f"net.netfilter.nf_conntrack_count = {count}\n"

    assert full(lines + "net.netfilter.nf_conntrack_max = 262144\n") == expected
    assert full(lines) == full("") == ""
