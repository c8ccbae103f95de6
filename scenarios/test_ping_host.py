"""A container pings its own host: the packet never reaches the uplink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_netlab.session import Netlab


@pytest.mark.netlab
def test_ping_host(netlab: Netlab) -> None:
    """A container's ping to its host is answered on docker0, untranslated."""
    with netlab.capture("docker0", "uplink") as trace:
        netlab.c1.run("ping", "-c", "1", "-W", "2", netlab.host.address)

    netlab.check(trace)
    assert trace.table == [
        ("docker0", "c1", "host", "echo request", 64),
        ("docker0", "host", "c1", "echo reply", 64),
    ]
    assert trace.rewrites("icmp") == []
