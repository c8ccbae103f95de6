"""Tracked connections in names."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.host.tracked import PING, QUERY, WEB

from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.host.tracking import connections
from pytest_netlab.host.tracking.connections import Connection


def test_named() -> None:
    """A connection in names says what a flow is called, and what it was made."""
    names = {"172.16.211.1": "host01", "172.16.211.128": "host", "172.17.0.5": "web"}
    found = connections.named((WEB, PING), names)
    web, ping = found[WEB.original], found[PING.original]

    assert web == Connection(
        Tuple5(TCP, "host01", 4, "host", 81), Tuple5(TCP, "web", 80, "host01", 4)
    )
    assert f"{web}" == "tcp host01 -> host:81, sent on as host01 -> web:80"
    assert f"{ping}" == "icmp echo web -> host01, sent on as host -> host01"


def test_nameless() -> None:
    """An address without a name stays, and a protocol without one is no connection."""
    other = replace(QUERY, original=QUERY.original._replace(proto=2))

    assert connections.named((QUERY, other), {}) == {
        QUERY.original: Connection(QUERY.original, QUERY.reply)
    }
