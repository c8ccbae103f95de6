"""A neighbour that has a route to the containers asks one past the published port.

Up to engine 27 it was answered, untranslated; engine 28 drops it before anything else.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.protocol import Node
    from pytest_netlab.session import Netlab


@pytest.mark.netlab
def test_direct_published(netlab: Netlab) -> None:
    """Whether a published container answers who talks to its own address."""
    with (
        _route(netlab.host01, netlab.web.address, via=netlab.host.address),
        netlab.capture("uplink", "docker0") as trace,
    ):
        # Shorter than the first retransmission: every run has the same packets.
        url = f"http://{netlab.web.address}:80/"
        asked = ("curl", "-sf", "--connect-timeout", "0.7", url)
        answer = netlab.host01.run(*asked, check=False)

    netlab.check(trace)
    reached = {row[0] for row in trace.table} == {"uplink", "docker0"}
    assert reached == (answer.returncode == 0)
    assert trace.rewrites("tcp") == []


@contextmanager
def _route(node: Node, address: str, *, via: str) -> Iterator[None]:
    """Give a node a route for the length of the block."""
    node.run("ip", "route", "add", f"{address}/32", "via", via)
    try:
        yield
    finally:
        node.run("ip", "route", "del", f"{address}/32")
