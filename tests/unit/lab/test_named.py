"""Addresses that nodes got later have their names, but not every one of the host."""

from __future__ import annotations

from pytest_netlab.lab.named import later

KNOWN = {"172.17.0.2": "c1", "172.16.211.128": "host", "172.17.0.1": "bridge"}


def test_node() -> None:
    """All addresses of a container or neighbour are its own, but link-local ones."""
    listed = [
        "fd00::2/64",
        "fe80::1/64",
        "172.17.0.2/16",
        "172.17.9.9/32",
        "169.254.1.1/16",
    ]

    assert later("c1", listed, KNOWN) == {"fd00::2": "c1", "172.17.9.9": "c1"}


def test_host() -> None:
    """The host has one address of each version: the oldest, which comes last."""
    listed = ["172.16.211.128/24", "172.16.211.9/24", "fd00::9/64", "fd00::1/64"]

    assert later("host", listed, KNOWN) == {"fd00::1": "host"}
    assert later("bridge", ["172.17.0.1/16", "172.17.0.254/16"], KNOWN) == {}
    assert later("host", listed, {**KNOWN, "fd00::1": "host"}) == {}
