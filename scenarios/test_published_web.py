"""A neighbour browses to a published port: the destination is translated and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_netlab.session import Netlab


@pytest.mark.netlab
def test_published_web(netlab: Netlab) -> None:
    """A published port reaches the container with the client's own address."""
    with netlab.capture("uplink", "docker0") as trace:
        url = f"http://{netlab.host.address}:81/"
        page = netlab.host01.run("curl", "-sf", "--max-time", "3", url)

    netlab.check(trace)
    assert "listing" in page.stdout.lower()
    assert trace.rewrites("tcp") == [("dnat", "host:81", "web:80")]
    assert trace.table[:4] == [
        ("uplink", "host01:port#1", "host:81", "SYN", 64),
        ("docker0", "host01:port#1", "web:80", "SYN", 63),
        ("docker0", "web:80", "host01:port#1", "SYN-ACK", 64),
        ("uplink", "host:81", "host01:port#1", "SYN-ACK", 63),
    ]
    assert netlab.host01.address in netlab.web.container.logs().decode()
