"""Entries of connection tracking as flows in symbols."""

from __future__ import annotations

from pytest_netlab.nat import Connection, tracked

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
