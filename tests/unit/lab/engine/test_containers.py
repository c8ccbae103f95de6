"""Containers that are no nodes: which, where, and by what they are called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import NotFound

from pytest_netlab.lab.engine.containers import others

END = {"IPAddress": "172.17.0.7", "GlobalIPv6Address": "fd00::7"}


def engine(bindings: Any, networks: Any) -> Any:
    """Return a client of an engine with a node, a container, and one that just went."""

    def inspect(one: str) -> Any:
        if one == "gone":
            raise NotFound("it is gone")
        assert one == "own"
        return {
            "HostConfig": {"PortBindings": bindings},
            "NetworkSettings": {"Networks": networks},
        }

    ids = [{"Id": one} for one in ("c1", "gone", "own")]
    api = SimpleNamespace(containers=lambda: ids, inspect_container=inspect)
    return SimpleNamespace(api=api)


@pytest.mark.parametrize(
    ("bindings", "name"),
    [
        (None, "container/none"),
        ({}, "container/none"),
        ({"80/tcp": None}, "container/none"),
        ({"80/tcp": [{"HostIp": "", "HostPort": ""}]}, "container/none"),
        ({"80/tcp": [{"HostPort": "0"}]}, "container/none"),
        ({"80/tcp": [{"HostPort": "8081"}]}, "container/8081"),
        ({"1/udp": [{"HostPort": "99"}], "80/tcp": [{"HostPort": "9"}]}, "container/9"),
    ],
)
def test_name(bindings: Any, name: str) -> None:
    """It is called by the lowest port that was asked for, at all its addresses."""
    found = others(engine(bindings, {"bridge": END}), {"c1"})

    assert found == {"172.17.0.7": name, "fd00::7": name}


@pytest.mark.parametrize(
    "networks", [{}, {"mine": END}, {"bridge": {"IPAddress": ""}}, {"bridge": None}]
)
def test_elsewhere(networks: Any) -> None:
    """One on another network, or without an address yet, has no name."""
    assert others(engine(None, networks), {"c1"}) == {}
