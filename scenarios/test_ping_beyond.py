"""A container pings a neighbour of its host: the source is translated and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_netlab.session import Netlab


@pytest.mark.netlab
def test_ping_beyond(netlab: Netlab) -> None:
    """A container's ping leaves with the host's address and comes back to it."""
    with netlab.capture("docker0", "uplink") as trace:
        netlab.c1.run("ping", "-c", "1", "-w", "3", netlab.host01.address)

    netlab.check(trace)
    assert trace.table == [
        ("docker0", "c1", "host01", "echo request", 64),
        ("uplink", "host", "host01", "echo request", 63),
        ("uplink", "host01", "host", "echo reply", 64),
        ("docker0", "host01", "c1", "echo reply", 63),
    ]
    assert trace.rewrites("icmp") == [("snat", "c1", "host")]
